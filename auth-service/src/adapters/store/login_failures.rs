//! Wrong passwords, in a fixed number of buckets. Names and networks are chosen by whoever tries: hashed under a key
//! that only the database has, nobody can aim at somebody else's bucket, and chance collisions only make a count
//! too high, never too low.

use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;

use super::{Store, change, read};
use crate::adapters::system::random_bytes;
use crate::domain::lockout::{Count, Counts};
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::login_failures::{Attempt, LoginFailures, Target};

/// Buckets of each kind.
const BUCKETS: i64 = 1 << 20;

/// The bucket that counts everything.
const EVERYTHING: i64 = 0;

/// How long after a form that was refused a second request counts as its repetition.
const REPEATED_WITHIN: Duration = Duration::from_secs(10);

const KEY_NAME: &str = "login_failures";

/// Where an attempt is counted.
struct Buckets {
    account: i64,
    network: i64,
    wide_network: Option<i64>,
    /// Tells the account's buckets among those of others.
    target: i64,
}

/// Hashes names and networks.
#[derive(Clone)]
pub(super) struct BucketKey(hmac::Key);

impl BucketKey {
    fn number(&self, what: &str, target: &str, network: &str) -> i64 {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [what, target, network] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&context.sign().as_ref()[..8]);
        i64::from_be_bytes(bytes) & i64::MAX
    }

    fn target(&self, target: &Target) -> i64 {
        self.number("target", &text(target), "")
    }

    fn buckets(&self, attempt: &Attempt) -> Buckets {
        let bucket = |kind: i64, number: i64| kind * BUCKETS + number % BUCKETS;
        let network = attempt.network.to_string();
        let wide = attempt.network.wide().map(|wide| wide.to_string());
        Buckets {
            account: bucket(1, self.number("account", &text(&attempt.target), &network)),
            network: bucket(2, self.number("network", "", &network)),
            wide_network: wide.map(|wide| bucket(3, self.number("wide", "", &wide))),
            target: self.target(&attempt.target),
        }
    }
}

fn text(target: &Target) -> String {
    match target {
        Target::Account(user) => format!("account {user}"),
        Target::Nobody(name) => format!("nobody {}", name.to_lowercase()),
    }
}

type Row = (i64, i64, i64, Option<i64>);

const SELECT: &str = "SELECT bucket, failures, failed_at, form_failed_at FROM login_failures \
     WHERE bucket IN ($1, $2, $3, 0)";

const UPSERT: &str = "INSERT INTO login_failures (bucket, account, network, failures, failed_at, form_failed_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (bucket) DO UPDATE SET account = excluded.account, \
     network = excluded.network, failures = excluded.failures, failed_at = excluded.failed_at, \
     form_failed_at = excluded.form_failed_at";

impl Buckets {
    fn counts(&self, rows: &[Row]) -> Counts {
        let count = |bucket: i64| {
            rows.iter().find(|row| row.0 == bucket).map_or_else(Count::default, |row| Count {
                failures: u32::try_from(row.1).unwrap_or(u32::MAX),
                last: Some(Timestamp::from_millis(row.2)),
            })
        };
        Counts {
            account: count(self.account),
            network: count(self.network),
            wide_network: self.wide_network.map(count),
            everything: count(EVERYTHING),
        }
    }

    fn rows(&self, counts: &Counts) -> Vec<(i64, Count)> {
        let wide = self.wide_network.zip(counts.wide_network);
        let rows =
            [(self.account, counts.account), (self.network, counts.network), (EVERYTHING, counts.everything)];
        rows.into_iter().chain(wide).collect()
    }

    /// Whether an attempt is the second one of a client whose form was refused a moment ago.
    fn is_repetition(&self, rows: &[Row], attempt: &Attempt, at: Timestamp) -> bool {
        let form = rows.iter().find(|row| row.0 == self.account).and_then(|row| row.3);
        !attempt.by_form && form.is_some_and(|form| at.since(Timestamp::from_millis(form)) < REPEATED_WITHIN)
    }
}

impl Store {
    /// The key of this database, made by the first process that needs it.
    async fn bucket_key(&self) -> Result<BucketKey, StorageError> {
        if let Some(key) = self.bucket_key.get() {
            return Ok(key.clone());
        }
        let made: [u8; 32] = random_bytes().map_err(|error| StorageError::Unavailable(error.to_string()))?;
        let stored: Vec<u8> = self.shared_secret(KEY_NAME, &made).await?;
        let key = BucketKey(hmac::Key::new(hmac::HMAC_SHA256, &stored));
        Ok(self.bucket_key.get_or_init(|| key).clone())
    }

    /// The value kept under a name; `made` when there was none.
    async fn shared_secret(&self, name: &str, made: &[u8]) -> Result<Vec<u8>, StorageError> {
        let found: Option<(Vec<u8>,)> = read!(self, connection => {
            sqlx::query_as("SELECT value FROM shared_secrets WHERE name = $1")
                .bind(name)
                .fetch_optional(connection)
                .await?
        });
        if let Some((value,)) = found {
            return Ok(value);
        }
        change!(self, transaction => {
            sqlx::query("INSERT INTO shared_secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
                .bind(name)
                .bind(made)
                .execute(&mut *transaction)
                .await?;
            let (value,): (Vec<u8>,) = sqlx::query_as("SELECT value FROM shared_secrets WHERE name = $1")
                .bind(name)
                .fetch_one(&mut *transaction)
                .await?;
            Ok(value)
        })
    }

    async fn count(&self, attempt: &Attempt, at: Timestamp) -> Result<Counts, StorageError> {
        let buckets = self.bucket_key().await?.buckets(attempt);
        change!(self, transaction => {
            let rows: Vec<Row> = sqlx::query_as(SELECT)
                .bind(buckets.account)
                .bind(buckets.network)
                .bind(buckets.wide_network)
                .fetch_all(&mut *transaction)
                .await?;
            let before = buckets.counts(&rows);
            if buckets.is_repetition(&rows, attempt, at) {
                sqlx::query("UPDATE login_failures SET form_failed_at = NULL WHERE bucket = $1")
                    .bind(buckets.account)
                    .execute(&mut *transaction)
                    .await?;
                Ok(before)
            } else {
                let after = before.and_one_more(at);
                for (bucket, count) in buckets.rows(&after) {
                    let is_account = bucket == buckets.account;
                    let Some(last) = count.last else { continue };
                    sqlx::query(UPSERT)
                        .bind(bucket)
                        .bind(is_account.then_some(buckets.target))
                        .bind(is_account.then_some(buckets.network))
                        .bind(i64::from(count.failures))
                        .bind(last.as_millis())
                        .bind((is_account && attempt.by_form).then_some(at.as_millis()))
                        .execute(&mut *transaction)
                        .await?;
                }
                Ok(after)
            }
        })
    }
}

#[async_trait]
impl LoginFailures for Store {
    async fn counts(&self, attempt: &Attempt) -> Result<Counts, StorageError> {
        let buckets = self.bucket_key().await?.buckets(attempt);
        let rows: Vec<Row> = read!(self, connection => {
            sqlx::query_as(SELECT)
                .bind(buckets.account)
                .bind(buckets.network)
                .bind(buckets.wide_network)
                .fetch_all(connection)
                .await?
        });
        Ok(buckets.counts(&rows))
    }

    async fn count_failure(&self, attempt: &Attempt, at: Timestamp) -> Result<Counts, StorageError> {
        self.in_time(Box::pin(self.count(attempt, at))).await
    }

    async fn forget_attempts(&self, attempt: &Attempt, at: Timestamp) -> Result<(), StorageError> {
        let buckets = self.bucket_key().await?.buckets(attempt);
        change!(self, transaction => {
            let rows: Vec<Row> = sqlx::query_as(SELECT)
                .bind(buckets.account)
                .bind(buckets.network)
                .bind(buckets.wide_network)
                .fetch_all(&mut *transaction)
                .await?;
            let after = buckets.counts(&rows).after_the_right_one(at);
            sqlx::query("DELETE FROM login_failures WHERE bucket = $1")
                .bind(buckets.account)
                .execute(&mut *transaction)
                .await?;
            for (bucket, count) in buckets.rows(&after) {
                sqlx::query("UPDATE login_failures SET failures = $2 WHERE bucket = $1")
                    .bind(bucket)
                    .bind(i64::from(count.failures))
                    .execute(&mut *transaction)
                    .await?;
            }
            Ok(())
        })
    }

    async fn unlock_network(&self, network: ClientNetwork) -> Result<(), StorageError> {
        // Whose attempt it was does not bear on the networks' buckets.
        let attempt = Attempt { target: Target::Nobody(String::new()), network, by_form: false };
        let buckets = self.bucket_key().await?.buckets(&attempt);
        change!(self, transaction => {
            sqlx::query("DELETE FROM login_failures WHERE bucket IN ($1, $2)")
                .bind(buckets.network)
                .bind(buckets.wide_network)
                .execute(&mut *transaction)
                .await?;
            Ok(())
        })
    }

    async fn unlock(&self, account: UserId) -> Result<(), StorageError> {
        let target = self.bucket_key().await?.target(&Target::Account(account));
        change!(self, transaction => {
            for statement in [
                "DELETE FROM login_failures WHERE bucket IN (SELECT network FROM login_failures WHERE account = $1)",
                "DELETE FROM login_failures WHERE account = $1",
            ] {
                sqlx::query(statement).bind(target).execute(&mut *transaction).await?;
            }
            Ok(())
        })
    }

    async fn forget_failures_before(&self, moment: Timestamp) -> Result<(), StorageError> {
        change!(self, transaction => {
            sqlx::query("DELETE FROM login_failures WHERE failed_at < $1")
                .bind(moment.as_millis())
                .execute(&mut *transaction)
                .await?;
            Ok(())
        })
    }
}
