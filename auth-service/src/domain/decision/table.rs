//! The decision on pull, push and delete over many combinations; single rows stand in `docs/PERMISSIONS.md`.

use super::super::facts::{LifeState, RepositoryFacts};
use super::super::principal::{PrincipalId, UserId};
use super::FirstUse;
use super::page::{Row, TEAM, TRASHED, UNKNOWN, USER};

#[track_caller]
fn expect(outcome: &str, row: &Row) {
    assert_eq!(row.outcome(), outcome);
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
fn the_trash_is_closed_to_everybody_and_shown_to_readers_only() {
    let gone = Some(LifeState::Trashed);
    for repository in [UNKNOWN, RepositoryFacts::PLAIN, TRASHED] {
        let row = || Row { project: gone, repository: repository.clone(), asks: "*", ..Row::default() };
        let in_trash = "pull:in_trash push:in_trash delete:in_trash";
        expect(in_trash, &Row { project_access: "READ", ..row() });
        expect(in_trash, &Row { administrator: true, ..row() });
        expect(
            "pull:not_visible push:not_visible delete:not_visible",
            &Row { project_access: "DOWNLOAD,UPDATE", ..row() },
        );
    }
}

#[test]
fn a_hidden_repository_is_refused_as_if_the_name_were_free() {
    let hidden = || Row::default().with_repository("own access list: none").repository;
    for rights in ["READ", "READ,DOWNLOAD,UPDATE", "DOWNLOAD", ""] {
        for asks in ["pull", "pull,push", "delete"] {
            let row = |repository| Row { repository, asks, project_access: rights, ..Row::default() };
            expect(&row(UNKNOWN).outcome(), &row(hidden()));
        }
    }
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
