//! The data folder: made for its owner alone, used by one quickstart at a time, written to file by file in one
//! step each, so that a start which is interrupted leaves nothing half done.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Its presence shows nothing; whoever holds its lock runs.
const LOCK: &str = "lock";

/// An open data folder. The kernel gives the lock back when the process ends, however it ends.
pub(super) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is not there, and takes it for this process.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let path = std::path::absolute(path)
            .with_context(|| format!("{} is no place for a data folder", path.display()))?;
        // The path is written into two configuration files and into lines for a shell.
        if path.to_str().is_none_or(|text| text.chars().any(char::is_control)) {
            let shown = path.to_string_lossy().escape_default().to_string();
            bail!(
                "the path of the data folder must be readable text, and {shown} is not; choose another with --data"
            );
        }
        let advice = "choose another folder with --data";
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|error| {
            anyhow::anyhow!("cannot make the data folder {}: {error}; {advice}", path.display())
        })?;
        require_own(&path, advice)?;
        let mut lock = private().create(true).read(true).open(path.join(LOCK)).map_err(|error| {
            anyhow::anyhow!("cannot write to the data folder {}: {error}; {advice}", path.display())
        })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = io::read_to_string(&lock).unwrap_or_default();
                bail!(
                    "{} is in use by a quickstart that runs already (process {}); stop that one, or {advice}",
                    path.display(),
                    holder.trim()
                );
            }
            Err(TryLockError::Error(error)) => bail!("cannot lock {}: {error}; {advice}", path.display()),
        }
        // Only for the message above; without it that message is merely less helpful.
        let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        Ok(Self { path, _lock: lock })
    }

    /// Where the folder is; an absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of something in the folder.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The text of a file; `None` if there is no such file.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = self.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        }
    }

    /// Puts a text, readable for the owner alone, into a file in one step.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let (path, new) = (self.join(name), self.join(&format!("{name}.new")));
        let write = || {
            // What an interrupted start has left may have any mode.
            let _ = fs::remove_file(&new);
            let mut file = private().create_new(true).open(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))
    }

    /// The text of a file that is made by `make` when it is not there, without the line's end.
    pub(super) fn line(
        &self,
        name: &str,
        make: impl FnOnce() -> io::Result<String>,
    ) -> anyhow::Result<String> {
        if let Some(text) = self.read(name)?.filter(|text| !text.trim().is_empty()) {
            return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        let text = make()?;
        self.write(name, &format!("{text}\n"))?;
        Ok(text)
    }
}

/// Refuses a folder that somebody else could put files into, or change for another one: who does so first chooses
/// keys and passwords.
fn require_own(path: &Path, advice: &str) -> anyhow::Result<()> {
    const OTHERS_WRITE: u32 = 0o022;
    const EVERYBODY_WRITES: u32 = 0o002;
    /// Only the owner of a file may rename it.
    const STICKY: u32 = 0o1000;
    let owner = rustix::process::geteuid().as_raw();
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    if metadata.uid() != owner {
        bail!("the data folder {} belongs to another user; {advice}", path.display());
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        let path = path.display();
        bail!("other users can write to the data folder {path}; run `chmod 700 {path}`, or {advice}");
    }
    for above in path.ancestors().skip(1) {
        let mode = fs::metadata(above).map_or(0, |metadata| metadata.mode());
        if mode & EVERYBODY_WRITES != 0 && mode & STICKY == 0 {
            bail!(
                "everybody can write to {}, and so put another folder in the place of {}; {advice}",
                above.display(),
                path.display()
            );
        }
    }
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn folder_and_files_are_for_their_owner_and_found_again() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/data");
        let folder = DataFolder::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(folder.line("secret", || Ok("first".to_owned())).unwrap(), "first");
        assert_eq!(folder.line("secret", || Ok("second".to_owned())).unwrap(), "first");
        assert_eq!(fs::read_to_string(path.join("secret")).unwrap(), "first\n");
        assert_eq!(mode(&path.join("secret")), 0o600);
        assert_eq!(folder.read("missing").unwrap(), None);
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused_with_nothing_in_it() {
        for (above, folder) in [(0o700, 0o777), (0o700, 0o770), (0o777, 0o700)] {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join("data");
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(folder)).unwrap();
            fs::set_permissions(place.path(), fs::Permissions::from_mode(above)).unwrap();
            let refusal = DataFolder::open(&path).err().unwrap().to_string();
            assert!(refusal.contains("can write to") && !refusal.contains('\n'), "{refusal}");
            assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        }
        let shared = tempfile::tempdir().unwrap();
        fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        DataFolder::open(&shared.path().join("data")).unwrap();
    }

    #[test]
    fn one_process_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let first = DataFolder::open(place.path()).unwrap();
        let refusal = DataFolder::open(place.path()).err().unwrap().to_string();
        assert!(refusal.contains("in use by a quickstart"), "{refusal}");
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        drop(first);
        assert!(DataFolder::open(place.path()).is_ok());
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_and_a_path_of_two_lines_are_refused_in_one_line() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        for name in ["file", "two\nlines"] {
            let refusal = DataFolder::open(&place.path().join(name)).err().unwrap().to_string();
            assert!(refusal.contains("--data") && !refusal.contains('\n'), "{refusal}");
        }
    }
}
