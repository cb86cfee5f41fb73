//! The decision on items over many combinations; single rows stand in `docs/PERMISSIONS.md`.

use super::super::access::{AccessKind, AccessSet};
use super::super::facts::{LifeState, RepositoryFacts};
use super::super::principal::PrincipalId;
use super::page::{Row, UNKNOWN};
use super::{AccessPolicy, Certification};

const ALL: &str = "READ,DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE";
const WITHOUT_READ: &str = "DOWNLOAD,CREATE,UPDATE,DELETE,CHANGE_PERMISSIONS,CHANGE_SETTINGS,MODERATE";

/// A caller with READ on the project of the repository.
fn reader() -> Row {
    Row { project_access: "READ", ..Row::default() }
}

/// The repository with sharing of its own.
fn local(phrase: &str) -> RepositoryFacts {
    Row::default().with_repository(phrase).repository
}

/// The same in the trash.
fn trashed(phrase: &str) -> RepositoryFacts {
    Row::default().with_repository("in the trash").with_repository(phrase).repository
}

#[track_caller]
fn expect(outcome: &str, kind: AccessKind, row: &Row) {
    assert_eq!(row.outcome_for(kind), outcome);
}

/// Everything but READ.
fn others() -> impl Iterator<Item = AccessKind> {
    AccessKind::ALL.into_iter().filter(|kind| *kind != AccessKind::Read)
}

#[test]
fn read_shows_an_item_and_gives_nothing_else() {
    for of_project in [true, false] {
        let row = || Row { of_project, ..reader() };
        expect("yes", AccessKind::Read, &row());
        let outcomes: Vec<String> = others().map(|kind| row().outcome_for(kind)).collect();
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
            expect("yes", kind, &Row { project_access: given, ..row() });
        }
    }
}

#[test]
fn without_read_every_answer_is_that_of_an_item_that_does_not_exist() {
    let in_trash = trashed(&format!("own access list: {WITHOUT_READ}"));
    for kind in AccessKind::ALL {
        for (of_project, repository) in
            [(true, RepositoryFacts::PLAIN), (false, RepositoryFacts::PLAIN), (false, in_trash.clone())]
        {
            let row = || Row {
                of_project,
                repository: repository.clone(),
                project_access: WITHOUT_READ,
                ..Row::default()
            };
            expect("not_visible", kind, &row());
            expect("not_visible", kind, &Row { project: Some(LifeState::Trashed), ..row() });
            expect("not_visible", kind, &Row { project: None, ..row() });
            expect("not_visible", kind, &Row { bound_to: Some(5), ..row() });
            expect("anonymous", kind, &Row { anonymous: true, ..row() });
            expect("anonymous", kind, &Row { anonymous: true, project: None, ..row() });
        }
        for repository in [UNKNOWN, RepositoryFacts::Quarantined] {
            expect("not_visible", kind, &Row { repository, ..reader() });
        }
    }
}

#[test]
fn the_trash_is_shown_to_readers_only_and_closed_to_administrators() {
    for kind in AccessKind::ALL {
        let row = || Row { project: Some(LifeState::Trashed), ..reader() };
        expect("in_trash", kind, &row());
        expect("in_trash", kind, &Row { administrator: true, certified: false, ..row() });
        expect("in_trash", kind, &Row { repository: trashed("own access list: READ"), ..reader() });
    }
}

#[test]
fn administrators_have_every_right_if_their_login_may_use_it() {
    for kind in AccessKind::ALL {
        let row = || Row { administrator: true, certified: false, ..Row::default() };
        expect("yes", kind, &row());
        expect("not_visible", kind, &Row { login: "view,download,modify", ..row() });
    }
}

#[test]
fn a_login_needs_view_to_see_and_modify_to_change() {
    for kind in AccessKind::ALL {
        let row = |login| Row { project_access: ALL, login, ..Row::default() };
        expect("token_scope", kind, &row("download,modify,delete"));
        expect("token_scope", kind, &Row { project: None, ..row("download,modify") });
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
fn certification_is_needed_to_create_and_to_change_but_not_to_share_or_delete() {
    let refused = |certification, of_project| {
        let policy = AccessPolicy { certification, anonymous_pull: false };
        let row = Row { certified: false, project_access: ALL, policy, of_project, ..Row::default() };
        let refused = AccessKind::ALL.into_iter().filter(|kind| row.outcome_for(*kind) != "yes");
        refused.inspect(|kind| expect("not_certified", *kind, &row)).collect::<AccessSet>().names()
    };
    assert_eq!(refused(Certification::Push, false), ["CREATE", "UPDATE", "CHANGE_SETTINGS"]);
    assert_eq!(refused(Certification::Push, true), ["CREATE", "CHANGE_SETTINGS"]);
    assert_eq!(refused(Certification::Create, false), ["CREATE"]);
    assert!(refused(Certification::Off, false).is_empty());
}

#[test]
fn a_robot_account_has_outside_of_its_project_what_everybody_has() {
    let row = |own| Row { robot_of: Some(own), project_access: ALL, ..Row::default() };
    for kind in AccessKind::ALL {
        expect("yes", kind, &row(5));
        expect("not_visible", kind, &row(6));
    }
    let public =
        || Row { through: PrincipalId::PUBLIC, project_access: "READ", project_open_data: true, ..row(6) };
    expect("yes", AccessKind::Read, &public());
    for kind in others() {
        expect("token_scope", kind, &public());
    }
}

#[test]
fn local_sharing_replaces_that_of_the_project_for_every_kind_of_access() {
    for kind in others() {
        expect("yes", kind, &Row { repository: local(&format!("own access list: {ALL}")), ..Row::default() });
        assert_ne!(
            Row { repository: local("own access list: READ"), project_access: ALL, ..Row::default() }
                .outcome_for(kind),
            "yes"
        );
    }
}
