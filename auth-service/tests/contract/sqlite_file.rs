//! The file of an `SQLite` database: gone, replaced, locked as a whole, on a full disk; and what it leaves.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use auth_service::adapters::store::Location;
use auth_service::adapters::system::SystemClock;
use auth_service::domain::login::Identity;
use auth_service::ports::StorageError;
use auth_service::ports::events::EventInbox;
use auth_service::ports::facts::FactsStore;
use auth_service::ports::items::Items;
use auth_service::ports::system::Clock;
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::database::{Database, TIMEOUT, TestClock, connect, create, open_sqlite};
use crate::makers::{add_project, add_repository, add_user, at, push, repository};
use crate::robustness::{IN_TIME, SHORT, use_everything};

#[tokio::test]
async fn a_file_that_is_gone_is_an_error_and_is_not_made_again() {
    let database = Database::sqlite().await;
    let name = add_repository(&database.store, add_project(&database.store, "p").await, "app").await;
    std::fs::remove_file(database.path()).unwrap();
    for outcome in use_everything(&database.store, &name).await {
        let Err(StorageError::Unavailable(text)) = outcome else { panic!("{outcome:?}") };
        assert!(text.contains("auth-service.db"), "{text}");
    }
    assert!(!database.path().exists());
}

#[tokio::test]
async fn a_file_that_was_replaced_is_an_error() {
    let database = Database::sqlite().await;
    let name = add_repository(&database.store, add_project(&database.store, "p").await, "app").await;
    let other = Database::sqlite().await;
    other.store.close().await;
    std::fs::rename(other.path(), database.path()).unwrap();
    for outcome in use_everything(&database.store, &name).await {
        let Err(StorageError::Unavailable(text)) = outcome else { panic!("{outcome:?}") };
        assert!(text.contains("restart the service"), "{text}");
    }
}

#[tokio::test]
async fn a_file_locked_as_a_whole_is_an_error_in_time() {
    let database = Database::sqlite().await;
    database.store.close().await;
    let mut other = open_sqlite(&database.path()).await;
    let lock = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE facts_revision SET revision = revision; COMMIT";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let clock = SystemClock;
    let began = clock.elapsed();
    let refused = connect(&database.location, SHORT, database.clock.clone()).await;
    let Err(StorageError::Unavailable(text)) = refused.map(drop) else { panic!("it was opened") };
    assert!(text.contains("locked"), "{text}");
    assert!(clock.elapsed().saturating_sub(began) < IN_TIME);
    other.close().await.unwrap();
    connect(&database.location, SHORT, database.clock.clone()).await.unwrap();
}

#[tokio::test]
async fn a_file_in_use_cannot_be_locked_as_a_whole() {
    let database = Database::sqlite().await;
    let name = add_repository(&database.store, add_project(&database.store, "p").await, "app").await;
    let mut other = open_sqlite(&database.path()).await;
    sqlx::raw_sql("PRAGMA busy_timeout = 100; PRAGMA locking_mode = EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    // Whether the other one gets it or not, nobody waits for ever.
    drop(sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await);
    let using = use_everything(&database.store, &name);
    let outcomes = tokio::time::timeout(IN_TIME, using).await.expect("it waits for ever");
    assert!(outcomes[1].is_ok(), "{:?}", outcomes[1]);
}

#[tokio::test]
async fn what_is_no_database_is_refused_by_its_name() {
    let folder = TempDir::new().unwrap();
    let junk = folder.path().join("junk.db");
    std::fs::write(&junk, "this is a letter to the operator, more than a hundred bytes long, ".repeat(40))
        .unwrap();
    for path in [junk, folder.path().join("missing/folder.db"), folder.path().to_owned()] {
        let clock = Arc::new(TestClock::default());
        let refused = connect(&Location::Sqlite(path.clone()), SHORT, clock).await;
        let Err(StorageError::Unavailable(text) | StorageError::Missing(text)) = refused.map(drop) else {
            panic!("{path:?} was opened")
        };
        assert!(text.contains(path.to_str().unwrap()), "{text}");
    }
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::sqlite().await;
    add_user(&database.store, "alice").await;
    let folder = database.path().parent().unwrap().to_owned();
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        seen.push(entry.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["auth-service.db", "auth-service.db-shm", "auth-service.db-wal"]);
}

/// What is left beside the database file.
fn journals(path: &Path) -> usize {
    std::fs::read_dir(path.parent().unwrap()).unwrap().count() - 1
}

#[tokio::test]
async fn closing_leaves_one_whole_file_and_so_does_dropping() {
    let Database { store, location, clock, folder } = Database::sqlite().await;
    let Location::Sqlite(path) = &location else { panic!("it is a file") };
    let name = add_repository(&store, add_project(&store, "p").await, "app").await;
    store.snapshot(&Identity::Nobody, std::slice::from_ref(&name)).await.unwrap();
    assert_eq!(journals(path), 2);
    store.close().await;
    assert_eq!(journals(path), 0);
    drop(store);
    let again = connect(&location, TIMEOUT, clock).await.unwrap();
    add_user(&again, "alice").await;
    again.snapshot(&Identity::Nobody, &[name]).await.unwrap();
    drop(again);
    // The connections close on threads of their own.
    let gone = async {
        while journals(path) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, gone).await.expect("the journals stay");
    drop(folder);
}

#[tokio::test]
#[ignore = "needs root, to mount a small disk"]
async fn a_full_disk_fails_the_delivery_and_leaves_nothing_half_done() {
    let disk = SmallDisk::mount();
    let location = Location::Sqlite(disk.0.path().join("auth-service.db"));
    let clock = Arc::new(TestClock::default());
    create(&location).await.unwrap();
    let store = connect(&location, TIMEOUT, clock).await.unwrap();
    let name = repository(add_project(&store, "p").await, "app");
    let mut stored = 0;
    let failure = loop {
        let id = format!("e{stored}");
        let mut event = push(&id, &name, Some(&id), 'b', 5_000);
        event.body = "x".repeat(40_000);
        match store.receive(&[event], &[], at(5_000)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1_000, "the disk does not fill");
    };
    assert!(failure.to_string().contains("full"), "{failure}");
    // What is there can be read, and is all there.
    assert_eq!(store.tags(&name).await.unwrap().map_or(0, |tags| tags.len()), stored);
    let mut reader = open_sqlite(&disk.0.path().join("auth-service.db")).await;
    let events: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE state = 'done'")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    assert_eq!(usize::try_from(events).unwrap(), stored);
    reader.close().await.unwrap();
    // And it goes on once there is room.
    disk.grow();
    store.receive(&[push("late", &name, Some("late"), 'b', 5_000)], &[], at(5_000)).await.unwrap();
    store.close().await;
}

/// A file system of 2 MiB.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let folder = TempDir::new().unwrap();
        let options = ["-t", "tmpfs", "-o", "size=2m", "none"];
        let mounted = Command::new("mount").args(options).arg(folder.path()).output().unwrap();
        assert!(mounted.status.success(), "{mounted:?}");
        Self(folder)
    }

    fn grow(&self) {
        let grown =
            Command::new("mount").args(["-o", "remount,size=16m"]).arg(self.0.path()).status().unwrap();
        assert!(grown.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(self.0.path()).status());
    }
}
