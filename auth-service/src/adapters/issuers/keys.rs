//! An issuer's public keys (RFC 7517), kept for a while, and read again when a token names one that is not known:
//! once in thirty seconds whoever asks, so that a flood of invented names makes no flood of requests.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::outgoing::{Outgoing, Reply, Unreachable};
use crate::ports::system::Clock;

/// How long keys are used before they are read again: a key that the issuer has withdrawn is good for so long.
const FRESH_FOR: Duration = Duration::from_mins(15);

/// How long keys serve while the issuer does not answer.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// How often keys are read at most because of a token that names an unknown one.
const REFRESH_EVERY: Duration = Duration::from_secs(30);

/// Most keys of one issuer that are looked at.
const MOST_KEYS: usize = 100;

/// Bits of an RSA key: less can be factored, more takes too long.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key that verifies signatures.
pub(super) struct VerifyingKey {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    pub(super) key: DecodingKey,
}

#[derive(Clone)]
struct Kept {
    read_at: Duration,
    keys: Arc<Vec<VerifyingKey>>,
}

/// The keys of one issuer.
#[derive(Default)]
pub(super) struct KeySet {
    kept: RwLock<Option<Kept>>,
    /// Held by whoever reads; says when the last reading that succeeded was begun.
    reading: Mutex<Option<Duration>>,
}

/// What there is to verify a token with.
pub(super) enum Found {
    /// Among these are all that may have signed it.
    Keys(Arc<Vec<VerifyingKey>>),
    /// The keys were read a moment ago, and are not to be read again so soon.
    AskLater,
}

impl KeySet {
    /// Keys that may have signed a token with this header. `url` is waited for only when keys have to be read. While
    /// somebody reads them, the ones that are known serve; while the issuer does not answer, for a day.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        outgoing: &Outgoing,
        clock: &dyn Clock,
        url: impl Future<Output = Result<Url, Unreachable>> + Send,
    ) -> Result<Found, Unreachable> {
        let begun = clock.elapsed();
        // A key of this name for another algorithm is known too: the token is forged, and no new key is looked for.
        let is_known = |key: &VerifyingKey| key.fits(kid, algorithm) || key.is_called(kid);
        let known = self.kept().filter(|kept| kept.keys.iter().any(is_known));
        let age = |kept: &Kept| begun.saturating_sub(kept.read_at);
        let usable = known.filter(|kept| age(kept) < KEPT_FOR);
        let mut reading = match usable {
            Some(kept) if age(&kept) < FRESH_FOR => return Ok(Found::Keys(kept.keys)),
            Some(ref kept) => match self.reading.try_lock() {
                Ok(reading) => reading,
                Err(_) => return Ok(Found::Keys(Arc::clone(&kept.keys))),
            },
            None => self.reading.lock().await,
        };
        // Somebody else may have read them while this one waited.
        if let Some(kept) = self.kept().filter(|kept| kept.read_at > begun) {
            return Ok(Found::Keys(kept.keys));
        }
        let serve = usable.map(|kept| Found::Keys(kept.keys));
        if reading.is_some_and(|last| clock.elapsed().saturating_sub(last) < REFRESH_EVERY) {
            return Ok(serve.unwrap_or(Found::AskLater));
        }
        match (self.read(outgoing, clock, url).await, serve) {
            (Ok(keys), _) => {
                *reading = Some(begun);
                Ok(Found::Keys(keys))
            }
            (Err(_), Some(kept)) => Ok(kept),
            (Err(error), None) => Err(error),
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read(
        &self,
        outgoing: &Outgoing,
        clock: &dyn Clock,
        url: impl Future<Output = Result<Url, Unreachable>> + Send,
    ) -> Result<Arc<Vec<VerifyingKey>>, Unreachable> {
        let keys = match outgoing.get(&url.await?, read_keys).await? {
            Reply::Told(keys) => Arc::new(keys),
            Reply::Status(status, _) => return Err(format!("its keys are answered with status {status}")),
        };
        let kept = Kept { read_at: clock.elapsed(), keys: Arc::clone(&keys) };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(keys)
    }
}

impl VerifyingKey {
    fn is_called(&self, kid: Option<&str>) -> bool {
        kid.is_some() && self.kid.as_deref() == kid
    }

    /// Whether a token with this header may have been signed by it: by its name where both have one, and only with
    /// an algorithm of its kind.
    pub(super) fn fits(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        let is_named = match (kid, &self.kid) {
            (Some(kid), Some(own)) => kid == own,
            _ => true,
        };
        is_named
            && self.algorithm.is_none_or(|own| own == algorithm)
            && self.key.family() == algorithm.family()
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// Reads a key set. Keys that are of no use here, such as symmetric ones, are left out (RFC 7517, section 5).
fn read_keys(body: &[u8]) -> Result<Vec<VerifyingKey>, Unreachable> {
    let document: Document =
        serde_json::from_slice(body).map_err(|error| format!("its keys cannot be read: {error}"))?;
    Ok(document.keys.into_iter().take(MOST_KEYS).filter_map(read_key).collect())
}

fn read_key(value: Value) -> Option<VerifyingKey> {
    let modulus = value.get("n").and_then(Value::as_str).map(str::len);
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let for_signatures =
        jwk.common.public_key_use.as_ref().is_none_or(|is_for| *is_for == PublicKeyUse::Signature)
            && jwk
                .common
                .key_operations
                .as_ref()
                .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let key = DecodingKey::from_jwk(&jwk).ok().filter(|_| for_signatures)?;
    let is_good = match key.family() {
        AlgorithmFamily::Rsa => modulus.is_some_and(|digits| RSA_BITS.contains(&(digits * 6 / 8 * 8))),
        AlgorithmFamily::Ec | AlgorithmFamily::Ed => true,
        AlgorithmFamily::Hmac => false,
    };
    let algorithm = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string().parse());
    let algorithm = match algorithm {
        None => None,
        // A key for something else, such as encryption.
        Some(Err(_)) => return None,
        Some(Ok(algorithm)) => Some(algorithm),
    };
    is_good.then_some(VerifyingKey { kid: jwk.common.key_id, algorithm, key })
}
