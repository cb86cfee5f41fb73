//! The inbox of the webhook, and what pushes do to the records.

use std::time::Duration;

use async_trait::async_trait;

use super::Store;
use super::push::{Times, apply_push};
use super::transaction::Transaction;
use crate::domain::event::{EventMeaning, ManifestPush};
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::events::{EventInbox, IncomingEvent, Receipt};

/// Keeps an event. Returns `false` if its id is taken: by itself, sent again, or by another event.
async fn store_event(
    transaction: &mut Transaction<'_>,
    event: &IncomingEvent,
    arrived_at: Timestamp,
) -> Result<bool, StorageError> {
    let (state, reason) = match &event.meaning {
        EventMeaning::Push(_) => ("pending", None),
        EventMeaning::Noted => ("noted", None),
        EventMeaning::Unusable(reason) => ("unusable", Some(*reason)),
    };
    let stored = transaction
        .sql(
            "INSERT INTO events (id, state, reason, happened_at, arrived_at, body) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind(event.id.as_str())
        .bind(state)
        .bind(reason)
        .bind(event.happened_at.as_millis())
        .bind(arrived_at.as_millis())
        .bind(event.body.as_str())
        .execute()
        .await?;
    if stored > 0 {
        return Ok(true);
    }
    let (body,): (String,) =
        transaction.sql("SELECT body FROM events WHERE id = $1").bind(event.id.as_str()).fetch_one().await?;
    if body != event.body {
        store_dead_letter(transaction, event.body.as_bytes(), "another event has this id", arrived_at)
            .await?;
    }
    Ok(false)
}

async fn store_dead_letter(
    transaction: &mut Transaction<'_>,
    body: &[u8],
    reason: &str,
    arrived_at: Timestamp,
) -> Result<(), StorageError> {
    transaction
        .sql("INSERT INTO dead_letters (reason, arrived_at, body) VALUES ($1, $2, $3)")
        .bind(reason)
        .bind(arrived_at.as_millis())
        .bind(body)
        .execute()
        .await?;
    Ok(())
}

async fn finish(
    transaction: &mut Transaction<'_>,
    event: &IncomingEvent,
    state: &'static str,
    reason: Option<&str>,
) -> Result<(), StorageError> {
    transaction
        .sql("UPDATE events SET state = $2, reason = $3 WHERE id = $1")
        .bind(event.id.as_str())
        .bind(state)
        .bind(reason)
        .execute()
        .await?;
    Ok(())
}

/// Applies a push inside a savepoint of its own, so that one that fails takes nothing else with it.
async fn apply_in_savepoint(
    transaction: &mut Transaction<'_>,
    event: &IncomingEvent,
    push: &ManifestPush,
    times: Times,
) -> Result<Receipt, StorageError> {
    transaction.sql("SAVEPOINT one_push").execute().await?;
    match apply_push(transaction, push, times).await {
        Ok(None) => {
            transaction.sql("RELEASE SAVEPOINT one_push").execute().await?;
            finish(transaction, event, "done", None).await?;
            Ok(Receipt::Applied)
        }
        Ok(Some(reason)) => {
            transaction.sql("ROLLBACK TO SAVEPOINT one_push").execute().await?;
            finish(transaction, event, "unusable", Some(reason)).await?;
            Ok(Receipt::Unusable)
        }
        Err(error) => {
            transaction.sql("ROLLBACK TO SAVEPOINT one_push").execute().await?;
            tracing::error!(event = %event.id, %error, "an event could not be applied and waits");
            Ok(Receipt::Pending)
        }
    }
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
        let mut transaction = self.begin_within(self.timeout + FOR_EACH_EVENT * most).await?;
        for body in nameless {
            store_dead_letter(&mut transaction, body.as_bytes(), "an event without an id", arrived_at)
                .await?;
        }
        let mut receipts = Vec::with_capacity(events.len());
        for event in events {
            let is_new = store_event(&mut transaction, event, arrived_at).await?;
            receipts.push(match &event.meaning {
                _ if !is_new => Receipt::Repeated,
                EventMeaning::Noted => Receipt::Noted,
                EventMeaning::Unusable(_) => Receipt::Unusable,
                EventMeaning::Push(push) => {
                    let times = Times { happened_at: event.happened_at, arrived_at };
                    apply_in_savepoint(&mut transaction, event, push, times).await?
                }
            });
        }
        transaction.commit().await?;
        Ok(receipts)
    }

    async fn keep_dead_letter(
        &self,
        body: &[u8],
        reason: &str,
        arrived_at: Timestamp,
    ) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        store_dead_letter(&mut transaction, body, reason, arrived_at).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn pending(&self, limit: i64) -> Result<Vec<(String, String)>, StorageError> {
        Ok(self
            .read("SELECT id, body FROM events WHERE state = 'pending' ORDER BY arrived_at, id LIMIT $1")?
            .bind(limit)
            .fetch_all()
            .await?)
    }

    async fn apply_pending(&self, event: &IncomingEvent) -> Result<Receipt, StorageError> {
        let mut transaction = self.begin().await?;
        // When it happened was settled when it arrived: by now, a clock that is ahead would count.
        let waiting: Option<(i64, i64)> = transaction
            .sql("SELECT happened_at, arrived_at FROM events WHERE id = $1 AND state = 'pending'")
            .bind(event.id.as_str())
            .fetch_optional()
            .await?;
        let Some((happened_at, arrived_at)) = waiting else { return Ok(Receipt::Repeated) };
        let receipt = match &event.meaning {
            EventMeaning::Push(push) => {
                let times = Times {
                    happened_at: Timestamp::from_millis(happened_at),
                    arrived_at: Timestamp::from_millis(arrived_at),
                };
                apply_in_savepoint(&mut transaction, event, push, times).await?
            }
            EventMeaning::Noted => {
                finish(&mut transaction, event, "noted", None).await?;
                Receipt::Noted
            }
            EventMeaning::Unusable(reason) => {
                finish(&mut transaction, event, "unusable", Some(reason)).await?;
                Receipt::Unusable
            }
        };
        transaction.commit().await?;
        Ok(receipt)
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
        let mut transaction = self.begin().await?;
        let forgotten = transaction
            .sql(statement)
            .bind(moment.as_millis())
            .bind(i64::try_from(FORGOTTEN_AT_ONCE).unwrap_or(i64::MAX))
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(forgotten)
    }
}
