//! Which JWTs of an issuer are accepted.

use jsonwebtoken::Algorithm;

use super::super::fault::Noted;
use super::super::kind::{Choices, Flag, Texts};
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};

pub(super) const ALGORITHMS: Setting<Choices<Algorithm>> = Setting {
    name: "login.issuer.*.algorithms",
    kind: Choices {
        options: &[
            ("RS256", Algorithm::RS256),
            ("RS384", Algorithm::RS384),
            ("RS512", Algorithm::RS512),
            ("PS256", Algorithm::PS256),
            ("PS384", Algorithm::PS384),
            ("PS512", Algorithm::PS512),
            ("ES256", Algorithm::ES256),
            ("ES384", Algorithm::ES384),
            ("EdDSA", Algorithm::EdDSA),
        ],
        refused: &[
            ("HS256", SHARED_SECRET),
            ("HS384", SHARED_SECRET),
            ("HS512", SHARED_SECRET),
            ("none", "is never accepted: it is no signature at all"),
        ],
    },
    preset: Preset::Text("RS256,ES256"),
    doc: "The signature algorithms that are accepted.",
};

const SHARED_SECRET: &str = "is never accepted: whoever can check such a signature can also make one";

pub(super) const TYPES: Setting<Texts> = Setting {
    name: "login.issuer.*.types",
    kind: Texts { may_be_empty: false, example: "[\"at+jwt\"]" },
    preset: Preset::Text("at+jwt"),
    doc: "The values of the header `typ` that are accepted, in either case. Add `JWT` only for an issuer that marks its access tokens so, because its ID tokens have the same type.",
};

pub(super) const TOKENS_WITHOUT_EXPIRY: Setting<Flag> = Setting {
    name: "login.issuer.*.tokens_without_expiry",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Whether tokens that never expire are accepted.",
};

/// Which JWTs are accepted.
pub(super) struct WebTokens {
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) types: Vec<String>,
    pub(super) without_expiry: bool,
}

pub(super) fn read(reader: &mut Reader) -> Result<WebTokens, Noted> {
    let algorithms = reader.required(&ALGORITHMS);
    let types = reader.required(&TYPES);
    let without_expiry = reader.required(&TOKENS_WITHOUT_EXPIRY);
    let types = types?.iter().map(|written| plain_type(written)).collect();
    Ok(WebTokens { algorithms: algorithms?, types, without_expiry: without_expiry? })
}

/// A type in the one spelling in which it can be compared: RFC 7515 lets `application/` be left out.
fn plain_type(written: &str) -> String {
    let lower = written.to_ascii_lowercase();
    lower.strip_prefix("application/").map_or_else(|| lower.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_spelling() {
        for (written, expected) in
            [("at+jwt", "at+jwt"), ("JWT", "jwt"), ("Application/AT+jwt", "at+jwt"), ("a/b", "a/b")]
        {
            assert_eq!(plain_type(written), expected, "{written}");
        }
    }
}
