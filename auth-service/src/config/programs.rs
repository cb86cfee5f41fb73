//! Where programs are looked for: the search path of the environment.

use std::path::PathBuf;

/// The programs called `name` on the search path, first choice first. Folders of a relative path are left
/// out: what they hold depends on where one stands.
#[must_use]
pub fn programs_named(name: &str) -> Vec<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .filter(|path| path.is_file())
        .collect()
}
