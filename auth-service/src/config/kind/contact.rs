//! Whom people can ask: an e-mail address or a web page.

use url::Url;

use super::super::fault::quoted;
use super::text::LONGEST_TEXT;
use super::{Given, Kind};

/// An e-mail address, or an `http` or `https` address. It is printed in terminals, hence in plain characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContactAddress;

impl Kind for ContactAddress {
    type Value = String;

    fn describe(&self) -> String {
        format!(
            "an e-mail address or a web address of up to {LONGEST_TEXT} characters of ASCII, such as `help@example.org` \
             or `https://example.org/help`"
        )
    }

    fn parse(&self, given: &Given<'_>) -> Result<String, String> {
        let text = given.text()?;
        let is_plain = text.len() <= LONGEST_TEXT && text.bytes().all(|byte| byte.is_ascii_graphic());
        match is_plain && (is_email(text) || is_web_page(text)) {
            true => Ok(text.to_owned()),
            false => Err(format!("{} is neither an e-mail address nor a web address", quoted(text))),
        }
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }
}

fn is_email(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && local.bytes().all(plain)
            && !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    })
}

fn is_web_page(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    })
}
