//! What an issuer's JWTs must be like.

use super::super::fault::Noted;
use super::super::kind::{Choices, Flag, Texts};
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};

pub(super) const ALGORITHMS: Setting<Choices<WebTokenAlgorithm>> = Setting {
    name: "login.issuer.*.algorithms",
    kind: Choices {
        options: &[
            ("RS256", WebTokenAlgorithm::Rs256),
            ("RS384", WebTokenAlgorithm::Rs384),
            ("RS512", WebTokenAlgorithm::Rs512),
            ("PS256", WebTokenAlgorithm::Ps256),
            ("PS384", WebTokenAlgorithm::Ps384),
            ("PS512", WebTokenAlgorithm::Ps512),
            ("ES256", WebTokenAlgorithm::Es256),
            ("ES384", WebTokenAlgorithm::Es384),
            ("EdDSA", WebTokenAlgorithm::EdDsa),
        ],
        refused: &[
            ("HS256", SHARED_SECRET),
            ("HS384", SHARED_SECRET),
            ("HS512", SHARED_SECRET),
            ("none", "is never accepted: it is no signature at all"),
        ],
    },
    preset: Preset::Text("RS256,ES256"),
    doc: "The signatures that are accepted.",
};

const SHARED_SECRET: &str = "is never accepted: whoever can check such a signature can also make one";

pub(super) const TYPES: Setting<Texts> = Setting {
    name: "login.issuer.*.types",
    kind: Texts { may_be_empty: false, example: "[\"at+jwt\"]" },
    preset: Preset::Text("at+jwt"),
    doc: "What the header `typ` may say, in either case. List `JWT` only for an issuer that marks its access tokens so: its ID tokens look the same.",
};

pub(super) const TOKENS_WITHOUT_EXPIRY: Setting<Flag> = Setting {
    name: "login.issuer.*.tokens_without_expiry",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Whether tokens that never expire are accepted.",
};

/// How a JWT may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebTokenAlgorithm {
    /// RSA PKCS #1 with SHA-256.
    Rs256,
    /// RSA PKCS #1 with SHA-384.
    Rs384,
    /// RSA PKCS #1 with SHA-512.
    Rs512,
    /// RSA PSS with SHA-256.
    Ps256,
    /// RSA PSS with SHA-384.
    Ps384,
    /// RSA PSS with SHA-512.
    Ps512,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// What JWTs must be like.
pub(super) struct WebTokens {
    pub(super) algorithms: Vec<WebTokenAlgorithm>,
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
