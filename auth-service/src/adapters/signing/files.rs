//! Reading and writing key files so that nobody else sees a private key and no crash leaves half a file.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::error::KeyError;
use crate::adapters::system;

/// Larger than any key or chain; keeps `--key /dev/zero` from filling the memory.
const MAX_FILE_BYTES: u64 = 1 << 20;

const LOCK_ATTEMPTS: usize = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Who may read a file that is being written.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Private,
    Public,
}

impl Access {
    const fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// Held while a command changes the directory; the kernel lets go of it when the process ends.
pub(super) struct DirectoryLock {
    _file: File,
}

/// Reads a private key, unless anybody but its owner has access to it.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file = File::open(path).map_err(KeyError::file(path, "read"))?;
    // Asked of the open file, so that the answer is about the very bytes that are read next.
    let mode = file.metadata().map_err(KeyError::file(path, "read"))?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    read_limited(file, path)
}

/// Reads a file that holds nothing secret.
pub(super) fn read_public(path: &Path) -> Result<Vec<u8>, KeyError> {
    let file = File::open(path).map_err(KeyError::file(path, "read"))?;
    Ok(std::mem::take(&mut *read_limited(file, path)?))
}

fn read_limited(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Room for all of it at once: a growing buffer would leave copies of a key behind.
    let size = file.metadata().map_or(0, |metadata| metadata.len()).min(MAX_FILE_BYTES);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 64));
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(KeyError::file(path, "read"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(KeyError::Unsuitable(format!(
            "{} is too large to be a key or a certificate",
            path.display()
        )));
    }
    Ok(bytes)
}

/// Puts `contents` at `path` in one step: a reader sees the old file or the new one, never a part.
pub(super) fn write(path: &Path, contents: &[u8], access: Access) -> Result<(), KeyError> {
    let temporary = temporary_beside(path)?;
    let written = write_new(&temporary, contents, access).and_then(|()| fs::rename(&temporary, path));
    if let Err(cause) = written {
        // It may not exist; either way the first error is the one worth telling.
        let _ = destroy(&temporary);
        return Err(KeyError::file(path, "written")(cause));
    }
    flush_parent(path)
}

fn write_new(path: &Path, contents: &[u8], access: Access) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(path)?;
    if let Some((user, group)) = other_owner_above(path)? {
        fchown(&file, Some(user), Some(group))?;
    }
    if let Access::Public = access {
        // Whatever the umask: a registry that runs as another user reads it too.
        file.set_permissions(fs::Permissions::from_mode(access.mode()))?;
    }
    file.write_all(contents)?;
    file.sync_all()
}

/// A name that starts with a dot, which marks it as a leftover should the process die here.
fn temporary_beside(path: &Path) -> Result<PathBuf, KeyError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.{}", random_hex::<8>()?)))
}

/// Overwrites a private key and removes it. (A file system that copies on write may keep the old
/// blocks; nothing short of destroying the disk's key helps there.)
pub(super) fn destroy(path: &Path) -> Result<(), KeyError> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(KeyError::file(path, "destroyed")(cause)),
    };
    let size = file.metadata().map_err(KeyError::file(path, "destroyed"))?.len();
    let zeros = vec![0; usize::try_from(size.min(MAX_FILE_BYTES)).unwrap_or(0)];
    file.write_all(&zeros).and_then(|()| file.sync_all()).map_err(KeyError::file(path, "destroyed"))?;
    remove(path)
}

/// Removes a file that holds nothing secret; one that is gone already is fine.
pub(super) fn remove(path: &Path) -> Result<(), KeyError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(KeyError::file(path, "removed")(cause))
        }
        _ => flush_parent(path),
    }
}

/// Makes a directory, and those above it, that only its owner can look into; an existing one is left as
/// it is.
pub(super) fn create_directory(path: &Path) -> Result<(), KeyError> {
    if path.is_dir() {
        return Ok(());
    }
    create_directory(parent(path))?;
    let made = DirBuilder::new().mode(0o700).create(path).and_then(|()| match other_owner_above(path)? {
        Some((user, group)) => lchown(path, Some(user), Some(group)),
        None => Ok(()),
    });
    match made {
        // Another command was faster.
        Err(_) if path.is_dir() => Ok(()),
        other => other.map_err(KeyError::file(path, "created")),
    }
}

/// The names of the files in a directory, sorted; none if there is no such directory.
pub(super) fn names_in(path: &Path) -> Result<Vec<String>, KeyError> {
    let entries = match fs::read_dir(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(KeyError::file(path, "read"))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(KeyError::file(path, "read"))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Takes the lock at `path`, waiting up to ten seconds for another command to finish.
pub(super) fn lock(path: &Path) -> Result<DirectoryLock, KeyError> {
    for _ in 0..LOCK_ATTEMPTS {
        if let Some(lock) = try_lock(path)? {
            return Ok(lock);
        }
        thread::sleep(LOCK_PAUSE);
    }
    Err(KeyError::Busy(path.parent().unwrap_or(path).to_owned()))
}

/// Takes the lock at `path` if nobody holds it.
pub(super) fn try_lock(path: &Path) -> Result<Option<DirectoryLock>, KeyError> {
    if !path.exists() {
        match write_new(path, b"", Access::Private) {
            Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(KeyError::file(path, "created")(cause));
            }
            _ => {}
        }
    }
    let file = OpenOptions::new().write(true).open(path).map_err(KeyError::file(path, "opened"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(DirectoryLock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(KeyError::file(path, "locked")(cause)),
    }
}

/// Random bytes as hexadecimal digits.
pub(super) fn random_hex<const BYTES: usize>() -> Result<String, KeyError> {
    system::random_hex::<BYTES>().map_err(no_randomness)
}

/// Random bytes.
pub(super) fn random_bytes<const BYTES: usize>() -> Result<[u8; BYTES], KeyError> {
    system::random_bytes().map_err(no_randomness)
}

fn no_randomness(_: std::io::Error) -> KeyError {
    KeyError::Unsuitable("the system gave no random numbers: try again".to_owned())
}

/// The owner of the directory above, if it is somebody else and we are root: what root adds to a
/// service's directory must stay readable for the service.
fn other_owner_above(path: &Path) -> std::io::Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let above = parent(path).metadata()?;
    Ok((above.uid() != 0).then(|| (above.uid(), above.gid())))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn flush_parent(path: &Path) -> Result<(), KeyError> {
    let parent = parent(path);
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(KeyError::file(parent, "flushed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_readable_by_its_owner_alone_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        write(&path, b"secret", Access::Private).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(names_in(folder.path()).unwrap(), ["a.key"]);
        assert_eq!(read_private(&path).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_command_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        write(&path, b"secret", Access::Private).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let sentence = read_private(&path).unwrap_err().to_string();
            assert!(sentence.contains(&format!("chmod 600 {}", path.display())), "{sentence}");
        }
    }

    #[test]
    fn a_destroyed_key_is_zeros_for_whoever_still_has_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        write(&path, b"secret", Access::Private).unwrap();
        let mut open = File::open(&path).unwrap();
        destroy(&path).unwrap();
        assert!(!path.exists());
        let mut rest = Vec::new();
        open.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [0; 6]);
    }

    #[test]
    fn only_one_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(try_lock(&path).unwrap().is_some());
    }

    #[test]
    #[ignore = "needs root, to give a folder to somebody else"]
    fn what_root_writes_belongs_to_the_owner_of_the_directory() {
        let folder = tempfile::tempdir().unwrap();
        lchown(folder.path(), Some(1234), Some(1234)).unwrap();
        let inner = folder.path().join("a/b");
        create_directory(&inner).unwrap();
        write(&inner.join("a.key"), b"secret", Access::Private).unwrap();
        drop(try_lock(&inner.join("lock")).unwrap());
        for path in [inner.clone(), inner.join("a.key"), inner.join("lock")] {
            assert_eq!(fs::metadata(path).unwrap().uid(), 1234);
        }
    }

    #[test]
    fn an_endless_file_is_refused() {
        let sentence = read_public(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(sentence.contains("too large"), "{sentence}");
    }
}
