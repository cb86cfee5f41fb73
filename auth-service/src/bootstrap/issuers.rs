//! Issuers of foreign tokens: from settings to what the rules and the adapter need of each.

use std::sync::Arc;

use crate::adapters::issuers::IssuerOptions;
use crate::config::{Issuer, Settings};
use crate::domain::foreign::rules::IssuerRules;
use crate::domain::foreign::shape::TokenShapes;

/// The form of the tokens of all issuers.
#[must_use]
pub fn token_shapes(settings: &Settings) -> TokenShapes {
    TokenShapes::new(settings.login.issuers.iter().map(|issuer| issuer.shape.clone()).collect())
}

/// The meaning of claims.
pub(super) fn rules(settings: &Settings) -> Vec<IssuerRules> {
    settings.login.issuers.iter().map(|issuer| issuer.rules.clone()).collect()
}

/// How issuers are asked.
pub(super) fn options(settings: &Settings) -> Vec<IssuerOptions> {
    settings.login.issuers.iter().map(options_of).collect()
}

fn options_of(issuer: &Issuer) -> IssuerOptions {
    let (client, endpoints) = (issuer.client.as_ref(), &issuer.endpoints);
    IssuerOptions {
        name: issuer.rules.name.clone(),
        identifier: endpoints.identifier.clone(),
        issuer: Arc::clone(&issuer.rules.issuer),
        verification: issuer.verification,
        algorithms: issuer.algorithms.clone(),
        types: issuer.types.clone(),
        subject_claim: issuer.rules.subject_claim.clone(),
        client: client.map(|client| (client.id.clone(), client.secret.expose().to_owned().into())),
        trusted_origins: endpoints.trusted_hosts.clone(),
        jwks_url: endpoints.jwks_url.clone(),
        introspection_url: endpoints.introspection_url.clone(),
        userinfo_url: endpoints.userinfo_url.clone(),
        remembered_for: endpoints.cache,
        timeout: endpoints.timeout,
    }
}
