//! What a token request says, by query (GET) or by form (POST), without meaning anything yet.

use zeroize::Zeroizing;

use super::credential::{BadCredential, checked};
use crate::domain::credential::Credential;
use crate::domain::foreign::shape::TokenShapes;
use crate::domain::login::Door;
use crate::domain::own_token::OwnToken;

/// The fields of a request.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) service: Option<String>,
    pub(super) scopes: Vec<String>,
    /// What the program calls itself.
    pub(super) client: Option<String>,
    /// Whether it would store an identity token in place of the password.
    pub(super) offline: bool,
}

impl Asked {
    /// Reads a query. What is not a field here is a hint that nothing depends on.
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
            "client_id" if !value.is_empty() => self.client = Some(value),
            // By query and by form, the distribution project asks for the same in two ways.
            "offline_token" => self.offline |= value == "true",
            "access_type" => self.offline |= value == "offline",
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
    /// What was sent as refresh token is no identity token of this service.
    #[error("this is no identity token of this service")]
    NoIdentityToken,
    /// User name or password cannot be one.
    #[error(transparent)]
    Credential(#[from] BadCredential),
}

/// A form, understood.
pub(super) struct Form {
    pub(super) asked: Asked,
    pub(super) credential: Credential,
    /// What the credential is brought as.
    pub(super) door: Door,
}

/// Reads a form of the OAuth 2 token endpoint as the distribution project specifies it; fields can be
/// repeated.
pub(super) fn from_form(body: &[u8], limit: usize, shapes: &TokenShapes) -> Result<Form, BadForm> {
    let mut asked = Asked::default();
    let (mut grant_type, mut name) = (String::new(), String::new());
    let (mut password, mut refresh_token) = (String::new(), Zeroizing::new(String::new()));
    for (key, value) in form_urlencoded::parse(body) {
        match &*key {
            "grant_type" => grant_type = value.into_owned(),
            "username" => name = value.into_owned(),
            "password" => password = value.into_owned(),
            "refresh_token" => *refresh_token = value.into_owned(),
            key => asked.take(key, value.into_owned()),
        }
    }
    match grant_type.as_str() {
        "password" => {
            let credential = checked(name, password, limit, shapes)?;
            Ok(Form { asked, credential, door: Door::Registry })
        }
        "refresh_token" => {
            let credential = match OwnToken::read(&refresh_token).ok_or(BadForm::NoIdentityToken)? {
                Ok(token) => Credential::Token(token),
                Err(mistyped) => Credential::Mistyped(mistyped),
            };
            Ok(Form { asked, credential, door: Door::Refresh })
        }
        _ => Err(BadForm::GrantType),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::own_token::{OwnTokenId, OwnTokenKind};

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
        let form = from_form(body, 8192, &TokenShapes::default()).ok().unwrap();
        let Credential::Password { name, password } = form.credential else { panic!() };
        assert_eq!((name.as_str(), password.expose()), ("alice", "p:&w"));
        assert_eq!((form.asked.service.as_deref(), form.asked.scopes.len()), (Some("hub"), 2));
        assert_eq!(form.door, Door::Registry);
    }

    #[test]
    fn other_grant_types_are_told_apart() {
        assert_eq!(
            from_form(b"grant_type=client_credentials", 8192, &TokenShapes::default()).err(),
            Some(BadForm::GrantType)
        );
        assert_eq!(from_form(b"", 8192, &TokenShapes::default()).err(), Some(BadForm::GrantType));
    }

    #[test]
    fn a_refresh_token_is_one_of_ours_or_none() {
        let form = |token: &str| {
            from_form(
                format!("grant_type=refresh_token&refresh_token={token}").as_bytes(),
                8192,
                &TokenShapes::default(),
            )
        };
        assert_eq!(form("x").err(), Some(BadForm::NoIdentityToken));
        assert_eq!(form("").err(), Some(BadForm::NoIdentityToken));
        assert!(matches!(form("asi_1_x").ok().unwrap().credential, Credential::Mistyped(_)));
        let (token, _) = OwnToken::compose(OwnTokenKind::Identity, OwnTokenId::new(1), &[1; 24]);
        let read = form(&token).ok().unwrap();
        assert!(matches!(read.credential, Credential::Token(_)));
        assert_eq!(read.door, Door::Refresh);
    }

    #[test]
    fn a_client_that_would_store_a_token_says_so_in_one_of_two_ways() {
        for query in ["offline_token=true&client_id=docker", "access_type=offline&client_id=docker"] {
            let asked = Asked::from_query(query);
            assert!(asked.offline && asked.client.as_deref() == Some("docker"), "{query}");
        }
        assert!(!Asked::from_query("offline_token=false&access_type=online&client_id=").offline);
    }
}
