//! The decision as a table: every row of `synapse-api.md` 5.3 as `decisions.md` changes it, and the rest of
//! the choices, each a line that says who asks what of which repository and what comes out.

use std::sync::Arc;

use super::super::access::AccessSet;
use super::super::account::AccountState;
use super::super::facts::{
    Facts, LifeState, ProjectFacts, RepositoryFacts, RepositorySituation, Sharing, UserFacts,
};
use super::super::login::{Caller, LoginScopes, Powers};
use super::super::principal::{PrincipalId, TeamId, UserId};
use super::super::project::ProjectId;
use super::super::repository::RepositoryName;
use super::super::scope::RequestedScopes;
use super::{AccessPolicy, Certification, FirstUse, RepositoryDecision, decide};

const USER: i64 = 3_400_001;
const OTHER: i64 = 3_400_002;
const TEAM: i64 = 3_400_003;

/// One line of a table, with what most lines share as defaults.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the table")]
struct Row {
    certified: bool,
    administrator: bool,
    anonymous: bool,
    login: &'static str,
    bound_to: Option<i64>,
    robot_of: Option<i64>,
    project: Option<LifeState>,
    project_access: &'static str,
    through: PrincipalId,
    project_open_data: bool,
    repository: RepositoryFacts,
    asks: &'static str,
    policy: AccessPolicy,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            certified: true,
            administrator: false,
            anonymous: false,
            login: "view,download,modify,delete,admin",
            bound_to: None,
            robot_of: None,
            project: Some(LifeState::Live),
            project_access: "",
            through: PrincipalId::new(USER),
            project_open_data: false,
            repository: RepositoryFacts::PLAIN,
            asks: "pull",
            policy: AccessPolicy { certification: Certification::Push, anonymous_pull: false },
        }
    }
}

fn access(text: &str) -> AccessSet {
    if text.is_empty() { AccessSet::NONE } else { text.parse().unwrap() }
}

fn local(state: LifeState, open_data: bool, kinds: &str) -> RepositoryFacts {
    let sharing = Sharing::new([(PrincipalId::new(USER), access(kinds))]);
    RepositoryFacts::Known { state, open_data, local_sharing: Some(Arc::new(sharing)) }
}

impl Row {
    fn powers(&self) -> Powers {
        Powers { scopes: LoginScopes::parse(self.login).unwrap(), only_in: self.bound_to.map(ProjectId::new) }
    }

    fn decide(&self) -> RepositoryDecision {
        let name = RepositoryName::parse("syn5/app").unwrap();
        let project = self.project.map(|state| {
            Arc::new(ProjectFacts {
                id: ProjectId::new(5),
                state,
                open_data: self.project_open_data,
                sharing: Sharing::new([(self.through, access(self.project_access))]),
            })
        });
        let user = UserFacts {
            id: UserId::new(USER),
            certified: self.certified,
            administrator: self.administrator,
            state: AccountState::Active,
            generation: 1,
            robot_of: self.robot_of.map(ProjectId::new),
            teams: [TeamId::new(TEAM)].into(),
        };
        let situation = RepositorySituation { name, project, repository: self.repository.clone() };
        let facts = Facts { repositories: vec![situation], ..Facts::default() };
        let caller = match self.anonymous {
            true => Caller::Anonymous,
            false => Caller::User(&user, self.powers()),
        };
        let scope = format!("repository:syn5/app:{}", self.asks);
        let requested = RequestedScopes::parse([scope.as_str()], 64).unwrap();
        decide(&caller, &requested, &facts, self.policy).repositories.remove(0)
    }

    /// What comes out, as `pull push` or `pull:not_visible push:no_create` in the order of the actions.
    fn outcome(&self) -> String {
        let one = self.decide();
        let granted = one.granted.names().into_iter().map(str::to_owned);
        let missing = one.missing.iter().map(|m| format!("{}:{}", m.action.name(), m.reason.code()));
        granted.chain(missing).collect::<Vec<_>>().join(" ")
    }
}

#[track_caller]
fn expect(outcome: &str, row: &Row) {
    assert_eq!(row.outcome(), outcome);
}

const UNKNOWN: RepositoryFacts = RepositoryFacts::Unknown;
const TRASHED: RepositoryFacts =
    RepositoryFacts::Known { state: LifeState::Trashed, open_data: false, local_sharing: None };

#[test]
fn row_1_a_first_push_needs_a_certified_user_with_create_and_brings_pull() {
    let row = Row { repository: UNKNOWN, project_access: "READ,CREATE", asks: "pull,push", ..Row::default() };
    expect("pull push", &row);
    expect("pull push", &Row { project_access: "CREATE", ..row });
}

#[test]
fn row_2_an_unknown_name_grants_pull_to_whoever_may_push_first_and_to_nobody_else() {
    let row = || Row { repository: UNKNOWN, project_access: "READ,CREATE", ..Row::default() };
    expect("pull", &row());
    expect("pull", &Row { project_access: "CREATE", ..row() });
    expect("pull", &Row { project_access: "", administrator: true, certified: false, ..row() });
    expect("pull delete:not_visible", &Row { asks: "pull,delete", ..row() });
    expect("pull:not_visible", &Row { project_access: "READ,DOWNLOAD,UPDATE", ..row() });
    expect("pull:not_visible", &Row { certified: false, ..row() });
    expect("pull:not_visible", &Row { login: "view,download", ..row() });
    expect("pull:not_visible", &Row { login: "view,modify", ..row() });
    expect("pull:token_scope", &Row { bound_to: Some(6), ..row() });
    expect("pull:in_trash", &Row { project: Some(LifeState::Trashed), ..row() });
    expect("pull:anonymous", &Row { anonymous: true, ..row() });
    expect("pull:unavailable", &Row { repository: RepositoryFacts::Quarantined, ..row() });
    let with = |certification| AccessPolicy { certification, anonymous_pull: true };
    expect("pull", &Row { certified: false, policy: with(Certification::Off), ..row() });
    expect("pull:not_visible", &Row { certified: false, policy: with(Certification::Create), ..row() });
}

#[test]
fn the_registry_is_asked_before_a_first_use_and_only_then() {
    let first_use = |repository, asks| {
        Row { repository, asks, project_access: "READ,DOWNLOAD,UPDATE,CREATE", ..Row::default() }
            .decide()
            .first_use
    };
    assert_eq!(first_use(UNKNOWN, "pull,push"), Some(FirstUse::Push));
    assert_eq!(first_use(UNKNOWN, "pull"), Some(FirstUse::Look));
    assert_eq!(first_use(UNKNOWN, "delete"), None);
    for known in [RepositoryFacts::PLAIN, RepositoryFacts::Reserved { by: UserId::new(USER) }] {
        assert_eq!(first_use(known.clone(), "pull,push"), None);
        assert_eq!(first_use(known, "pull"), None);
    }
}

#[test]
fn row_3_a_first_push_without_certification_or_create_is_refused() {
    let row =
        || Row { repository: UNKNOWN, asks: "pull,push", project_access: "READ,CREATE", ..Row::default() };
    expect("pull:not_visible push:not_certified", &Row { certified: false, ..row() });
    expect("pull:not_visible push:no_create", &Row { project_access: "READ,UPDATE,DOWNLOAD", ..row() });
    expect("pull:anonymous push:anonymous", &Row { anonymous: true, ..row() });
}

#[test]
fn row_4_what_is_no_project_is_not_visible() {
    expect("pull:not_visible push:not_visible", &Row { project: None, asks: "pull,push", ..Row::default() });
    expect("pull:not_visible", &Row { project: None, administrator: true, ..Row::default() });
}

#[test]
fn rows_5_and_11_the_trash_is_closed_to_everybody_and_told_to_readers_only() {
    let gone = Some(LifeState::Trashed);
    for repository in [UNKNOWN, RepositoryFacts::PLAIN, TRASHED] {
        let row = || Row { project: gone, repository: repository.clone(), asks: "*", ..Row::default() };
        let told = "pull:in_trash push:in_trash delete:in_trash";
        expect(told, &Row { project_access: "READ", ..row() });
        expect(told, &Row { administrator: true, ..row() });
        expect(
            "pull:not_visible push:not_visible delete:not_visible",
            &Row { project_access: "DOWNLOAD,UPDATE", ..row() },
        );
    }
    expect("pull:in_trash", &Row { repository: TRASHED, project_access: "READ,DOWNLOAD", ..Row::default() });
    expect("pull:not_visible", &Row { repository: TRASHED, project_access: "DOWNLOAD", ..Row::default() });
    let closed_locally = local(LifeState::Trashed, false, "DOWNLOAD");
    expect("pull:not_visible", &Row { repository: closed_locally, project_access: "READ", ..Row::default() });
}

#[test]
fn row_6_a_push_needs_update_download_and_certification() {
    let row = || Row { asks: "pull,push", project_access: "READ,DOWNLOAD,UPDATE", ..Row::default() };
    expect("pull push", &row());
    expect("pull push:not_certified", &Row { certified: false, ..row() });
    expect("pull:no_download push:no_download", &Row { project_access: "READ,UPDATE", ..row() });
    expect("pull push:no_update", &Row { project_access: "READ,DOWNLOAD", ..row() });
}

#[test]
fn row_7_create_does_not_replace_update_on_what_exists() {
    expect(
        "pull push:no_update",
        &Row { asks: "pull,push", project_access: "READ,DOWNLOAD,CREATE", ..Row::default() },
    );
}

#[test]
fn row_8_download_is_enough_to_pull_without_read() {
    expect("pull", &Row { project_access: "DOWNLOAD", ..Row::default() });
    expect("pull", &Row { project_access: "DOWNLOAD", through: PrincipalId::new(TEAM), ..Row::default() });
    expect(
        "pull",
        &Row { project_access: "DOWNLOAD", through: PrincipalId::AUTHENTICATED_USERS, ..Row::default() },
    );
    expect(
        "pull:not_visible",
        &Row { project_access: "DOWNLOAD", through: PrincipalId::new(OTHER), ..Row::default() },
    );
    expect(
        "pull:not_visible",
        &Row { project_access: "DOWNLOAD", through: PrincipalId::PUBLIC, ..Row::default() },
    );
}

#[test]
fn row_9_open_data_turns_read_into_pull_where_sharing_is_not_local() {
    let row = || Row { project_access: "READ", project_open_data: true, ..Row::default() };
    expect("pull", &row());
    expect("pull:no_download", &Row { repository: local(LifeState::Live, false, "READ"), ..row() });
    expect(
        "pull",
        &Row { repository: local(LifeState::Live, true, "READ"), project_open_data: false, ..row() },
    );
    expect("pull:not_visible", &Row { project_access: "", ..row() });
    expect("pull push", &Row { project_access: "READ,UPDATE", asks: "pull,push", ..row() });
}

#[test]
fn anonymous_callers_pull_open_data_only_where_the_operator_allows_it() {
    let allowed = AccessPolicy { certification: Certification::Push, anonymous_pull: true };
    let row = || Row {
        anonymous: true,
        policy: allowed,
        project_access: "READ",
        through: PrincipalId::PUBLIC,
        project_open_data: true,
        ..Row::default()
    };
    expect("pull", &row());
    expect("pull push:anonymous", &Row { asks: "pull,push", ..row() });
    expect("pull:anonymous", &Row { project_open_data: false, ..row() });
    expect("pull:anonymous", &Row { through: PrincipalId::AUTHENTICATED_USERS, ..row() });
    expect("pull:anonymous", &Row { policy: Row::default().policy, ..row() });
    expect("pull:anonymous", &Row { repository: TRASHED, ..row() });
    expect("pull:anonymous", &Row { repository: UNKNOWN, ..row() });
    expect("pull:anonymous", &Row { project: None, ..row() });
}

#[test]
fn row_10_read_alone_neither_pulls_nor_pushes() {
    expect(
        "pull:no_download push:no_update",
        &Row { asks: "pull,push", project_access: "READ", ..Row::default() },
    );
}

#[test]
fn row_13_an_administrator_may_do_everything_to_what_is_live() {
    let row = || Row { administrator: true, certified: false, asks: "*", ..Row::default() };
    expect("pull push delete", &row());
    expect("pull push delete", &Row { repository: local(LifeState::Live, false, "READ"), ..row() });
    expect("pull push", &Row { repository: UNKNOWN, asks: "pull,push", ..row() });
    let ordinary_login = "view,download,modify,delete";
    expect("pull:not_visible push:not_visible delete:not_visible", &Row { login: ordinary_login, ..row() });
}

#[test]
fn row_15_a_login_gives_no_more_than_its_scopes() {
    let row = || Row { asks: "*", project_access: "READ,DOWNLOAD,UPDATE,DELETE", ..Row::default() };
    expect("pull push delete", &row());
    expect("pull push:token_scope delete:token_scope", &Row { login: "view,download", ..row() });
    expect("delete pull:token_scope push:token_scope", &Row { login: "modify,delete", ..row() });
    expect("pull push delete:token_scope", &Row { login: "download,modify", ..row() });
}

#[test]
fn a_token_bound_to_a_project_is_good_for_nothing_else_and_tells_nothing_of_it() {
    let row = || Row { asks: "pull,push", project_access: "READ,DOWNLOAD,UPDATE", ..Row::default() };
    expect("pull push", &Row { bound_to: Some(5), ..row() });
    let elsewhere = "pull:token_scope push:token_scope";
    expect(elsewhere, &Row { bound_to: Some(6), ..row() });
    expect(elsewhere, &Row { bound_to: Some(6), project_access: "", ..row() });
    expect(elsewhere, &Row { bound_to: Some(6), project: None, ..row() });
    expect(elsewhere, &Row { bound_to: Some(6), administrator: true, repository: TRASHED, ..row() });
}

#[test]
fn local_sharing_replaces_that_of_the_project() {
    let everything = "READ,DOWNLOAD,UPDATE,DELETE,CREATE";
    let opened = local(LifeState::Live, false, "READ,DOWNLOAD");
    expect("pull push:no_update", &Row { repository: opened, asks: "pull,push", ..Row::default() });
    let closed = local(LifeState::Live, false, "");
    expect("pull:not_visible", &Row { repository: closed, project_access: everything, ..Row::default() });
}

#[test]
fn a_hidden_repository_is_refused_as_if_the_name_were_free() {
    let hidden = || local(LifeState::Live, false, "");
    for rights in ["READ", "READ,DOWNLOAD,UPDATE", "DOWNLOAD", ""] {
        for asks in ["pull", "pull,push", "delete"] {
            let row = |repository| Row { repository, asks, project_access: rights, ..Row::default() };
            expect(&row(UNKNOWN).outcome(), &row(hidden()));
        }
    }
    let creator =
        Row { repository: hidden(), asks: "pull,push", project_access: "READ,CREATE", ..Row::default() };
    expect("pull:not_visible push:not_visible", &creator);
}

#[test]
fn a_reservation_counts_as_a_repository_and_serves_who_made_it() {
    let by = |user| RepositoryFacts::Reserved { by: UserId::new(user) };
    let row = |repository, project_access, asks| Row { project_access, repository, asks, ..Row::default() };
    expect("pull", &row(by(OTHER), "READ,DOWNLOAD", "pull"));
    expect("pull push", &row(by(USER), "READ,CREATE", "pull,push"));
    expect("pull", &row(by(USER), "READ,CREATE", "pull"));
    expect("pull push:no_create", &row(by(USER), "READ,DOWNLOAD,UPDATE", "pull,push"));
    expect("pull:no_download", &row(by(OTHER), "READ,CREATE", "pull"));
    expect("pull:no_download push:no_update", &row(by(OTHER), "READ,CREATE", "pull,push"));
    expect("pull push", &row(by(OTHER), "READ,DOWNLOAD,UPDATE", "pull,push"));
}

#[test]
fn a_fenced_name_is_closed() {
    let row = || Row { repository: RepositoryFacts::Quarantined, asks: "pull,push", ..Row::default() };
    expect("pull:unavailable push:unavailable", &Row { project_access: "READ,CREATE", ..row() });
    expect("pull:not_visible push:not_visible", &Row { project_access: "CREATE", ..row() });
}

#[test]
fn push_is_never_granted_alone_and_delete_needs_no_certification() {
    let rights = "READ,DOWNLOAD,UPDATE,DELETE";
    expect("push:no_download", &Row { asks: "push", project_access: rights, ..Row::default() });
    expect("delete", &Row { asks: "delete", certified: false, project_access: rights, ..Row::default() });
    expect("delete:no_delete", &Row { asks: "delete", project_access: "READ", ..Row::default() });
    expect(
        "delete:not_visible",
        &Row { asks: "delete", repository: UNKNOWN, project_access: "READ", ..Row::default() },
    );
}

#[test]
fn certification_can_be_asked_for_first_pushes_only_or_not_at_all() {
    let with = |certification| AccessPolicy { certification, anonymous_pull: false };
    let existing = |policy| Row {
        certified: false,
        policy,
        asks: "pull,push",
        project_access: "READ,DOWNLOAD,UPDATE,CREATE",
        ..Row::default()
    };
    expect("pull push", &existing(with(Certification::Create)));
    expect("pull push", &existing(with(Certification::Off)));
    let first = |policy| Row { repository: UNKNOWN, ..existing(policy) };
    expect("pull:not_visible push:not_certified", &first(with(Certification::Create)));
    expect("pull push", &first(with(Certification::Off)));
}

#[test]
fn a_robot_account_has_no_rights_outside_its_own_project_however_they_are_given() {
    for through in [USER, TEAM, PrincipalId::AUTHENTICATED_USERS.number(), PrincipalId::PUBLIC.number()] {
        let row = |robot_of| Row {
            robot_of: Some(robot_of),
            through: PrincipalId::new(through),
            project_access: "READ,DOWNLOAD,CREATE,UPDATE,DELETE",
            asks: "*",
            ..Row::default()
        };
        let nothing = "pull:token_scope push:token_scope delete:token_scope";
        for repository in [UNKNOWN, RepositoryFacts::PLAIN, TRASHED] {
            expect(nothing, &Row { repository, ..row(6) });
        }
        expect(nothing, &Row { project: None, ..row(6) });
        if through == USER {
            expect("pull push delete", &row(5));
        }
    }
}

#[test]
fn a_robot_account_pulls_elsewhere_what_nobody_has_to_log_in_for() {
    let row = || Row {
        robot_of: Some(6),
        through: PrincipalId::PUBLIC,
        project_access: "READ",
        project_open_data: true,
        policy: AccessPolicy { certification: Certification::Push, anonymous_pull: true },
        asks: "pull,push",
        ..Row::default()
    };
    expect("pull push:token_scope", &row());
    expect("pull:token_scope push:token_scope", &Row { login: "view,modify", ..row() });
    expect("pull:token_scope push:token_scope", &Row { project_open_data: false, ..row() });
}
