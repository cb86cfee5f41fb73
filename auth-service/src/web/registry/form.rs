//! What a token request says, by query (GET) or by form (POST), without meaning anything yet.

use super::credential::{BadCredential, checked};
use crate::domain::credential::Credential;

/// The fields of a request.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) service: Option<String>,
    pub(super) scopes: Vec<String>,
}

impl Asked {
    /// Reads a query. Anything else than service and scope is a hint that nothing depends on.
    pub(super) fn from_query(query: &str) -> Self {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            asked.take(&key, value.into_owned());
        }
        asked
    }

    fn take(&mut self, key: &str, value: String) {
        match key {
            "service" if !value.is_empty() => self.service = Some(value),
            "scope" => self.scopes.push(value),
            _ => {}
        }
    }
}

/// Why a form cannot be answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadForm {
    /// The OAuth grant type is missing or none that is known.
    #[error("grant_type must be password or refresh_token")]
    GrantType,
    /// A refresh token was sent.
    #[error("this identity token is not known; log in again with user name and password")]
    UnknownIdentityToken,
    /// User name or password cannot be one.
    #[error(transparent)]
    Credential(#[from] BadCredential),
}

/// Reads a form of the OAuth 2 token endpoint as the distribution project specifies it; fields can be
/// repeated.
pub(super) fn from_form(body: &[u8], limit: usize) -> Result<(Asked, Credential), BadForm> {
    let mut asked = Asked::default();
    let (mut grant_type, mut name, mut password) = (String::new(), String::new(), String::new());
    for (key, value) in form_urlencoded::parse(body) {
        match &*key {
            "grant_type" => grant_type = value.into_owned(),
            "username" => name = value.into_owned(),
            "password" => password = value.into_owned(),
            key => asked.take(key, value.into_owned()),
        }
    }
    match grant_type.as_str() {
        "password" => Ok((asked, checked(name, password, limit)?)),
        "refresh_token" => Err(BadForm::UnknownIdentityToken),
        _ => Err(BadForm::GrantType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_repeated_or_not_and_an_empty_service_is_none() {
        let asked = Asked::from_query("scope=a%3Ab%3Apull&service=&scope=c+d&account=alice&client_id=docker");
        assert_eq!(asked.scopes, ["a:b:pull", "c d"]);
        assert_eq!(asked.service, None);
    }

    #[test]
    fn a_form_brings_its_credential_with_it() {
        let body = b"grant_type=password&username=alice&password=p%3A%26w&service=hub&scope=x&scope=y";
        let Ok((asked, Credential::Password { name, password })) = from_form(body, 8192) else { panic!() };
        assert_eq!((name.as_str(), password.expose()), ("alice", "p:&w"));
        assert_eq!((asked.service.as_deref(), asked.scopes.len()), (Some("hub"), 2));
    }

    #[test]
    fn other_grant_types_are_told_apart() {
        assert_eq!(from_form(b"grant_type=client_credentials", 8192).err(), Some(BadForm::GrantType));
        assert_eq!(from_form(b"", 8192).err(), Some(BadForm::GrantType));
        let refresh = from_form(b"grant_type=refresh_token&refresh_token=x", 8192);
        assert_eq!(refresh.err(), Some(BadForm::UnknownIdentityToken));
    }
}
