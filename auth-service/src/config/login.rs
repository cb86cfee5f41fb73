//! Section `[login]`: how passwords are checked, and how long a login lasts.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use super::fault::Noted;
use super::issuer::{self, Issuer};
use super::kind::{Span, Unit, Whole};
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};
use super::token::Token;

pub(super) const SECTION: Section = Section {
    name: "login",
    doc: "How passwords are verified, and how long logins are valid. The hash can be made stronger than the default, not weaker.",
    keys: &[
        &MIN_PASSWORD_LENGTH,
        &CACHE_SECONDS,
        &HASH_THREADS,
        &QUEUE_SECONDS,
        &ARGON2_MEMORY_KIB,
        &ARGON2_PASSES,
        &FREE_TRIES,
        &LONGEST_LOCK_SECONDS,
        &IDENTITY_TOKEN_IDLE_DAYS,
        &SESSION_SECONDS,
    ],
};

const MIN_PASSWORD_LENGTH: Setting<Whole<usize>> = Setting {
    name: "login.min_password_length",
    kind: Whole { minimum: 8, maximum: 128, unit: "" },
    preset: Preset::Text("8"),
    doc: "The least number of characters of a new password. Common passwords and the account's own names are refused in any case.",
};

const CACHE_SECONDS: Setting<Span> = Setting {
    name: "login.cache_seconds",
    kind: Span { minimum: 0, maximum: 3600, unit: Unit::Seconds },
    preset: Preset::Text("300"),
    doc: "How long a verified login is cached in memory; 0 turns the cache off.",
};

const HASH_THREADS: Setting<Whole<usize>> = Setting {
    name: "login.hash_threads",
    kind: Whole { minimum: 1, maximum: 64, unit: "" },
    preset: Preset::Derived("half of the processor cores, at least 1"),
    doc: "How many passwords are verified at the same time. Each takes `login.argon2_memory_kib` of memory.",
};

const QUEUE_SECONDS: Setting<Span> = Setting {
    name: "login.queue_seconds",
    kind: Span { minimum: 1, maximum: 30, unit: Unit::Seconds },
    preset: Preset::Text("3"),
    doc: "How long a login may wait for its turn before it is answered with 429.",
};

const ARGON2_MEMORY_KIB: Setting<Whole<u32>> = Setting {
    name: "login.argon2_memory_kib",
    kind: Whole { minimum: 19_456, maximum: 1_048_576, unit: "KiB" },
    preset: Preset::Text("19456"),
    doc: "The memory for one verification. A weaker hash is replaced when its user logs in.",
};

const ARGON2_PASSES: Setting<Whole<u32>> = Setting {
    name: "login.argon2_passes",
    kind: Whole { minimum: 2, maximum: 100, unit: "" },
    preset: Preset::Text("2"),
    doc: "The number of passes of one verification over its memory.",
};

const FREE_TRIES: Setting<Whole<u32>> = Setting {
    name: "login.free_tries",
    kind: Whole { minimum: 0, maximum: 100, unit: "" },
    preset: Preset::Text("5"),
    doc: "How many wrong passwords are allowed for an account from one client address before a temporary lock; 10 times as many for the address, 100 times for an IPv6 /48. 0 turns locks off.",
};

const LONGEST_LOCK_SECONDS: Setting<Span> = Setting {
    name: "login.longest_lock_seconds",
    // Counts are forgotten after an hour without a wrong password: a longer lock would not last.
    kind: Span { minimum: 10, maximum: 3_600, unit: Unit::Seconds },
    preset: Preset::Text("900"),
    doc: "The longest temporary lock after wrong passwords.",
};

const IDENTITY_TOKEN_IDLE_DAYS: Setting<Span> = Setting {
    name: "login.identity_token_idle_days",
    kind: Span { minimum: 1, maximum: 365, unit: Unit::Days },
    preset: Preset::Text("180"),
    doc: "How long an identity token stays valid without being used.",
};

const SESSION_SECONDS: Setting<Span> = Setting {
    name: "login.session_seconds",
    kind: Span { minimum: 60, maximum: 86_400, unit: Unit::Seconds },
    preset: Preset::Text("86400"),
    doc: "How long a session of the REST interface is valid.",
};

/// How passwords are checked, and how long a login lasts.
#[derive(Clone, Debug)]
pub struct Login {
    /// How many characters a new password has at least.
    pub min_password_length: usize,
    /// How long a password that was right is remembered; zero means never.
    pub cache: Duration,
    /// How many passwords are checked at the same time.
    pub hash_threads: usize,
    /// How long a login waits for its turn.
    pub queue: Duration,
    /// The memory of one check, in KiB.
    pub argon2_memory_kib: u32,
    /// The number of passes of one verification over its memory.
    pub argon2_passes: u32,
    /// How many wrong passwords are free for an account from one network; 0 means that nothing is locked.
    pub free_tries: u32,
    /// The longest wait after wrong passwords.
    pub longest_lock: Duration,
    /// How long an identity token may lie unused.
    pub identity_idle: Duration,
    /// How long a session of the REST interface is valid.
    pub session: Duration,
    /// The servers whose tokens are accepted, sorted by name.
    pub issuers: Vec<Issuer>,
}

pub(super) fn read(reader: &mut Reader, token: Option<&Token>) -> Result<Login, Noted> {
    let min_password_length = reader.required(&MIN_PASSWORD_LENGTH);
    let cache = reader.required(&CACHE_SECONDS);
    let hash_threads = reader.or_derived(&HASH_THREADS, Some(half_of_the_cores()));
    let queue = reader.required(&QUEUE_SECONDS);
    let argon2_memory_kib = reader.required(&ARGON2_MEMORY_KIB);
    let argon2_passes = reader.required(&ARGON2_PASSES);
    let free_tries = reader.required(&FREE_TRIES);
    let longest_lock = reader.required(&LONGEST_LOCK_SECONDS);
    let identity_idle = reader.required(&IDENTITY_TOKEN_IDLE_DAYS);
    let session = reader.required(&SESSION_SECONDS);
    let issuers = issuer::read(reader, token);
    Ok(Login {
        min_password_length: min_password_length?,
        cache: cache?,
        hash_threads: hash_threads?,
        queue: queue?,
        argon2_memory_kib: argon2_memory_kib?,
        argon2_passes: argon2_passes?,
        free_tries: free_tries?,
        longest_lock: longest_lock?,
        identity_idle: identity_idle?,
        session: session?,
        issuers: issuers?,
    })
}

fn half_of_the_cores() -> usize {
    let cores = available_parallelism().map_or(1, NonZero::get);
    (cores / 2).clamp(1, 64)
}
