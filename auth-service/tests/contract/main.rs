//! What every database engine promises, checked on each: the ports of storage as `auth_service::ports`
//! describes them. Each test has a database of its own, so that all run at the same time.
//!
//! `SQLite` needs nothing. `PostgreSQL` is a server that `TEST_POSTGRES_URL` names, with the right to make
//! databases (`tests/with-postgres.sh cargo test` brings one); without it the tests fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test may end by a panic, and one that measures prints, also in a helper"
)]

mod accounts;
mod broken_file;
mod cached_facts;
mod cached_random;
mod changes;
mod database;
mod events;
mod facts;
mod fake_facts;
mod full_size;
mod items;
mod links;
mod login_failures;
mod makers;
mod names;
mod numbers;
mod robustness;
mod sharing;
mod sqlite_file;
mod tokens;
mod visible;
mod waiting_events;
