//! The numbers of projects and repositories, which no registry has had before.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use auth_service::adapters::store::Location;
use auth_service::ports::items::Numbers;
use auth_service::ports::system::Clock;

use crate::database::{Database, TIMEOUT, connect, on_both_engines};
use crate::makers::add_project;

const HERE: &str = "http://registry.test/";

on_both_engines!(
    numbers_start_above_what_the_registry_holds,
    raised_numbers_are_recorded_for_one_registry_with_the_time,
);

async fn numbers_start_above_what_the_registry_holds(database: Database) {
    let store = &database.store;
    let before = add_project(store, "p").await.number();
    store.raise_numbers(before + 500, HERE).await.unwrap();
    store.raise_numbers(7, HERE).await.unwrap();
    assert_eq!(add_project(store, "q").await.number(), before + 501);
}

async fn raised_numbers_are_recorded_for_one_registry_with_the_time(database: Database) {
    let store = &database.store;
    assert_eq!(store.numbers_raised_at(HERE).await.unwrap(), None);
    store.raise_numbers(0, HERE).await.unwrap();
    let first = database.clock.now();
    assert_eq!(store.numbers_raised_at(HERE).await.unwrap(), Some(first));
    assert_eq!(store.numbers_raised_at("http://another.test/").await.unwrap(), None);
    database.clock.advance(Duration::from_hours(1));
    assert_eq!(store.numbers_raised_at(HERE).await.unwrap(), Some(first));
    store.raise_numbers(0, HERE).await.unwrap();
    assert_eq!(store.numbers_raised_at(HERE).await.unwrap(), Some(database.clock.now()));
}

#[tokio::test]
async fn a_copy_of_a_database_has_no_record_of_raised_numbers() {
    let database = Database::sqlite().await;
    database.store.raise_numbers(0, HERE).await.unwrap();
    let Location::Sqlite(original) = &database.location else { panic!("another engine") };
    let copy = original.with_file_name("copy.db");
    database.run(&format!("VACUUM INTO '{}'", copy.display())).await;
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
    let copied = connect(&Location::Sqlite(copy), TIMEOUT, database.clock.clone()).await.unwrap();
    assert_eq!(copied.numbers_raised_at(HERE).await.unwrap(), None);
    assert!(database.store.numbers_raised_at(HERE).await.unwrap().is_some());
}
