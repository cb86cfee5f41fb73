//! The inbox of the webhook, and what pushes do to the records.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::Acquire as _;

use super::push::{add_repository, move_tag, open_reserved, record_manifest, refusal, repository_pushed_to};
use super::{Store, change, next_number, note_change, read};
use crate::domain::event::EventMeaning;
use crate::domain::principal::UserId;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::events::{EventInbox, IncomingEvent, Receipt};

/// Keeps an event, or sees that its id is taken: by itself, sent again, or by another event.
macro_rules! store_event {
    ($transaction:ident, $event:expr, $arrived_at:expr) => {{
        let (state, reason) = match &$event.meaning {
            EventMeaning::Push(_) => ("pending", None),
            EventMeaning::Noted => ("noted", None),
            EventMeaning::Unusable(reason) => ("unusable", Some(*reason)),
        };
        let stored = sqlx::query(
            "INSERT INTO events (id, state, reason, happened_at, arrived_at, body) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind($event.id.as_str())
        .bind(state)
        .bind(reason)
        .bind($event.happened_at.as_millis())
        .bind($arrived_at.as_millis())
        .bind($event.body.as_str())
        .execute(&mut *$transaction)
        .await?
        .rows_affected();
        if stored == 0 {
            let (body,): (String,) = sqlx::query_as("SELECT body FROM events WHERE id = $1")
                .bind($event.id.as_str())
                .fetch_one(&mut *$transaction)
                .await?;
            if body != $event.body {
                store_dead_letter!(
                    $transaction,
                    $event.body.as_bytes(),
                    "another event has this id",
                    $arrived_at
                );
            }
        }
        stored > 0
    }};
}

macro_rules! store_dead_letter {
    ($transaction:ident, $body:expr, $reason:expr, $arrived_at:expr) => {
        sqlx::query("INSERT INTO dead_letters (reason, arrived_at, body) VALUES ($1, $2, $3)")
            .bind($reason)
            .bind($arrived_at.as_millis())
            .bind($body)
            .execute(&mut *$transaction)
            .await?
    };
}

macro_rules! finish {
    ($transaction:ident, $event:expr, $state:literal, $reason:expr) => {
        sqlx::query("UPDATE events SET state = $2, reason = $3 WHERE id = $1")
            .bind($event.id.as_str())
            .bind($state)
            .bind($reason)
            .execute(&mut *$transaction)
            .await?
    };
}

/// Applies a push inside a savepoint of its own, so that one that fails takes nothing else with it.
macro_rules! apply_in_savepoint {
    ($transaction:ident, $event:expr, $push:expr, $at:expr, $arrived_at:expr) => {{
        let mut savepoint = $transaction.begin().await?;
        let outcome: Result<Option<&'static str>, StorageError> =
            async { apply_push!(savepoint, $push, $at, $arrived_at) }.await;
        match outcome {
            Ok(None) => {
                savepoint.commit().await?;
                finish!($transaction, $event, "done", None::<&str>);
                Receipt::Applied
            }
            Ok(Some(reason)) => {
                savepoint.rollback().await?;
                finish!($transaction, $event, "unusable", Some(reason));
                Receipt::Unusable
            }
            Err(error) => {
                savepoint.rollback().await?;
                tracing::error!(event = %$event.id, %error, "an event could not be applied and waits");
                Receipt::Pending
            }
        }
    }};
}

/// Does what a push does, or gives the reason why it can never be done.
macro_rules! apply_push {
    ($savepoint:ident, $push:expr, $at:expr, $arrived_at:expr) => {{
        if let Some(reason) = refusal!($savepoint, $push) {
            return Ok(Some(reason));
        }
        let repository = repository_pushed_to!($savepoint, $push, $at);
        record_manifest!($savepoint, repository, $push, $at);
        if let Some(tag) = &$push.tag {
            move_tag!($savepoint, repository, $push, tag, $at, $arrived_at);
        }
        Ok(None)
    }};
}

#[async_trait]
impl EventInbox for Store {
    async fn receive(
        &self,
        events: &[IncomingEvent],
        nameless: &[String],
        arrived_at: Timestamp,
    ) -> Result<Vec<Receipt>, StorageError> {
        let most = u32::try_from(events.len() + nameless.len()).unwrap_or(u32::MAX);
        change!(self, self.timeout + FOR_EACH_EVENT * most, transaction => {
            for body in nameless {
                store_dead_letter!(transaction, body.as_bytes(), "an event without an id", arrived_at);
            }
            let mut receipts = Vec::with_capacity(events.len());
            for event in events {
                let is_new = store_event!(transaction, event, arrived_at);
                receipts.push(match &event.meaning {
                    _ if !is_new => Receipt::Repeated,
                    EventMeaning::Noted => Receipt::Noted,
                    EventMeaning::Unusable(_) => Receipt::Unusable,
                    EventMeaning::Push(push) => {
                        apply_in_savepoint!(transaction, event, push, event.happened_at, arrived_at)
                    }
                });
            }
            Ok(receipts)
        })
    }

    async fn keep_dead_letter(
        &self,
        body: &[u8],
        reason: &str,
        arrived_at: Timestamp,
    ) -> Result<(), StorageError> {
        change!(self, transaction => {
            store_dead_letter!(transaction, body, reason, arrived_at);
            Ok(())
        })
    }

    async fn pending(&self, limit: i64) -> Result<Vec<(String, String)>, StorageError> {
        Ok(read!(self, connection => {
            sqlx::query_as("SELECT id, body FROM events WHERE state = 'pending' ORDER BY arrived_at, id LIMIT $1")
                .bind(limit)
                .fetch_all(connection)
                .await?
        }))
    }

    async fn apply_pending(&self, event: &IncomingEvent) -> Result<Receipt, StorageError> {
        change!(self, transaction => {
            // When it happened was settled when it arrived: by now, a clock that is ahead would count.
            let waiting: Option<(i64, i64)> =
                sqlx::query_as("SELECT happened_at, arrived_at FROM events WHERE id = $1 AND state = 'pending'")
                    .bind(event.id.as_str())
                    .fetch_optional(&mut *transaction)
                    .await?;
            let Some((happened_at, arrived_at)) = waiting else { return Ok(Receipt::Repeated) };
            Ok(match &event.meaning {
                EventMeaning::Push(push) => {
                    let happened_at = Timestamp::from_millis(happened_at);
                    let arrived_at = Timestamp::from_millis(arrived_at);
                    apply_in_savepoint!(transaction, event, push, happened_at, arrived_at)
                }
                EventMeaning::Noted => {
                    finish!(transaction, event, "noted", None::<&str>);
                    Receipt::Noted
                }
                EventMeaning::Unusable(reason) => {
                    finish!(transaction, event, "unusable", Some(*reason));
                    Receipt::Unusable
                }
            })
        })
    }

    async fn forget_before(&self, moment: Timestamp) -> Result<(), StorageError> {
        for statement in FORGET {
            while self.forget_some(statement, moment).await? == FORGOTTEN_AT_ONCE {}
        }
        Ok(())
    }
}

/// How much longer a delivery may take for each event in it: the registry would send one that does not fit for
/// ever.
const FOR_EACH_EVENT: Duration = Duration::from_millis(50);

/// How many rows are forgotten in one transaction: nobody else can change anything while it runs.
const FORGOTTEN_AT_ONCE: u64 = 500;

/// Each forgets at most `$2` rows that arrived before `$1`.
const FORGET: [&str; 2] = [
    "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE arrived_at < $1 AND state <> 'pending' \
     ORDER BY arrived_at LIMIT $2)",
    "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE arrived_at < $1 LIMIT $2)",
];

impl Store {
    async fn forget_some(&self, statement: &'static str, moment: Timestamp) -> Result<u64, StorageError> {
        change!(self, transaction => {
            let forgotten = sqlx::query(statement)
                .bind(moment.as_millis())
                .bind(i64::try_from(FORGOTTEN_AT_ONCE).unwrap_or(i64::MAX))
                .execute(&mut *transaction)
                .await?;
            Ok(forgotten.rows_affected())
        })
    }
}
