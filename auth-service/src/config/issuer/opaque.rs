//! The opaque tokens of an issuer: only what looks like one may leave this process.

use super::super::fault::{Noted, quoted};
use super::super::key::{Key, Preset};
use super::super::reader::Reader;
use super::token_shape::{Pattern, Prefixes};
use super::{Taken, Verification};

pub(super) const OPAQUE_PREFIX: Key<Prefixes> = Key {
    name: "login.issuer.*.opaque_prefix",
    kind: Prefixes,
    preset: Preset::Text(""),
    doc: "What its opaque tokens begin with; what begins so and can be a bearer token (RFC 6750) is sent to it, and no password can begin so. Without this and a pattern, only JWTs are its tokens.",
};

pub(super) const OPAQUE_PATTERN: Key<Pattern> = Key {
    name: "login.issuer.*.opaque_pattern",
    kind: Pattern,
    preset: Preset::Unset,
    doc: "What its opaque tokens look like from end to end, if they have no prefix of their own; what looks so is sent to it and is no password.",
};

/// What opaque tokens look like.
pub(super) struct OpaqueTokens {
    pub(super) prefixes: Vec<String>,
    pub(super) pattern: Option<String>,
}

pub(super) fn read(
    reader: &mut Reader,
    verification: Option<Verification>,
    taken: &mut Taken,
) -> Result<OpaqueTokens, Noted> {
    let prefixes = reader.required(&OPAQUE_PREFIX);
    let pattern = reader.optional(&OPAQUE_PATTERN);
    if let Ok(prefixes) = &prefixes {
        check_overlap(reader, prefixes, taken);
    }
    let (prefixes, pattern) = (prefixes?, pattern?);
    if let Some(verification) = verification {
        check_use(reader, verification, !prefixes.is_empty(), pattern.is_some());
    }
    Ok(OpaqueTokens { prefixes, pattern })
}

/// Without either, only web tokens go to the issuer, by their `iss`.
fn check_use(reader: &mut Reader, verification: Verification, has_prefix: bool, has_pattern: bool) {
    if verification != Verification::WebToken {
        return;
    }
    for (key, is_set) in [(OPAQUE_PREFIX.name, has_prefix), (OPAQUE_PATTERN.name, has_pattern)] {
        if is_set {
            let problem = format!("is set, and {} cannot check an opaque token", verification.setting());
            reader.fault(key, &problem, "remove it, or verify in another way");
        }
    }
}

/// A token goes to one issuer only.
fn check_overlap(reader: &mut Reader, prefixes: &[String], taken: &mut Taken) {
    for prefix in prefixes {
        let overlaps = |other: &str| other.starts_with(prefix.as_str()) || prefix.starts_with(other);
        if let Some((other, key)) = taken.prefixes.iter().find(|(other, _)| overlaps(other)) {
            let problem = format!("{} overlaps {} of {key}", quoted(prefix), quoted(other));
            reader.fault(
                OPAQUE_PREFIX.name,
                &problem,
                "write prefixes of which none begins like another issuer's",
            );
        }
    }
    let key = reader.full_name(OPAQUE_PREFIX.name);
    taken.prefixes.extend(prefixes.iter().map(|prefix| (prefix.clone(), key.clone())));
}
