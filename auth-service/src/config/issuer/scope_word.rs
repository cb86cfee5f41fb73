//! What the scopes of an issuer's tokens allow here.

use super::super::fault::quoted;
use super::super::kind::{Choices, Given, Kind};
use super::super::setting::{Preset, Setting};

pub(super) const SCOPES: Setting<ScopeMap> = Setting {
    name: "login.issuer.*.scopes",
    kind: ScopeMap,
    preset: Preset::Text(""),
    doc: "What its scopes mean here; if nothing is listed, `view`, `download`, `modify` and `delete` mean themselves.",
};

/// The words that a token can have here.
pub(super) const SCOPE_WORDS: Choices<ScopeWord> = Choices {
    options: &[
        ("view", ScopeWord::View),
        ("download", ScopeWord::Download),
        ("modify", ScopeWord::Modify),
        ("delete", ScopeWord::Delete),
    ],
    refused: &[("admin", OWN_LOGIN), ("authorize", OWN_LOGIN)],
};

const OWN_LOGIN: &str = "is never given to the token of another issuer: that takes a login of this service";

/// What a token can allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeWord {
    /// To see what there is.
    View,
    /// To pull.
    Download,
    /// To push, together with [`ScopeWord::Download`].
    Modify,
    /// To delete.
    Delete,
}

/// A list of an issuer's scopes, each with what it means here.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct ScopeMap;

impl Kind for ScopeMap {
    type Value = Vec<(String, ScopeWord)>;

    fn describe(&self) -> String {
        let words = SCOPE_WORDS.words();
        format!(
            "a list of texts such as `\"registry.read=download\"`: the issuer's scope, then one of {words}"
        )
    }

    fn parse(&self, given: &Given<'_>) -> Result<Self::Value, String> {
        given.items()?.into_iter().map(meaning).collect()
    }

    fn show(&self, value: &Self::Value) -> String {
        let written = value.iter().map(|(theirs, ours)| format!("{theirs}={}", SCOPE_WORDS.word(ours)));
        written.collect::<Vec<_>>().join(", ")
    }
}

fn meaning(text: &str) -> Result<(String, ScopeWord), String> {
    // A scope can hold the sign, our words cannot.
    let parts = text.rsplit_once('=').filter(|(theirs, _)| is_scope(theirs));
    let Some((theirs, ours)) = parts else {
        return Err(format!("{} is not a scope, `=` and what it means", quoted(text)));
    };
    Ok((theirs.to_owned(), SCOPE_WORDS.choose(ours)?))
}

/// Whether it is a `scope-token` of RFC 6749.
fn is_scope(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_with_what_it_means() {
        for (text, expected) in [
            ("registry.read=download", Some(("registry.read", ScopeWord::Download))),
            ("a=b=view", Some(("a=b", ScopeWord::View))),
            ("urn:x:/y=modify", Some(("urn:x:/y", ScopeWord::Modify))),
            ("delete=delete", Some(("delete", ScopeWord::Delete))),
            ("download", None),
            ("=download", None),
            ("a b=download", None),
            ("a\\=download", None),
            ("a=", None),
            ("a=Download", None),
            ("a=admin", None),
            ("a=authorize", None),
        ] {
            let expected = expected.map(|(theirs, ours)| (theirs.to_owned(), ours));
            assert_eq!(meaning(text).ok(), expected, "{text}");
        }
    }
}
