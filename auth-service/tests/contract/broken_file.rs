//! A file that is no whole database of ours, before it is opened and while it is in use; and one that could not be
//! written to for a while.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use auth_service::adapters::store::Location;
use auth_service::ports::StorageError;
use auth_service::ports::accounts::Users as _;
use auth_service::ports::events::EventInbox as _;
use auth_service::ports::facts::FactsStore as _;
use auth_service::ports::storage::Storage as _;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use crate::database::{Database, TIMEOUT, TestClock, connect, create, open_sqlite};
use crate::makers::{add_project, add_repository, add_user, at, push};
use crate::robustness::{SHORT, use_everything};

/// Why a file is not opened; neither is it made, and it stays as it is.
async fn refusal(path: &Path) -> String {
    let before = fs::read(path).ok();
    let location = Location::Sqlite(path.to_owned());
    let opened = connect(&location, SHORT, Arc::new(TestClock::default())).await;
    let Err(StorageError::Unavailable(text) | StorageError::Missing(text)) = opened.map(drop) else {
        panic!("{} was opened", path.display())
    };
    assert!(text.contains(path.to_str().unwrap()) && !text.contains('\n'), "{text}");
    if before.is_some() {
        let made = create(&location).await;
        assert_eq!(made.unwrap_err().to_string(), StorageError::Unavailable(text.clone()).to_string());
    }
    assert_eq!(fs::read(path).ok(), before, "the file was written to");
    text
}

/// A whole database with something in it, closed.
async fn whole() -> (TempDir, PathBuf) {
    let Database { store, location, folder, .. } = Database::sqlite().await;
    for number in 0..100 {
        add_user(&store, &format!("user-{number}")).await;
    }
    store.close().await;
    let Location::Sqlite(path) = location else { panic!("it is a file") };
    (folder.unwrap(), path)
}

#[tokio::test]
async fn a_file_that_is_missing_is_made_by_no_other_command() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth-service.db");
    let text = refusal(&path).await;
    assert!(text.contains("auth-service db init"), "{text}");
    assert!(!path.exists());
    assert!(create(&Location::Sqlite(path.clone())).await.unwrap());
    assert!(!create(&Location::Sqlite(path)).await.unwrap(), "it was made twice");
}

#[tokio::test]
async fn a_file_that_was_emptied_is_refused() {
    let (_folder, path) = whole().await;
    fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
    let text = refusal(&path).await;
    assert!(text.contains("is empty"), "{text}");
}

#[tokio::test]
async fn a_file_that_was_cut_anywhere_is_refused() {
    let (_folder, path) = whole().await;
    let bytes = fs::metadata(&path).unwrap().len();
    for left in [bytes - 1, bytes - 4096, bytes / 2, 4096, 100, 99, 1] {
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
        let text = refusal(&path).await;
        assert!(
            text.contains("is cut") || left < 100 && text.contains("no SQLite database"),
            "{left}: {text}"
        );
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_refused() {
    for statements in ["", "PRAGMA journal_mode = WAL;", "PRAGMA application_id = 7;"] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("theirs.db");
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let mut theirs = SqliteConnection::connect(&url).await.unwrap();
        let statements =
            format!("{statements} CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('x')");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut theirs).await.unwrap();
        theirs.close().await.unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let text = refusal(&path).await;
        assert!(text.contains("another program"), "{text}");
    }
}

#[tokio::test]
async fn a_database_of_ours_that_has_no_mark_yet_is_opened_and_marked() {
    let (_folder, path) = whole().await;
    let mut connection = open_sqlite(&path).await;
    let before = "DELETE FROM _sqlx_migrations WHERE version >= 10; PRAGMA application_id = 0";
    sqlx::raw_sql(before).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let store =
        connect(&Location::Sqlite(path.clone()), TIMEOUT, Arc::new(TestClock::default())).await.unwrap();
    assert_eq!(store.users().await.unwrap().len(), 100);
    store.close().await;
    assert_eq!(&fs::read(path).unwrap()[68..72], b"AuSv");
}

#[tokio::test]
async fn a_file_whose_end_is_still_in_the_journal_is_whole() {
    let (_folder, path) = whole().await;
    let store =
        connect(&Location::Sqlite(path.clone()), TIMEOUT, Arc::new(TestClock::default())).await.unwrap();
    for number in 0..100 {
        add_user(&store, &format!("later-{number}")).await;
    }
    // As after a crash: nobody has closed the journal.
    let copied = TempDir::new().unwrap();
    for ending in ["", "-wal"] {
        let name = format!("auth-service.db{ending}");
        fs::copy(path.with_file_name(&name), copied.path().join(&name)).unwrap();
    }
    let copy = Location::Sqlite(copied.path().join("auth-service.db"));
    let again = connect(&copy, TIMEOUT, Arc::new(TestClock::default())).await.unwrap();
    assert_eq!(again.users().await.unwrap().len(), 200);
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused_with_the_command_to_run() {
    for (ending, mode) in [("", 0o644), ("", 0o660), ("-wal", 0o640), ("-shm", 0o604)] {
        let database = Database::sqlite().await;
        let exposed = PathBuf::from(format!("{}{ending}", database.path().display()));
        fs::set_permissions(&exposed, fs::Permissions::from_mode(mode)).unwrap();
        let text = refusal(&database.path()).await;
        assert!(text.contains(&format!("chmod 600 {}", exposed.display())), "{text}");
    }
}

/// What somebody does to the file under a running service, and that it is noticed at once, for ever.
async fn is_noticed(spoil: impl FnOnce(&Path)) {
    let database = Database::sqlite().await;
    let name = add_repository(&database.store, add_project(&database.store, "p").await, "app").await;
    for number in 0..100 {
        add_user(&database.store, &format!("user-{number}")).await;
    }
    database.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
    database.store.revision().await.unwrap();
    spoil(&database.path());
    let after = fs::read(database.path()).unwrap();
    for _ in 0..2 {
        for outcome in use_everything(&database.store, &name).await {
            let Err(StorageError::Unavailable(text)) = outcome else { panic!("{outcome:?}") };
            assert!(text.contains("overwritten or cut"), "{text}");
        }
    }
    database.store.close().await;
    assert_eq!(fs::read(database.path()).unwrap(), after, "the file was written to");
}

#[tokio::test]
async fn a_file_that_is_emptied_in_use_is_noticed() {
    is_noticed(|path| drop(fs::OpenOptions::new().write(true).truncate(true).open(path).unwrap())).await;
}

#[tokio::test]
async fn a_file_that_is_cut_in_use_is_noticed_and_takes_no_event() {
    is_noticed(|path| {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_overwritten_in_use_is_noticed() {
    let (_folder, other) = whole().await;
    is_noticed(move |path| assert!(fs::copy(other, path).unwrap() > 0)).await;
}

#[tokio::test]
async fn an_older_copy_of_itself_over_a_file_in_use_is_noticed() {
    let database = Database::sqlite().await;
    let name = add_repository(&database.store, add_project(&database.store, "p").await, "app").await;
    let copy = database.path().with_file_name("copy.db");
    database.run(&format!("VACUUM INTO '{}'", copy.display())).await;
    add_user(&database.store, "alice").await;
    fs::copy(copy, database.path()).unwrap();
    for outcome in use_everything(&database.store, &name).await {
        assert!(matches!(outcome, Err(StorageError::Unavailable(_))), "{outcome:?}");
    }
    database.store.close().await;
}

#[tokio::test]
async fn checkpoints_of_any_process_and_a_tidied_up_file_are_no_reason_to_stop() {
    let database = Database::sqlite().await;
    let name = add_repository(&database.store, add_project(&database.store, "p").await, "app").await;
    let checkpoints = ["PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM"];
    for number in 0..300 {
        let event = push(&format!("e{number}"), &name, Some("v1"), 'b', 5_000);
        database.store.receive(&[event], &[], at(5_000)).await.unwrap();
        if number % 10 == 0 {
            database.run(checkpoints[number / 10 % checkpoints.len()]).await;
        }
        database.store.revision().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs root, to make a file immutable"]
async fn what_could_not_be_written_for_a_while_is_written_again() {
    let database = Database::sqlite().await;
    add_user(&database.store, "bob").await;
    let locked = Immutable::make(&database.path());
    for number in 0..20 {
        let body = format!("while it cannot be written {number}");
        database.store.keep_dead_letter(body.as_bytes(), "test", at(5)).await.unwrap_err();
        database.store.write_nothing_new().await.unwrap_err();
        database.store.revision().await.unwrap();
    }
    drop(locked);
    database.store.write_nothing_new().await.unwrap();
    database.store.keep_dead_letter(b"later", "test", at(5)).await.unwrap();
    add_user(&database.store, "alice").await;
}

/// Files that nobody can write to, not even root; ends when it is dropped.
struct Immutable(Vec<PathBuf>);

impl Immutable {
    fn make(path: &Path) -> Self {
        let made = Self(vec![path.to_owned(), PathBuf::from(format!("{}-wal", path.display()))]);
        let done = Command::new("chattr").arg("+i").args(&made.0).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        made
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        drop(Command::new("chattr").arg("-i").args(&self.0).output());
    }
}
