//! The decision: from who asks, what is asked and what is known, to what is granted and why the rest is
//! not. One pure function; everything that can be pulled or pushed hangs on this file.

use super::access::{AccessKind, AccessSet};
use super::facts::{Facts, LifeState, ProjectFacts, RepositoryFacts, RepositorySituation, UserFacts};
use super::login::{Caller, LoginScope, Powers};
use super::project::ProjectId;
use super::reason::Reason;
use super::repository::RepositoryName;
use super::scope::{Action, Actions, Wanted, WantedName, WantedRepository};

/// Which pushes need a certified user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certification {
    /// Every push.
    Push,
    /// Only the first push of a new repository.
    Create,
    /// None.
    Off,
}

/// The operator's choices that decisions depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Which pushes need a certified user.
    pub certification: Certification,
    /// Whether open data that PUBLIC may read can be pulled without a login.
    pub anonymous_pull: bool,
}

/// Why one action is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The action.
    pub action: Action,
    /// The reason.
    pub reason: Reason,
}

/// What is decided on one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryDecision {
    /// Its name, byte for byte as asked.
    pub name: WantedName,
    /// What was asked.
    pub asked: Actions,
    /// Whether one scope asked to delete and nothing else. It changes nothing of what is granted.
    pub delete_alone: bool,
    /// What is granted.
    pub granted: Actions,
    /// What is not granted.
    pub missing: Vec<Missing>,
    /// Whether the caller may delete here: some clients ask for push when they want to delete.
    pub may_delete: bool,
    /// Whether the push is the first one, so that the name must be reserved before the token goes out.
    pub first_push: bool,
}

/// What is decided on one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// One entry for each repository asked about.
    pub repositories: Vec<RepositoryDecision>,
    /// For the catalogue of the whole registry: not asked, granted, or why not.
    pub catalogue: Option<Result<(), Reason>>,
}

/// Decides on everything that was asked. Each repository is decided on by itself, so that asking for others
/// beside it changes nothing.
#[must_use]
pub fn decide(caller: &Caller<'_>, wanted: &Wanted, facts: &Facts, policy: AccessPolicy) -> Decision {
    let repositories = wanted
        .repositories
        .iter()
        .map(|one| match &one.name {
            WantedName::Improper(_) => refuse_all(one, improper_name_reason(caller)),
            WantedName::Proper(name) => decide_on_name(caller, one, name, facts, policy),
        })
        .collect();
    Decision { repositories, catalogue: wanted.catalogue.then(|| decide_catalogue(caller)) }
}

/// Without a login, the login comes first; that a name is bad is worth telling only after that.
fn improper_name_reason(caller: &Caller<'_>) -> Reason {
    match caller {
        Caller::Anonymous => Reason::Anonymous,
        Caller::User(..) => Reason::BadName,
    }
}

fn refuse_all(wanted: &WantedRepository, reason: Reason) -> RepositoryDecision {
    RepositoryDecision {
        name: wanted.name.clone(),
        asked: wanted.actions,
        delete_alone: wanted.delete_alone,
        granted: Actions::NONE,
        missing: wanted.actions.iter().map(|action| Missing { action, reason }).collect(),
        may_delete: false,
        first_push: false,
    }
}

fn decide_catalogue(caller: &Caller<'_>) -> Result<(), Reason> {
    match caller {
        Caller::Anonymous => Err(Reason::Anonymous),
        Caller::User(_, powers) if !has_administrator_power(caller) || powers.only_in.is_some() => {
            Err(Reason::CatalogueOfAdministrators)
        }
        Caller::User(_, powers) => powers.require(LoginScope::View),
    }
}

fn decide_on_name(
    caller: &Caller<'_>,
    wanted: &WantedRepository,
    name: &RepositoryName,
    facts: &Facts,
    policy: AccessPolicy,
) -> RepositoryDecision {
    if let Some(project) = bound_elsewhere(caller, name) {
        return refuse_all(wanted, Reason::TokenProject(project));
    }
    if let Caller::User(UserFacts { robot_of: Some(project), .. }, powers) = caller
        && *project != name.project()
    {
        return decide_away(*project, *powers, wanted, name, facts, policy);
    }
    let Some(RepositorySituation { project: Some(project), repository, .. }) = facts.of(name) else {
        return refuse_all(wanted, unseen(caller));
    };
    let rules = Rules { caller, project, repository, policy };
    let mut decision = refuse_all(wanted, Reason::NotVisible);
    decision.missing.clear();
    for action in wanted.actions.iter() {
        match rules.decide(action, wanted.actions) {
            Ok(()) => decision.granted = decision.granted.with(action),
            Err(reason) => decision.missing.push(Missing { action, reason }),
        }
    }
    decision.may_delete = rules.decide(Action::Delete, Actions::NONE.with(Action::Delete)).is_ok();
    decision.first_push = *repository == RepositoryFacts::Unknown && decision.granted.has(Action::Push);
    decision
}

/// For a robot account outside of `its_project`: what anybody has there without a login, whoever it is shared with. What is
/// missing tells nothing of what is there.
fn decide_away(
    its_project: ProjectId,
    powers: Powers,
    wanted: &WantedRepository,
    name: &RepositoryName,
    facts: &Facts,
    policy: AccessPolicy,
) -> RepositoryDecision {
    let reason = Reason::RobotProject(its_project);
    if !powers.scopes.has(LoginScope::Download) {
        return refuse_all(wanted, reason);
    }
    let mut decision = decide_on_name(&Caller::Anonymous, wanted, name, facts, policy);
    for missing in &mut decision.missing {
        missing.reason = reason;
    }
    decision
}

/// The project that the caller's token is bound to, if it is not the one that is asked about. Looked at before
/// anything that is known of the repository, so that the answer tells nothing of it.
fn bound_elsewhere(caller: &Caller<'_>, name: &RepositoryName) -> Option<ProjectId> {
    match caller {
        Caller::User(_, Powers { only_in, .. }) => only_in.filter(|project| *project != name.project()),
        Caller::Anonymous => None,
    }
}

/// What somebody reads of a thing that may not be there.
fn unseen(caller: &Caller<'_>) -> Reason {
    match caller {
        Caller::Anonymous => Reason::Anonymous,
        Caller::User(..) => Reason::NotVisible,
    }
}

/// Administrators have every right, if their login may use it.
fn has_administrator_power(caller: &Caller<'_>) -> bool {
    matches!(caller, Caller::User(user, powers) if user.administrator && powers.scopes.has(LoginScope::Admin))
}

impl Powers {
    fn require(self, scope: LoginScope) -> Result<(), Reason> {
        require(self.scopes.has(scope), Reason::TokenScope { needs: scope, has: self.scopes })
    }
}

fn require(condition: bool, otherwise: Reason) -> Result<(), Reason> {
    if condition { Ok(()) } else { Err(otherwise) }
}

/// The rules for one repository.
struct Rules<'a> {
    caller: &'a Caller<'a>,
    project: &'a ProjectFacts,
    repository: &'a RepositoryFacts,
    policy: AccessPolicy,
}

impl Rules<'_> {
    /// Whether one action of those in `asked` is granted.
    fn decide(&self, action: Action, asked: Actions) -> Result<(), Reason> {
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
            Action::Pull if self.creates(asked) => Ok(()),
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
            (_, RepositoryFacts::Fenced) => Some(Reason::Fenced),
            _ => None,
        }
    }

    /// What the caller's rights are: of the local sharing where there is one, else of the project's.
    fn access(&self) -> AccessSet {
        if has_administrator_power(self.caller) {
            return AccessSet::ALL;
        }
        match self.repository {
            RepositoryFacts::Known { local_sharing: Some(sharing), .. } => sharing.access_of(self.caller),
            _ => self.project.sharing.access_of(self.caller),
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

    /// Whether this is the first push of a repository, by somebody who may: CREATE brings pull and push
    /// both, for as long as the reservation that it makes waits for the first manifest.
    fn creates(&self, asked: Actions) -> bool {
        let free_for_caller = match (self.repository, self.caller) {
            (RepositoryFacts::Unknown, _) => true,
            (RepositoryFacts::Reserved { by }, Caller::User(user, _)) => *by == user.id,
            _ => false,
        };
        free_for_caller && asked.has(Action::Push) && asked.has(Action::Pull) && self.may_create().is_ok()
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
        if self.creates(asked) {
            return Ok(());
        }
        if *self.repository == RepositoryFacts::Unknown {
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

    /// An administrator counts as certified (`synapse-api.md` 5.1).
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

#[cfg(test)]
mod properties;
#[cfg(test)]
mod table;
