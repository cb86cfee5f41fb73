//! Whether a web token is signed by its issuer (RFC 7515, RFC 8725). The header is the sender's word: it may choose
//! among what the operator allows, and nothing that it points to is followed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;

use super::IssuerOptions;
use super::keys::VerifyingKey;
use crate::domain::foreign::claims::ClaimsSource;
use crate::domain::foreign::claims::ForeignClaims;
use crate::domain::foreign::rules::ForeignRefusal;

/// Header members that would have a verifier take its key from the token, or do what it does not know (RFC 7515,
/// sections 4.1.2, 4.1.3, 4.1.5 and 4.1.11).
const NEVER_FOLLOWED: [&str; 5] = ["jku", "jwk", "x5u", "crit", "b64"];

/// The type of what is an access token and nothing else (RFC 9068, section 2.1).
const ACCESS_TOKEN: &str = "at+jwt";

/// Most keys that one token is tried with, when it does not name its own.
const MOST_TRIED: usize = 4;

/// A web token whose signature has not been looked at.
pub(super) struct WebToken<'t> {
    signed: &'t str,
    payload: &'t str,
    signature: &'t str,
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    source: ClaimsSource,
}

impl<'t> WebToken<'t> {
    /// Reads a token's header, which must be one that the operator accepts of this issuer.
    pub(super) fn read(token: &'t str, options: &IssuerOptions) -> Result<Self, ForeignRefusal> {
        let not_genuine = ForeignRefusal::NotGenuine;
        let (signed, signature) = token.rsplit_once('.').ok_or(not_genuine)?;
        let (header, payload) = signed.split_once('.').ok_or(not_genuine)?;
        if payload.contains('.') || signature.is_empty() {
            return Err(not_genuine);
        }
        let header = decoded(header)?;
        if NEVER_FOLLOWED.iter().any(|member| header.has(member)) {
            return Err(not_genuine);
        }
        let algorithm = header.get("alg").and_then(|algorithm| algorithm.as_str()).ok_or(not_genuine)?;
        let algorithm: Algorithm = algorithm.parse().map_err(|_| not_genuine)?;
        if !options.algorithms.contains(&algorithm) {
            return Err(not_genuine);
        }
        let source = source(&header, options)?;
        let kid = match header.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().ok_or(not_genuine)?.to_owned()),
        };
        Ok(Self { signed, payload, signature, algorithm, kid, source })
    }

    /// The claims, if one of `keys` has signed them.
    pub(super) fn verify(
        &self,
        keys: &[VerifyingKey],
    ) -> Result<(ForeignClaims, ClaimsSource), ForeignRefusal> {
        let fitting = keys.iter().filter(|key| key.fits(self.kid.as_deref(), self.algorithm));
        let is_signed = fitting.take(MOST_TRIED).any(|key| {
            let verified = jsonwebtoken::crypto::verify(
                self.signature,
                self.signed.as_bytes(),
                &key.key,
                self.algorithm,
            );
            verified.unwrap_or(false)
        });
        match is_signed {
            true => Ok((decoded(self.payload)?, self.source)),
            false => Err(ForeignRefusal::NotGenuine),
        }
    }
}

/// What a token of an accepted type is. One without a type counts as `JWT` (RFC 7519, section 5.1).
fn source(header: &ForeignClaims, options: &IssuerOptions) -> Result<ClaimsSource, ForeignRefusal> {
    let stated = match header.get("typ") {
        None => "jwt".to_owned(),
        Some(stated) => stated.as_str().ok_or(ForeignRefusal::NotGenuine)?.to_lowercase(),
    };
    let stated = stated.strip_prefix("application/").unwrap_or(&stated);
    match options.types.iter().any(|accepted| accepted == stated) {
        true if stated == ACCESS_TOKEN => Ok(ClaimsSource::AccessToken),
        true => Ok(ClaimsSource::WebToken),
        false => Err(ForeignRefusal::WrongType),
    }
}

fn decoded(part: &str) -> Result<ForeignClaims, ForeignRefusal> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| ForeignRefusal::NotGenuine)?;
    ForeignClaims::read(&json).ok_or(ForeignRefusal::NotGenuine)
}
