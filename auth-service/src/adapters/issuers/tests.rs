//! An issuer that is a stub on this machine, and what the adapter makes of its moods.

use std::net::IpAddr;
use std::sync::Mutex;

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::*;
use crate::domain::foreign::VerificationMethod;
use crate::domain::time::Timestamp;

/// A clock that a test sets by hand.
#[derive(Default)]
pub(super) struct Hands(Mutex<Duration>);

impl Hands {
    pub(super) fn set(&self, seconds: u64) {
        *self.0.lock().unwrap() = Duration::from_secs(seconds);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// What the stub answers to the head of a request; `None` is never.
type Mood = Box<dyn Fn(&str) -> Option<(u16, String)> + Send>;

/// An issuer on this machine.
pub(super) struct Stub {
    pub(super) url: String,
    state: Arc<Mutex<(Vec<String>, Mood)>>,
}

impl Stub {
    pub(super) async fn start(mood: impl Fn(&str) -> Option<(u16, String)> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<(Vec<String>, Mood)>> = Arc::new(Mutex::new((Vec::new(), Box::new(mood))));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state }
    }

    pub(super) fn change(&self, mood: impl Fn(&str) -> Option<(u16, String)> + Send + 'static) {
        self.state.lock().unwrap().1 = Box::new(mood);
    }

    /// How many requests there were with this in their heads.
    pub(super) fn asked(&self, what: &str) -> usize {
        self.state.lock().unwrap().0.iter().filter(|head| head.contains(what)).count()
    }

    pub(super) async fn wait_until_asked(&self, what: &str, times: usize) {
        let asked = async {
            while self.asked(what) < times {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(5), asked).await.unwrap();
    }
}

async fn answer(mut stream: TcpStream, state: Arc<Mutex<(Vec<String>, Mood)>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap_or(b'\n'));
        assert!(head.len() < 20_000, "a request without an end");
    }
    let head = String::from_utf8(head).unwrap();
    let reply = {
        let mut state = state.lock().unwrap();
        state.0.push(head.clone());
        state.1(&head)
    };
    let Some((status, body)) = reply else {
        sleep(Duration::from_mins(1)).await;
        return;
    };
    let length = body.len();
    let reply = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let _ = stream.write_all(reply.as_bytes()).await;
}

/// The stub as an issuer that is asked whose a token is.
fn asked(stub: &Stub, timeout: Duration) -> (Arc<Hands>, Issuers) {
    let hands = Arc::new(Hands::default());
    let clock: Arc<dyn Clock> = Arc::clone(&hands) as _;
    let options = IssuerOptions {
        verification: VerificationMethod::UserInfo,
        userinfo_url: Some(format!("{}/userinfo", stub.url).parse().unwrap()),
        timeout,
        ..test_options(&stub.url)
    };
    (hands, Issuers::new(vec![options], &clock).unwrap())
}

fn token(text: &str) -> ForeignToken {
    ForeignToken::new(IssuerName::new("hub"), text)
}

fn network(last: u8) -> ClientNetwork {
    ClientNetwork::of(IpAddr::from([192, 0, 2, last]))
}

fn told(answer: Result<GenuineClaims, ForeignFailure>) -> Result<String, String> {
    match answer {
        Ok(genuine) => Ok(genuine.claims.text("sub").unwrap()),
        Err(ForeignFailure::Unreachable(cause)) => Err(cause),
        Err(ForeignFailure::Refused(reason)) => Err(format!("{reason:?}")),
    }
}

/// Never answers when the token is slow, and otherwise that it is alice's.
fn silent_for_slow(head: &str) -> Option<(u16, String)> {
    (!head.contains("Bearer slow")).then(|| (200, json!({"sub": "alice"}).to_string()))
}

#[tokio::test]
async fn one_network_that_floods_an_issuer_keeps_nobody_else_from_it() {
    let stub = Stub::start(silent_for_slow).await;
    let (_, issuers) = asked(&stub, Duration::from_secs(5));
    let issuers = Arc::new(issuers);
    let flood: Vec<_> = (0..40)
        .map(|number| {
            let (issuers, slow) = (Arc::clone(&issuers), token(&format!("slow{number}")));
            tokio::spawn(async move { issuers.claims(&slow, network(1)).await })
        })
        .collect();
    stub.wait_until_asked("Bearer slow", 4).await;
    let (good, other) = (token("good"), network(2));
    let answer = timeout(Duration::from_secs(2), issuers.claims(&good, other)).await.unwrap();
    assert_eq!(told(answer).as_deref(), Ok("alice"));
    assert_eq!(stub.asked("Bearer slow"), 4, "the others of the network wait for these");
    let remembered = timeout(Duration::from_millis(200), issuers.claims(&good, network(1))).await;
    assert!(remembered.unwrap().is_ok(), "what is remembered waits for nobody");
    for waiting in flood {
        waiting.abort();
        let _ = waiting.await;
    }
    assert_eq!(told(issuers.claims(&token("better"), network(1)).await).as_deref(), Ok("alice"));
}

#[tokio::test]
async fn waiting_for_ones_own_network_is_no_failure_of_the_issuer() {
    let stub = Stub::start(silent_for_slow).await;
    let (_, issuers) = asked(&stub, Duration::from_millis(100));
    let mut permits = Vec::new();
    let outgoing = issuers.by_name[&IssuerName::new("hub")].outgoing();
    for _ in 0..4 {
        permits.push(outgoing.permit(RequestContext::new(network(1), Duration::from_secs(5))).await.unwrap());
    }
    let slow: Vec<_> = (0..4).map(|number| token(&format!("slow{number}"))).collect();
    for answer in join_all(slow.iter().map(|slow| issuers.claims(slow, network(1)))).await {
        let cause = told(answer).unwrap_err();
        assert!(cause.contains("too many requests") || cause.contains("too long"), "{cause}");
    }
    assert_eq!(stub.asked("Bearer slow"), 0);
    assert_eq!(told(issuers.claims(&token("good"), network(2)).await).as_deref(), Ok("alice"));
}

#[tokio::test]
async fn an_issuer_that_is_silent_as_long_as_anybody_waits_is_left_alone() {
    let stub = Stub::start(|_| None).await;
    let (hands, issuers) = asked(&stub, Duration::from_secs(10));
    for number in 1..=3 {
        let slow = token(&format!("slow{number}"));
        let mut asking = Box::pin(issuers.claims(&slow, network(1)));
        tokio::select! {
            _ = &mut asking => panic!("nobody answers"),
            () = stub.wait_until_asked("Bearer slow", number) => {}
        }
        hands.set(10 * number as u64);
    }
    let cause = told(issuers.claims(&token("slow4"), network(1)).await).unwrap_err();
    assert!(cause.contains("did not answer a moment ago"), "{cause}");
}

#[tokio::test]
async fn what_is_remembered_takes_no_more_memory_than_it_may() {
    let stub = Stub::start(|head| {
        let items = if head.contains("Bearer long") { 100_000 } else { 1_000 };
        Some((200, json!({"sub": "alice", "groups": vec![1; items]}).to_string()))
    })
    .await;
    let (_, issuers) = asked(&stub, Duration::from_secs(5));
    let kept = || async {
        issuers.answers.run_pending_tasks().await;
        let real: usize =
            issuers.answers.iter().map(|(_, answer)| answer.outcome.unwrap().claims.bytes()).sum();
        real as u64
    };
    for _ in 0..2 {
        assert_eq!(told(issuers.claims(&token("long"), network(1)).await).as_deref(), Ok("alice"));
    }
    assert_eq!((stub.asked("Bearer long"), kept().await), (2, 0), "too long to be remembered");
    for number in 0..400 {
        assert!(issuers.claims(&token(&format!("short{number}")), network(1)).await.is_ok());
    }
    assert!(issuers.claims(&token("short399"), network(1)).await.is_ok());
    let kept = kept().await;
    assert!(kept > ANSWER_BYTES / 2 && kept <= ANSWER_BYTES, "{kept}");
}
