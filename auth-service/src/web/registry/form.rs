//! What a token request says, by query (GET) or by form (POST), without meaning anything yet.
//!
//! A parameter stands there once (RFC 6749, section 3.1): of two values, a proxy may have looked at one and this
//! service at the other. `scope` alone is repeated by the clients that there are.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::basic_auth::{BadCredential, checked};
use crate::domain::credential::Credential;
use crate::domain::foreign::shape::TokenShapes;
use crate::domain::login::CredentialUse;
use crate::domain::service_token::ServiceToken;

/// The fields of a request.
#[derive(Default)]
pub(super) struct TokenQuery {
    pub(super) service: Option<String>,
    pub(super) scopes: Vec<String>,
    /// What the program calls itself.
    pub(super) client: Option<String>,
    /// Whether it would store an identity token in place of the password.
    pub(super) offline: bool,
}

/// Every parameter that a token request can have once. What is none of them, and no scope, is passed over.
const ONCE: [&str; 9] = [
    "service",
    "client_id",
    "account",
    "offline_token",
    "access_type",
    "grant_type",
    "username",
    "password",
    "refresh_token",
];

/// A parameter stands there more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter '{0}' is given more than once; give it once, in the form or in the query")]
pub(super) struct Repeated(&'static str);

/// Which parameters of [`ONCE`] were there before.
#[derive(Default)]
struct Seen([bool; ONCE.len()]);

impl Seen {
    fn note(&mut self, name: &str) -> Result<(), Repeated> {
        match ONCE.into_iter().zip(&mut self.0).find(|(known, _)| *known == name) {
            Some((known, true)) => Err(Repeated(known)),
            Some((_, seen)) => {
                *seen = true;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl TokenQuery {
    /// Reads a query. What is not a field here is a hint that nothing depends on.
    pub(super) fn from_query(query: &str) -> Result<Self, Repeated> {
        let mut asked = Self::default();
        let mut seen = Seen::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            seen.note(&key)?;
            asked.take(&key, value);
        }
        Ok(asked)
    }

    fn take(&mut self, key: &str, value: Cow<'_, str>) {
        match key {
            "service" if !value.is_empty() => self.service = Some(value.into_owned()),
            "scope" => self.scopes.push(value.into_owned()),
            "client_id" if !value.is_empty() => self.client = Some(value.into_owned()),
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
    /// The OAuth grant type is missing.
    #[error("grant_type is missing; it must be password or refresh_token")]
    NoGrantType,
    /// The OAuth grant type is none that is known.
    #[error("grant_type must be password or refresh_token")]
    UnknownGrantType,
    /// A parameter is repeated.
    #[error(transparent)]
    Repeated(#[from] Repeated),
    /// There are two logins of which either could be meant.
    #[error("the form has a password and a refresh_token; send one of the two")]
    TwoLogins,
    /// What was sent as refresh token is no identity token of this service.
    #[error("this is no identity token of this service")]
    NoIdentityToken,
    /// User name or password cannot be one.
    #[error(transparent)]
    Credential(#[from] BadCredential),
}

/// A form, understood.
pub(super) struct Form {
    pub(super) asked: TokenQuery,
    pub(super) credential: Credential,
    /// What the credential is brought as.
    pub(super) credential_use: CredentialUse,
}

/// Reads a form of the OAuth 2 token endpoint as the distribution project specifies it. What stands in the query beside
/// it is not read; that a parameter stands in both is a contradiction.
pub(super) fn from_form(
    query: &str,
    body: &[u8],
    limit: usize,
    shapes: &TokenShapes,
) -> Result<Form, BadForm> {
    let mut asked = TokenQuery::default();
    let (mut grant_type, mut name) = (String::new(), String::new());
    let (mut password, mut refresh_token) = (String::new(), Zeroizing::new(String::new()));
    let mut seen = Seen::default();
    let mut scope_in_query = false;
    for (key, _) in form_urlencoded::parse(query.as_bytes()) {
        seen.note(&key)?;
        scope_in_query |= key == "scope";
    }
    for (key, value) in form_urlencoded::parse(body) {
        seen.note(&key)?;
        match &*key {
            "grant_type" => grant_type = value.into_owned(),
            "username" => name = value.into_owned(),
            "password" => password = value.into_owned(),
            "refresh_token" => *refresh_token = value.into_owned(),
            "scope" if scope_in_query => return Err(Repeated("scope").into()),
            key => asked.take(key, value),
        }
    }
    if !password.is_empty() && !refresh_token.is_empty() {
        return Err(BadForm::TwoLogins);
    }
    match grant_type.as_str() {
        "password" => {
            // What is not UTF-8 was read as this character.
            if name.contains(char::REPLACEMENT_CHARACTER) || password.contains(char::REPLACEMENT_CHARACTER) {
                return Err(BadCredential::NotUtf8.into());
            }
            let credential = checked(name, password, limit, shapes)?;
            Ok(Form { asked, credential, credential_use: CredentialUse::Registry })
        }
        "refresh_token" => {
            let credential = match ServiceToken::read(&refresh_token).ok_or(BadForm::NoIdentityToken)? {
                Ok(token) => Credential::Token(token),
                Err(mistyped) => Credential::Mistyped(mistyped),
            };
            Ok(Form { asked, credential, credential_use: CredentialUse::Refresh })
        }
        "" => Err(BadForm::NoGrantType),
        _ => Err(BadForm::UnknownGrantType),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::service_token::{ServiceTokenId, ServiceTokenKind};

    use super::*;

    fn read_form(body: &str) -> Result<Form, BadForm> {
        read_with_query("", body)
    }

    fn read_with_query(query: &str, body: &str) -> Result<Form, BadForm> {
        from_form(query, body.as_bytes(), 8192, &TokenShapes::default())
    }

    #[test]
    fn scopes_are_repeated_or_not_and_an_empty_service_is_none() {
        let query = "scope=a%3Ab%3Apull&service=&scope=c+d&account=alice&client_id=docker";
        let asked = TokenQuery::from_query(query).unwrap();
        assert_eq!(asked.scopes, ["a:b:pull", "c d"]);
        assert_eq!(asked.service, None);
    }

    #[test]
    fn every_parameter_but_scope_stands_there_once() {
        for name in ONCE {
            let twice = format!("{name}=a&scope=x&{name}=b&scope=y");
            assert_eq!(TokenQuery::from_query(&twice).err(), Some(Repeated(name)), "{twice}");
            assert_eq!(read_form(&twice).err(), Some(BadForm::Repeated(Repeated(name))), "{twice}");
            let split = read_with_query(&format!("{name}=a"), &format!("scope=x&{name}=a"));
            assert_eq!(split.err(), Some(BadForm::Repeated(Repeated(name))), "{name} in query and form");
        }
        let scopes = read_with_query("scope=x", "grant_type=password&username=a&password=b&scope=y");
        assert_eq!(scopes.err(), Some(BadForm::Repeated(Repeated("scope"))));
        assert!(TokenQuery::from_query("scope=x&scope=y&hint=1&hint=2").is_ok());
    }

    #[test]
    fn a_form_has_one_login() {
        let two = "grant_type=password&username=a&password=b&refresh_token=c";
        assert_eq!(read_form(two).err(), Some(BadForm::TwoLogins));
        assert_eq!(
            read_form(&two.replace("type=password", "type=refresh_token")).err(),
            Some(BadForm::TwoLogins)
        );
        assert!(read_form("grant_type=password&username=a&password=b&refresh_token=").is_ok());
    }

    #[test]
    fn a_form_brings_its_credential_with_it() {
        let body = "grant_type=password&username=alice&password=p%3A%26w&service=hub&scope=x&scope=y";
        let form = read_form(body).ok().unwrap();
        let Credential::Password { name, password } = form.credential else { panic!() };
        assert_eq!((name.as_str(), password.expose()), ("alice", "p:&w"));
        assert_eq!((form.asked.service.as_deref(), form.asked.scopes.len()), (Some("hub"), 2));
        assert_eq!(form.credential_use, CredentialUse::Registry);
    }

    #[test]
    fn a_login_in_another_character_set_is_told_from_a_wrong_one() {
        let latin_1 = read_form("grant_type=password&username=alice&password=p%E4ss");
        assert_eq!(latin_1.err(), Some(BadForm::Credential(BadCredential::NotUtf8)));
        assert!(read_form("grant_type=password&username=alice&password=p%C3%A4ss").is_ok());
    }

    #[test]
    fn other_grant_types_are_told_apart() {
        assert_eq!(read_form("grant_type=client_credentials").err(), Some(BadForm::UnknownGrantType));
        assert_eq!(read_form("").err(), Some(BadForm::NoGrantType));
        assert_eq!(read_form("grant_type=").err(), Some(BadForm::NoGrantType));
    }

    #[test]
    fn a_refresh_token_is_one_of_ours_or_none() {
        let form = |token: &str| read_form(&format!("grant_type=refresh_token&refresh_token={token}"));
        assert_eq!(form("x").err(), Some(BadForm::NoIdentityToken));
        assert_eq!(form("").err(), Some(BadForm::NoIdentityToken));
        assert!(matches!(form("asi_1_x").ok().unwrap().credential, Credential::Mistyped(_)));
        let (token, _) = ServiceToken::compose(ServiceTokenKind::Identity, ServiceTokenId::new(1), &[1; 24]);
        let read = form(&token).ok().unwrap();
        assert!(matches!(read.credential, Credential::Token(_)));
        assert_eq!(read.credential_use, CredentialUse::Refresh);
    }

    #[test]
    fn a_client_that_would_store_a_token_says_so_in_one_of_two_ways() {
        for query in ["offline_token=true&client_id=docker", "access_type=offline&client_id=docker"] {
            let asked = TokenQuery::from_query(query).unwrap();
            assert!(asked.offline && asked.client.as_deref() == Some("docker"), "{query}");
        }
        assert!(
            !TokenQuery::from_query("offline_token=false&access_type=online&client_id=").unwrap().offline
        );
    }
}
