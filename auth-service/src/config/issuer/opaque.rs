//! The opaque tokens of an issuer: only text of their form may leave this process.

use regex::Regex;

use super::super::fault::{Noted, quoted};
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};
use super::Taken;
use super::acceptance::setting_of;
use super::token_shape::{Pattern, Prefixes};
use crate::domain::foreign::VerificationMethod;

pub(super) const OPAQUE_PREFIX: Setting<Prefixes> = Setting {
    name: "login.issuer.*.opaque_prefix",
    kind: Prefixes,
    preset: Preset::Text(""),
    doc: "How its opaque tokens begin. Every bearer token (RFC 6750) that begins so is sent to this issuer, and no password can begin so. Without this and `opaque_pattern`, only JWTs are accepted.",
};

pub(super) const OPAQUE_PATTERN: Setting<Pattern> = Setting {
    name: "login.issuer.*.opaque_pattern",
    kind: Pattern,
    preset: Preset::Unset,
    doc: "A pattern for the whole of an opaque token, if the tokens have no prefix. Text that matches it, and no issuer's prefix, is sent to this issuer and cannot be a password. Only one issuer can have a pattern.",
};

/// The form of opaque tokens.
pub(super) struct OpaqueTokens {
    pub(super) prefixes: Vec<String>,
    pub(super) pattern: Option<Regex>,
}

pub(super) fn read(
    reader: &mut Reader,
    verification: Option<VerificationMethod>,
    taken: &mut Taken,
) -> Result<OpaqueTokens, Noted> {
    let prefixes = reader.required(&OPAQUE_PREFIX);
    let pattern = reader.optional(&OPAQUE_PATTERN);
    if let Ok(prefixes) = &prefixes {
        check_prefixes(reader, prefixes, taken);
    }
    if let Ok(Some(_)) = &pattern {
        check_pattern(reader, taken);
    }
    let (prefixes, pattern) = (prefixes?, pattern?);
    if let Some(verification) = verification {
        check_use(reader, verification, !prefixes.is_empty(), pattern.is_some());
    }
    Ok(OpaqueTokens { prefixes, pattern })
}

/// Without either, only web tokens go to the issuer, by their `iss`.
fn check_use(reader: &mut Reader, verification: VerificationMethod, has_prefix: bool, has_pattern: bool) {
    if verification != VerificationMethod::WebToken {
        return;
    }
    for (key, is_set) in [(OPAQUE_PREFIX.name, has_prefix), (OPAQUE_PATTERN.name, has_pattern)] {
        if is_set {
            let problem = format!("is set, and {} cannot check an opaque token", setting_of(verification));
            reader.fault(key, &problem, "remove it, or verify in another way");
        }
    }
}

/// A token goes to one issuer only.
fn check_prefixes(reader: &mut Reader, prefixes: &[String], taken: &mut Taken) {
    for prefix in prefixes {
        let overlaps = |other: &str| other.starts_with(prefix.as_str()) || prefix.starts_with(other);
        if let Some((other, key)) = taken.prefixes.iter().find(|(other, _)| overlaps(other)) {
            let problem = format!("{} overlaps {} of {key}", quoted(prefix), quoted(other));
            let cure = "write prefixes of which none begins like another issuer's";
            reader.fault(OPAQUE_PREFIX.name, &problem, cure);
        }
    }
    let key = reader.full_name(OPAQUE_PREFIX.name);
    taken.prefixes.extend(prefixes.iter().map(|prefix| (prefix.clone(), key.clone())));
}

/// Two patterns could match one text, and one issuer would be sent the other's tokens.
fn check_pattern(reader: &mut Reader, taken: &mut Taken) {
    if let Some(other) = &taken.pattern {
        let problem = format!("is set, and so is {other}: only one issuer can have a pattern");
        reader.fault(OPAQUE_PATTERN.name, &problem, "give the others an opaque_prefix instead");
    }
    taken.pattern = Some(reader.full_name(OPAQUE_PATTERN.name));
}
