//! Transactions: the only way in which anything is changed.

use std::time::Duration;

use sqlx::{Postgres, SqlSafeStr, Sqlite};
use tokio::time::Instant;

use super::sql::{Statement, until};
use super::{CHANGES_KEPT, Engine, Store};
use crate::ports::StorageError;

/// A transaction that may write. Dropping it rolls it back.
///
/// One runs at a time, on either engine: what it has read stays true until it is committed. `SQLite` takes its write
/// lock at once (a transaction that reads first and writes later could be refused half-way), and on `PostgreSQL` the
/// first step locks a row that each of them locks first.
pub(super) struct Transaction<'s> {
    store: &'s Store,
    open: OpenTransaction,
    deadline: Instant,
}

enum OpenTransaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction<'_> {
    /// A statement to run in this transaction.
    pub(super) fn sql(&mut self, text: impl SqlSafeStr) -> Statement<'_> {
        match &mut self.open {
            OpenTransaction::Sqlite(transaction) => Statement::on_sqlite(transaction, text, self.deadline),
            OpenTransaction::Postgres(transaction) => {
                Statement::on_postgres(transaction, text, self.deadline)
            }
        }
    }

    /// Makes the changes last.
    pub(super) async fn commit(self) -> Result<(), StorageError> {
        let Self { store, open, deadline } = self;
        let committing = async {
            match open {
                OpenTransaction::Sqlite(transaction) => transaction.commit().await?,
                OpenTransaction::Postgres(transaction) => transaction.commit().await?,
            }
            Ok(())
        };
        until(Some(deadline), committing).await?;
        // What went into a file that has been replaced meanwhile is not kept.
        store.require_same_file()
    }

    /// Records that facts about a subject have changed. Because transactions run one at a time, revisions are
    /// committed in their order.
    pub(super) async fn note_change(
        &mut self,
        subject: &'static str,
        number: i64,
    ) -> Result<(), StorageError> {
        let (revision,): (i64,) = self
            .sql("UPDATE facts_revision SET revision = revision + 1 RETURNING revision")
            .fetch_one()
            .await?;
        self.sql("INSERT INTO facts_changes (revision, subject, number) VALUES ($1, $2, $3)")
            .bind(revision)
            .bind(subject)
            .bind(number)
            .execute()
            .await?;
        self.sql("DELETE FROM facts_changes WHERE revision <= $1")
            .bind(revision - CHANGES_KEPT)
            .execute()
            .await?;
        Ok(())
    }

    /// Draws the next number of a sequence.
    pub(super) async fn next_number(&mut self, sequence: &'static str) -> Result<i64, StorageError> {
        let (number,): (i64,) = self
            .sql("UPDATE sequences SET value = value + 1 WHERE name = $1 RETURNING value")
            .bind(sequence)
            .fetch_one()
            .await?;
        Ok(number)
    }
}

impl Store {
    /// Begins a transaction; all of it has the time limit of the store.
    pub(super) async fn begin(&self) -> Result<Transaction<'_>, StorageError> {
        self.begin_within(self.timeout).await
    }

    /// Begins a transaction that has a time limit of its own.
    pub(super) async fn begin_within(&self, limit: Duration) -> Result<Transaction<'_>, StorageError> {
        self.require_same_file()?;
        let deadline = Instant::now() + limit;
        let beginning = async {
            match &self.engine {
                Engine::Sqlite { writer, .. } => writer.begin().await.map(OpenTransaction::Sqlite),
                Engine::Postgres(pool) => {
                    let mut transaction = pool.begin().await?;
                    sqlx::query("SELECT revision FROM facts_revision FOR UPDATE")
                        .execute(&mut *transaction)
                        .await?;
                    Ok(OpenTransaction::Postgres(transaction))
                }
            }
        };
        Ok(Transaction { store: self, open: until(Some(deadline), beginning).await?, deadline })
    }
}
