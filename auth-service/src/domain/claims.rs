//! The claims of a registry token, in the one form that both generations of the registry accept
//! (`docs/PROTOCOL.md`): a plain string as audience, whole seconds, no `null` and no `*` on a repository.

use serde::Serialize;

use super::decision::Decision;
use super::principal::UserId;
use super::scope::RequestedName;
use super::time::Timestamp;

/// How far `nbf` lies before the moment of issue, for registries whose clock is behind.
const NOT_BEFORE_SECONDS: i64 = 60;

/// How many bytes are enough for a token that grants one thing.
const USUAL_BYTES: usize = 512;

/// One entry of a token's `access`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedAccess<'a> {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name, byte for byte as decided on.
    pub name: &'a str,
    /// The actions.
    pub actions: Vec<&'static str>,
}

/// The claims of a registry token.
#[derive(Clone, Debug, Serialize)]
pub struct Claims<'a> {
    /// Who issues: compared by the registry as an exact string.
    pub iss: &'a str,
    /// The user's stable number; empty for nobody.
    pub sub: String,
    /// The registry's service name.
    pub aud: &'a str,
    /// When it ends, seconds since 1970.
    pub exp: i64,
    /// From when it holds.
    pub nbf: i64,
    /// When it was issued.
    pub iat: i64,
    /// Unique for each token.
    pub jti: &'a str,
    /// What it grants.
    pub access: Vec<GrantedAccess<'a>>,
}

impl Claims<'_> {
    /// The payload of the token.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut json, self)?;
        Ok(json)
    }
}

/// What of a token is the same for every request.
#[derive(Clone, Debug)]
pub struct TokenTerms {
    /// `iss` of every token.
    pub issuer: String,
    /// `aud` of every token: the service that the registry is configured with.
    pub service: String,
    /// Seconds from issue to end.
    pub lifetime_seconds: i64,
}

impl TokenTerms {
    /// The claims of a token for `user` that grants what `access` lists.
    #[must_use]
    pub fn claims<'a>(
        &'a self,
        user: Option<UserId>,
        access: Vec<GrantedAccess<'a>>,
        issued_at: Timestamp,
        identifier: &'a str,
    ) -> Claims<'a> {
        let issued = issued_at.as_seconds();
        Claims {
            iss: &self.issuer,
            sub: user.map(|user| user.to_string()).unwrap_or_default(),
            aud: &self.service,
            exp: issued.saturating_add(self.lifetime_seconds),
            nbf: issued.saturating_sub(NOT_BEFORE_SECONDS),
            iat: issued,
            jti: identifier,
            access,
        }
    }
}

/// What a decision grants, as a token's `access` lists it; repositories that get nothing are left out.
#[must_use]
pub fn granted_access(decision: &Decision) -> Vec<GrantedAccess<'_>> {
    let repositories = decision.repositories.iter().filter_map(|one| match &one.name {
        RequestedName::Proper(name) if !one.granted.is_empty() => {
            Some(GrantedAccess { kind: "repository", name: name.as_str(), actions: one.granted.names() })
        }
        _ => None,
    });
    let catalogue = decision.catalogue.filter(Result::is_ok).map(|_| GrantedAccess {
        kind: "registry",
        name: "catalog",
        actions: vec!["*"],
    });
    repositories.chain(catalogue).collect()
}

/// What a token grants, as scopes joined by spaces.
#[must_use]
pub fn granted_scopes(access: &[GrantedAccess<'_>]) -> String {
    let mut scopes = String::with_capacity(64 * access.len());
    for one in access {
        if !scopes.is_empty() {
            scopes.push(' ');
        }
        scopes.extend([one.kind, ":", one.name, ":", &one.actions.join(",")]);
    }
    scopes
}
