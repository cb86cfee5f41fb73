//! Asking other issuers about their tokens.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::foreign::ForeignToken;
use crate::domain::foreign::claims::ClaimsSource;
use crate::domain::foreign::claims::ForeignClaims;
use crate::domain::foreign::rules::ForeignRefusal;
use crate::domain::network::ClientNetwork;

/// The claims of a genuine token.
#[derive(Clone, Debug)]
pub struct GenuineClaims {
    /// The claims.
    pub claims: Arc<ForeignClaims>,
    /// Where they come from.
    pub source: ClaimsSource,
}

/// Why there are no claims. Everybody who waits for the same answer gets the same one.
#[derive(Clone, Debug)]
pub enum ForeignFailure {
    /// The token is not the issuer's, or no longer valid.
    Refused(ForeignRefusal),
    /// The issuer cannot be asked just now; the cause is for the log.
    Unreachable(String),
}

/// Tokens of other issuers.
#[async_trait]
pub trait ForeignTokens: Send + Sync {
    /// The claims of a token that somebody in `network` has brought. It is shown to its own issuer at most; where the
    /// issuer has to be asked, the networks share the room for that.
    async fn claims(
        &self,
        token: &ForeignToken,
        network: ClientNetwork,
    ) -> Result<GenuineClaims, ForeignFailure>;
}
