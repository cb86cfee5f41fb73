//! Wrong passwords, in a fixed number of buckets. Names and networks are chosen by whoever tries: hashed under a key
//! that only the database has, nobody can aim at somebody else's bucket, and chance collisions only make a count
//! too high, never too low.

use async_trait::async_trait;
use aws_lc_rs::hmac;

use super::Store;
use crate::adapters::system::random_bytes;
use crate::domain::account::CountedName;
use crate::domain::lockout::{Count, Counts};
use crate::domain::network::ClientNetwork;
use crate::domain::time::Timestamp;
use crate::ports::StorageError;
use crate::ports::login_failures::{Attempt, LoginFailures};

/// Buckets of each kind.
const BUCKETS: i64 = 1 << 20;

/// The bucket that counts everything.
const EVERYTHING: i64 = 0;

const KEY_NAME: &str = "login_failures";

/// Where an attempt is counted.
struct Buckets {
    account: i64,
    network: i64,
    wide_network: Option<i64>,
    /// Tells the name's buckets among those of others.
    name: i64,
}

/// Hashes names and networks.
#[derive(Clone)]
pub(super) struct BucketKey(hmac::Key);

impl BucketKey {
    fn number(&self, what: &str, name: &str, network: &str) -> i64 {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [what, name, network] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&context.sign().as_ref()[..8]);
        i64::from_be_bytes(bytes) & i64::MAX
    }

    fn name(&self, name: &CountedName) -> i64 {
        self.number("name", name.as_str(), "")
    }

    fn of_network(&self, network: ClientNetwork) -> (i64, Option<i64>) {
        let number = |what, network: String| self.number(what, "", &network);
        let wide = network.wide().map(|wide| bucket(3, number("wide", wide.to_string())));
        (bucket(2, number("network", network.to_string())), wide)
    }

    fn buckets(&self, attempt: &Attempt) -> Buckets {
        let (network, wide_network) = self.of_network(attempt.network);
        let account = self.number("account", attempt.name.as_str(), &attempt.network.to_string());
        Buckets { account: bucket(1, account), network, wide_network, name: self.name(&attempt.name) }
    }
}

const fn bucket(kind: i64, number: i64) -> i64 {
    kind * BUCKETS + number % BUCKETS
}

type Row = (i64, i64, i64);

const SELECT: &str = "SELECT bucket, failures, failed_at FROM login_failures WHERE bucket IN ($1, $2, $3, 0)";

const UPSERT: &str = "INSERT INTO login_failures (bucket, account, network, failures, failed_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (bucket) DO UPDATE SET account = excluded.account, \
     network = excluded.network, failures = excluded.failures, failed_at = excluded.failed_at";

impl Buckets {
    fn counts(&self, rows: &[Row], now: Timestamp) -> Counts {
        let count = |bucket: i64| {
            rows.iter().find(|row| row.0 == bucket).map_or_else(Count::default, |row| Count {
                failures: u32::try_from(row.1).unwrap_or(u32::MAX),
                last: Some(Timestamp::from_millis(row.2).min(now)),
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
        let found: Option<(Vec<u8>,)> = self
            .read("SELECT value FROM shared_secrets WHERE name = $1")?
            .bind(name)
            .fetch_optional()
            .await?;
        if let Some((value,)) = found {
            return Ok(value);
        }
        let mut transaction = self.begin().await?;
        transaction
            .sql("INSERT INTO shared_secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(made)
            .execute()
            .await?;
        let (value,): (Vec<u8>,) = transaction
            .sql("SELECT value FROM shared_secrets WHERE name = $1")
            .bind(name)
            .fetch_one()
            .await?;
        transaction.commit().await?;
        Ok(value)
    }

    async fn count(&self, attempt: &Attempt, at: Timestamp) -> Result<Counts, StorageError> {
        let buckets = self.bucket_key().await?.buckets(attempt);
        let mut transaction = self.begin().await?;
        let rows: Vec<Row> = transaction
            .sql(SELECT)
            .bind(buckets.account)
            .bind(buckets.network)
            .bind(buckets.wide_network)
            .fetch_all()
            .await?;
        let after = buckets.counts(&rows, at).and_one_more(at);
        for (bucket, count) in buckets.rows(&after) {
            let is_account = bucket == buckets.account;
            let Some(last) = count.last else { continue };
            transaction
                .sql(UPSERT)
                .bind(bucket)
                .bind(is_account.then_some(buckets.name))
                .bind(is_account.then_some(buckets.network))
                .bind(i64::from(count.failures))
                .bind(last.as_millis())
                .execute()
                .await?;
        }
        transaction.commit().await?;
        Ok(after)
    }

    /// Writes down that whatever was counted later than now was counted now.
    async fn end_future(&self, now: Timestamp) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        transaction
            .sql("UPDATE login_failures SET failed_at = $1 WHERE failed_at > $1")
            .bind(now.as_millis())
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl LoginFailures for Store {
    async fn counts(&self, attempt: &Attempt, now: Timestamp) -> Result<Counts, StorageError> {
        let buckets = self.bucket_key().await?.buckets(attempt);
        let rows: Vec<Row> = self
            .read(SELECT)?
            .bind(buckets.account)
            .bind(buckets.network)
            .bind(buckets.wide_network)
            .fetch_all()
            .await?;
        if rows.iter().any(|row| row.2 > now.as_millis())
            && let Err(error) = self.end_future(now).await
        {
            // Nothing is free because of that: it counts as of now, again and again.
            tracing::warn!(%error, "wrong passwords that were counted in the future stay there");
        }
        Ok(buckets.counts(&rows, now))
    }

    async fn count_failure(&self, attempt: &Attempt, at: Timestamp) -> Result<Counts, StorageError> {
        self.count(attempt, at).await
    }

    async fn forget_attempts(&self, attempt: &Attempt, at: Timestamp) -> Result<(), StorageError> {
        let buckets = self.bucket_key().await?.buckets(attempt);
        let mut transaction = self.begin().await?;
        let rows: Vec<Row> = transaction
            .sql(SELECT)
            .bind(buckets.account)
            .bind(buckets.network)
            .bind(buckets.wide_network)
            .fetch_all()
            .await?;
        let after = buckets.counts(&rows, at).after_the_right_one(at);
        transaction
            .sql("DELETE FROM login_failures WHERE bucket = $1")
            .bind(buckets.account)
            .execute()
            .await?;
        for (bucket, count) in buckets.rows(&after) {
            transaction
                .sql("UPDATE login_failures SET failures = $2 WHERE bucket = $1")
                .bind(bucket)
                .bind(i64::from(count.failures))
                .execute()
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn unlock_network(&self, network: ClientNetwork) -> Result<(), StorageError> {
        let (network, wide_network) = self.bucket_key().await?.of_network(network);
        let mut transaction = self.begin().await?;
        transaction
            .sql("DELETE FROM login_failures WHERE bucket IN ($1, $2)")
            .bind(network)
            .bind(wide_network)
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn unlock(&self, name: &CountedName) -> Result<(), StorageError> {
        let name = self.bucket_key().await?.name(name);
        let mut transaction = self.begin().await?;
        for statement in [
            "DELETE FROM login_failures WHERE bucket IN (SELECT network FROM login_failures WHERE account = $1)",
            "DELETE FROM login_failures WHERE account = $1",
        ] {
            transaction.sql(statement).bind(name).execute().await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn forget_failures_before(&self, moment: Timestamp, now: Timestamp) -> Result<(), StorageError> {
        self.end_future(now).await?;
        let mut transaction = self.begin().await?;
        transaction
            .sql("DELETE FROM login_failures WHERE failed_at < $1")
            .bind(moment.as_millis())
            .execute()
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}
