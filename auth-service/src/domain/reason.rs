//! Why something was not granted: one stable code each, and one sentence with the next step. The sentence
//! that docker shows, `explain`, the log and the metrics all come from here (`docs/REASONS.md`).

mod sentences;

use std::fmt;

use super::login_scope::{LoginScope, LoginScopes};
use super::project::ProjectId;

/// The stable code of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonCode {
    /// User name or password is wrong.
    WrongCredentials,
    /// The account is closed.
    AccountDisabled,
    /// Pushing needs a certified user.
    NotCertified,
    /// DOWNLOAD is missing.
    NoDownload,
    /// UPDATE is missing.
    NoUpdate,
    /// CREATE on the project is missing.
    NoCreate,
    /// DELETE is missing.
    NoDelete,
    /// The repository or its project is in the trash.
    InTrash,
    /// No repository here can have this name.
    BadName,
    /// The login's scopes do not reach.
    TokenScope,
    /// Nobody is logged in.
    Anonymous,
    /// The token is asked for another service.
    ForeignService,
    /// Too many wrong passwords came before.
    LockedOut,
    /// It cannot be decided or done just now.
    Unavailable,
    /// It does not exist, or the caller may not know.
    NotVisible,
}

impl ReasonCode {
    /// Every code.
    pub const ALL: [Self; 15] = [
        Self::WrongCredentials,
        Self::AccountDisabled,
        Self::NotCertified,
        Self::NoDownload,
        Self::NoUpdate,
        Self::NoCreate,
        Self::NoDelete,
        Self::InTrash,
        Self::BadName,
        Self::TokenScope,
        Self::Anonymous,
        Self::ForeignService,
        Self::LockedOut,
        Self::Unavailable,
        Self::NotVisible,
    ];

    /// The code as programs read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::AccountDisabled => "account_disabled",
            Self::NotCertified => "not_certified",
            Self::NoDownload => "no_download",
            Self::NoUpdate => "no_update",
            Self::NoCreate => "no_create",
            Self::NoDelete => "no_delete",
            Self::InTrash => "in_trash",
            Self::BadName => "bad_name",
            Self::TokenScope => "token_scope",
            Self::Anonymous => "anonymous",
            Self::ForeignService => "foreign_service",
            Self::LockedOut => "locked_out",
            Self::Unavailable => "unavailable",
            Self::NotVisible => "not_visible",
        }
    }

    /// The reason in the status line of an HTTP/1.1 answer, which is all that containerd and Kubernetes
    /// print (`docs/PROTOCOL.md`). It names nobody and nothing, so that it can be a constant.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong_credentials: wrong user name or password",
            Self::AccountDisabled => "account_disabled: this account is disabled; ask an administrator",
            Self::NotCertified => "not_certified: only certified users may push; ask an administrator",
            Self::NoDownload => {
                "no_download: your account may not pull this image; ask an administrator for DOWNLOAD"
            }
            Self::NoUpdate => {
                "no_update: your account may not change this image; ask an administrator for UPDATE"
            }
            Self::NoCreate => {
                "no_create: no such image, and your account may not create it; ask an administrator for CREATE"
            }
            Self::NoDelete => {
                "no_delete: your account may not delete this image; ask an administrator for DELETE"
            }
            Self::InTrash => "in_trash: this image is in the trash; ask an administrator to restore it",
            Self::BadName => "bad_name: image names here are HOST/syn<number>/<name>",
            Self::TokenScope => {
                "token_scope: the token you are logged in with does not allow this; use another one"
            }
            Self::Anonymous => "anonymous: you are not logged in; log in first",
            Self::ForeignService => {
                "foreign_service: token.service does not match the registry; ask an administrator"
            }
            Self::LockedOut => {
                "locked_out: too many wrong passwords; even the right one is refused for a while"
            }
            Self::Unavailable => "unavailable: not possible at the moment; nothing is wrong with your login",
            Self::NotVisible => {
                "not_visible: no such image, or no access; check the name, then ask an administrator"
            }
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why one action was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No credentials came with the request.
    Anonymous,
    /// Missing, or nothing that the caller may know of.
    NotVisible,
    /// The name can be no repository's.
    BadName,
    /// The repository is in the trash.
    RepositoryInTrash,
    /// The project is in the trash.
    ProjectInTrash,
    /// The registry holds content under the name that this service has no record of.
    Quarantined,
    /// The login lacks a scope.
    TokenScope {
        /// The scope that is missing.
        needs: LoginScope,
        /// What the login may do.
        has: LoginScopes,
    },
    /// The token is bound to another project.
    TokenProject(ProjectId),
    /// The robot account is of another project.
    RobotProject(ProjectId),
    /// The user is not certified.
    NotCertified,
    /// DOWNLOAD is missing.
    NoDownload,
    /// UPDATE is missing.
    NoUpdate,
    /// CREATE on the project is missing.
    NoCreate,
    /// DELETE is missing.
    NoDelete,
    /// Push was asked without pull, which no upload can do with.
    PushWithoutPull,
    /// The user has begun as many first pushes as one may at one time, and finished none of them.
    TooManyFirstPushes(usize),
    /// The same of everybody in the project together.
    ProjectOfFirstPushes(usize),
    /// Only administrators may list the whole registry.
    CatalogueOfAdministrators,
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        match self {
            Self::Anonymous => ReasonCode::Anonymous,
            Self::NotVisible | Self::CatalogueOfAdministrators => ReasonCode::NotVisible,
            Self::BadName => ReasonCode::BadName,
            Self::RepositoryInTrash | Self::ProjectInTrash => ReasonCode::InTrash,
            Self::Quarantined | Self::TooManyFirstPushes(_) | Self::ProjectOfFirstPushes(_) => {
                ReasonCode::Unavailable
            }
            Self::TokenScope { .. } | Self::TokenProject(_) | Self::RobotProject(_) => ReasonCode::TokenScope,
            Self::NotCertified => ReasonCode::NotCertified,
            Self::NoDownload | Self::PushWithoutPull => ReasonCode::NoDownload,
            Self::NoUpdate => ReasonCode::NoUpdate,
            Self::NoCreate => ReasonCode::NoCreate,
            Self::NoDelete => ReasonCode::NoDelete,
        }
    }
}

/// The answer to a client that gets no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: ReasonCode,
    /// One line for the user's terminal.
    pub message: String,
    /// The same without anything that changes, for the status line: `docs/PROTOCOL.md`.
    pub phrase: &'static str,
}

impl Refusal {
    /// With a line that says its code already.
    #[must_use]
    pub const fn new(code: ReasonCode, message: String) -> Self {
        Self { code, message, phrase: code.phrase() }
    }

    /// With the sentence of a line.
    #[must_use]
    pub fn of(code: ReasonCode, sentence: &str) -> Self {
        Self::new(code, with_code(code, sentence))
    }
}

/// A sentence followed by its code in brackets: what a person quotes is what an operator searches for.
#[must_use]
pub fn with_code(code: ReasonCode, sentence: &str) -> String {
    format!("{sentence} [{code}]")
}
