//! The file of an `SQLite` database: whether it is one of ours and whole, before it is opened and while it is
//! in use. Nothing here writes to it.
//!
//! While a database is in use, only a checkpoint writes to its main file, and the index beside it
//! (sqlite.org/walformat.html) tells that one has run. A file that has changed without one was overwritten or
//! cut by another program: what is read then is mixed of two databases.
//!
//! A file that was opened here is never closed: the kernel would let go of every lock that the library holds on
//! it in this process (sqlite.org/howtocorrupt.html, 2.2).

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::journal::{Progress, beside, pages_beyond};
use crate::ports::StorageError;

/// Marks a file as a database of this program (sqlite.org/fileformat.html, 1.3.12); a migration sets it.
const APPLICATION_ID: u32 = u32::from_be_bytes(*b"AuSv");

/// Less free bytes than these are none: about what the registry's largest usual notification takes.
const LEAST_ROOM: u64 = 256 << 10;

/// Bytes of the header.
const HEADER: usize = 100;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The file is ours.
    Ours,
    /// It has no mark: made by somebody else, or by this program before there was one.
    None,
}

/// Which file was opened, and how it was when it was last looked at.
pub(super) struct DatabaseFile {
    path: PathBuf,
    main: ManuallyDrop<File>,
    index: ManuallyDrop<File>,
    device: u64,
    inode: u64,
    seen: Mutex<Seen>,
}

/// What is remembered of the last look.
struct Seen {
    state: FileState,
    /// Read before `state` was.
    progress: Progress,
    /// Once true, for ever: nobody knows what is in the file.
    spoiled: bool,
}

/// What changes whenever a file is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileState {
    modified: (i64, i64),
    bytes: u64,
}

impl DatabaseFile {
    /// The file at `path`, which is whole and which the library has opened.
    pub(super) fn in_use(path: &Path, main: ManuallyDrop<File>) -> io::Result<Self> {
        let index = ManuallyDrop::new(File::open(beside(path, "-shm"))?);
        let progress = Progress::read(&index);
        let metadata = main.metadata()?;
        let seen = Seen { state: FileState::of(&metadata), progress, spoiled: false };
        let (device, inode) = (metadata.dev(), metadata.ino());
        Ok(Self { path: path.to_owned(), main, index, device, inode, seen: Mutex::new(seen) })
    }

    /// Tells this file from its copies.
    pub(super) fn identity(&self) -> String {
        format!("{}/{}", self.device, self.inode)
    }

    /// Fails when the file under the path is no longer the one that was opened, or another program has written
    /// to it: what is read then was never so, and what is written is lost.
    pub(super) fn require_unspoiled(&self) -> Result<(), StorageError> {
        let mut seen = self.seen();
        let before = Progress::read(&self.index);
        let metadata =
            std::fs::metadata(&self.path).map_err(|error| unavailable(&self.path, &error.to_string()))?;
        if (metadata.dev(), metadata.ino()) != (self.device, self.inode) {
            return Err(unavailable(&self.path, "it was replaced by another file; restart the service"));
        }
        let state = FileState::of(&metadata);
        if state != seen.state && !seen.spoiled {
            let explained = seen.progress.has_written_until(&Progress::read(&self.index));
            seen.spoiled = !explained || read_mark(&self.path, &self.main).is_err();
        }
        seen.state = state;
        seen.progress = before;
        if seen.spoiled {
            let what = "another program has overwritten or cut it; stop the service, put a whole copy in its place \
                        (and remove the files -wal and -shm beside it), and start it again";
            return Err(unavailable(&self.path, what));
        }
        Ok(())
    }

    /// Fails when the disk is as good as full: the next change of more than a page would not fit.
    pub(super) fn require_room(&self) -> Result<(), StorageError> {
        let Ok(disk) = rustix::fs::fstatvfs(&*self.main) else { return Ok(()) };
        // Some file systems know nothing of blocks.
        if disk.f_blocks > 0 && disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST_ROOM {
            return Err(unavailable(&self.path, "the disk is full"));
        }
        Ok(())
    }

    /// Whether a checkpoint is writing to it, or was broken off: until one ends, nobody can tell what else writes.
    pub(super) fn is_being_written(&self) -> bool {
        self.seen().progress.is_under_way()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileState {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self { modified: (metadata.mtime(), metadata.mtime_nsec()), bytes: metadata.len() }
    }
}

/// The whole database at `path` that only its owner can reach. Everything else is refused in one sentence.
pub(super) fn inspect(path: &Path) -> Result<(ManuallyDrop<File>, Mark), StorageError> {
    let file = File::open(path).map_err(|error| {
        let missing =
            "put back the file that was here, or run `auth-service db init` to begin with an empty database";
        match error.kind() {
            io::ErrorKind::NotFound => StorageError::Missing(format!("{}: {missing}", path.display())),
            _ => unavailable(path, &error.to_string()),
        }
    })?;
    let file = ManuallyDrop::new(file);
    require_private(path)?;
    let mark = read_mark(path, &file)?;
    Ok((file, mark))
}

/// What the header says, if the file is whole.
fn read_mark(path: &Path, file: &File) -> Result<Mark, StorageError> {
    let refuse = |text: &str| Err(unavailable(path, text));
    let metadata = file.metadata().map_err(|error| unavailable(path, &error.to_string()))?;
    if !metadata.is_file() {
        return refuse("it is no file");
    }
    if metadata.len() == 0 {
        return refuse(
            "it is empty: whatever was in it is lost; put a copy in its place, or remove it and run \
             `auth-service db init` to begin with an empty database",
        );
    }
    let mut header = [0; HEADER];
    if file.read_exact_at(&mut header, 0).is_err() || !header.starts_with(b"SQLite format 3\0") {
        return refuse(
            "it is no SQLite database; name another file in database.url, or put a copy in its place",
        );
    }
    let mark = match number(&header, 68) {
        APPLICATION_ID => Mark::Ours,
        0 => Mark::None,
        _ => return refuse("it is the database of another program; name another file in database.url"),
    };
    let missing =
        missing_pages(path, file, &header).map_err(|error| unavailable(path, &error.to_string()))?;
    if missing == 0 {
        return Ok(mark);
    }
    let pages = number(&header, 28);
    refuse(&format!("it is cut: {missing} of its {pages} pages are missing; put a whole copy in its place"))
}

/// The database and its journals hold password hashes.
fn require_private(path: &Path) -> Result<(), StorageError> {
    let is_exposed = |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.mode() & 0o077 != 0);
    let files = ["", "-wal", "-shm", "-journal"].map(|ending| beside(path, ending));
    let exposed: Vec<String> =
        files.iter().filter(|file| is_exposed(file)).map(|file| file.display().to_string()).collect();
    if exposed.is_empty() {
        return Ok(());
    }
    let cure = format!("other users can reach it; run `chmod 600 {}`", exposed.join(" "));
    Err(unavailable(path, &cure))
}

/// How many pages the header counts that are neither in the file nor in the journal beside it, which has them
/// when a checkpoint was interrupted or is running. What can grow is read before what it grows into.
fn missing_pages(path: &Path, file: &File, header: &[u8; HEADER]) -> io::Result<usize> {
    // Very old versions of SQLite left the number as it was; then two others differ (1.3.7).
    if number(header, 24) != number(header, 92) {
        return Ok(0);
    }
    let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        bytes => u64::from(bytes.max(512)),
    };
    let pages = u64::from(number(header, 28));
    let whole_pages = |bytes: u64| bytes / page_bytes;
    let first = whole_pages(file.metadata()?.len());
    if first >= pages {
        return Ok(0);
    }
    let in_journal = pages_beyond(path, page_bytes, first)?;
    let here = whole_pages(file.metadata()?.len());
    Ok((here + 1..=pages).filter(|page| !in_journal.contains(page)).count())
}

fn number(header: &[u8; HEADER], at: usize) -> u32 {
    let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_be_bytes)
}

pub(super) fn unavailable(path: &Path, what: &str) -> StorageError {
    StorageError::Unavailable(format!("{}: {what}", path.display()))
}
