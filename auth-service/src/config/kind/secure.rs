//! Addresses of servers that are trusted or sent secrets: `https`, or on this machine.

use url::Url;

use super::network::{shown, web_address};
use super::{Given, Kind};
use crate::domain::network::is_private;

/// The identifier of an issuer of tokens, compared letter by letter with what tokens say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IssuerAddress;

impl Kind for IssuerAddress {
    /// The text, and the address that it is.
    type Value = (String, Url);

    fn describe(&self) -> String {
        "an `https` address without user, query and fragment, such as `https://login.example.org/realms/main` \
         (`http` only to loopback)"
            .to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<(String, Url), String> {
        let text = given.text()?;
        let url = secure(text)?;
        if url.query().is_some() {
            return Err(format!("{} holds a query", shown(text)));
        }
        // A reader of addresses forgives spaces, backslashes and missing slashes; no token will hold them.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        let has_host = text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
        if !has_host || !text.bytes().all(is_plain) {
            return Err(format!("{} is not spelled as an address", shown(text)));
        }
        Ok((text.to_owned(), url))
    }

    fn show(&self, value: &(String, Url)) -> String {
        value.0.clone()
    }
}

/// The address of one thing that such a server offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecureAddress;

impl Kind for SecureAddress {
    type Value = Url;

    fn describe(&self) -> String {
        "an `https` address without user and fragment, such as `https://login.example.org/path` (`http` only to \
         loopback)"
            .to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<Url, String> {
        secure(given.text()?)
    }

    fn show(&self, value: &Url) -> String {
        value.to_string()
    }
}

/// A list of servers, each as scheme, host and port, in the one spelling in which they can be compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origins;

impl Kind for Origins {
    type Value = Vec<String>;

    fn describe(&self) -> String {
        "a list of `https` addresses without a path, such as `[\"https://keys.example.org\"]` (`http` only to \
         loopback)"
            .to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<Vec<String>, String> {
        given.items()?.into_iter().map(origin).collect()
    }

    fn show(&self, value: &Vec<String>) -> String {
        value.join(", ")
    }
}

fn origin(text: &str) -> Result<String, String> {
    let url = secure(text)?;
    if url.path() != "/" || url.query().is_some() {
        return Err(format!("{} holds more than scheme, host and port", shown(text)));
    }
    Ok(url.origin().ascii_serialization())
}

fn secure(text: &str) -> Result<Url, String> {
    let url = web_address(text)?;
    if !is_private(&url) {
        return Err(format!("{} is not https, so that others could listen and answer", shown(text)));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for (address, expected) in [
            ("https://example.org", true),
            ("http://localhost:8080/keys", true),
            ("http://127.9.9.9/keys", true),
            ("http://[::1]:8080", true),
            ("http://example.org", false),
            ("http://localhost.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("http://10.0.0.1", false),
            ("http://[2001:db8::1]", false),
            ("https://user@example.org", false),
            ("https://:password@example.org", false),
            ("https://example.org/#top", false),
            ("ftp://example.org", false),
            ("example.org", false),
            ("https://", false),
        ] {
            assert_eq!(secure(address).is_ok(), expected, "{address}");
        }
    }

    #[test]
    fn an_origin_has_one_spelling() {
        for (given, expected) in [
            ("https://Keys.Example.org", Some("https://keys.example.org")),
            ("https://keys.example.org:443/", Some("https://keys.example.org")),
            ("https://keys.example.org:8443", Some("https://keys.example.org:8443")),
            ("http://127.0.0.1:9000", Some("http://127.0.0.1:9000")),
            ("https://keys.example.org/path", None),
            ("https://keys.example.org/?", None),
        ] {
            assert_eq!(origin(given).ok().as_deref(), expected, "{given}");
        }
    }
}
