//! The decision on items as a table. Each line says who wants which kind of access to what, and what comes out.

use std::sync::Arc;

use super::super::access::{AccessKind, AccessSet};
use super::super::account::AccountState;
use super::super::facts::{ItemFacts, LifeState, ProjectFacts, RepositoryFacts, Sharing, UserFacts};
use super::super::login::Caller;
use super::super::login_scope::{LoginScopes, Powers};
use super::super::principal::{PrincipalId, UserId};
use super::super::project::{EntityId, ProjectId};
use super::super::repository::RepositoryName;
use super::{AccessPolicy, Certification, ItemRights};

const USER: i64 = 3_400_001;

/// One line of the table, with what most lines share as defaults.
struct Row {
    /// `alice` (certified), `carol` (not certified), `ada` (an administrator), `robot` (certified), `nobody`.
    caller: &'static str,
    login: &'static str,
    bound_to: Option<i64>,
    robot_of: Option<i64>,
    /// What the project gives, and to whom.
    access: &'static str,
    through: PrincipalId,
    project: LifeState,
    open_data: bool,
    /// The repository; without one, the item is the project.
    repository: Option<RepositoryFacts>,
    exists: bool,
    policy: AccessPolicy,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            caller: "alice",
            login: "view,download,modify,delete,admin",
            bound_to: None,
            robot_of: None,
            access: "READ",
            through: PrincipalId::new(USER),
            project: LifeState::Live,
            open_data: false,
            repository: Some(RepositoryFacts::PLAIN),
            exists: true,
            policy: AccessPolicy { certification: Certification::Push, anonymous_pull: false },
        }
    }
}

fn access(text: &str) -> AccessSet {
    if text.is_empty() { AccessSet::NONE } else { text.parse().unwrap() }
}

fn local(state: LifeState, kinds: &str) -> RepositoryFacts {
    let sharing = Sharing::new([(PrincipalId::new(USER), access(kinds))]);
    RepositoryFacts::Known { state, open_data: false, local_sharing: Some(Arc::new(sharing)) }
}

impl Row {
    fn outcome(&self, kind: AccessKind) -> String {
        let project = Arc::new(ProjectFacts {
            id: ProjectId::new(5),
            state: self.project,
            open_data: self.open_data,
            sharing: Sharing::new([(self.through, access(self.access))]),
        });
        let item = match self.repository.clone() {
            None => Some(ItemFacts::of_project(project)),
            Some(repository) => {
                ItemFacts::of_repository(RepositoryName::parse("syn5/app").unwrap(), project, repository)
            }
        };
        let user = UserFacts {
            id: UserId::new(USER),
            certified: matches!(self.caller, "alice" | "robot"),
            administrator: self.caller == "ada",
            state: AccountState::Active,
            generation: 1,
            robot_of: self.robot_of.map(ProjectId::new),
            teams: Box::default(),
        };
        let scopes = LoginScopes::parse(self.login).unwrap();
        let caller = match self.caller {
            "nobody" => Caller::Anonymous,
            _ => Caller::User(&user, Powers { scopes, only_in: self.bound_to.map(ProjectId::new) }),
        };
        let item = item.as_ref().filter(|_| self.exists);
        let outcome = ItemRights::of(caller, item, self.policy).and_then(|rights| rights.require(kind));
        match outcome {
            Ok(()) => "yes".to_owned(),
            Err(refusal) => {
                let sentence = refusal.sentence(EntityId::new(9));
                assert!(sentence.len() > 20 && sentence.chars().all(|c| !c.is_control()), "{sentence}");
                refusal.code().map_or_else(|| format!("lacks {}", kind.name()), |code| code.to_string())
            }
        }
    }
}

#[track_caller]
fn expect(outcome: &str, kind: AccessKind, row: &Row) {
    assert_eq!(row.outcome(kind), outcome);
}

/// Everything but READ.
fn others() -> impl Iterator<Item = AccessKind> {
    AccessKind::ALL.into_iter().filter(|kind| *kind != AccessKind::Read)
}

#[test]
fn read_shows_an_item_and_gives_nothing_else() {
    for repository in [None, Some(RepositoryFacts::PLAIN)] {
        let row = || Row { repository: repository.clone(), ..Row::default() };
        expect("yes", AccessKind::Read, &row());
        let outcomes: Vec<String> = others().map(|kind| row().outcome(kind)).collect();
        assert_eq!(
            outcomes,
            [
                "no_download",
                "no_create",
                "no_update",
                "no_delete",
                "lacks CHANGE_PERMISSIONS",
                "lacks CHANGE_SETTINGS",
                "lacks MODERATE"
            ]
        );
        for kind in AccessKind::ALL {
            let given = Box::leak(format!("READ,{}", kind.name()).into_boxed_str());
            expect("yes", kind, &Row { access: given, ..row() });
        }
    }
}

#[test]
fn without_read_every_answer_is_that_of_an_item_that_does_not_exist() {
    let without_read = "DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE";
    for kind in AccessKind::ALL {
        for repository in [None, Some(RepositoryFacts::PLAIN), Some(local(LifeState::Trashed, without_read))]
        {
            let row = || Row { access: without_read, repository: repository.clone(), ..Row::default() };
            expect("not_visible", kind, &row());
            expect("not_visible", kind, &Row { project: LifeState::Trashed, ..row() });
            expect("not_visible", kind, &Row { exists: false, ..row() });
            expect("not_visible", kind, &Row { bound_to: Some(5), ..row() });
            expect("anonymous", kind, &Row { caller: "nobody", ..row() });
            expect("anonymous", kind, &Row { caller: "nobody", exists: false, ..row() });
        }
        for repository in [RepositoryFacts::Unknown, RepositoryFacts::Quarantined] {
            expect("not_visible", kind, &Row { repository: Some(repository), ..Row::default() });
        }
    }
}

#[test]
fn local_sharing_replaces_that_of_the_project() {
    let row = |kinds| Row { repository: Some(local(LifeState::Live, kinds)), ..Row::default() };
    expect("yes", AccessKind::Read, &Row { access: "", ..row("READ") });
    expect("not_visible", AccessKind::Read, &row("DOWNLOAD"));
    expect("no_update", AccessKind::Update, &Row { access: "READ,UPDATE", ..row("READ") });
}

#[test]
fn the_trash_is_told_to_readers_only_and_closed_to_administrators() {
    for kind in AccessKind::ALL {
        let trashed = |caller| Row { caller, project: LifeState::Trashed, ..Row::default() };
        expect("in_trash", kind, &trashed("alice"));
        expect("in_trash", kind, &trashed("ada"));
        let repository = Some(local(LifeState::Trashed, "READ"));
        expect("in_trash", kind, &Row { repository, ..Row::default() });
    }
}

#[test]
fn administrators_have_every_right_if_their_login_may_use_it() {
    for kind in AccessKind::ALL {
        expect("yes", kind, &Row { caller: "ada", access: "", ..Row::default() });
        let login = "view,download,modify";
        expect("not_visible", kind, &Row { caller: "ada", access: "", login, ..Row::default() });
    }
}

#[test]
fn a_login_needs_view_to_see_and_modify_to_change() {
    let all = "READ,DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE";
    for kind in AccessKind::ALL {
        let row = |login| Row { access: all, login, ..Row::default() };
        expect("token_scope", kind, &row("download,modify,delete"));
        expect("token_scope", kind, &Row { exists: false, ..row("download,modify") });
        let expected = match kind {
            AccessKind::Read => ["yes", "yes", "yes"],
            AccessKind::Download => ["token_scope", "yes", "token_scope"],
            _ => ["token_scope", "token_scope", "yes"],
        };
        for (login, expected) in ["view", "view,download", "view,modify"].into_iter().zip(expected) {
            expect(expected, kind, &row(login));
        }
    }
}

#[test]
fn a_token_bound_to_a_project_shows_nothing_of_others() {
    let row = |bound_to| Row { bound_to: Some(bound_to), ..Row::default() };
    expect("yes", AccessKind::Read, &row(5));
    expect("not_visible", AccessKind::Read, &row(6));
    expect("not_visible", AccessKind::Read, &Row { caller: "ada", ..row(6) });
}

#[test]
fn certification_is_needed_to_create_and_to_change_but_not_to_share_or_delete() {
    let all = "READ,DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE";
    let refused = |certification, repository: Option<RepositoryFacts>| {
        let policy = AccessPolicy { certification, anonymous_pull: false };
        let row = Row { caller: "carol", access: all, policy, repository, ..Row::default() };
        let refused = AccessKind::ALL.into_iter().filter(|kind| row.outcome(*kind) != "yes");
        refused.inspect(|kind| expect("not_certified", *kind, &row)).collect::<AccessSet>().names()
    };
    let repository = || Some(RepositoryFacts::PLAIN);
    assert_eq!(refused(Certification::Push, repository()), ["CREATE", "UPDATE", "CHANGE_SETTINGS"]);
    assert_eq!(refused(Certification::Push, None), ["CREATE", "CHANGE_SETTINGS"]);
    assert_eq!(refused(Certification::Create, repository()), ["CREATE"]);
    assert!(refused(Certification::Off, repository()).is_empty());
}

#[test]
fn open_data_is_downloaded_by_readers_and_without_a_login_only_where_that_is_allowed() {
    let row = |caller| Row { caller, open_data: true, through: PrincipalId::PUBLIC, ..Row::default() };
    let allowed = AccessPolicy { certification: Certification::Push, anonymous_pull: true };
    expect("yes", AccessKind::Download, &row("alice"));
    expect("yes", AccessKind::Read, &row("nobody"));
    expect("anonymous", AccessKind::Download, &row("nobody"));
    expect("yes", AccessKind::Download, &Row { policy: allowed, ..row("nobody") });
    expect("anonymous", AccessKind::Update, &Row { policy: allowed, ..row("nobody") });
    expect("token_scope", AccessKind::Download, &Row { policy: allowed, login: "view", ..row("alice") });
}

#[test]
fn a_robot_account_has_outside_of_its_project_what_everybody_has() {
    let all = "READ,DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE";
    let row = |own| Row { caller: "robot", robot_of: Some(own), access: all, ..Row::default() };
    for kind in AccessKind::ALL {
        expect("yes", kind, &row(5));
        expect("not_visible", kind, &row(6));
    }
    let public = || Row { through: PrincipalId::PUBLIC, access: "READ", open_data: true, ..row(6) };
    expect("yes", AccessKind::Read, &public());
    for kind in others() {
        expect("token_scope", kind, &public());
    }
    let policy = AccessPolicy { certification: Certification::Push, anonymous_pull: true };
    expect("yes", AccessKind::Download, &Row { policy, ..public() });
}
