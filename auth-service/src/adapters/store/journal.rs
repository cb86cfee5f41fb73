//! What can be read of the journal of an `SQLite` database (`-wal`) and of the index of the journal (`-shm`)
//! without the library (sqlite.org/walformat.html).

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

const JOURNAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The index's header, twice, and what is known of checkpoints.
const INDEX_HEADER: usize = 136;

/// The file of this name with an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// How far checkpoints have come: what has been copied from the journal into the main file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Of the journal, which begins anew with another one each time.
    salt: [u8; 8],
    copied: u32,
    copied_at_most: u32,
}

impl Progress {
    /// As the index says; nothing if it cannot be read.
    pub(super) fn read(index: &File) -> Self {
        let mut bytes = [0; INDEX_HEADER];
        if index.read_exact_at(&mut bytes, 0).is_err() {
            bytes = [0; INDEX_HEADER];
        }
        let number = |at: usize| {
            let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map_or(0, u32::from_ne_bytes)
        };
        let salt = bytes.get(32..40).and_then(|salt| salt.try_into().ok()).unwrap_or_default();
        Self { salt, copied: number(96), copied_at_most: number(128) }
    }

    /// Whether a checkpoint may be writing to the main file right now, or was broken off.
    pub(super) const fn is_under_way(&self) -> bool {
        self.copied_at_most > self.copied
    }

    /// Whether a checkpoint may have written to the main file between the two readings.
    pub(super) fn has_written_until(&self, later: &Self) -> bool {
        self.is_under_way() || later.is_under_way() || self != later
    }
}

/// The pages after `first` that the journal holds.
pub(super) fn pages_beyond(database: &Path, page_bytes: u64, first: u64) -> io::Result<HashSet<u64>> {
    let mut pages = HashSet::new();
    let file = match File::open(beside(database, "-wal")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(pages),
        Err(error) => return Err(error),
    };
    let mut header = [0; JOURNAL_HEADER];
    if file.read_exact_at(&mut header, 0).is_err() {
        return Ok(pages);
    }
    let salt = &header[16..24];
    let mut frame = [0; FRAME_HEADER];
    let mut at = JOURNAL_HEADER as u64;
    // Frames of an earlier journal, with another salt, may follow those of this one.
    while file.read_exact_at(&mut frame, at).is_ok() && frame[8..16] == *salt {
        let page = u64::from(u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]));
        if page > first {
            pages.insert(page);
        }
        at += FRAME_HEADER as u64 + page_bytes;
    }
    Ok(pages)
}
