//! One issuer: how its tokens are verified, with what is kept of its keys and metadata.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::IssuerOptions;
use super::introspection::introspect;
use super::keys::{KeySet, find_keys};
use super::metadata::{Metadata, MetadataCache};
use super::outgoing::{Clients, Outgoing};
use super::request_context::{RequestContext, Unreachable};
use super::user_info::user_info;
use super::web_token::WebToken;
use crate::domain::foreign::VerificationMethod;
use crate::domain::foreign::claims::{ClaimsSource, ForeignClaims};
use crate::domain::foreign::rules::ForeignRefusal;
use crate::domain::foreign::shape::is_web_token;
use crate::ports::foreign_tokens::{ForeignFailure, GenuineClaims};
use crate::ports::system::Clock;

/// Longest that a token waits. Docker gives up after 15 s.
const LONGEST: Duration = Duration::from_secs(10);

/// One issuer.
pub(super) struct Issuer {
    options: IssuerOptions,
    outgoing: Outgoing,
    clock: Arc<dyn Clock>,
    metadata: MetadataCache,
    keys: KeySet,
}

impl Issuer {
    pub(super) fn new(options: IssuerOptions, clients: &Arc<Clients>, clock: &Arc<dyn Clock>) -> Self {
        let outgoing = Outgoing::new(clients, clock, options.timeout);
        Self {
            options,
            outgoing,
            clock: Arc::clone(clock),
            metadata: MetadataCache::default(),
            keys: KeySet::default(),
        }
    }

    pub(super) const fn remembered_for(&self) -> Duration {
        self.options.remembered_for
    }

    /// Whether there is nothing to gain from asking about a token once for all who have it.
    pub(super) fn asks_nobody_and_remembers_nothing(&self) -> bool {
        self.options.verification == VerificationMethod::WebToken && self.options.remembered_for.is_zero()
    }

    #[cfg(test)]
    pub(super) const fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// How long a token may wait for everything that it needs: for one request that is tried twice, and no longer
    /// than docker waits, however many others stand before it.
    pub(super) fn timeout(&self) -> Duration {
        (self.options.timeout * 2 + Duration::from_secs(1)).min(LONGEST)
    }

    /// The claims of a token, if it is genuine.
    pub(super) async fn claims(
        &self,
        token: &str,
        request_context: RequestContext,
    ) -> Result<GenuineClaims, ForeignFailure> {
        let (claims, source) = match self.options.verification {
            VerificationMethod::WebToken => self.verify(token).await?,
            VerificationMethod::WebTokenAndIntrospection if is_web_token(token) => {
                self.verify_and_complete(token, request_context).await?
            }
            VerificationMethod::WebTokenAndIntrospection | VerificationMethod::Introspection => {
                (self.introspect(token, request_context).await?, ClaimsSource::Introspection)
            }
            VerificationMethod::UserInfo => {
                (self.user_info(token, request_context).await?, ClaimsSource::UserInfo)
            }
        };
        Ok(GenuineClaims { claims: Arc::new(claims), source })
    }

    async fn verify(&self, token: &str) -> Result<(ForeignClaims, ClaimsSource), ForeignFailure> {
        let token = WebToken::read(token, &self.options).map_err(ForeignFailure::Refused)?;
        let url = self.endpoint(self.options.jwks_url.as_ref(), |metadata| metadata.jwks.clone(), "keys");
        let (kid, algorithm) = (token.kid.as_deref(), token.algorithm);
        let found = find_keys(&self.keys, kid, algorithm, &self.outgoing, &*self.clock, url).await;
        match found.map_err(ForeignFailure::Unreachable)? {
            Some(keys) => token.verify(&keys).map_err(ForeignFailure::Refused),
            // Not a rejection: the issuer may just have begun to use the key.
            None => Err(ForeignFailure::Unreachable(
                "the token names a key that is not known, and the keys were read a moment ago".to_owned(),
            )),
        }
    }

    /// A web token that does not tell its scope is completed by what introspection says, which must be that it is
    /// good and of the same subject.
    async fn verify_and_complete(
        &self,
        token: &str,
        request_context: RequestContext,
    ) -> Result<(ForeignClaims, ClaimsSource), ForeignFailure> {
        let (claims, source) = self.verify(token).await?;
        if claims.scope_words().is_some() {
            return Ok((claims, source));
        }
        let told = self.introspect(token, request_context).await?;
        let inactive = ForeignFailure::Refused(ForeignRefusal::Inactive);
        if told.get("active") != Some(&serde_json::Value::Bool(true)) {
            return Err(inactive);
        }
        let subject = &self.options.subject_claim;
        let same = |claim: &str| match (claims.text(claim), told.text(claim)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        match same("sub") && same(subject) {
            true => Ok((claims.completed_by(told), source)),
            false => Err(inactive),
        }
    }

    async fn introspect(
        &self,
        token: &str,
        request_context: RequestContext,
    ) -> Result<ForeignClaims, ForeignFailure> {
        let client = self.options.client.as_ref().ok_or_else(|| {
            ForeignFailure::Unreachable("no client is configured for introspection".to_owned())
        })?;
        let of_metadata = |metadata: &Metadata| metadata.introspection.clone();
        let url = self
            .endpoint(self.options.introspection_url.as_ref(), of_metadata, "introspection endpoint")
            .await;
        let url = url.map_err(ForeignFailure::Unreachable)?;
        introspect(&url, client, token, &self.outgoing, request_context)
            .await
            .map_err(ForeignFailure::Unreachable)
    }

    async fn user_info(
        &self,
        token: &str,
        request_context: RequestContext,
    ) -> Result<ForeignClaims, ForeignFailure> {
        let of_metadata = |metadata: &Metadata| metadata.userinfo.clone();
        let url = self.endpoint(self.options.userinfo_url.as_ref(), of_metadata, "user-info endpoint").await;
        let url = url.map_err(ForeignFailure::Unreachable)?;
        user_info(&url, token, &self.options.subject_claim, &self.outgoing, request_context).await
    }

    /// The address that the operator has set, or else what the metadata says.
    async fn endpoint(
        &self,
        set: Option<&Url>,
        of_metadata: impl FnOnce(&Metadata) -> Option<Url> + Send,
        what: &str,
    ) -> Result<Url, Unreachable> {
        if let Some(url) = set {
            return Ok(url.clone());
        }
        let metadata = self.metadata.get(&self.options, &self.outgoing, &*self.clock).await?;
        of_metadata(&metadata).ok_or_else(|| format!("its metadata names no {what}"))
    }
}
