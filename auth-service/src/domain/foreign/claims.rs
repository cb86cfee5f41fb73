//! Claims as an issuer wrote them, read strictly: a member that stands there twice, or a time that is no number, is
//! how one program is made to believe what another one does not.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::super::time::Timestamp;

/// Where claims come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsSource {
    /// A web token that is signed by the issuer and calls itself an access token (RFC 9068).
    AccessToken,
    /// A web token that is signed by the issuer and may be for anything.
    WebToken,
    /// The issuer's introspection endpoint (RFC 7662).
    Introspection,
    /// The issuer's userinfo endpoint, which says whose the token is, and nothing of its purpose.
    UserInfo,
}

impl ClaimsSource {
    pub(super) const fn is_signed(self) -> bool {
        matches!(self, Self::AccessToken | Self::WebToken)
    }
}

/// The members of one JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignClaims(Map<String, Value>);

/// A claim is of another type than it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadClaim;

impl ForeignClaims {
    /// Reads an object; `None` for anything else, and for one in which a member stands twice.
    #[must_use]
    pub fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// These members.
    #[must_use]
    pub const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// The member, if it is there and not `null`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the member is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The member's text; a number counts as one, as some issuers write subjects and ids.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => number.as_i64().map(|number| number.to_string()),
            _ => None,
        }
    }

    /// A `NumericDate` (RFC 7519, section 2), which may have a fraction; an absent one is none, and one that is no
    /// number is bad.
    pub fn date(&self, name: &str) -> Result<Option<Timestamp>, BadClaim> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if let Some(seconds) = value.as_i64() {
            return Ok(Some(Timestamp::from_seconds(seconds)));
        }
        let seconds = value.as_f64().filter(|_| value.is_number()).ok_or(BadClaim)?;
        // Beyond 2^52 milliseconds a fraction has no meaning any more, and no date has either.
        let millis = (seconds * 1000.0).floor();
        if millis.abs() > 4_503_599_627_370_496.0 {
            return Err(BadClaim);
        }
        format!("{millis:.0}")
            .parse()
            .map(|millis| Some(Timestamp::from_millis(millis)))
            .map_err(|_| BadClaim)
    }

    /// The texts of a member that is a text or a list of them; anything else in it makes it bad.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, BadClaim> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().ok_or(BadClaim)).collect(),
            Some(_) => Err(BadClaim),
        }
    }

    /// The words of the scope, from the first of `scope` (RFC 8693, section 4.2; also as a list), `scp`, and Synapse's
    /// `access.scope` that is there; `None` when there is none of them.
    #[must_use]
    pub fn scope_words(&self) -> Option<Vec<&str>> {
        let of_synapse = || self.get("access").and_then(|access| access.get("scope"));
        let value = self.get("scope").or_else(|| self.get("scp")).or_else(of_synapse)?;
        match value {
            Value::String(text) => Some(text.split(' ').filter(|word| !word.is_empty()).collect()),
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }

    /// About how many bytes of memory they take; rather more than less.
    #[must_use]
    pub fn bytes(&self) -> usize {
        object_bytes(&self.0)
    }

    /// With the members of `other` that are not here.
    #[must_use]
    pub fn completed_by(mut self, other: Self) -> Self {
        for (name, value) in other.0 {
            if !self.has(&name) {
                self.0.insert(name, value);
            }
        }
        self
    }
}

/// Members stand in nodes with room for eleven, of which all but the first are half full at least.
fn object_bytes(members: &Map<String, Value>) -> usize {
    let node = 64 + 11 * (size_of::<String>() + size_of::<Value>());
    let behind = members.iter().map(|(name, value)| name.len() + behind(value)).sum::<usize>();
    (members.len() / 5 + 1) * node + behind
}

/// What a value takes besides its own place.
fn behind(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(items) => {
            items.capacity() * size_of::<Value>() + items.iter().map(behind).sum::<usize>()
        }
        Value::Object(members) => object_bytes(members),
    }
}

impl<'de> Deserialize<'de> for ForeignClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = ForeignClaims;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object without repeated members")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<ForeignClaims, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member stands there twice"));
                    }
                }
                Ok(ForeignClaims(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> ForeignClaims {
        ForeignClaims::read(json.as_bytes()).unwrap()
    }

    #[test]
    fn an_object_is_read_and_nothing_else_is() {
        assert_eq!(read(r#"{"sub":"a"}"#).text("sub").as_deref(), Some("a"));
        for bad in ["", "[]", "null", "7", "{", r#"{"sub":"a","sub":"b"}"#, r#"{"a":1}{"#, "{\"a\":1} x"] {
            assert_eq!(ForeignClaims::read(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn claims_weigh_what_they_take_in_memory_and_not_what_they_took_on_the_wire() {
        let many = |item: &str| read(&format!(r#"{{"x":[{}]}}"#, vec![item; 10_000].join(","))).bytes();
        assert!(read(r#"{"sub":"a"}"#).bytes() < 2_000);
        assert!(many("1") > 10_000 * size_of::<Value>(), "a digit takes a whole value");
        assert!(many("{\"a\":1}") > 10_000 * 11 * size_of::<Value>(), "and a small object a whole node");
        assert!(many("\"0123456789\"") > 10_000 * (10 + size_of::<Value>()));
    }

    #[test]
    fn times_are_numbers_whole_or_not() {
        let date = |json: &str| read(&format!("{{\"exp\":{json}}}")).date("exp");
        assert_eq!(date("1796337119"), Ok(Some(Timestamp::from_seconds(1_796_337_119))));
        assert_eq!(date("1796337119.313"), Ok(Some(Timestamp::from_millis(1_796_337_119_313))));
        assert_eq!(date("1.8e9"), Ok(Some(Timestamp::from_seconds(1_800_000_000))));
        assert_eq!(date("null"), Ok(None));
        for bad in ["\"1796337119\"", "true", "[]", "{}", "1e300", "-1e30"] {
            assert_eq!(date(bad), Err(BadClaim), "{bad}");
        }
        assert_eq!(ForeignClaims::default().date("exp"), Ok(None));
    }

    #[test]
    fn an_audience_is_a_text_or_a_list_of_texts() {
        let aud = |json: &str| read(&format!("{{\"aud\":{json}}}")).texts("aud").map(|texts| texts.join(" "));
        assert_eq!(aud("\"a\""), Ok("a".to_owned()));
        assert_eq!(aud("[\"a\",\"b\"]"), Ok("a b".to_owned()));
        assert_eq!(aud("[]"), Ok(String::new()));
        for bad in ["7", "[7]", "[\"a\",null]", "{\"a\":1}"] {
            assert_eq!(aud(bad), Err(BadClaim), "{bad}");
        }
    }

    #[test]
    fn the_scope_is_found_wherever_issuers_put_it() {
        let table = [
            (r#"{"scope":"download  modify"}"#, Some("download modify")),
            (r#"{"scope":["download","modify"]}"#, Some("download modify")),
            (r#"{"scp":["download"]}"#, Some("download")),
            (r#"{"scp":"download"}"#, Some("download")),
            (r#"{"access":{"scope":["view","download"],"oidc_claims":{}}}"#, Some("view download")),
            (r#"{"scope":"","scp":"download"}"#, Some("")),
            (r#"{"scope":7}"#, None),
            (r#"{"access":"scope"}"#, None),
            ("{}", None),
        ];
        for (json, words) in table {
            assert_eq!(read(json).scope_words().map(|words| words.join(" ")).as_deref(), words, "{json}");
        }
    }

    #[test]
    fn what_is_there_is_not_replaced_by_what_completes_it() {
        let claims =
            read(r#"{"sub":"a","scope":null}"#).completed_by(read(r#"{"sub":"b","scope":"download"}"#));
        assert_eq!(
            (claims.text("sub").as_deref(), claims.text("scope").as_deref()),
            (Some("a"), Some("download"))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail(json in prop::collection::vec(any::<u8>(), 0..80), number: f64) {
            let _ = ForeignClaims::read(&json);
            let _ = ForeignClaims::read(format!("{{\"exp\":{number}}}").as_bytes()).map(|claims| claims.date("exp"));
        }
    }
}
