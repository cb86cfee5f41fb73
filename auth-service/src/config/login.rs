//! Section `[login]`: how passwords are checked.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use super::fault::Noted;
use super::key::{Key, Preset, Section};
use super::kind::{Span, Unit, Whole};
use super::reader::Reader;

pub(super) const SECTION: Section = Section {
    name: "login",
    doc: "How passwords are checked. The hash can be made stronger than the default, never weaker.",
    keys: &[&CACHE_SECONDS, &HASH_THREADS, &QUEUE_SECONDS, &ARGON2_MEMORY_KIB, &ARGON2_PASSES],
};

const CACHE_SECONDS: Key<Span> = Key {
    name: "login.cache_seconds",
    kind: Span { minimum: 0, maximum: 3600, unit: Unit::Seconds },
    preset: Preset::Text("300"),
    doc: "How long a password that was right is remembered in memory; 0 is never.",
};

const HASH_THREADS: Key<Whole<usize>> = Key {
    name: "login.hash_threads",
    kind: Whole { minimum: 1, maximum: 64, unit: "" },
    preset: Preset::Derived("half of the processor cores, at least 1"),
    doc: "How many passwords are checked at the same time; each takes `login.argon2_memory_kib` of memory.",
};

const QUEUE_SECONDS: Key<Span> = Key {
    name: "login.queue_seconds",
    kind: Span { minimum: 1, maximum: 30, unit: Unit::Seconds },
    preset: Preset::Text("3"),
    doc: "How long a login waits for its turn before it is answered with 429.",
};

const ARGON2_MEMORY_KIB: Key<Whole<u32>> = Key {
    name: "login.argon2_memory_kib",
    kind: Whole { minimum: 19_456, maximum: 1_048_576, unit: "KiB" },
    preset: Preset::Text("19456"),
    doc: "How much memory one check takes.",
};

const ARGON2_PASSES: Key<Whole<u32>> = Key {
    name: "login.argon2_passes",
    kind: Whole { minimum: 2, maximum: 100, unit: "" },
    preset: Preset::Text("2"),
    doc: "How many times one check goes over its memory.",
};

/// How passwords are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// How long a password that was right is remembered; zero means never.
    pub cache: Duration,
    /// How many passwords are checked at the same time.
    pub hash_threads: usize,
    /// How long a login waits for its turn.
    pub queue: Duration,
    /// The memory of one check, in KiB.
    pub argon2_memory_kib: u32,
    /// How many times one check goes over its memory.
    pub argon2_passes: u32,
}

pub(super) fn read(reader: &mut Reader) -> Result<Login, Noted> {
    let cache = reader.required(&CACHE_SECONDS);
    let hash_threads = reader.or_derived(&HASH_THREADS, Some(half_of_the_cores()));
    let queue = reader.required(&QUEUE_SECONDS);
    let argon2_memory_kib = reader.required(&ARGON2_MEMORY_KIB);
    let argon2_passes = reader.required(&ARGON2_PASSES);
    Ok(Login {
        cache: cache?,
        hash_threads: hash_threads?,
        queue: queue?,
        argon2_memory_kib: argon2_memory_kib?,
        argon2_passes: argon2_passes?,
    })
}

fn half_of_the_cores() -> usize {
    let cores = available_parallelism().map_or(1, NonZero::get);
    (cores / 2).clamp(1, 64)
}
