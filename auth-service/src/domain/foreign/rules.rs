//! What the claims of a genuine token mean here: whether it is for us and in time, whom it stands for, and what it
//! allows.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::claims::{BadClaim, ClaimsSource, ForeignClaims};
use super::program::{is_program, nameless_program};
use super::robot::{NoRobot, RobotRule, robot_of};
use super::{ForeignSubject, IssuerName};
use crate::domain::account::AccountName;
use crate::domain::login_scope::{LoginScope, LoginScopes};
use crate::domain::time::Timestamp;

/// How far an issuer's clock may be off.
const LEEWAY: Duration = Duration::from_mins(1);

/// Claims that only an ID token has (OpenID Connect Core, sections 2 and 3.3.2.11). It tells a program who logged in
/// there, and is no permission for anything.
const ONLY_IN_ID_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

/// A logout token has it (OpenID Connect Back-Channel Logout, section 2.4), as every security event does (RFC 8417).
const EVENTS: &str = "events";

/// What the operator has set for one issuer.
#[derive(Clone, Debug)]
pub struct IssuerRules {
    /// The operator's name for it.
    pub name: IssuerName,
    /// Its identifier.
    pub issuer: Arc<str>,
    /// For whom a token must have been made; anybody when empty.
    pub audiences: Vec<String>,
    /// Whose tokens are accepted, by client id; anybody's when empty.
    pub clients: Vec<String>,
    /// Whether tokens that never expire are accepted.
    pub without_expiry: bool,
    /// Its words for scopes, each with what it means here.
    pub scopes: Vec<(String, LoginScope)>,
    /// The claim that is the subject.
    pub subject_claim: String,
    /// The claim that proposes a name.
    pub name_claim: String,
    /// The claim that proposes an e-mail address.
    pub email_claim: String,
    /// Whether somebody without an account gets one.
    pub create_accounts: bool,
    /// Rules for jobs of a CI system; with any, tokens act for robot accounts alone.
    pub robots: Vec<RobotRule>,
    /// What a job may do.
    pub robot_scopes: LoginScopes,
}

/// The account that a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappedAccount {
    /// The account that is linked to a subject of the issuer.
    Linked {
        /// The subject.
        subject: ForeignSubject,
        /// Whether the subject is an OAuth client itself, which can act for robot accounts only.
        is_client: bool,
    },
    /// A robot account, by rule.
    Robot(AccountName),
}

/// A login by a token of another issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignLogin {
    /// The operator's name for the issuer.
    pub issuer: IssuerName,
    /// The account that it stands for.
    pub account: MappedAccount,
    /// What it allows.
    pub scopes: LoginScopes,
    /// The account to create if there is none, where the operator wants that.
    pub new_account: Option<JustInTimeAccount>,
}

/// What the claims propose for an account that is created at the first login (just-in-time provisioning).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JustInTimeAccount {
    /// A name.
    pub name: Option<String>,
    /// An e-mail address that the issuer does not say to be unverified.
    pub email: Option<String>,
}

/// Why a token of another issuer is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForeignRefusal {
    /// It is no token of the issuer: malformed, or not signed by it.
    NotGenuine,
    /// The issuer says that it is not, or no longer, good.
    Inactive,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It does not say when it ends.
    NeverExpires,
    /// It says to be of another issuer.
    WrongIssuer,
    /// It was made for somebody else.
    WrongAudience,
    /// It was given to a program whose tokens are not accepted.
    WrongClient,
    /// It is of another type, such as an ID token.
    WrongType,
    /// It may be of another type: it tells no scope, which is what an access token has and others have not.
    NoScope,
    /// It does not say whom it stands for.
    NoSubject,
    /// No rule says what the job may act for.
    NoRobotRule,
    /// A claim is not what it must be.
    BadClaim,
}

impl From<BadClaim> for ForeignRefusal {
    fn from(_: BadClaim) -> Self {
        Self::BadClaim
    }
}

impl IssuerRules {
    /// What genuine claims mean at `now`.
    pub fn understand(
        &self,
        claims: &ForeignClaims,
        source: ClaimsSource,
        now: Timestamp,
    ) -> Result<ForeignLogin, ForeignRefusal> {
        self.require_active(claims, source)?;
        self.require_time(claims, source, now)?;
        let only_elsewhere = ONLY_IN_ID_TOKENS.iter().any(|name| claims.has(name)) || claims.has(EVENTS);
        if only_elsewhere || is_marked_as_id_token(claims) {
            return Err(ForeignRefusal::WrongType);
        }
        if source != ClaimsSource::UserInfo {
            self.require_audience(claims)?;
            self.require_client(claims)?;
        }
        if !self.robots.is_empty() {
            return self.robot(claims);
        }
        if source == ClaimsSource::WebToken && claims.scope_words().is_none() {
            return Err(ForeignRefusal::NoScope);
        }
        let scopes = self.scopes(claims);
        let subject = claims.text(&self.subject_claim);
        let program = nameless_program(claims, source).filter(|_| subject.is_none());
        let subject = subject.or_else(|| program.clone()).ok_or(ForeignRefusal::NoSubject)?;
        let is_client = program.is_some() || is_program(claims, &subject);
        let subject = ForeignSubject::new(&self.issuer, &subject).ok_or(ForeignRefusal::NoSubject)?;
        Ok(ForeignLogin {
            issuer: self.name.clone(),
            account: MappedAccount::Linked { subject, is_client },
            scopes,
            new_account: (self.create_accounts && !is_client && scopes != LoginScopes::NONE).then(|| {
                JustInTimeAccount {
                    name: claims.text(&self.name_claim),
                    email: claims.text(&self.email_claim).filter(|_| !is_unverified(claims)),
                }
            }),
        })
    }

    /// `active` must be the boolean true (RFC 7662, section 2.2), and `iss`, where it is told, the issuer's.
    fn require_active(&self, claims: &ForeignClaims, source: ClaimsSource) -> Result<(), ForeignRefusal> {
        if source == ClaimsSource::Introspection
            && claims.get("active") != Some(&serde_json::Value::Bool(true))
        {
            return Err(ForeignRefusal::Inactive);
        }
        match claims.get("iss") {
            Some(issuer) if issuer.as_str() == Some(&self.issuer) => Ok(()),
            None if !source.is_signed() => Ok(()),
            _ => Err(ForeignRefusal::WrongIssuer),
        }
    }

    fn require_time(
        &self,
        claims: &ForeignClaims,
        source: ClaimsSource,
        now: Timestamp,
    ) -> Result<(), ForeignRefusal> {
        let (expires, begins) = (claims.date("exp")?, claims.date("nbf")?);
        match expires {
            Some(expires) if now >= expires.plus(LEEWAY) => return Err(ForeignRefusal::Expired),
            Some(_) => {}
            // Introspection tells whether a token is over; that one has an end is for the others to say.
            None if self.without_expiry || !source.is_signed() => {}
            None => return Err(ForeignRefusal::NeverExpires),
        }
        match begins {
            Some(begins) if now.plus(LEEWAY) < begins => Err(ForeignRefusal::NotYetValid),
            _ => Ok(()),
        }
    }

    fn require_audience(&self, claims: &ForeignClaims) -> Result<(), ForeignRefusal> {
        let audiences = claims.texts("aud")?;
        let for_us = |audience: &&str| self.audiences.iter().any(|ours| ours == audience);
        match self.audiences.is_empty() || audiences.iter().any(for_us) {
            true => Ok(()),
            false => Err(ForeignRefusal::WrongAudience),
        }
    }

    fn require_client(&self, claims: &ForeignClaims) -> Result<(), ForeignRefusal> {
        let client = claims.text("client_id").or_else(|| claims.text("azp"));
        let is_listed = |client: String| self.clients.contains(&client);
        match self.clients.is_empty() || client.is_some_and(is_listed) {
            true => Ok(()),
            false => Err(ForeignRefusal::WrongClient),
        }
    }

    fn robot(&self, claims: &ForeignClaims) -> Result<ForeignLogin, ForeignRefusal> {
        let robot = robot_of(&self.robots, claims).map_err(|error| match error {
            NoRobot::NoRule | NoRobot::SeveralRules => ForeignRefusal::NoRobotRule,
        })?;
        Ok(ForeignLogin {
            issuer: self.name.clone(),
            account: MappedAccount::Robot(robot.clone()),
            scopes: self.robot_scopes,
            new_account: None,
        })
    }

    /// No scope, no rights; words that mean nothing here are left out.
    fn scopes(&self, claims: &ForeignClaims) -> LoginScopes {
        let words = claims.scope_words().unwrap_or_default();
        words.iter().flat_map(|word| self.meaning(word)).collect()
    }

    fn meaning(&self, word: &str) -> Vec<LoginScope> {
        if self.scopes.is_empty() {
            let foreign = LoginScopes::ALL.without(LoginScope::Admin).without(LoginScope::Authorize);
            return LoginScopes::scope(word).filter(|scope| foreign.has(*scope)).into_iter().collect();
        }
        self.scopes.iter().filter(|(theirs, _)| theirs == word).map(|(_, ours)| *ours).collect()
    }
}

/// Whether the issuer says that nobody has shown the address to be theirs (OpenID Connect Core, section 5.1); whoever
/// gets an account with it could take the place of its owner. Some issuers write the answer as text.
fn is_unverified(claims: &ForeignClaims) -> bool {
    claims.get("email_verified").is_some_and(|verified| verified != &json!(true) && verified != "true")
}

/// Some issuers say so in a claim: Keycloak `typ`, Cognito `token_use`, Synapse `token_type`.
fn is_marked_as_id_token(claims: &ForeignClaims) -> bool {
    let is = |name: &str, marks: &[&str]| {
        claims.text(name).is_some_and(|text| marks.iter().any(|mark| text.eq_ignore_ascii_case(mark)))
    };
    is("typ", &["ID", "Refresh", "Offline", "Logout"])
        || is("token_use", &["id", "refresh"])
        || is("token_type", &["OIDC_ID_TOKEN", "WEBHOOK_MESSAGE_TOKEN", "refresh_token"])
}

#[cfg(test)]
mod tests;
