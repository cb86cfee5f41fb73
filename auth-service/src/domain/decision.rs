//! The decision: from who asks, what is asked and what is known, to what is granted and why the rest is
//! not. One pure function; everything that can be pulled or pushed hangs on this file.

use super::facts::{Facts, RepositoryFacts, RepositorySituation, UserFacts};
use super::login::Caller;
use super::login_scope::{LoginScope, Powers};
use super::project::ProjectId;
use super::reason::Reason;
use super::repository::RepositoryName;
use super::scope::{Action, Actions, RequestedName, RequestedRepository, RequestedScopes};

mod items;
mod rules;

pub use items::{ItemRefusal, ItemRights, Viewer};
use rules::Rules;

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
    pub name: RequestedName,
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
    /// What has to be asked of the registry before a token with this grant goes out; `None` when the name is on
    /// record.
    pub first_use: Option<FirstUse>,
}

/// What somebody who may make a repository does under a name that nothing is on record of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstUse {
    /// Pushes to it: the name is reserved, if the registry has nothing under it.
    Push,
    /// Looks whether there is anything, as clients do that read before they write: if the registry has nothing
    /// under the name, it says so itself. Nothing is reserved.
    Look,
}

/// What is decided on one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// One entry for each repository asked about.
    pub repositories: Vec<RepositoryDecision>,
    /// For the catalogue of the whole registry: not asked, granted, or why not.
    pub catalogue: Option<Result<(), Reason>>,
}

impl Decision {
    /// The names that the registry has to be asked about before a token goes out.
    pub fn first_uses(&self) -> impl Iterator<Item = (&RepositoryName, FirstUse)> {
        self.repositories.iter().filter_map(|one| match &one.name {
            RequestedName::Proper(name) => one.first_use.map(|first_use| (name, first_use)),
            RequestedName::Improper(_) => None,
        })
    }
}

/// Decides on everything that was asked. Each repository is decided on by itself, so that asking for others
/// beside it changes nothing.
#[must_use]
pub fn decide(
    caller: &Caller<'_>,
    requested: &RequestedScopes,
    facts: &Facts,
    policy: AccessPolicy,
) -> Decision {
    let repositories = requested
        .repositories
        .iter()
        .map(|one| match &one.name {
            RequestedName::Improper(_) => refuse_all(one, improper_name_reason(caller)),
            RequestedName::Proper(name) => decide_on_name(caller, one, name, facts, policy),
        })
        .collect();
    Decision { repositories, catalogue: requested.catalogue.then(|| decide_catalogue(caller)) }
}

/// Without a login, the login comes first; that a name is bad is worth telling only after that.
fn improper_name_reason(caller: &Caller<'_>) -> Reason {
    match caller {
        Caller::Anonymous => Reason::Anonymous,
        Caller::User(..) => Reason::BadName,
    }
}

fn refuse_all(requested: &RequestedRepository, reason: Reason) -> RepositoryDecision {
    let missing = requested.actions.iter().map(|action| Missing { action, reason }).collect();
    RepositoryDecision { missing, ..nothing_decided(requested) }
}

fn nothing_decided(requested: &RequestedRepository) -> RepositoryDecision {
    RepositoryDecision {
        name: requested.name.clone(),
        asked: requested.actions,
        delete_alone: requested.delete_alone,
        granted: Actions::NONE,
        missing: Vec::new(),
        may_delete: false,
        first_use: None,
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
    requested: &RequestedRepository,
    name: &RepositoryName,
    facts: &Facts,
    policy: AccessPolicy,
) -> RepositoryDecision {
    if let Some(project) = bound_elsewhere(caller, name) {
        return refuse_all(requested, Reason::TokenProject(project));
    }
    if let Caller::User(UserFacts { robot_of: Some(project), .. }, powers) = caller
        && *project != name.project()
    {
        return decide_away(*project, *powers, requested, name, facts, policy);
    }
    let Some(RepositorySituation { project: Some(project), repository, .. }) = facts.of(name) else {
        return refuse_all(requested, unseen(caller));
    };
    let rules = Rules { caller, project, repository, policy };
    let mut decision = nothing_decided(requested);
    for action in requested.actions.iter() {
        match rules.decide(action, requested.actions) {
            Ok(()) => decision.granted = decision.granted.with(action),
            Err(reason) => decision.missing.push(Missing { action, reason }),
        }
    }
    decision.may_delete = rules.decide(Action::Delete, Actions::NONE.with(Action::Delete)).is_ok();
    if *repository == RepositoryFacts::Unknown {
        decision.first_use = first_use(decision.granted);
    }
    decision
}

/// For a robot account outside of `its_project`: what anybody has there without a login, whoever it is shared with. What is
/// missing tells nothing of what is there.
fn decide_away(
    its_project: ProjectId,
    powers: Powers,
    requested: &RequestedRepository,
    name: &RepositoryName,
    facts: &Facts,
    policy: AccessPolicy,
) -> RepositoryDecision {
    let reason = Reason::RobotProject(its_project);
    if !powers.scopes.has(LoginScope::Download) {
        return refuse_all(requested, reason);
    }
    let mut decision = decide_on_name(&Caller::Anonymous, requested, name, facts, policy);
    for missing in &mut decision.missing {
        missing.reason = reason;
    }
    decision
}

fn first_use(granted: Actions) -> Option<FirstUse> {
    match (granted.has(Action::Push), granted.has(Action::Pull)) {
        (true, _) => Some(FirstUse::Push),
        (false, true) => Some(FirstUse::Look),
        (false, false) => None,
    }
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

#[cfg(test)]
mod items_properties;
#[cfg(test)]
mod items_table;
#[cfg(test)]
mod page;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod table;
