//! Users, teams, and the names that they share.

use auth_service::domain::account::{AccountState, EmailAddress};
use auth_service::domain::foreign::shape::ShapesDigest;
use auth_service::domain::principal::{PrincipalId, UserId};
use auth_service::domain::repository::Item;
use auth_service::ports::accounts::{
    AccountError, NewUser, Passwords, Principals, StoredPassword, Teams, User, UserChange, Users,
};
use auth_service::ports::items::{AccessChange, SharingSettings};
use auth_service::ports::system::Clock;

use crate::database::{Database, on_both_engines};
use crate::makers::{
    add_administrator, add_project_of, add_robot, add_team, add_user, kinds, login, name, new_user, password,
};

on_both_engines!(
    an_account_is_found_as_it_was_made,
    a_name_belongs_to_one_user_or_team,
    an_address_belongs_to_one_user,
    names_and_addresses_are_compared_without_case,
    a_login_is_found_by_name_and_by_address,
    a_team_is_no_login,
    only_what_ends_logins_raises_the_generation,
    a_changed_account_is_as_it_was_changed,
    a_password_is_renewed_unless_it_was_changed_meanwhile_and_no_login_ends,
    it_is_known_whether_all_passwords_were_checked_against_these_shapes,
    the_last_administrator_stays,
    two_administrators_cannot_be_demoted_at_once,
    the_only_user_who_can_share_a_project_is_not_removed,
    accounts_that_cannot_act_do_not_count_as_administrators_of_a_project,
    a_team_that_alone_can_give_a_project_away_stays,
    a_removed_user_is_gone_from_everything_and_the_number_with_it,
    users_are_listed_in_the_order_of_bytes,
    members_join_and_leave_a_team,
    a_removed_team_is_gone_from_everything,
    users_and_teams_are_found_by_name_and_by_number,
    missing_accounts_are_not_changed,
);

async fn an_account_is_found_as_it_was_made(database: Database) {
    let store = &database.store;
    let id = store.add_user(&NewUser { certified: true, ..new_user("alice") }).await.unwrap();
    let expected = User {
        id,
        name: name("alice"),
        email: EmailAddress::parse("alice@example.org").ok(),
        robot_of: None,
        certified: true,
        administrator: false,
        state: AccountState::Active,
        created_at: database.clock.now(),
    };
    assert_eq!(store.user(&name("alice")).await.unwrap(), Some(expected.clone()));
    assert_eq!(store.user_numbered(id).await.unwrap(), Some(expected.clone()));
    assert_eq!(store.user_numbered(UserId::new(id.number() + 1)).await.unwrap(), None);
    assert_eq!(store.users().await.unwrap(), [expected]);
    assert_eq!(store.user(&name("bob")).await.unwrap(), None);
    assert!(id.number() > 3_400_000, "{id} could be the number of a group");
}

async fn a_name_belongs_to_one_user_or_team(database: Database) {
    let store = &database.store;
    add_user(store, "alice").await;
    add_team(store, "crew", &[]).await;
    for taken in ["alice", "crew"] {
        let other_address = EmailAddress::parse("other@example.org").unwrap();
        let user = NewUser { email: Some(other_address), ..new_user(taken) };
        assert!(matches!(store.add_user(&user).await, Err(AccountError::NameTaken(n)) if n == name(taken)));
        assert!(
            matches!(store.add_team(&name(taken)).await, Err(AccountError::NameTaken(n)) if n == name(taken))
        );
    }
    assert_eq!((store.users().await.unwrap().len(), store.teams().await.unwrap().len()), (1, 1));
}

async fn an_address_belongs_to_one_user(database: Database) {
    let store = &database.store;
    add_user(store, "alice").await;
    let user = NewUser { email: new_user("alice").email, ..new_user("bob") };
    assert!(matches!(store.add_user(&user).await, Err(AccountError::EmailTaken)));
    assert_eq!(store.principal(&name("bob")).await.unwrap(), None, "the name was kept all the same");
    add_user(store, "bob").await;
}

async fn names_and_addresses_are_compared_without_case(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "Alice").await;
    assert_eq!(store.stored_login(&login("ALICE")).await.unwrap().unwrap().user, alice);
    assert_eq!(store.stored_login(&login("aLiCe@Example.ORG")).await.unwrap().unwrap().user, alice);
    assert!(matches!(store.add_user(&new_user("ALICE")).await, Err(AccountError::NameTaken(_))));
    let user = NewUser { email: EmailAddress::parse("ALICE@example.org").ok(), ..new_user("bob") };
    assert!(matches!(store.add_user(&user).await, Err(AccountError::EmailTaken)));
}

async fn a_login_is_found_by_name_and_by_address(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    add_user(store, "bob").await;
    for typed in ["alice", "alice@example.org"] {
        let found = store.stored_login(&login(typed)).await.unwrap().unwrap();
        assert_eq!((found.user, found.generation, found.state), (alice, 1, AccountState::Active));
        assert_eq!(found.password, Some(password("$argon2id$of-alice")));
    }
    for typed in ["carol", "carol@example.org", "alice@example.com"] {
        assert!(store.stored_login(&login(typed)).await.unwrap().is_none(), "{typed}");
    }
}

async fn a_team_is_no_login(database: Database) {
    let store = &database.store;
    add_team(store, "crew", &[]).await;
    assert!(store.stored_login(&login("crew")).await.unwrap().is_none());
    assert_eq!(store.user(&name("crew")).await.unwrap(), None);
    let change = UserChange::Certified(true);
    assert!(matches!(store.change_user(&name("crew"), &change).await, Err(AccountError::NoSuchUser(_))));
    assert!(matches!(store.remove_user(&name("crew")).await, Err(AccountError::NoSuchUser(_))));
}

async fn only_what_ends_logins_raises_the_generation(database: Database) {
    let store = &database.store;
    add_administrator(store, "root-of-all").await;
    add_user(store, "alice").await;
    let steps = [
        (UserChange::Certified(true), 1),
        (UserChange::Administrator(true), 1),
        (UserChange::Password(password("$argon2id$new")), 2),
        (UserChange::State(AccountState::Disabled), 3),
        (UserChange::State(AccountState::Active), 4),
        (UserChange::Administrator(false), 4),
    ];
    for (change, generation) in steps {
        store.change_user(&name("alice"), &change).await.unwrap();
        let found = store.stored_login(&login("alice")).await.unwrap().unwrap();
        assert_eq!(found.generation, generation, "after {change:?}");
    }
}

async fn a_changed_account_is_as_it_was_changed(database: Database) {
    let store = &database.store;
    add_user(store, "alice").await;
    let alice = || async { store.user(&name("alice")).await.unwrap().unwrap() };
    for value in [true, false] {
        store.change_user(&name("alice"), &UserChange::Certified(value)).await.unwrap();
        assert_eq!((alice().await.certified, alice().await.administrator), (value, false));
    }
    store.change_user(&name("alice"), &UserChange::State(AccountState::Disabled)).await.unwrap();
    assert_eq!(alice().await.state, AccountState::Disabled);
    let found = store.stored_login(&login("alice")).await.unwrap().unwrap();
    assert_eq!(found.state, AccountState::Disabled);
    store.change_user(&name("alice"), &UserChange::Password(password("$new"))).await.unwrap();
    let found = store.stored_login(&login("alice")).await.unwrap().unwrap();
    assert_eq!(found.password, Some(password("$new")));
}

async fn a_password_is_renewed_unless_it_was_changed_meanwhile_and_no_login_ends(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let found = async || store.stored_login(&login("alice")).await.unwrap().unwrap();
    let before = found().await.password.unwrap();
    store.renew_password(alice, &before, &password("$renewed")).await.unwrap();
    assert_eq!((found().await.password, found().await.generation), (Some(password("$renewed")), 1));
    store.change_user(&name("alice"), &UserChange::Password(password("$changed"))).await.unwrap();
    store.renew_password(alice, &password("$renewed"), &password("$late")).await.unwrap();
    assert_eq!((found().await.password, found().await.generation), (Some(password("$changed")), 2));
}

async fn it_is_known_whether_all_passwords_were_checked_against_these_shapes(database: Database) {
    let store = &database.store;
    let of = |number| StoredPassword { hash: "$x".to_owned(), shapes: ShapesDigest::from_number(number) };
    let (now, other) = (ShapesDigest::from_number(7), ShapesDigest::from_number(9));
    assert!(!store.has_unchecked_passwords(now).await.unwrap(), "nobody has one");
    for (user, number) in [("alice", 7), ("bob", 7)] {
        let user = NewUser { password: Some(of(number)), ..new_user(user) };
        store.add_user(&user).await.unwrap();
    }
    store.add_user(&NewUser { password: None, ..new_user("carol") }).await.unwrap();
    let unchecked = async || store.has_unchecked_passwords(now).await.unwrap();
    assert!(!unchecked().await);
    assert!(store.has_unchecked_passwords(other).await.unwrap());
    for number in [0, 8, 6] {
        store.change_user(&name("bob"), &UserChange::Password(of(number))).await.unwrap();
        assert!(unchecked().await, "{number}");
    }
    store.change_user(&name("bob"), &UserChange::Password(of(7))).await.unwrap();
    assert!(!unchecked().await);
}

async fn the_last_administrator_stays(database: Database) {
    let store = &database.store;
    add_administrator(store, "ada").await;
    add_user(store, "bob").await;
    let is_refused = |outcome: Result<(), AccountError>| {
        assert!(matches!(outcome, Err(AccountError::LastAdministrator(n)) if n == name("ada")));
    };
    is_refused(store.change_user(&name("ada"), &UserChange::Administrator(false)).await);
    is_refused(store.change_user(&name("ada"), &UserChange::State(AccountState::Disabled)).await);
    is_refused(store.remove_user(&name("ada")).await);
    store.change_user(&name("bob"), &UserChange::Administrator(true)).await.unwrap();
    store.change_user(&name("bob"), &UserChange::State(AccountState::Disabled)).await.unwrap();
    is_refused(store.change_user(&name("ada"), &UserChange::Administrator(false)).await);
    // One who cannot log in is not the last one either.
    store.change_user(&name("bob"), &UserChange::Administrator(false)).await.unwrap();
    store.change_user(&name("bob"), &UserChange::Administrator(true)).await.unwrap();
    store.change_user(&name("bob"), &UserChange::State(AccountState::Active)).await.unwrap();
    store.remove_user(&name("ada")).await.unwrap();
}

async fn two_administrators_cannot_be_demoted_at_once(database: Database) {
    let other = database.opened_again().await;
    for round in 0..20 {
        let (ada, bob) = (format!("ada-{round}"), format!("bob-{round}"));
        add_administrator(&database.store, &ada).await;
        add_administrator(&database.store, &bob).await;
        let demotion = UserChange::Administrator(false);
        let (ada, bob) = (name(&ada), name(&bob));
        let (first, second) =
            tokio::join!(database.store.change_user(&ada, &demotion), other.change_user(&bob, &demotion));
        let refused = [&first, &second]
            .into_iter()
            .filter(|outcome| matches!(outcome, Err(AccountError::LastAdministrator(_))))
            .count();
        assert_eq!(refused, 1, "{first:?} {second:?}");
        let left = database.number("SELECT COUNT(*) FROM users WHERE administrator AND NOT disabled").await;
        assert_eq!(left, 1);
        database.run("UPDATE users SET administrator = FALSE").await;
    }
}

async fn the_only_user_who_can_share_a_project_is_not_removed(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let bob = add_user(store, "bob").await;
    let project = add_project_of(store, "mine", alice).await;
    let share = |access: &str| AccessChange::Add(kinds(access));
    let item = Item::Project(project);
    store.set_access(&item, bob.into(), share("READ,DELETE,MODERATE"), 10).await.unwrap();
    let Err(AccountError::OwnsProjects(who, what)) = store.remove_user(&name("alice")).await else {
        panic!("alice is gone")
    };
    assert_eq!((who, what), (name("alice"), project.to_string()));
    store.set_access(&item, bob.into(), share("CHANGE_PERMISSIONS"), 10).await.unwrap();
    store.remove_user(&name("alice")).await.unwrap();
}

async fn accounts_that_cannot_act_do_not_count_as_administrators_of_a_project(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let project = add_project_of(store, "mine", alice).await;
    let crew = add_team(store, "crew", &["alice"]).await;
    let empty = add_team(store, "empty", &[]).await;
    let robot = add_robot(store, "ci", project).await;
    let permissions = AccessChange::Add(kinds("CHANGE_PERMISSIONS"));
    let share = async |principal: PrincipalId| {
        store.set_access(&Item::Project(project), principal, permissions, 10).await.unwrap();
    };
    for principal in [crew.into(), empty.into(), robot.into(), bob.into()] {
        share(principal).await;
    }
    let disabled = UserChange::State(AccountState::Disabled);
    store.change_user(&name("bob"), &disabled).await.unwrap();
    let refused = store.remove_user(&name("alice")).await;
    assert!(matches!(refused, Err(AccountError::OwnsProjects(..))), "{refused:?}");
    for other in ["bob", "ci"] {
        store.remove_user(&name(other)).await.unwrap();
    }
    store.remove_team(&name("empty")).await.unwrap();
    store.change_user(&name("alice"), &disabled).await.unwrap();
    let refused = store.remove_user(&name("alice")).await;
    assert!(matches!(refused, Err(AccountError::OwnsProjects(..))), "disabled herself: {refused:?}");
    add_user(store, "carol").await;
    store.set_member(&name("crew"), &name("carol"), true).await.unwrap();
    store.remove_user(&name("alice")).await.unwrap();
    let refused = store.remove_user(&name("carol")).await;
    assert!(matches!(refused, Err(AccountError::OwnsProjects(..))), "alone in her team: {refused:?}");
    share(PrincipalId::AUTHENTICATED_USERS).await;
    store.remove_user(&name("carol")).await.unwrap();
}

async fn a_team_that_alone_can_give_a_project_away_stays(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let project = Item::Project(add_project_of(store, "theirs", alice).await);
    let crew = add_team(store, "crew", &["bob"]).await;
    let all = kinds("CHANGE_PERMISSIONS");
    store.set_access(&project, crew.into(), AccessChange::Add(all), 10).await.unwrap();
    store.set_access(&project, alice.into(), AccessChange::Remove(all), 10).await.unwrap();
    let refused = store.remove_team(&name("crew")).await;
    let Err(AccountError::OwnsProjects(who, what)) = refused else { panic!("the team is gone") };
    assert_eq!((who, what), (name("crew"), project.to_string()));
    store.set_access(&project, bob.into(), AccessChange::Add(all), 10).await.unwrap();
    store.remove_team(&name("crew")).await.unwrap();
}

async fn a_removed_user_is_gone_from_everything_and_the_number_with_it(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let bob = add_user(store, "bob").await;
    let project = add_project_of(store, "of bob", bob).await;
    add_team(store, "crew", &["alice", "bob"]).await;
    let read = AccessChange::Add(kinds("READ"));
    store.set_access(&Item::Project(project), alice.into(), read, 10).await.unwrap();
    store.remove_user(&name("alice")).await.unwrap();

    assert_eq!(store.user(&name("alice")).await.unwrap(), None);
    assert!(store.stored_login(&login("alice@example.org")).await.unwrap().is_none());
    assert_eq!(store.teams().await.unwrap()[0].members, [name("bob")]);
    let sharing = store.sharing(&Item::Project(project)).await.unwrap().unwrap().sharing;
    assert_eq!(sharing.rows().iter().map(|row| row.0).collect::<Vec<_>>(), [bob.into()]);
    assert!(matches!(store.remove_user(&name("alice")).await, Err(AccountError::NoSuchUser(_))));
    // The same name and address are somebody else now.
    let again = add_user(store, "alice").await;
    assert!(again.number() > alice.number());
    store.remove_user(&name("alice")).await.unwrap();
    assert!(add_team(store, "alice", &[]).await.number() > again.number());
}

async fn users_are_listed_in_the_order_of_bytes(database: Database) {
    let store = &database.store;
    for user in ["b", "a-b", "a_a", "a.c", "ab", "a"] {
        add_user(store, user).await;
    }
    let listed: Vec<_> = store.users().await.unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(listed, ["a", "a-b", "a.c", "a_a", "ab", "b"].map(name));
}

async fn members_join_and_leave_a_team(database: Database) {
    let store = &database.store;
    for user in ["alice", "bob"] {
        add_user(store, user).await;
    }
    let crew = add_team(store, "crew", &["bob", "alice", "alice"]).await;
    add_team(store, "band", &[]).await;
    let teams = store.teams().await.unwrap();
    let listed: Vec<_> = teams.iter().map(|team| (team.name.clone(), team.members.clone())).collect();
    assert_eq!(listed, [(name("band"), vec![]), (name("crew"), vec![name("alice"), name("bob")])]);
    assert_eq!(teams[1].id, crew);
    for _ in 0..2 {
        store.set_member(&name("crew"), &name("bob"), false).await.unwrap();
    }
    assert_eq!(store.teams().await.unwrap()[1].members, [name("alice")]);
}

async fn a_removed_team_is_gone_from_everything(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let project = add_project_of(store, "mine", alice).await;
    let crew = add_team(store, "crew", &["alice"]).await;
    let read = AccessChange::Add(kinds("READ"));
    store.set_access(&Item::Project(project), crew.into(), read, 10).await.unwrap();
    store.remove_team(&name("crew")).await.unwrap();

    assert_eq!(store.teams().await.unwrap(), []);
    let sharing = store.sharing(&Item::Project(project)).await.unwrap().unwrap().sharing;
    assert_eq!(sharing.rows().len(), 1);
    assert!(matches!(store.remove_team(&name("crew")).await, Err(AccountError::NoSuchTeam(_))));
    assert!(store.user(&name("alice")).await.unwrap().is_some());
    assert!(add_team(store, "crew", &[]).await.number() > crew.number());
}

async fn users_and_teams_are_found_by_name_and_by_number(database: Database) {
    let store = &database.store;
    let alice: PrincipalId = add_user(store, "alice").await.into();
    let crew: PrincipalId = add_team(store, "crew", &[]).await.into();
    assert_eq!(store.principal(&name("alice")).await.unwrap(), Some(alice));
    assert_eq!(store.principal(&name("crew")).await.unwrap(), Some(crew));
    assert_eq!(store.principal(&name("nobody")).await.unwrap(), None);
    let asked = [crew, PrincipalId::new(1), alice, PrincipalId::PUBLIC];
    let names = store.principal_names(&asked).await.unwrap();
    assert_eq!(names, [(crew, name("crew")), (alice, name("alice"))]);
    assert_eq!(store.principal_names(&[]).await.unwrap(), []);
}

async fn missing_accounts_are_not_changed(database: Database) {
    let store = &database.store;
    add_user(store, "alice").await;
    add_team(store, "crew", &[]).await;
    let nobody = name("nobody");
    let change = UserChange::Certified(true);
    assert!(
        matches!(store.change_user(&nobody, &change).await, Err(AccountError::NoSuchUser(n)) if n == nobody)
    );
    assert!(matches!(store.remove_user(&nobody).await, Err(AccountError::NoSuchUser(_))));
    // A user is no team and a team no user.
    let joined = store.set_member(&name("alice"), &name("alice"), true).await;
    assert!(matches!(joined, Err(AccountError::NoSuchTeam(_))));
    let joined = store.set_member(&name("crew"), &name("crew"), true).await;
    assert!(matches!(joined, Err(AccountError::NoSuchUser(_))));
    assert!(matches!(store.remove_team(&name("alice")).await, Err(AccountError::NoSuchTeam(_))));
}
