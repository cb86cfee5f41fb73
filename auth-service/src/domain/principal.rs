//! Who can be named in sharing settings: users, teams and two groups that always exist.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// From the number as stored.
            #[must_use]
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number as stored.
            #[must_use]
            pub const fn number(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

number! {
    /// The stable number of a user; it is the `sub` of every registry token.
    UserId
}
number! {
    /// The stable number of a team.
    TeamId
}
number! {
    /// The number of anything that sharing settings can name: users, teams and groups share one sequence.
    PrincipalId
}

impl PrincipalId {
    /// Everybody, also without a login. This number and the next are those of Synapse: its clients send them.
    pub const PUBLIC: Self = Self(273_949);
    /// Everybody who is logged in.
    pub const AUTHENTICATED_USERS: Self = Self(273_948);
}

impl From<UserId> for PrincipalId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

impl From<TeamId> for PrincipalId {
    fn from(team: TeamId) -> Self {
        Self(team.0)
    }
}
