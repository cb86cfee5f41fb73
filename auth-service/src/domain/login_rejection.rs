//! Why somebody is not logged in, in one sentence with the next step; beside `reason.rs`, which says why somebody
//! who is logged in does not get what was asked.

use std::time::Duration;

use super::foreign::IssuerName;
use super::foreign::claimed_issuer::ClaimedIssuer;
use super::foreign::rules::ForeignRefusal;
use super::lockout::{Counter, Wait};
use super::reason::{ReasonCode, Refusal};
use super::service_token::{Mistyped, ServiceTokenKind};
use super::time::Timestamp;

/// Why a login is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginRejection {
    /// There is no such account, or it has another password.
    WrongCredentials,
    /// Too many wrong passwords came before.
    LockedOut(Wait),
    /// A user name without a password.
    EmptyPassword,
    /// A token that was not copied whole.
    MistypedToken(Mistyped),
    /// A web token of an issuer that is not configured.
    UnknownIssuer(ClaimedIssuer),
    /// A token of another issuer that is not accepted.
    ForeignToken {
        /// The operator's name for the issuer.
        issuer: IssuerName,
        /// Why not.
        reason: ForeignRefusal,
    },
    /// The account has changed since its password was found right: the password must be checked again.
    OutdatedLogin,
    /// The account is disabled.
    AccountDisabled,
    /// There is no such token: it was revoked, has ended, or was never made.
    UnknownToken(ServiceTokenKind),
    /// The token ended at this moment.
    ExpiredToken(ServiceTokenKind, Timestamp),
    /// A token of this kind is not accepted here, but elsewhere.
    WrongTokenKind(ServiceTokenKind),
    /// No account is linked to the subject.
    NotLinked,
    /// The token stands for an OAuth client, which can act for robot accounts only.
    ClientNeedsRobot,
    /// There is no such robot account.
    NoSuchRobot,
}

impl LoginRejection {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> ReasonCode {
        match self {
            Self::LockedOut(_) => ReasonCode::LockedOut,
            Self::AccountDisabled => ReasonCode::AccountDisabled,
            _ => ReasonCode::WrongCredentials,
        }
    }

    /// The code with the line for the user's terminal.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let code = self.code();
        let phrase = self.token_phrase().unwrap_or(code.phrase());
        Refusal { phrase, ..Refusal::of(code, &self.sentence()) }
    }

    /// What the status line says of a login without a password. Somebody with a token is not helped by a word about
    /// passwords.
    const fn token_phrase(&self) -> Option<&'static str> {
        Some(match self {
            Self::MistypedToken(_) => "wrong_credentials: this token is mistyped; copy it again",
            Self::UnknownIssuer(_) => "wrong_credentials: no issuer of this token is configured here",
            Self::EmptyPassword => "wrong_credentials: the password is empty",
            Self::UnknownToken(_) | Self::ForeignToken { reason: ForeignRefusal::Inactive, .. } => {
                "wrong_credentials: this token was revoked or is unknown; get a new one"
            }
            Self::ExpiredToken(..) | Self::ForeignToken { reason: ForeignRefusal::Expired, .. } => {
                "wrong_credentials: this token has expired; get a new one"
            }
            Self::ForeignToken { reason: ForeignRefusal::WrongAudience, .. } => {
                "wrong_credentials: this token was made for another audience"
            }
            Self::NotLinked => {
                "wrong_credentials: no account here is linked to this login; ask an administrator"
            }
            Self::ForeignToken { .. }
            | Self::WrongTokenKind(_)
            | Self::ClientNeedsRobot
            | Self::NoSuchRobot => "wrong_credentials: this token is not accepted; ask an administrator",
            Self::WrongCredentials | Self::LockedOut(_) | Self::OutdatedLogin | Self::AccountDisabled => {
                return None;
            }
        })
    }

    fn sentence(&self) -> String {
        match self {
            Self::LockedOut(wait) => return locked_out(*wait),
            Self::MistypedToken(mistyped) => return mistyped.to_string(),
            Self::UnknownIssuer(issuer) => {
                return format!("{issuer}; log in with your password, or with a token that is accepted here");
            }
            Self::ForeignToken { issuer, reason } => {
                return format!("the token from '{issuer}' {}", foreign(*reason));
            }
            Self::UnknownToken(kind) => unknown(*kind),
            Self::ExpiredToken(kind, end) => return expired(*kind, *end),
            Self::WrongTokenKind(kind) => wrong_kind(*kind),
            Self::WrongCredentials | Self::OutdatedLogin => {
                "wrong user name or password; check both and log in again"
            }
            Self::EmptyPassword => {
                "the password is empty; a program that reads the logins stored by docker may not support identity tokens: \
                 give it a personal access token as the password"
            }
            Self::AccountDisabled => "this account is disabled; ask an administrator to enable it",
            Self::NotLinked => {
                "no account here is linked to this login; log in with your password and link it, or ask an administrator \
                 to link it"
            }
            Self::ClientNeedsRobot => {
                "this token belongs to an OAuth client, not to a person, and needs a robot account; ask an administrator \
                 to link the client to one"
            }
            Self::NoSuchRobot => {
                "the robot account for this job does not exist; ask an administrator to create it"
            }
        }
        .to_owned()
    }
}

const fn unknown(kind: ServiceTokenKind) -> &'static str {
    match kind {
        ServiceTokenKind::Personal => {
            "this personal access token was revoked, or belongs to another service; use another one"
        }
        ServiceTokenKind::Identity => "this docker login was ended or revoked; run 'docker login' again",
        ServiceTokenKind::Session => "this session was ended; log in again",
    }
}

fn expired(kind: ServiceTokenKind, end: Timestamp) -> String {
    match kind {
        ServiceTokenKind::Personal => {
            format!("this personal access token expired on {}; use another one", end.date())
        }
        ServiceTokenKind::Identity => {
            format!("this docker login expired on {}; run 'docker login' again", end.date())
        }
        ServiceTokenKind::Session => "this session has expired; log in again".to_owned(),
    }
}

const fn wrong_kind(kind: ServiceTokenKind) -> &'static str {
    match kind {
        ServiceTokenKind::Personal => {
            "this is a personal access token, not an identity token; give it as the password"
        }
        ServiceTokenKind::Identity => {
            "this is an identity token, which only docker itself can use; log in with your password or a personal access \
             token"
        }
        ServiceTokenKind::Session => {
            "this is a session of the REST interface, not a password; use a personal access token"
        }
    }
}

fn locked_out(wait: Wait) -> String {
    let left = in_words(wait.left);
    match wait.counter {
        Counter::AccountFromNetwork => format!(
            "too many wrong passwords for this account came from your address, so for now even the right one is refused; \
             wait {left}, stop any job that still sends an old password, or log in with a personal access token"
        ),
        Counter::Network | Counter::WideNetwork => format!(
            "too many wrong passwords came from your network, so for now no password is accepted from it; \
             wait {left}, or log in with a personal access token"
        ),
    }
}

const fn foreign(reason: ForeignRefusal) -> &'static str {
    match reason {
        ForeignRefusal::NotGenuine => {
            "is not genuine: it is malformed or not signed by this issuer; get a new one"
        }
        ForeignRefusal::Inactive => "was revoked or has expired; get a new one",
        ForeignRefusal::Expired => "has expired; get a new one",
        ForeignRefusal::NotYetValid => {
            "is not valid yet; wait a minute, then ask an administrator to check the server's clock"
        }
        ForeignRefusal::NeverExpires => {
            "never expires, and such tokens are not accepted; get one that expires"
        }
        ForeignRefusal::WrongIssuer => "names another issuer; get a new one",
        ForeignRefusal::WrongAudience => "was made for another audience; get one made for this registry",
        ForeignRefusal::WrongClient => {
            "was issued to an OAuth client whose tokens are not accepted here; get one through another client"
        }
        ForeignRefusal::WrongType => "is not an access token; use the access token, not the ID token",
        ForeignRefusal::NoScope => {
            "names no scope, so it may not be an access token; use the access token, not the ID token"
        }
        ForeignRefusal::NoSubject => {
            "has no usable subject; ask an administrator to check subject_claim for this issuer"
        }
        ForeignRefusal::NoRobotRule => {
            "is from a job that no rule allows to act for a robot account; ask an administrator for a rule"
        }
        ForeignRefusal::BadClaim => "has a claim that cannot be read; ask an administrator",
    }
}

/// `30 seconds`, `1 minute`, `2 minutes`: rounded up, so that whoever waits that long has waited long enough.
fn in_words(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let (count, unit) =
        if seconds < 120 { (seconds.max(1), "second") } else { (seconds.div_ceil(60), "minute") };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::super::time::Timestamp;
    use super::*;

    #[test]
    fn every_refusal_is_one_line_with_a_next_step_and_its_code() {
        let kinds = [ServiceTokenKind::Personal, ServiceTokenKind::Identity, ServiceTokenKind::Session];
        let of_tokens = kinds.into_iter().flat_map(|kind| {
            [
                LoginRejection::UnknownToken(kind),
                LoginRejection::ExpiredToken(kind, Timestamp::from_millis(0)),
                LoginRejection::WrongTokenKind(kind),
            ]
        });
        let others = [
            LoginRejection::AccountDisabled,
            LoginRejection::OutdatedLogin,
            LoginRejection::NotLinked,
            LoginRejection::ClientNeedsRobot,
            LoginRejection::NoSuchRobot,
        ];
        let mut refusals: Vec<_> = of_tokens.chain(others).collect();
        refusals.extend([
            LoginRejection::WrongCredentials,
            LoginRejection::EmptyPassword,
            LoginRejection::MistypedToken(Mistyped),
            LoginRejection::UnknownIssuer(ClaimedIssuer::of("eyJh.eyJz.c2ln").unwrap()),
            LoginRejection::LockedOut(Wait {
                counter: Counter::AccountFromNetwork,
                left: Duration::from_secs(61),
            }),
            LoginRejection::LockedOut(Wait { counter: Counter::Network, left: Duration::from_secs(61) }),
        ]);
        let foreign = [
            ForeignRefusal::NotGenuine,
            ForeignRefusal::Inactive,
            ForeignRefusal::Expired,
            ForeignRefusal::NotYetValid,
            ForeignRefusal::NeverExpires,
            ForeignRefusal::WrongIssuer,
            ForeignRefusal::WrongAudience,
            ForeignRefusal::WrongClient,
            ForeignRefusal::WrongType,
            ForeignRefusal::NoScope,
            ForeignRefusal::NoSubject,
            ForeignRefusal::NoRobotRule,
            ForeignRefusal::BadClaim,
        ];
        refusals.extend(
            foreign.map(|reason| LoginRejection::ForeignToken { issuer: IssuerName::new("hub"), reason }),
        );
        for refused in refusals {
            let Refusal { message, phrase, .. } = refused.refusal();
            assert!(phrase.starts_with(refused.code().name()) && phrase.is_ascii(), "{phrase}");
            let is_of_token = message.starts_with("this token") || message.starts_with("the token from");
            assert!(!(is_of_token && phrase.contains("password")), "{message}: {phrase}");
            assert!(message.ends_with(&format!("[{}]", refused.code())), "{message}");
            assert!(!message.contains('\n') && message.contains(';'), "{message}");
            // The Synapse client takes these for an outage, and repeats the request for half an hour.
            let retried = ["try again", "timeout", "timed out", "slow down", "proxy error"];
            assert!(!retried.iter().any(|phrase| message.to_lowercase().contains(phrase)), "{message}");
        }
    }

    #[test]
    fn a_wait_is_rounded_up() {
        let words = |millis| in_words(Duration::from_millis(millis));
        let read = [0, 1000, 1001, 119_000, 120_000, 120_001].map(words);
        assert_eq!(read, ["1 second", "1 second", "2 seconds", "119 seconds", "2 minutes", "3 minutes"]);
    }
}
