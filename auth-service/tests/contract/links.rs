//! Whom a subject of another issuer stands for: one account for ever, linked by who may, and made for newcomers.

use auth_service::adapters::store::Store;
use auth_service::domain::account::EmailAddress;
use auth_service::domain::foreign::ForeignSubject;
use auth_service::domain::login::Identity;
use auth_service::domain::principal::UserId;
use auth_service::ports::accounts::{Passwords, Users};
use auth_service::ports::facts::FactsStore;
use auth_service::ports::linked_subjects::{LinkError, LinkedBy, LinkedSubjects, Provisioned};

use crate::database::{Database, on_both_engines};
use crate::makers::{Ending, add_project, add_robot, add_user, login, name, open_session};

on_both_engines!(
    a_link_leads_from_the_subject_to_the_account_and_to_no_other,
    a_subject_never_comes_to_mean_somebody_else,
    what_was_unlinked_is_brought_back_by_an_administrator_only,
    a_session_that_has_ended_links_nothing,
    an_account_has_at_most_a_hundred_links,
    a_newcomer_gets_an_ordinary_account_under_the_first_name_that_is_free,
    an_account_is_made_once_even_at_the_same_time,
    a_robot_account_is_found_by_its_name_and_nobody_else_is,
);

use LinkedBy::Administrator;

/// The account's owner, in a session that is open.
async fn owner(store: &Store, user: UserId) -> LinkedBy {
    LinkedBy::Owner { session: open_session(store, user).await }
}

fn subject(text: &str) -> ForeignSubject {
    ForeignSubject::new(&"https://hub.example.org".into(), text).unwrap()
}

async fn account_of(store: &Store, identity: Identity) -> Option<UserId> {
    store.snapshot(&identity, &[]).await.unwrap().value.user.map(|user| user.id)
}

async fn linked(store: &Store, subject: &ForeignSubject) -> Option<UserId> {
    account_of(store, Identity::Subject(subject.clone())).await
}

async fn a_link_leads_from_the_subject_to_the_account_and_to_no_other(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let one = subject("u-1");
    assert_eq!(linked(store, &one).await, None);
    let before = FactsStore::revision(&**store).await.unwrap();
    store.link(alice, &one, owner(store, alice).await).await.unwrap();
    assert!(FactsStore::revision(&**store).await.unwrap() > before, "running processes hear of it");
    store.link(alice, &one, owner(store, alice).await).await.unwrap();
    assert_eq!(linked(store, &one).await, Some(alice));
    for other in ["U-1", "u-1 ", "u-2"] {
        assert_eq!(linked(store, &subject(other)).await, None, "{other:?}");
    }
    let of_another_issuer = ForeignSubject::new(&"https://hub.example.org/".into(), "u-1").unwrap();
    assert_eq!(linked(store, &of_another_issuer).await, None);
    let links = store.links(alice).await.unwrap();
    assert_eq!(links.iter().map(|link| &link.subject).collect::<Vec<_>>(), [&one]);
    assert!(store.links(bob).await.unwrap().is_empty());
    let nobody = store.link(UserId::new(1), &subject("u-2"), owner(store, alice).await).await;
    assert!(matches!(nobody, Err(LinkError::NoSuchUser)), "{nobody:?}");
}

async fn a_subject_never_comes_to_mean_somebody_else(database: Database) {
    let store = &database.store;
    let (alice, bob) = (add_user(store, "alice").await, add_user(store, "bob").await);
    let one = subject("u-1");
    store.link(alice, &one, owner(store, alice).await).await.unwrap();
    for by in [owner(store, bob).await, Administrator] {
        let taken = store.link(bob, &one, by).await;
        assert!(matches!(taken, Err(LinkError::OfAnotherAccount)), "{taken:?}");
    }
    assert!(!store.unlink(bob, &one).await.unwrap());
    store.remove_user(&name("alice")).await.unwrap();
    assert_eq!(linked(store, &one).await, None);
    let gone = store.link(bob, &one, Administrator).await;
    assert!(matches!(gone, Err(LinkError::OfAnotherAccount)), "{gone:?}");
    let arrival = store.provision(&one, &[name("alice")], None).await.unwrap();
    assert_eq!(arrival, Provisioned::Barred, "who was removed stays removed");
}

async fn what_was_unlinked_is_brought_back_by_an_administrator_only(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let one = subject("u-1");
    store.link(alice, &one, owner(store, alice).await).await.unwrap();
    let before = FactsStore::revision(&**store).await.unwrap();
    assert!(store.unlink(alice, &one).await.unwrap());
    assert!(FactsStore::revision(&**store).await.unwrap() > before);
    assert_eq!(linked(store, &one).await, None);
    assert!(store.links(alice).await.unwrap().is_empty());
    assert!(!store.unlink(alice, &one).await.unwrap());
    assert_eq!(store.provision(&one, &[name("al")], None).await.unwrap(), Provisioned::Barred);
    let barred = store.link(alice, &one, owner(store, alice).await).await;
    assert!(matches!(barred, Err(LinkError::Barred)), "{barred:?}");
    store.link(alice, &one, Administrator).await.unwrap();
    assert_eq!(linked(store, &one).await, Some(alice));
}

async fn a_session_that_has_ended_links_nothing(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    for (number, ending) in Ending::ALL.into_iter().enumerate() {
        let by = owner(store, alice).await;
        ending.end_sessions(store, "alice", alice).await;
        let late = store.link(alice, &subject(&number.to_string()), by).await;
        assert!(matches!(late, Err(LinkError::SessionEnded)), "{ending:?}: {late:?}");
    }
    assert!(store.links(alice).await.unwrap().is_empty());
}

async fn an_account_has_at_most_a_hundred_links(database: Database) {
    let store = &database.store;
    let alice = add_user(store, "alice").await;
    let by = owner(store, alice).await;
    for number in 0..100 {
        store.link(alice, &subject(&number.to_string()), by).await.unwrap();
    }
    let more = store.link(alice, &subject("100"), Administrator).await;
    assert!(matches!(more, Err(LinkError::TooMany(100))), "{more:?}");
    store.link(alice, &subject("99"), by).await.unwrap();
}

async fn a_newcomer_gets_an_ordinary_account_under_the_first_name_that_is_free(database: Database) {
    let store = &database.store;
    add_user(store, "alice").await;
    let taken = EmailAddress::parse("alice@example.org").unwrap();
    let names = [name("alice"), name("al"), name("alice-2")];
    let one = subject("u-1");
    let Provisioned::Created(user) = store.provision(&one, &names, Some(&taken)).await.unwrap() else {
        panic!()
    };
    assert_eq!(linked(store, &one).await, Some(user));
    let made = store.user(&name("al")).await.unwrap().unwrap();
    assert_eq!((made.id, made.email.as_ref()), (user, None), "an address says nothing of whose it is");
    assert!(!made.certified && !made.administrator && made.robot_of.is_none());
    let stored = store.stored_login(&login("al")).await.unwrap().unwrap();
    assert_eq!(stored.password, None);

    let free = EmailAddress::parse("bob@example.org").unwrap();
    store.provision(&subject("u-2"), &[name("bob")], Some(&free)).await.unwrap();
    assert_eq!(store.user(&name("bob")).await.unwrap().unwrap().email, Some(free));
    assert!(store.provision(&subject("u-3"), &[name("bob")], None).await.is_err(), "no name is left");
    assert_eq!(linked(store, &subject("u-3")).await, None);
}

async fn an_account_is_made_once_even_at_the_same_time(database: Database) {
    let store = &database.store;
    let one = subject("u-1");
    let names = [name("alice"), name("alice-2"), name("alice-3"), name("alice-4")];
    let arrivals = (0..4).map(|_| store.provision(&one, &names, None));
    let arrivals = futures_util::future::join_all(arrivals).await;
    let made = arrivals.iter().filter(|arrival| matches!(arrival, Ok(Provisioned::Created(_)))).count();
    assert_eq!(made, 1, "{arrivals:?}");
    let known = arrivals.iter().filter(|arrival| matches!(arrival, Ok(Provisioned::Known))).count();
    assert_eq!(known, 3, "{arrivals:?}");
    assert_eq!(store.users().await.unwrap().len(), 1);
}

async fn a_robot_account_is_found_by_its_name_and_nobody_else_is(database: Database) {
    let store = &database.store;
    let project = add_project(store, "p").await;
    let robot = add_robot(store, "ci-app", project).await;
    assert_eq!(account_of(store, Identity::Robot(name("ci-app"))).await, Some(robot));
    for other in ["p-owner", "nobody"] {
        assert_eq!(account_of(store, Identity::Robot(name(other))).await, None, "{other}");
    }
    let facts = store.snapshot(&Identity::Robot(name("ci-app")), &[]).await.unwrap().value;
    assert_eq!(facts.user.unwrap().robot_of, Some(project));
}
