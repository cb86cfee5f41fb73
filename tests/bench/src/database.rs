//! Databases of full size: 100,000 users, 10,000 projects, 1,000,000 repositories. They are made once and
//! kept; the service writes nothing into them while it only issues tokens for pulls.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use auth_service::adapters::argon2::{HashingOptions, HashingThreads};
use auth_service::domain::credential::Password;
use auth_service::domain::login_scope::LoginScopes;
use auth_service::domain::service_token::{ServiceToken, ServiceTokenId, ServiceTokenKind, TokenDigest};
use auth_service::ports::passwords::PasswordHasher as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use zeroize::Zeroizing;

use crate::issuer::{ISSUER, SUBJECTS, opaque_tokens, subject};

/// Every user's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// How many projects there are.
pub(crate) const PROJECTS: usize = 10_000;
/// How many repositories there are.
pub(crate) const REPOSITORIES: usize = 1_000_000;

/// How many personal access tokens there are.
pub(crate) const TOKENS: usize = 11_000;

const USERS: usize = 100_000;
const FIRST_USER: usize = 3_500_000;
const FIRST_TEAM: usize = 3_700_000;
const FIRST_PROJECT: usize = 2_100_000;
const FIRST_REPOSITORY: usize = 3_000_000;
const AUTHENTICATED_USERS: usize = 273_948;

/// The name of a user.
pub(crate) fn user_name(number: usize) -> String {
    format!("user{number}")
}

/// The name of a repository. Neighbours are in different projects.
pub(crate) fn repository_name(number: usize) -> String {
    let number = number % REPOSITORIES;
    format!("syn{}/group/service{}", FIRST_PROJECT + number % PROJECTS, number / PROJECTS)
}

/// Makes sure that the SQLite file is there.
pub(crate) async fn prepare_sqlite(program: &Path, folder: &Path, file: &Path) -> anyhow::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let new = folder.join("full-size.new");
    let _ = std::fs::remove_file(&new);
    let url = format!("sqlite:{}", new.display());
    make_schema(program, folder, &url)?;
    let mut connection = SqliteConnection::connect(&url).await?;
    sqlx::raw_sql(AssertSqlSafe(script().await?)).execute(&mut connection).await?;
    add_tokens(&mut connection).await?;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    connection.close().await?;
    Ok(std::fs::rename(&new, file)?)
}

/// Makes sure that the PostgreSQL database is filled.
pub(crate) async fn prepare_postgres(program: &Path, folder: &Path, url: &str) -> anyhow::Result<()> {
    make_schema(program, folder, url)?;
    let mut connection = PgConnection::connect(url).await?;
    let (filled,): (bool,) =
        sqlx::query_as("SELECT EXISTS (SELECT 1 FROM repositories)").fetch_one(&mut connection).await?;
    if !filled {
        sqlx::raw_sql(AssertSqlSafe(script().await?)).execute(&mut connection).await?;
        sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// A personal access token; the one of this number belongs to the user of the same.
pub(crate) fn personal_token(number: usize) -> (ServiceTokenId, Zeroizing<String>, TokenDigest) {
    let id = ServiceTokenId::new(i64::try_from(number).unwrap_or(0) + 1);
    let mut secret = [0x5a; 24];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    let (text, digest) = ServiceToken::compose(ServiceTokenKind::Personal, id, &secret);
    (id, text, digest)
}

/// Personal access tokens, and links of the stub's subjects to users.
async fn add_tokens(connection: &mut SqliteConnection) -> anyhow::Result<()> {
    let mut transaction = connection.begin().await?;
    let user = |number: usize| i64::try_from(FIRST_USER + number).unwrap_or(0);
    for number in 0..TOKENS {
        let (id, _, digest) = personal_token(number);
        sqlx::query(
            "INSERT INTO tokens (id, kind, user_id, name, digest, scopes, created_at) \
             VALUES (?, 'personal', ?, 'bench', ?, ?, 0)",
        )
        .bind(id.number())
        .bind(user(number))
        .bind(&digest.as_bytes()[..])
        .bind(i64::from(LoginScopes::USUAL.to_bits()))
        .execute(&mut *transaction)
        .await?;
    }
    for number in 0..SUBJECTS {
        sqlx::query("INSERT INTO linked_subjects (issuer, subject, user_id, linked_at) VALUES (?, ?, ?, 0)")
            .bind(ISSUER)
            .bind(subject(number))
            .bind(user(number))
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Every command that opens the database brings its schema up to date first.
fn make_schema(program: &Path, folder: &Path, url: &str) -> anyhow::Result<()> {
    let service = crate::program::Service {
        name: "schema",
        database: url,
        keys: folder,
        direct: false,
        hash_threads: 1,
        workers: 1,
        login: "",
    };
    let file = service.write_configuration(folder)?;
    // Refused if there is one already; the next command shows whether that one can be opened.
    Command::new(program).arg("--config").arg(&file).args(["db", "init"]).output()?;
    let output = Command::new(program).arg("--config").arg(&file).args(["team", "list"]).output()?;
    if output.status.success() {
        return Ok(());
    }
    bail!("the database cannot be opened: {}", String::from_utf8_lossy(&output.stderr))
}

/// One text for both engines. Each project has an owner, a team that works in it, and is open to everybody
/// who has logged in; one repository in a hundred has sharing of its own. All users have the same password
/// hash: making another for each would take an hour.
async fn script() -> anyhow::Result<String> {
    let options = HashingOptions {
        threads: 1,
        longest_queue: std::time::Duration::from_secs(9),
        memory_kib: 19_456,
        passes: 2,
    };
    let hash = HashingThreads::start(options)?.hash(Password::new(PASSWORD.to_owned())).await;
    let hash = hash.context("no hash can be made")?;
    let shapes = opaque_tokens().digest().number();
    let count = |limit: usize| {
        format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {limit} - 1)")
    };
    let (users, projects, repositories, teams) =
        (count(USERS), count(PROJECTS), count(REPOSITORIES), count(1000));
    Ok(format!(
        "BEGIN;
        INSERT INTO principals (id, name, kind) {users} SELECT {FIRST_USER} + i, 'user' || i, 'user' FROM n;
        INSERT INTO users (id, email, password_hash, certified, administrator, disabled, generation, created_at, password_shapes)
          {users} SELECT {FIRST_USER} + i, 'user' || i || '@example.org', '{hash}', TRUE, FALSE, FALSE, 1, 0, {shapes} FROM n;
        INSERT INTO principals (id, name, kind) {teams} SELECT {FIRST_TEAM} + i, 'team' || i, 'team' FROM n;
        INSERT INTO teams (id, created_at) {teams} SELECT {FIRST_TEAM} + i, 0 FROM n;
        INSERT INTO team_members (user_id, team_id) {users} SELECT {FIRST_USER} + i, {FIRST_TEAM} + i % 1000 FROM n;
        INSERT INTO team_members (user_id, team_id)
          {users} SELECT {FIRST_USER} + i, {FIRST_TEAM} + (i * 7 + 3) % 1000 FROM n;
        INSERT INTO projects (id, name, open_data, created_by, created_at)
          {projects} SELECT {FIRST_PROJECT} + i, 'Project ' || i, FALSE, {FIRST_USER} + i, 0 FROM n;
        INSERT INTO access (item_id, principal_id, kinds)
          {projects} SELECT {FIRST_PROJECT} + i, {FIRST_USER} + i, 255 FROM n
          UNION ALL SELECT {FIRST_PROJECT} + i, {FIRST_TEAM} + i % 1000, 15 FROM n
          UNION ALL SELECT {FIRST_PROJECT} + i, {AUTHENTICATED_USERS}, 3 FROM n;
        INSERT INTO repositories (id, project_id, path, state, local_sharing, open_data, created_by, created_at)
          {repositories} SELECT {FIRST_REPOSITORY} + i, {FIRST_PROJECT} + i % {PROJECTS},
          'group/service' || (i / {PROJECTS}), 'live', i / {PROJECTS} = 99, FALSE, {FIRST_USER}, 0 FROM n;
        INSERT INTO access (item_id, principal_id, kinds)
          SELECT id, {FIRST_TEAM} + id % 1000, 15 FROM repositories WHERE local_sharing
          UNION ALL SELECT id, {AUTHENTICATED_USERS}, 3 FROM repositories WHERE local_sharing;
        UPDATE sequences SET value = 9000000;
        COMMIT;"
    ))
}
