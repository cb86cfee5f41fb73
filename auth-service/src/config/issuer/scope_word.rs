//! The meaning of an issuer's scopes here.

use super::super::fault::quoted;
use super::super::kind::{Choices, Given, Kind};
use super::super::setting::{Preset, Setting};
use crate::domain::login_scope::LoginScope;

pub(super) const SCOPES: Setting<ScopeMap> = Setting {
    name: "login.issuer.*.scopes",
    kind: ScopeMap,
    preset: Preset::Text(""),
    doc: "The meaning of the issuer's scopes here. With an empty list, `view`, `download`, `modify` and `delete` have their own meaning and other scopes none.",
};

/// The words that a token can have here.
pub(super) const SCOPE_WORDS: Choices<LoginScope> = Choices {
    options: &[
        ("view", LoginScope::View),
        ("download", LoginScope::Download),
        ("modify", LoginScope::Modify),
        ("delete", LoginScope::Delete),
    ],
    refused: &[("admin", OWN_LOGIN), ("authorize", OWN_LOGIN)],
};

const OWN_LOGIN: &str = "is never given to the token of another issuer: that takes a login of this service";

/// A list of an issuer's scopes, each with what it means here.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct ScopeMap;

impl Kind for ScopeMap {
    type Value = Vec<(String, LoginScope)>;

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

fn meaning(text: &str) -> Result<(String, LoginScope), String> {
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
            ("registry.read=download", Some(("registry.read", LoginScope::Download))),
            ("a=b=view", Some(("a=b", LoginScope::View))),
            ("urn:x:/y=modify", Some(("urn:x:/y", LoginScope::Modify))),
            ("delete=delete", Some(("delete", LoginScope::Delete))),
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
