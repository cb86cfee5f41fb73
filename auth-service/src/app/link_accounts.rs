//! Linking one's own account to a login at another issuer: by showing both, the password here and a token from there.

use std::sync::Arc;

use super::foreign_logins::ForeignLogins;
use crate::domain::foreign::rules::MappedAccount;
use crate::domain::foreign::{ForeignSubject, ForeignToken};
use crate::domain::login_scope::LoginScopes;
use crate::domain::network::ClientNetwork;
use crate::domain::principal::UserId;
use crate::domain::service_token::ServiceTokenId;
use crate::ports::StorageError;
use crate::ports::facts::FactsReader;
use crate::ports::linked_subjects::{LinkError, LinkRecord, LinkedBy, LinkedSubjects};
use crate::ports::login_error::LoginError;

/// Why a link was not made.
#[derive(Debug)]
pub enum NoLink {
    /// The token is not good, or that cannot be found out.
    Token(LoginError),
    /// It is the token of a program or of a job, which stands for nobody.
    OfNobody,
    /// It allows nothing here, and so may be for something else.
    OfNoUse,
    /// It is good, and the link is not.
    Link(LinkError),
}

/// Links accounts for their owners.
pub struct LinkAccounts {
    /// Checks tokens.
    pub foreign_logins: Arc<ForeignLogins>,
    /// Where links are kept.
    pub links: Arc<dyn LinkedSubjects>,
    /// Learns of changes, so that they hold for the next request.
    pub facts: Arc<dyn FactsReader>,
}

impl LinkAccounts {
    /// Links the account of `owner`, who has logged in with the password for `session`, to the subject of a token that
    /// is brought from `network`.
    pub async fn link(
        &self,
        owner: UserId,
        session: ServiceTokenId,
        network: ClientNetwork,
        token: &ForeignToken,
    ) -> Result<ForeignSubject, NoLink> {
        let login = self.foreign_logins.check(token, network).await.map_err(NoLink::Token)?;
        match login.account {
            MappedAccount::Linked { is_client: false, .. } if login.scopes == LoginScopes::NONE => {
                Err(NoLink::OfNoUse)
            }
            MappedAccount::Linked { subject, is_client: false } => {
                self.links.link(owner, &subject, LinkedBy::Owner { session }).await.map_err(NoLink::Link)?;
                self.facts.catch_up().await.map_err(|error| NoLink::Link(error.into()))?;
                Ok(subject)
            }
            MappedAccount::Linked { is_client: true, .. } | MappedAccount::Robot(_) => Err(NoLink::OfNobody),
        }
    }

    /// Takes a link away; whether there was one. Only an administrator can bring it back.
    pub async fn unlink(&self, owner: UserId, subject: &ForeignSubject) -> Result<bool, StorageError> {
        let was_there = self.links.unlink(owner, subject).await?;
        self.facts.catch_up().await?;
        Ok(was_there)
    }

    /// The links of an account, the latest first.
    pub async fn list(&self, owner: UserId) -> Result<Vec<LinkRecord>, StorageError> {
        self.links.links(owner).await
    }
}
