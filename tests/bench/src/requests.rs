//! What clients ask: pulls by users who may, logins with wrong passwords, and which repositories are popular.

use std::cell::{Cell, RefCell};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::database::{PASSWORD, PROJECTS, REPOSITORIES, repository_name, user_name};
use crate::issuer::OPAQUE;
use crate::program::SERVICE_NAME;

/// Writes one request after the other.
pub(crate) trait Requests {
    /// Puts the next request into an empty buffer.
    fn write_next(&self, buffer: &mut Vec<u8>);
}

/// Which repositories are asked for.
#[derive(Clone, Copy)]
pub(crate) enum Popularity {
    /// This many, each as often as any other.
    Even(usize),
    /// All of them, the k-th one asked for with a frequency of 1/k.
    Zipf,
}

/// How many choices are made beforehand, so that making them takes no time of the measurement.
const CHOICES: usize = 1 << 21;

/// A small generator of random numbers (splitmix64); the sequence is the same in each run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let product = u128::from(self.next()) * limit as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }
}

impl Popularity {
    fn choices(self) -> Vec<u32> {
        let mut random = Random::new(1);
        let narrow = |index: usize| u32::try_from(index).unwrap_or(0);
        match self {
            Self::Even(count) => (0..CHOICES).map(|_| narrow(random.below(count))).collect(),
            Self::Zipf => {
                let mut sum = 0.0;
                let sums: Vec<f64> = (1..=REPOSITORIES)
                    .map(|rank| {
                        sum += 1.0 / f64::from(narrow(rank));
                        sum
                    })
                    .collect();
                let unit = || f64::from(u32::MAX);
                (0..CHOICES)
                    .map(|_| {
                        let point = f64::from(narrow(random.below(u32::MAX as usize))) / unit() * sum;
                        narrow(scattered(sums.partition_point(|upper| *upper < point)))
                    })
                    .collect()
            }
        }
    }
}

/// Popular repositories are not neighbours: a permutation of all ranks (the factor is a prime).
fn scattered(rank: usize) -> usize {
    rank.min(REPOSITORIES - 1) * 611_953 % REPOSITORIES
}

/// The `Authorization` header of a user.
fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn write_request(buffer: &mut Vec<u8>, account: &str, repository: &str, authorization: &str) {
    let parts = [
        "GET /token?account=",
        account,
        "&scope=repository%3A",
        repository,
        "%3Apull&service=",
        SERVICE_NAME,
        " HTTP/1.1\r\nHost: ",
        SERVICE_NAME,
        "\r\nUser-Agent: docker/28.2.2 go/go1.24.3 kernel/6.1.0 os/linux arch/amd64\r\nAuthorization: ",
        authorization,
        "\r\nAccept-Encoding: gzip\r\n\r\n",
    ];
    for part in parts {
        buffer.extend_from_slice(part.as_bytes());
    }
}

/// Pulls by users who may.
pub(crate) struct Pulls {
    users: Vec<(String, String)>,
    repositories: Vec<u32>,
    next: Cell<usize>,
}

impl Pulls {
    /// By the users of these numbers.
    pub(crate) fn new(users: std::ops::Range<usize>, popularity: Popularity) -> Self {
        let users = users.map(|number| {
            let name = user_name(number);
            let authorization = basic(&name, PASSWORD);
            (name, authorization)
        });
        Self { users: users.collect(), repositories: popularity.choices(), next: Cell::new(0) }
    }
}

impl Requests for Pulls {
    fn write_next(&self, buffer: &mut Vec<u8>) {
        let number = self.next.get();
        self.next.set(number + 1);
        let (name, authorization) = &self.users[number % self.users.len()];
        let repository = repository_name(self.repositories[number % self.repositories.len()] as usize);
        write_request(buffer, name, &repository.replace('/', "%2F"), authorization);
    }
}

/// Pulls with tokens as passwords.
pub(crate) struct TokenPulls {
    authorizations: Vec<String>,
    repositories: Vec<u32>,
    next: Cell<usize>,
}

impl TokenPulls {
    /// With these tokens, one after the other.
    pub(crate) fn new(tokens: impl IntoIterator<Item = String>, popularity: Popularity) -> Self {
        let authorizations = tokens.into_iter().map(|token| basic("token", &token)).collect();
        Self { authorizations, repositories: popularity.choices(), next: Cell::new(0) }
    }
}

impl Requests for TokenPulls {
    fn write_next(&self, buffer: &mut Vec<u8>) {
        let number = self.next.get();
        self.next.set(number + 1);
        let repository = repository_name(self.repositories[number % self.repositories.len()] as usize);
        let authorization = &self.authorizations[number % self.authorizations.len()];
        write_request(buffer, "token", &repository.replace('/', "%2F"), authorization);
    }
}

/// Pulls with opaque tokens of which no two are the same.
#[derive(Default)]
pub(crate) struct FreshOpaqueTokens {
    next: Cell<usize>,
}

impl Requests for FreshOpaqueTokens {
    fn write_next(&self, buffer: &mut Vec<u8>) {
        let number = self.next.get();
        self.next.set(number + 1);
        let authorization = basic("token", &format!("{OPAQUE}{}", 1_000_000 + number));
        write_request(buffer, "token", &repository_name(number).replace('/', "%2F"), &authorization);
    }
}

/// Logins with passwords that are wrong, each one another.
#[derive(Default)]
pub(crate) struct WrongPasswords {
    next: Cell<usize>,
}

impl Requests for WrongPasswords {
    fn write_next(&self, buffer: &mut Vec<u8>) {
        let number = self.next.get();
        self.next.set(number + 1);
        let name = user_name(number % PROJECTS);
        write_request(buffer, &name, &repository_name(number), &basic(&name, &format!("wrong {number}")));
    }
}

/// Requests of nobody for 64 repositories in projects that are not there, each time others: what is refused should
/// cost next to nothing.
pub(crate) struct ManyScopes {
    random: RefCell<Random>,
}

impl ManyScopes {
    pub(crate) const fn new() -> Self {
        Self { random: RefCell::new(Random::new(64)) }
    }
}

impl Requests for ManyScopes {
    fn write_next(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(format!("GET /token?service={SERVICE_NAME}").as_bytes());
        for _ in 0..64 {
            let project = self.random.borrow_mut().next() % 100_000_000_000_000_000;
            buffer.extend_from_slice(format!("&scope=repository%3Asyn{project}%2Fa%3Apull").as_bytes());
        }
        buffer.extend_from_slice(format!(" HTTP/1.1\r\nHost: {SERVICE_NAME}\r\n\r\n").as_bytes());
    }
}
