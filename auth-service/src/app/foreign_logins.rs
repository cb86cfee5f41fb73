//! Logins with tokens of other issuers: from a token to the account it stands for, which is created at
//! the first login where the operator wants that.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::domain::account::{AccountName, EmailAddress};
use crate::domain::foreign::rules::{
    ForeignLogin, ForeignRefusal, IssuerRules, JustInTimeAccount, MappedAccount,
};
use crate::domain::foreign::{ForeignSubject, ForeignToken, IssuerName};
use crate::domain::login_rejection::LoginRejection;
use crate::domain::network::ClientNetwork;
use crate::ports::StorageError;
use crate::ports::foreign_tokens::{ForeignFailure, ForeignTokens};
use crate::ports::linked_subjects::{LinkedSubjects, Provisioned};
use crate::ports::login_error::LoginError;
use crate::ports::system::Clock;

/// How many numbered names are tried for a new account whose name is taken.
const NUMBERED_NAMES: usize = 8;

/// Checks tokens of other issuers.
pub struct ForeignLogins {
    issuers: HashMap<IssuerName, IssuerRules>,
    tokens: Arc<dyn ForeignTokens>,
    links: Arc<dyn LinkedSubjects>,
    clock: Arc<dyn Clock>,
}

impl ForeignLogins {
    /// Accepts tokens by these rules.
    #[must_use]
    pub fn new(
        issuers: Vec<IssuerRules>,
        tokens: Arc<dyn ForeignTokens>,
        links: Arc<dyn LinkedSubjects>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let issuers = issuers.into_iter().map(|rules| (rules.name.clone(), rules)).collect();
        Self { issuers, tokens, links, clock }
    }

    /// Checks a token that was sent from `network`. Returns the account it stands for, and what it allows.
    pub async fn check(
        &self,
        token: &ForeignToken,
        network: ClientNetwork,
    ) -> Result<ForeignLogin, LoginError> {
        let refused = |reason| {
            let issuer = token.issuer.clone();
            LoginError::Rejected(LoginRejection::ForeignToken { issuer, reason })
        };
        let rules = self.issuers.get(&token.issuer).ok_or_else(|| refused(ForeignRefusal::WrongIssuer))?;
        let genuine = self.tokens.claims(token, network).await.map_err(|failure| match failure {
            ForeignFailure::Refused(reason) => refused(reason),
            ForeignFailure::Unreachable(cause) => {
                LoginError::IssuerDown { issuer: token.issuer.clone(), cause }
            }
        })?;
        rules.understand(&genuine.claims, genuine.source, self.clock.now()).map_err(refused)
    }

    /// Creates an account if there is none and the issuer's rules want one; whether there is one now.
    pub async fn provision(&self, login: &ForeignLogin) -> Result<bool, StorageError> {
        let (MappedAccount::Linked { subject, .. }, Some(proposed)) = (&login.account, &login.new_account)
        else {
            return Ok(false);
        };
        let email = proposed.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
        let names = proposed_names(proposed, subject);
        let provisioned = self.links.provision(subject, &names, email.as_ref()).await?;
        if let Provisioned::Created(user) = provisioned {
            tracing::info!(target: "logins", user = user.number(), issuer = %login.issuer, "an account was made");
        }
        Ok(provisioned != Provisioned::Barred)
    }
}

/// Names for a new account, the best first: the proposed one made valid, the part of the address before the `@`, the
/// subject's own name, then the first of these with a number, and at last with digits that only this subject has.
fn proposed_names(proposed: &JustInTimeAccount, subject: &ForeignSubject) -> Vec<AccountName> {
    let local = |email: &String| email.split('@').next().unwrap_or("").to_owned();
    let bases =
        [proposed.name.clone(), proposed.email.as_ref().map(local), Some(subject.subject.to_string())];
    let bases: Vec<String> = bases.into_iter().flatten().map(|base| fitting(&base)).collect();
    let first = bases.iter().find_map(|base| AccountName::parse(base).ok()).map(|name| name.to_string());
    let base = first.unwrap_or_else(|| "user".to_owned());
    let plain = bases.iter().filter_map(|base| AccountName::parse(base).ok());
    let numbered = (2..).filter_map(|number| AccountName::parse(&format!("{base}-{number}")).ok());
    let digits =
        Sha256::new().chain_update(&*subject.issuer).chain_update("\0").chain_update(&*subject.subject);
    let digits =
        digits.finalize().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let unique = AccountName::parse(&format!("{}-{digits}", base.chars().take(47).collect::<String>())).ok();
    plain.chain(numbered.take(NUMBERED_NAMES)).chain(unique).collect()
}

/// At most 56 of the characters that names have, so that a number fits behind them.
fn fitting(text: &str) -> String {
    let text = text.to_lowercase();
    let letters = text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' });
    letters.take(56).collect::<String>().trim_matches(['-', '.', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: Option<&str>, email: Option<&str>, subject: &str) -> Vec<String> {
        let proposed = JustInTimeAccount { name: name.map(str::to_owned), email: email.map(str::to_owned) };
        let subject = ForeignSubject::new(&"https://hub.example.org".into(), subject).unwrap();
        proposed_names(&proposed, &subject).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_issuer_proposes_a_name_and_what_does_not_fit_is_made_to() {
        assert_eq!(names(Some("Alice"), Some("al@x.org"), "u1")[..4], ["alice", "al", "u1", "alice-2"]);
        let strange = names(Some("Ödön von Horváth"), None, "7");
        assert_eq!(strange[..3], ["d-n-von-horv-th", "d-n-von-horv-th-2", "d-n-von-horv-th-3"]);
        assert_eq!(names(Some("PUBLIC"), None, "12")[..2], ["user-2", "user-3"], "as neither can be a name");
        assert_eq!(names(Some(&"x".repeat(300)), None, "1")[1].len(), 58);
    }

    #[test]
    fn at_last_there_is_a_name_that_nobody_else_is_proposed() {
        let last = |name, subject| names(Some(name), None, subject).pop().unwrap();
        assert_eq!(last("john", "1"), last("john", "1"));
        assert_ne!(last("john", "1"), last("john", "2"));
        assert_eq!(last(&"x".repeat(300), "1").len(), 64);
    }
}
