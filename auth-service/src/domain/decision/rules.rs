//! The rules for one repository: which of the actions that are asked are granted, and why the others are not.

use super::super::access::{AccessKind, AccessSet};
use super::super::facts::{LifeState, ProjectFacts, RepositoryFacts};
use super::super::login::Caller;
use super::super::login_scope::LoginScope;
use super::super::reason::Reason;
use super::super::scope::{Action, Actions};
use super::{AccessPolicy, Certification, has_administrator_power, require, unseen};

/// The rules for one repository.
pub(super) struct Rules<'a> {
    pub(super) caller: &'a Caller<'a>,
    pub(super) project: &'a ProjectFacts,
    pub(super) repository: &'a RepositoryFacts,
    pub(super) policy: AccessPolicy,
}

impl Rules<'_> {
    /// Whether one action of those in `asked` is granted.
    pub(super) fn decide(&self, action: Action, asked: Actions) -> Result<(), Reason> {
        let verdict = self.decide_openly(action, asked);
        if verdict.is_ok() || self.access().has(AccessKind::Read) {
            return verdict;
        }
        // Without READ the refusal must be the one that a name gets under which there is nothing, and a push
        // that a free name would allow must fail without a word about what is in its way.
        let as_if_unknown = Rules { repository: &RepositoryFacts::Unknown, ..*self };
        match as_if_unknown.decide_openly(action, asked) {
            Err(reason) if as_if_unknown.access().has(AccessKind::Read) => Err(reason),
            _ => Err(unseen(self.caller)),
        }
    }

    fn decide_openly(&self, action: Action, asked: Actions) -> Result<(), Reason> {
        if let Caller::Anonymous = self.caller {
            let open = action == Action::Pull && self.policy.anonymous_pull && self.closed().is_none();
            return require(open && self.may_download(), Reason::Anonymous);
        }
        if let Some(reason) = self.closed() {
            return Err(reason);
        }
        match action {
            Action::Pull if self.is_free_to_create() => Ok(()),
            Action::Pull => self.decide_pull(),
            Action::Push => self.decide_push(asked),
            Action::Delete => self.decide_delete(),
        }
    }

    /// Why the repository is closed to everybody, administrators included.
    fn closed(&self) -> Option<Reason> {
        match (self.project.state, self.repository) {
            (LifeState::Trashed, _) => Some(Reason::ProjectInTrash),
            (_, RepositoryFacts::Known { state: LifeState::Trashed, .. }) => Some(Reason::RepositoryInTrash),
            (_, RepositoryFacts::Quarantined) => Some(Reason::Quarantined),
            _ => None,
        }
    }

    /// What the caller's rights are: of the local sharing where there is one, else of the project's.
    fn access(&self) -> AccessSet {
        if has_administrator_power(self.caller) {
            return AccessSet::ALL;
        }
        match self.repository {
            RepositoryFacts::Known { local_sharing: Some(sharing), .. } => {
                sharing.access_of(self.caller.user())
            }
            _ => self.project.sharing.access_of(self.caller.user()),
        }
    }

    /// Whether READ is enough to pull. The project's flag does not hold where sharing is local.
    fn is_open_data(&self) -> bool {
        match self.repository {
            RepositoryFacts::Known { local_sharing: Some(_), open_data, .. } => *open_data,
            RepositoryFacts::Known { open_data, .. } => *open_data || self.project.open_data,
            _ => self.project.open_data,
        }
    }

    fn may_download(&self) -> bool {
        let open = self.is_open_data() && self.access().has(AccessKind::Read);
        *self.repository != RepositoryFacts::Unknown
            && match self.caller {
                Caller::Anonymous => open,
                Caller::User(..) => open || self.access().has(AccessKind::Download),
            }
    }

    /// Whether nothing is under the name but what the caller may make of it: CREATE brings pull and push both,
    /// for as long as the reservation that a push makes waits for the first manifest.
    fn is_free_to_create(&self) -> bool {
        self.is_free() && self.may_create().is_ok()
    }

    /// Whether a push of the caller would be the first one.
    fn is_free(&self) -> bool {
        match (self.repository, self.caller) {
            (RepositoryFacts::Unknown, _) => true,
            (RepositoryFacts::Reserved { by }, Caller::User(user, _)) => *by == user.id,
            _ => false,
        }
    }

    fn may_create(&self) -> Result<(), Reason> {
        self.login_allows(LoginScope::Download)?;
        self.login_allows(LoginScope::Modify)?;
        require(
            self.is_certified() || self.policy.certification == Certification::Off,
            Reason::NotCertified,
        )?;
        require(self.access().has(AccessKind::Create), Reason::NoCreate)
    }

    fn decide_pull(&self) -> Result<(), Reason> {
        require(*self.repository != RepositoryFacts::Unknown, Reason::NotVisible)?;
        require(self.may_download(), Reason::NoDownload)?;
        self.login_allows(LoginScope::Download)
    }

    fn decide_push(&self, asked: Actions) -> Result<(), Reason> {
        require(asked.has(Action::Pull), Reason::PushWithoutPull)?;
        if self.is_free() {
            return self.may_create();
        }
        self.login_allows(LoginScope::Download)?;
        self.login_allows(LoginScope::Modify)?;
        require(
            self.is_certified() || self.policy.certification != Certification::Push,
            Reason::NotCertified,
        )?;
        require(self.access().has(AccessKind::Update), Reason::NoUpdate)?;
        require(self.may_download(), Reason::NoDownload)
    }

    fn decide_delete(&self) -> Result<(), Reason> {
        require(*self.repository != RepositoryFacts::Unknown, Reason::NotVisible)?;
        require(self.access().has(AccessKind::Delete), Reason::NoDelete)?;
        self.login_allows(LoginScope::Delete)
    }

    /// An administrator counts as certified.
    fn is_certified(&self) -> bool {
        has_administrator_power(self.caller) || matches!(self.caller, Caller::User(user, _) if user.certified)
    }

    fn login_allows(&self, scope: LoginScope) -> Result<(), Reason> {
        match self.caller {
            Caller::User(_, powers) => powers.require(scope),
            Caller::Anonymous => Err(Reason::Anonymous),
        }
    }
}
