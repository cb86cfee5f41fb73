//! The opaque tokens of an issuer: only what looks like one may leave this process.

use super::super::fault::{Noted, quoted};
use super::super::kind::Kind as _;
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};
use super::overlap::{TooComplicated, beginning_with, common_text};
use super::token_shape::{Pattern, Prefixes};
use super::{Taken, Verification};

pub(super) const OPAQUE_PREFIX: Setting<Prefixes> = Setting {
    name: "login.issuer.*.opaque_prefix",
    kind: Prefixes,
    preset: Preset::Text(""),
    doc: "What its opaque tokens begin with; what begins so and can be a bearer token (RFC 6750) is sent to it, and no password can begin so. Without this and a pattern, only JWTs are its tokens.",
};

pub(super) const OPAQUE_PATTERN: Setting<Pattern> = Setting {
    name: "login.issuer.*.opaque_pattern",
    kind: Pattern,
    preset: Preset::Unset,
    doc: "What its opaque tokens look like from end to end, if they have no prefix of their own; what looks so is sent to it and is no password. No text may look like two issuers' tokens.",
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
        check_with_patterns(reader, prefixes, taken);
    }
    if let Ok(Some(pattern)) = &pattern {
        check_pattern(reader, pattern, taken);
    }
    let [prefix_key, pattern_key] =
        [OPAQUE_PREFIX.name, OPAQUE_PATTERN.name].map(|key| reader.full_name(key));
    let prefixes_taken = prefixes.iter().flatten();
    taken.prefixes.extend(prefixes_taken.map(|prefix| (prefix.clone(), prefix_key.clone())));
    let patterns_taken = pattern.iter().flatten();
    taken.patterns.extend(patterns_taken.map(|pattern| (pattern.clone(), pattern_key.clone())));
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
fn check_overlap(reader: &mut Reader, prefixes: &[String], taken: &Taken) {
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
}

fn check_with_patterns(reader: &mut Reader, prefixes: &[String], taken: &Taken) {
    for prefix in prefixes {
        for (pattern, key) in &taken.patterns {
            let common = common_text(&beginning_with(prefix), pattern);
            compared(reader, OPAQUE_PREFIX.name, &quoted(prefix), key, common);
        }
    }
}

fn check_pattern(reader: &mut Reader, pattern: &str, taken: &Taken) {
    let shown = quoted(&Pattern.show(&pattern.to_owned()));
    for (prefix, key) in &taken.prefixes {
        compared(reader, OPAQUE_PATTERN.name, &shown, key, common_text(pattern, &beginning_with(prefix)));
    }
    for (other, key) in &taken.patterns {
        compared(reader, OPAQUE_PATTERN.name, &shown, key, common_text(pattern, other));
    }
}

/// What a comparison with a key of another issuer has come to.
fn compared(
    reader: &mut Reader,
    key: &str,
    shown: &str,
    other: &str,
    common: Result<Option<String>, TooComplicated>,
) {
    let (problem, cure) = match common {
        Ok(None) => return,
        Ok(Some(text)) => (
            format!(
                "{shown} and {other} both fit {}, so that one issuer would be sent the other's tokens",
                quoted(&text)
            ),
            "describe the tokens of each so that no text fits both: by their exact length, or what they begin with",
        ),
        Err(TooComplicated) => (
            format!("{shown} and {other} are too complicated to find out whether a text fits both"),
            "write simpler ones, such as '[A-Za-z0-9_-]{43}'",
        ),
    };
    reader.fault(key, &problem, cure);
}
