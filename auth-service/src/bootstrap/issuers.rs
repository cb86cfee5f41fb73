//! Issuers of foreign tokens: from settings to what the rules and the adapter need to know of each.

use std::sync::Arc;

use anyhow::Context as _;
use regex::Regex;

use crate::adapters::issuers::{Algorithm, IssuerOptions, Verification};
use crate::config::{self, Issuer, ScopeWord, Settings, WebTokenAlgorithm};
use crate::domain::account::AccountName;
use crate::domain::foreign::IssuerName;
use crate::domain::foreign::robot::{ClaimPattern, RobotRule};
use crate::domain::foreign::rules::IssuerRules;
use crate::domain::foreign::shape::{IssuerShape, TokenShapes};
use crate::domain::login::LoginScope;

/// What the tokens of all issuers look like.
pub fn token_shapes(settings: &Settings) -> anyhow::Result<TokenShapes> {
    let shape = |issuer: &Issuer| -> anyhow::Result<IssuerShape> {
        let pattern = issuer.opaque_pattern.as_deref().map(Regex::new).transpose();
        Ok(IssuerShape {
            name: IssuerName::new(&issuer.name),
            issuer: issuer.url.as_str().into(),
            prefixes: issuer.opaque_prefixes.clone(),
            pattern: pattern.with_context(|| format!("login.issuer.{}.opaque_pattern", issuer.name))?,
        })
    };
    Ok(TokenShapes::new(settings.login.issuers.iter().map(shape).collect::<Result<_, _>>()?))
}

/// Whether everything that is set for issuers can be used; what cannot is named.
pub fn check_issuers(settings: &Settings) -> anyhow::Result<()> {
    token_shapes(settings)?;
    rules(settings)?;
    options(settings).map(drop)
}

/// What claims mean.
pub(super) fn rules(settings: &Settings) -> anyhow::Result<Vec<IssuerRules>> {
    settings.login.issuers.iter().map(rules_of).collect()
}

fn rules_of(issuer: &Issuer) -> anyhow::Result<IssuerRules> {
    let robots = issuer.robots.iter().map(|rule| robot_rule(issuer, rule)).collect::<Result<_, _>>()?;
    Ok(IssuerRules {
        name: IssuerName::new(&issuer.name),
        issuer: issuer.url.as_str().into(),
        audiences: issuer.audiences.clone(),
        clients: issuer.clients.clone(),
        without_expiry: issuer.tokens_without_expiry,
        scopes: issuer.scopes.iter().map(|(theirs, ours)| (theirs.clone(), scope(*ours))).collect(),
        subject_claim: issuer.subject_claim.clone(),
        name_claim: issuer.name_claim.clone(),
        email_claim: issuer.email_claim.clone(),
        create_accounts: issuer.create_accounts,
        robots,
        robot_scopes: issuer.robot_scopes.iter().map(|ours| scope(*ours)).collect(),
    })
}

fn robot_rule(issuer: &Issuer, rule: &config::RobotRule) -> anyhow::Result<RobotRule> {
    let pattern = |pattern: &config::ClaimPattern| match pattern {
        config::ClaimPattern::Exact(text) => ClaimPattern::Exact(text.clone()),
        config::ClaimPattern::Prefix(text) => ClaimPattern::Prefix(text.clone()),
    };
    let robot = AccountName::parse(&rule.robot)
        .with_context(|| format!("login.issuer.{}.robots: {}", issuer.name, rule.robot))?;
    let claims = rule.claims.iter().map(|(name, value)| (name.clone(), pattern(value))).collect();
    Ok(RobotRule { robot, claims })
}

const fn scope(word: ScopeWord) -> LoginScope {
    match word {
        ScopeWord::View => LoginScope::View,
        ScopeWord::Download => LoginScope::Download,
        ScopeWord::Modify => LoginScope::Modify,
        ScopeWord::Delete => LoginScope::Delete,
    }
}

/// How issuers are asked.
pub(super) fn options(settings: &Settings) -> anyhow::Result<Vec<IssuerOptions>> {
    settings.login.issuers.iter().map(options_of).collect()
}

fn options_of(issuer: &Issuer) -> anyhow::Result<IssuerOptions> {
    let client = issuer.client.as_ref();
    Ok(IssuerOptions {
        name: IssuerName::new(&issuer.name),
        identifier: issuer.url.parse().with_context(|| format!("login.issuer.{}.url", issuer.name))?,
        issuer: Arc::from(issuer.url.as_str()),
        verification: match issuer.verification {
            config::Verification::WebToken => Verification::WebToken,
            config::Verification::WebTokenAndIntrospection => Verification::WebTokenAndIntrospection,
            config::Verification::Introspection => Verification::Introspection,
            config::Verification::UserInfo => Verification::UserInfo,
        },
        algorithms: issuer.algorithms.iter().map(|algorithm| self::algorithm(*algorithm)).collect(),
        types: issuer.types.clone(),
        subject_claim: issuer.subject_claim.clone(),
        client: client.map(|client| (client.id.clone(), client.secret.expose().to_owned().into())),
        trusted_origins: issuer.trusted_hosts.clone(),
        jwks_url: issuer.jwks_url.clone(),
        introspection_url: issuer.introspection_url.clone(),
        userinfo_url: issuer.userinfo_url.clone(),
        remembered_for: issuer.cache,
        timeout: issuer.timeout,
    })
}

const fn algorithm(algorithm: WebTokenAlgorithm) -> Algorithm {
    match algorithm {
        WebTokenAlgorithm::Rs256 => Algorithm::RS256,
        WebTokenAlgorithm::Rs384 => Algorithm::RS384,
        WebTokenAlgorithm::Rs512 => Algorithm::RS512,
        WebTokenAlgorithm::Ps256 => Algorithm::PS256,
        WebTokenAlgorithm::Ps384 => Algorithm::PS384,
        WebTokenAlgorithm::Ps512 => Algorithm::PS512,
        WebTokenAlgorithm::Es256 => Algorithm::ES256,
        WebTokenAlgorithm::Es384 => Algorithm::ES384,
        WebTokenAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}
