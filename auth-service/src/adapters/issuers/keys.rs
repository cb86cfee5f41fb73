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

use super::outgoing::{Outgoing, Reply};
use super::request_context::Unreachable;
use crate::ports::system::Clock;

/// How long keys are used before they are read again: a key that the issuer has withdrawn is good for so long.
const FRESH_FOR: Duration = Duration::from_mins(15);

/// How long keys serve while the issuer does not answer.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// How often keys are read at most because of a token that names an unknown one.
const REFRESH_EVERY: Duration = Duration::from_secs(30);

/// How soon keys that could not be read are read again: whoever sends tokens of unknown keys is no reason to hurry.
const RETRY_AFTER: Duration = Duration::from_secs(1);

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
    /// Held by whoever reads; says from when on they are read again because of an unknown key.
    reading: Mutex<Duration>,
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
        if clock.elapsed() < *reading {
            return Ok(serve.unwrap_or(Found::AskLater));
        }
        match (self.read(outgoing, clock, url).await, serve) {
            (Ok(keys), _) => {
                *reading = begun + REFRESH_EVERY;
                Ok(Found::Keys(keys))
            }
            (Err(error), kept) => {
                *reading = clock.elapsed() + RETRY_AFTER;
                kept.ok_or(error)
            }
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    /// An RSA key with a modulus of this many bits, in the way of RFC 7518, section 6.3.
    fn rsa(bits: usize) -> Value {
        let modulus = URL_SAFE_NO_PAD.encode(vec![0xa5; bits / 8]);
        json!({"kty": "RSA", "kid": "a", "e": "AQAB", "n": modulus})
    }

    fn with(key: Value, member: &str, value: Value) -> Value {
        let mut key = key;
        key[member] = value;
        key
    }

    fn count(keys: &[Value]) -> usize {
        read_keys(json!({ "keys": keys }).to_string().as_bytes()).unwrap().len()
    }

    #[test]
    fn keys_that_are_of_no_use_here_are_left_out_and_the_others_stay() {
        let edwards = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([0xa5; 32])});
        for good in [rsa(2048), rsa(8192), edwards, with(rsa(2048), "use", json!("sig"))] {
            assert_eq!(count(std::slice::from_ref(&good)), 1, "{good}");
        }
        for bad in [
            rsa(1024),
            rsa(16384),
            with(rsa(2048), "use", json!("enc")),
            with(rsa(2048), "alg", json!("RSA-OAEP")),
            with(rsa(2048), "key_ops", json!(["encrypt"])),
            with(rsa(2048), "n", json!("not base64!")),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!({"kty": "unheard-of"}),
            json!("no key"),
            Value::Null,
        ] {
            assert_eq!(count(&[bad.clone(), rsa(2048)]), 1, "{bad}");
        }
        assert_eq!(count(&vec![rsa(2048); MOST_KEYS + 1]), MOST_KEYS);
        for no_keys in ["", "[]", "{}", r#"{"keys": {}}"#] {
            assert!(read_keys(no_keys.as_bytes()).is_err(), "{no_keys}");
        }
    }

    #[test]
    fn a_key_fits_by_its_name_and_for_algorithms_of_its_kind_only() {
        let keys = read_keys(json!({"keys": [rsa(2048)]}).to_string().as_bytes()).unwrap();
        let fits = |kid, algorithm| keys[0].fits(kid, algorithm);
        assert!(fits(Some("a"), Algorithm::RS256) && fits(None, Algorithm::PS512));
        assert!(!fits(Some("b"), Algorithm::RS256));
        for foreign in [Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA] {
            assert!(!fits(Some("a"), foreign) && !fits(None, foreign));
        }
    }
}
