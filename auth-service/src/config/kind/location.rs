//! Where things are stored: files and folders, and the database.

use std::path::{Path, PathBuf};

use url::Url;

use super::super::database::DatabaseUrl;
use super::super::secret::{HIDDEN, Secret};
use super::{Given, Kind};

/// A file or a folder; a relative one starts from the configuration file's folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilePath;

impl Kind for FilePath {
    type Value = PathBuf;

    fn describe(&self) -> String {
        "a path".to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<PathBuf, String> {
        resolve(given.folder(), given.text()?)
    }

    fn show(&self, value: &PathBuf) -> String {
        value.display().to_string()
    }
}

fn resolve(folder: &Path, text: &str) -> Result<PathBuf, String> {
    if text.contains('\0') {
        return Err("holds a NUL byte".to_owned());
    }
    let path = folder.join(text);
    // Fails only if the current folder is gone; then the relative path is as good as any.
    Ok(std::path::absolute(&path).unwrap_or(path))
}

/// A file for `SQLite` or the address of a `PostgreSQL` server, which can hold a password and is never
/// repeated in a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DatabaseLocation;

impl Kind for DatabaseLocation {
    type Value = DatabaseUrl;

    fn describe(&self) -> String {
        "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`".to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<DatabaseUrl, String> {
        let text = given.text()?;
        if let Some(path) = text.strip_prefix("sqlite:") {
            return sqlite_file(given.folder(), path.strip_prefix("//").unwrap_or(path))
                .map(DatabaseUrl::Sqlite);
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("names neither SQLite nor PostgreSQL".to_owned());
        }
        match Url::parse(text) {
            Ok(_) => Ok(DatabaseUrl::Postgres(Secret::new(text.to_owned()))),
            Err(fault) => Err(format!(
                "is not an address ({fault}; special characters in a password are written as %XX)"
            )),
        }
    }

    fn show(&self, value: &DatabaseUrl) -> String {
        match value {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(_) => format!("postgres://{HIDDEN}"),
        }
    }
}

fn sqlite_file(folder: &Path, path: &str) -> Result<PathBuf, String> {
    match path {
        "" => Err("names no file".to_owned()),
        // Other processes, the command line among them, could not open it.
        ":memory:" => Err("is a database in memory, which no second process can open".to_owned()),
        _ if path.contains('?') => Err("holds parameters, which are set by other keys".to_owned()),
        _ => resolve(folder, path),
    }
}
