//! Why something was not granted: one stable code each, and one sentence with the next step. The sentence
//! that docker shows, `explain`, the log and the metrics all come from here (`docs/REASONS.md`).

use std::fmt;

use super::login::{LoginScope, LoginScopes};
use super::project::ProjectId;
use super::repository::RepositoryName;
use super::scope::{Action, RequestedName};

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
            Self::NoDownload => "no_download: you lack DOWNLOAD permission; ask the project's owner",
            Self::NoUpdate => "no_update: you lack UPDATE permission; ask the project's owner",
            Self::NoCreate => "no_create: you lack CREATE permission; ask the project's owner",
            Self::NoDelete => "no_delete: you lack DELETE permission; ask the project's owner",
            Self::InTrash => "in_trash: it is in the trash can; whoever put it there can restore it",
            Self::BadName => "bad_name: image names here are HOST/syn<number>/<name>",
            Self::TokenScope => "token_scope: the token's scopes do not reach; make one with more",
            Self::Anonymous => "anonymous: log in first",
            Self::ForeignService => "foreign_service: this token server does not serve that registry",
            Self::LockedOut => "locked_out: too many wrong passwords; wait, or ask an administrator",
            Self::Unavailable => "unavailable: the service cannot answer just now",
            Self::NotVisible => "not_visible: not found, or you have no access; ask the project's owner",
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

    /// One line: what was asked, the one thing that is missing, and who can give it. `host` is the
    /// registry's name in image names. Only a name that passed the grammar is echoed.
    #[must_use]
    pub fn sentence(self, action: Action, name: &RequestedName, host: &str) -> String {
        let RequestedName::Proper(name) = name else {
            return with_code(
                self.code(),
                &format!("no image here can have this name: write {host}/syn<number>/<name>, all lower case"),
            );
        };
        with_code(self.code(), &self.about(action, name, host))
    }

    fn about(self, action: Action, name: &RepositoryName, host: &str) -> String {
        let project = name.project();
        let refused = format!("{} of {name} refused", action.name());
        let owner = format!("ask the owner of {project} for it");
        match self {
            Self::Anonymous => format!("{refused}: nobody is logged in; run 'docker login {host}' first"),
            Self::NotVisible => {
                format!("{name} is not found, or you have no access; ask the owner of {project}")
            }
            Self::BadName => format!("no image here can be called {name}"),
            Self::RepositoryInTrash => {
                format!(
                    "{refused}: it is in the trash can; whoever put it there, or an administrator, can restore it"
                )
            }
            Self::ProjectInTrash => format!(
                "{refused}: project {project} is in the trash can; whoever put it there, or an administrator, can restore it"
            ),
            Self::Quarantined => format!(
                "{refused}: the registry holds images under this name that are not on record; use another name, or ask whoever runs the registry to remove them"
            ),
            Self::TokenScope { needs, has } => {
                format!("{refused}: {}; {} also needs {}", what_it_has(has), gerund(action), needs.name())
            }
            Self::TokenProject(bound) => {
                format!("{refused}: this token is for project {bound} only; use one that is not, or make one")
            }
            Self::RobotProject(its_project) => format!(
                "{refused}: this robot account has rights in {its_project} only; use one of {project}"
            ),
            Self::NotCertified => {
                format!(
                    "{refused}: only certified users may push; ask an administrator to certify your account"
                )
            }
            Self::NoDownload if action == Action::Push => {
                format!("{refused}: pushing also needs download permission (DOWNLOAD); {owner}")
            }
            Self::NoDownload => format!("{refused}: you lack download permission (DOWNLOAD); {owner}"),
            Self::NoUpdate => format!("{refused}: you lack edit permission (UPDATE) on it; {owner}"),
            Self::NoCreate => {
                format!(
                    "{refused}: it does not exist yet, and you lack CREATE permission on {project}; {owner}"
                )
            }
            Self::NoDelete => format!("{refused}: you lack delete permission (DELETE) on it; {owner}"),
            Self::PushWithoutPull => {
                format!("{refused}: an upload also reads; ask for pull and push together")
            }
            Self::TooManyFirstPushes(limit) => format!(
                "{refused}: {limit} new repositories that you began to push have no image yet; finish those, or try again when they are forgotten after 24 hours"
            ),
            Self::ProjectOfFirstPushes(limit) => format!(
                "{refused}: {limit} new repositories in {project} have no image yet; their pushes have to be finished, or are forgotten after 24 hours"
            ),
            Self::CatalogueOfAdministrators => String::new(),
        }
    }

    /// The line for the catalogue of the whole registry.
    #[must_use]
    pub fn catalogue_sentence(self, host: &str) -> String {
        let text = match self {
            Self::Anonymous => format!("listing the registry needs a login; run 'docker login {host}' first"),
            Self::TokenScope { needs, has } => {
                format!(
                    "listing the registry refused: {}; listing also needs {}",
                    what_it_has(has),
                    needs.name()
                )
            }
            _ => "listing the whole registry is for administrators; projects list their own repositories"
                .to_owned(),
        };
        with_code(self.code(), &text)
    }
}

fn what_it_has(scopes: LoginScopes) -> String {
    match scopes.names().as_slice() {
        [] => "this token has no scope".to_owned(),
        [one] => format!("this token has scope {one}"),
        several => format!("this token has scopes {}", several.join(" ")),
    }
}

const fn gerund(action: Action) -> &'static str {
    match action {
        Action::Pull => "pulling",
        Action::Push => "pushing",
        Action::Delete => "deleting",
    }
}

/// A sentence followed by its code in brackets: what a person quotes is what an operator searches for.
#[must_use]
pub fn with_code(code: ReasonCode, sentence: &str) -> String {
    format!("{sentence} [{code}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reason after this one. A new variant does not compile until it has its place here.
    fn next(reason: &Reason) -> Option<Reason> {
        Some(match reason {
            Reason::Anonymous => Reason::NotVisible,
            Reason::NotVisible => Reason::BadName,
            Reason::BadName => Reason::RepositoryInTrash,
            Reason::RepositoryInTrash => Reason::ProjectInTrash,
            Reason::ProjectInTrash => Reason::Quarantined,
            Reason::Quarantined => Reason::TokenScope { needs: LoginScope::Modify, has: LoginScopes::NONE },
            Reason::TokenScope { .. } => Reason::TokenProject(ProjectId::new(9)),
            Reason::TokenProject(_) => Reason::RobotProject(ProjectId::new(9)),
            Reason::RobotProject(_) => Reason::NotCertified,
            Reason::NotCertified => Reason::NoDownload,
            Reason::NoDownload => Reason::NoUpdate,
            Reason::NoUpdate => Reason::NoCreate,
            Reason::NoCreate => Reason::NoDelete,
            Reason::NoDelete => Reason::PushWithoutPull,
            Reason::PushWithoutPull => Reason::TooManyFirstPushes(1_000),
            Reason::TooManyFirstPushes(_) => Reason::ProjectOfFirstPushes(1_000),
            Reason::ProjectOfFirstPushes(_) => Reason::CatalogueOfAdministrators,
            Reason::CatalogueOfAdministrators => return None,
        })
    }

    #[test]
    fn a_sentence_is_one_line_and_ends_with_its_code() {
        let name = RequestedName::Proper(RepositoryName::parse("syn1/a").unwrap());
        for reason in std::iter::successors(Some(Reason::Anonymous), next) {
            let about_a_repository = !matches!(reason, Reason::BadName | Reason::CatalogueOfAdministrators);
            let sentence = reason.sentence(Action::Push, &name, "hub.example");
            for sentence in [&sentence, &reason.catalogue_sentence("hub.example")] {
                assert!(sentence.ends_with(&format!("[{}]", reason.code())), "{sentence}");
                assert!(!sentence.contains('\n'), "{sentence}");
            }
            assert!(sentence.contains("syn1") || !about_a_repository, "{sentence}");
        }
    }

    #[test]
    fn a_name_outside_the_grammar_is_not_echoed() {
        let name = RequestedName::Improper("evil\u{1b}[31m".into());
        let sentence = Reason::BadName.sentence(Action::Pull, &name, "hub.example");
        assert!(!sentence.contains("evil"), "{sentence}");
    }

    #[test]
    fn a_phrase_is_printable_and_begins_with_its_code() {
        for code in ReasonCode::ALL {
            let phrase = code.phrase();
            assert!(phrase.starts_with(code.name()), "{phrase}");
            assert!(phrase.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{phrase}");
        }
    }
}
