//! The sentence for each reason. It is for the person who is refused: what happened, and what they do next or whom
//! they ask for what.

use super::{Reason, with_code};
use crate::domain::login_scope::LoginScopes;
use crate::domain::repository::RepositoryName;
use crate::domain::scope::{Action, RequestedName};

impl Reason {
    /// One line: what was asked, the one thing that is missing, and who can give it. `host` is the
    /// registry's name in image names. Only a name that passed the grammar is echoed.
    #[must_use]
    pub fn sentence(self, action: Action, name: &RequestedName, host: &str) -> String {
        let RequestedName::Proper(name) = name else {
            return with_code(
                self.code(),
                &format!(
                    "no image here can have this name; write {host}/syn<number>/<name>, all in lower case"
                ),
            );
        };
        with_code(self.code(), &self.about(action, name, host))
    }

    fn about(self, action: Action, name: &RepositoryName, host: &str) -> String {
        let project = name.project();
        let refused = match action {
            Action::Pull => format!("pull of {name} refused"),
            Action::Push => format!("push to {name} refused"),
            Action::Delete => format!("deletion of {name} refused"),
        };
        match self {
            Self::Anonymous => format!("{refused}: you are not logged in; run 'docker login {host}' first"),
            Self::NotVisible => format!(
                "{name} does not exist, or your account has no access to it; check the spelling, then ask an administrator for access to {project}"
            ),
            Self::BadName => format!("no image here can be called {name}"),
            Self::RepositoryInTrash => {
                format!("{refused}: it is in the trash; ask an administrator to restore it")
            }
            Self::ProjectInTrash => {
                format!("{refused}: project {project} is in the trash; ask an administrator to restore it")
            }
            Self::Quarantined => format!(
                "{refused}: this name is blocked, because the registry holds images under it that auth-service has no record of; use another name, or ask an administrator"
            ),
            Self::TokenScope { needs, has } => format!(
                "{refused}: {}, and {} also needs {}; use a token that has it, or your password",
                what_it_allows(has),
                gerund(action),
                needs.name()
            ),
            Self::TokenProject(bound) => format!(
                "{refused}: the token you are logged in with is for project {bound} only; use a token for {project}, or your password"
            ),
            Self::RobotProject(its_project) => format!(
                "{refused}: this robot account works in {its_project} only; use a robot account of {project}"
            ),
            Self::NotCertified => {
                format!(
                    "{refused}: only certified users may push; ask an administrator to certify your account"
                )
            }
            Self::NoDownload | Self::NoUpdate | Self::NoCreate | Self::NoDelete => {
                format!("{refused}: {}", self.missing_permission(action, name))
            }
            Self::PushWithoutPull => format!(
                "{refused}: your client asked for push without pull, and an upload needs both; this is an error in the client, not in your permissions"
            ),
            Self::TooManyFirstPushes(limit) => format!(
                "{refused}: you began to push {limit} new images in the last 24 hours and finished none of them; finish some, or wait until the 24 hours are over"
            ),
            Self::ProjectOfFirstPushes(limit) => format!(
                "{refused}: {limit} first pushes to {project} were begun in the last 24 hours and not finished; they must be finished, or wait until the 24 hours are over"
            ),
            Self::CatalogueOfAdministrators => String::new(),
        }
    }

    fn missing_permission(self, action: Action, name: &RepositoryName) -> String {
        let project = name.project();
        match self {
            Self::NoDownload if action == Action::Push => format!(
                "a push also reads, and your account may not pull it; ask an administrator for DOWNLOAD on {name}"
            ),
            Self::NoDownload => {
                format!("your account may not pull it; ask an administrator for DOWNLOAD on {name}")
            }
            Self::NoUpdate => format!(
                "it exists already, and your account may not change it; logging in again does not help, ask an administrator for UPDATE on {name}"
            ),
            Self::NoCreate => format!(
                "it does not exist yet, and your account may not create images in {project}; check the spelling, or ask an administrator for CREATE on {project}"
            ),
            Self::NoDelete => {
                format!("your account may not delete it; ask an administrator for DELETE on {name}")
            }
            _ => String::new(),
        }
    }

    /// The line for the catalogue of the whole registry.
    #[must_use]
    pub fn catalogue_sentence(self, host: &str) -> String {
        let text = match self {
            Self::Anonymous => format!("listing the registry needs a login; run 'docker login {host}' first"),
            Self::TokenScope { needs, has } => {
                format!(
                    "listing the registry refused: {}, and listing also needs {}; use a token that has it",
                    what_it_allows(has),
                    needs.name()
                )
            }
            _ => "only administrators may list the whole registry; ask for an image by its name".to_owned(),
        };
        with_code(self.code(), &text)
    }
}

fn what_it_allows(scopes: LoginScopes) -> String {
    let allowed = match scopes.names().as_slice() {
        [] => "nothing".to_owned(),
        [only] => format!("only {only}"),
        [several @ .., last] => format!("only {} and {last}", several.join(", ")),
    };
    format!("you are logged in with a token that allows {allowed}")
}

const fn gerund(action: Action) -> &'static str {
    match action {
        Action::Pull => "pulling",
        Action::Push => "pushing",
        Action::Delete => "deleting",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::login_scope::LoginScope;
    use crate::domain::project::ProjectId;
    use crate::domain::reason::ReasonCode;

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
