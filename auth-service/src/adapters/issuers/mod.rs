//! Asking other issuers about their tokens: by their keys, by introspection, or by asking whose a token is. Each
//! issuer sees only tokens of its own; nothing goes out before somebody presents one.

mod circuit;
mod fair_limiter;
mod introspection;
mod issuer;
mod keys;
mod metadata;
mod outgoing;
mod refreshed;
mod request_context;
mod user_info;
mod web_token;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lc_rs::hmac;
pub use jsonwebtoken::Algorithm;
use moka::Expiry;
use moka::future::Cache;
use url::Url;
use zeroize::Zeroizing;

use self::issuer::Issuer;
use self::outgoing::Clients;
use self::request_context::RequestContext;
use crate::domain::foreign::rules::ForeignRefusal;
use crate::domain::foreign::{ForeignToken, IssuerName, VerificationMethod};
use crate::domain::network::ClientNetwork;
use crate::ports::foreign_tokens::{ForeignFailure, ForeignTokens, GenuineClaims};
use crate::ports::system::Clock;

/// About how many bytes the remembered answers of all issuers may take.
const ANSWER_BYTES: u64 = 8 << 20;

/// What the cache itself takes for an answer, besides the claims.
const ENTRY_BYTES: usize = 400;

/// A longer answer is not remembered: claims about one login are some hundred bytes, and a few that are much longer
/// would drive out those of everybody else.
const LONGEST_REMEMBERED_BYTES: usize = 64 << 10;

/// How long an issuer's no is remembered: long enough for the requests of one command.
const NO_REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// One issuer, as far as asking it goes.
#[derive(Clone)]
pub struct IssuerOptions {
    /// The operator's name for it.
    pub name: IssuerName,
    /// Its identifier, from which its metadata is found.
    pub identifier: Url,
    /// The identifier, letter by letter.
    pub issuer: Arc<str>,
    /// How its tokens are verified.
    pub verification: VerificationMethod,
    /// The signatures that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// What the header `typ` may say: in lower case, without `application/`.
    pub types: Vec<String>,
    /// The claim that is the subject.
    pub subject_claim: String,
    /// The client id and secret that this service proves itself with.
    pub client: Option<(String, Zeroizing<String>)>,
    /// Origins besides its own on which its metadata may name endpoints.
    pub trusted_origins: Vec<String>,
    /// Its keys, where its metadata is not to be asked.
    pub jwks_url: Option<Url>,
    /// Its introspection endpoint, where its metadata is not to be asked.
    pub introspection_url: Option<Url>,
    /// Its user-info endpoint, where its metadata is not to be asked.
    pub userinfo_url: Option<Url>,
    /// How long an answer about a token is remembered; zero is never.
    pub remembered_for: Duration,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// All issuers.
pub struct Issuers {
    by_name: HashMap<IssuerName, Arc<Issuer>>,
    /// Tokens are remembered by a keyed digest, under a key that only this process has.
    key: hmac::Key,
    answers: Cache<[u8; 32], Answer>,
}

/// What an issuer said of a token, and how long that may be remembered.
#[derive(Clone)]
struct Answer {
    outcome: Result<GenuineClaims, ForeignRefusal>,
    remembered_for: Duration,
    bytes: u32,
}

/// Why there is nothing to remember. It goes to everybody who waits for the same answer.
#[derive(Clone)]
enum NotKept {
    /// There is no answer.
    Failure(ForeignFailure),
    /// It is too long.
    TooLong(GenuineClaims),
}

struct AsLongAsSaid;

impl Expiry<[u8; 32], Answer> for AsLongAsSaid {
    fn expire_after_create(&self, _: &[u8; 32], answer: &Answer, _: Instant) -> Option<Duration> {
        Some(answer.remembered_for)
    }
}

impl Issuers {
    /// Asks these issuers. Fails when the system gives no random bytes.
    pub fn new(issuers: Vec<IssuerOptions>, clock: &Arc<dyn Clock>) -> Result<Self, std::io::Error> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new())
            .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
        let clients = Arc::new(Clients::default());
        let issuer = |options: IssuerOptions| {
            let name = options.name.clone();
            (name, Arc::new(Issuer::new(options, &clients, clock)))
        };
        let answers = Cache::builder()
            .max_capacity(ANSWER_BYTES)
            .weigher(|_, answer: &Answer| answer.bytes)
            .expire_after(AsLongAsSaid)
            .build();
        Ok(Self { by_name: issuers.into_iter().map(issuer).collect(), key, answers })
    }

    fn digest(&self, token: &ForeignToken) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(token.issuer.as_str().as_bytes());
        context.update(b"\0");
        context.update(token.expose().as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

#[async_trait]
impl ForeignTokens for Issuers {
    /// The same token asked about several times at once is asked about once.
    async fn claims(
        &self,
        token: &ForeignToken,
        network: ClientNetwork,
    ) -> Result<GenuineClaims, ForeignFailure> {
        let Some(issuer) = self.by_name.get(&token.issuer) else {
            return Err(ForeignFailure::Refused(ForeignRefusal::WrongIssuer));
        };
        if issuer.asks_nobody_and_remembers_nothing() {
            return in_time(issuer, token, network).await;
        }
        let digest = self.digest(token);
        if let Some(answer) = self.answers.get(&digest).await {
            return answer.outcome.map_err(ForeignFailure::Refused);
        }
        let (issuer, asked) = (Arc::clone(issuer), token.clone());
        let asking = Box::pin(async move { ask(&issuer, &asked, network).await });
        match self.answers.try_get_with(digest, asking).await {
            Ok(answer) => answer.outcome.map_err(ForeignFailure::Refused),
            Err(not_kept) => match (*not_kept).clone() {
                NotKept::Failure(failure) => Err(failure),
                NotKept::TooLong(claims) => Ok(claims),
            },
        }
    }
}

/// What the issuer says of a token, unless that takes too long.
async fn in_time(
    issuer: &Issuer,
    token: &ForeignToken,
    network: ClientNetwork,
) -> Result<GenuineClaims, ForeignFailure> {
    let request_context = RequestContext::new(network, issuer.timeout());
    let asking =
        tokio::time::timeout_at(request_context.until, issuer.claims(token.expose(), request_context));
    asking.await.unwrap_or_else(|_| Err(ForeignFailure::Unreachable("it took too long to answer".to_owned())))
}

async fn ask(issuer: &Issuer, token: &ForeignToken, network: ClientNetwork) -> Result<Answer, NotKept> {
    let outcome = match in_time(issuer, token, network).await {
        Ok(claims) => Ok(claims),
        Err(ForeignFailure::Refused(reason)) => Err(reason),
        Err(unreachable) => return Err(NotKept::Failure(unreachable)),
    };
    let remembered_for = match outcome {
        Ok(_) => issuer.remembered_for(),
        Err(_) => issuer.remembered_for().min(NO_REMEMBERED_FOR),
    };
    let bytes = match outcome {
        Ok(genuine) if genuine.claims.bytes() > LONGEST_REMEMBERED_BYTES => {
            return Err(NotKept::TooLong(genuine));
        }
        Ok(ref genuine) => ENTRY_BYTES + genuine.claims.bytes(),
        Err(_) => ENTRY_BYTES,
    };
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    Ok(Answer { outcome, remembered_for, bytes })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
fn test_options(issuer: &str) -> IssuerOptions {
    IssuerOptions {
        name: IssuerName::new("hub"),
        identifier: issuer.parse().unwrap(),
        issuer: issuer.into(),
        verification: VerificationMethod::WebToken,
        algorithms: vec![Algorithm::RS256, Algorithm::ES256],
        types: vec!["at+jwt".to_owned()],
        subject_claim: "sub".to_owned(),
        client: None,
        trusted_origins: vec!["https://keys.example.org".to_owned()],
        jwks_url: None,
        introspection_url: None,
        userinfo_url: None,
        remembered_for: Duration::from_mins(1),
        timeout: Duration::from_secs(3),
    }
}
