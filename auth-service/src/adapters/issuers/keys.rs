//! An issuer's public keys (RFC 7517), kept for a while, and read again when a token names one that is not known:
//! once in thirty seconds whoever asks, so that a flood of invented names makes no flood of requests.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::outgoing::{Outgoing, Reply};
use super::refreshed::{RefreshPolicy, Refreshed, Usability};
use super::request_context::Unreachable;
use crate::ports::system::Clock;

/// How long keys are used before they are read again: a key that the issuer has withdrawn is good for so long.
const FRESH_FOR: Duration = Duration::from_mins(15);

/// How long keys serve while the issuer does not answer.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// Keys are read again at most every 30 s because of a token that names an unknown one, and within a second if that
/// failed: whoever sends tokens of unknown keys is no reason to hurry.
const REFRESH: RefreshPolicy = RefreshPolicy {
    after_success: Duration::from_secs(30),
    after_failure_with_stale: Duration::from_secs(1),
    after_failure: Duration::from_secs(1),
    longest_with_stale: Duration::from_secs(5),
};

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

/// The keys of one issuer.
pub(super) type KeySet = Refreshed<Vec<VerifyingKey>>;

/// Keys among which are all that may have signed a token with this header; `None` if the key that it names is not known,
/// and the keys were read a moment ago. `url` is waited for only when keys have to be read.
pub(super) async fn find_keys(
    keys: &KeySet,
    kid: Option<&str>,
    algorithm: Algorithm,
    outgoing: &Outgoing,
    clock: &dyn Clock,
    url: impl Future<Output = Result<Url, Unreachable>> + Send,
) -> Result<Option<Arc<Vec<VerifyingKey>>>, Unreachable> {
    // A key of this name for another algorithm is known too: the token is forged, and no new key is looked for.
    let is_known = |key: &VerifyingKey| key.fits(kid, algorithm) || key.is_called(kid);
    let usability = |keys: &Vec<VerifyingKey>, age: Duration| match keys.iter().any(is_known) {
        true if age < FRESH_FOR => Usability::Fresh,
        true if age < KEPT_FOR => Usability::Stale,
        _ => Usability::Useless,
    };
    let read = || async {
        match outgoing.get(&url.await?, parse_keys).await? {
            Reply::Told(keys) => Ok(keys),
            Reply::Status(status, _) => Err(format!("its keys are answered with status {status}")),
        }
    };
    keys.get(clock, &REFRESH, usability, read).await
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

/// Parses a key set. Keys that are of no use here, such as symmetric ones, are left out (RFC 7517, section 5).
fn parse_keys(body: &[u8]) -> Result<Vec<VerifyingKey>, Unreachable> {
    let document: Document =
        serde_json::from_slice(body).map_err(|error| format!("its keys cannot be read: {error}"))?;
    Ok(document.keys.into_iter().take(MOST_KEYS).filter_map(parse_key).collect())
}

fn parse_key(value: Value) -> Option<VerifyingKey> {
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
        parse_keys(json!({ "keys": keys }).to_string().as_bytes()).unwrap().len()
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
            assert!(parse_keys(no_keys.as_bytes()).is_err(), "{no_keys}");
        }
    }

    #[test]
    fn a_key_fits_by_its_name_and_for_algorithms_of_its_kind_only() {
        let keys = parse_keys(json!({"keys": [rsa(2048)]}).to_string().as_bytes()).unwrap();
        let fits = |kid, algorithm| keys[0].fits(kid, algorithm);
        assert!(fits(Some("a"), Algorithm::RS256) && fits(None, Algorithm::PS512));
        assert!(!fits(Some("b"), Algorithm::RS256));
        for foreign in [Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA] {
            assert!(!fits(Some("a"), foreign) && !fits(None, foreign));
        }
    }
}
