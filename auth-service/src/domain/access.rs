//! The eight kinds of access that sharing settings can give, and sets of them.

use std::fmt;
use std::str::FromStr;

/// One kind of access to a project or repository, named as in the Synapse API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessKind {
    /// See that it exists, and its tags.
    Read,
    /// Pull.
    Download,
    /// Push a name that does not exist yet.
    Create,
    /// Push to what exists.
    Update,
    /// Move to the trash; delete manifests.
    Delete,
    /// Change who may do what.
    ChangePermissions,
    /// Change settings other than permissions.
    ChangeSettings,
    /// Moderate; kept for clients of the Synapse API, without effect on docker.
    Moderate,
}

impl AccessKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Download,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::ChangePermissions,
        Self::ChangeSettings,
        Self::Moderate,
    ];

    /// The name that people and the REST API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Download => "DOWNLOAD",
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::ChangePermissions => "CHANGE_PERMISSIONS",
            Self::ChangeSettings => "CHANGE_SETTINGS",
            Self::Moderate => "MODERATE",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for AccessKind {
    type Err = UnknownAccessKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
            .ok_or(UnknownAccessKind)
    }
}

/// The text names no kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown access kind; write some of READ, DOWNLOAD, CREATE, UPDATE, DELETE, CHANGE_PERMISSIONS, CHANGE_SETTINGS, MODERATE"
)]
pub struct UnknownAccessKind;

/// A set of access kinds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AccessSet(u8);

impl AccessSet {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// All eight kinds: what the creator of a project gets.
    pub const ALL: Self = Self(u8::MAX);

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn has(self, kind: AccessKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The kinds in the set, in the order in which they are shown.
    pub fn iter(self) -> impl Iterator<Item = AccessKind> {
        AccessKind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    /// The set as it is stored: one bit for each kind, READ lowest.
    #[must_use]
    pub const fn to_bits(self) -> u8 {
        self.0
    }

    /// Reads what [`Self::to_bits`] gave; `None` when the number is none.
    #[must_use]
    pub fn from_bits(bits: i64) -> Option<Self> {
        u8::try_from(bits).ok().map(Self)
    }

    /// The names of the kinds in the set.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(AccessKind::name).collect()
    }
}

impl FromIterator<AccessKind> for AccessSet {
    fn from_iter<I: IntoIterator<Item = AccessKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }
}

impl FromStr for AccessSet {
    type Err = UnknownAccessKind;

    /// Reads `READ,DOWNLOAD`; at least one kind must be named.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(AccessKind::from_str).collect()
    }
}

impl fmt::Debug for AccessSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_kinds_is_read_whatever_its_case_and_shown_in_order() {
        let set: AccessSet = "download, read".parse().unwrap();
        assert_eq!(set.names(), ["READ", "DOWNLOAD"]);
        assert_eq!(AccessSet::from_bits(i64::from(set.to_bits())), Some(set));
        assert_eq!("READ,FLY".parse::<AccessSet>(), Err(UnknownAccessKind));
        assert_eq!("".parse::<AccessSet>(), Err(UnknownAccessKind));
    }
}
