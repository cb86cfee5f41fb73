//! Repository names: `syn123/path/to/name`, byte for byte as the registry knows them.

use std::fmt;
use std::sync::Arc;

use super::project::ProjectId;

/// Longest repository name (distribution reference grammar: 255 bytes).
const NAME_BYTES: usize = 255;

/// The name of a repository on this registry: a project and at least one more path component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName {
    project: ProjectId,
    /// Shared, because a request hands its names on several times.
    whole: Arc<str>,
}

impl RepositoryName {
    /// Reads `syn123/component[/component…]`, each component as the distribution reference grammar has it:
    /// `[a-z0-9]+((__|[._]|-*)[a-z0-9]+)*`. `None` for everything else: upper case, `..`, an escaped byte,
    /// a tag or digest, a host in front.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (project, path) = text.split_once('/')?;
        let project = ProjectId::parse(project)?;
        if text.len() > NAME_BYTES || !path.split('/').all(is_component) {
            return None;
        }
        Some(Self { project, whole: text.into() })
    }

    /// The project that the repository is in.
    #[must_use]
    pub const fn project(&self) -> ProjectId {
        self.project
    }

    /// The whole name, `syn123/path`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// The part after the project, `path`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.whole.split_once('/').map_or("", |(_, path)| path)
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.whole)
    }
}

/// Whether `text` is one path component: runs of lower-case letters and digits, with one separator
/// (`.`, `_`, `__` or any number of `-`) between each two.
fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends_well =
        bytes.first().copied().is_some_and(alphanumeric) && bytes.last().copied().is_some_and(alphanumeric);
    ends_well
        && text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

/// What the command line calls an item: a project or a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `syn123`.
    Project(ProjectId),
    /// `syn123/name`.
    Repository(RepositoryName),
}

impl Item {
    /// Reads `syn123` or `syn123/name`.
    pub fn parse(text: &str) -> Result<Self, BadItem> {
        match ProjectId::parse(text) {
            Some(project) => Ok(Self::Project(project)),
            None => RepositoryName::parse(text).map(Self::Repository).ok_or(BadItem),
        }
    }

    /// The project itself, or the one that the repository is in.
    #[must_use]
    pub const fn project(&self) -> ProjectId {
        match self {
            Self::Project(project) => *project,
            Self::Repository(name) => name.project(),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(project) => project.fmt(formatter),
            Self::Repository(name) => name.fmt(formatter),
        }
    }
}

/// The text names neither a project nor a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write syn123 for a project or syn123/name for a repository")]
pub struct BadItem;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_the_distribution_grammar_under_a_project() {
        for good in ["syn1/a", "syn1/a__b", "syn1/a--b", "syn12/a.b/c_d/e-f", "syn1/0"] {
            assert_eq!(RepositoryName::parse(good).unwrap().as_str(), good);
        }
        let bad = [
            "ubuntu",
            "syn1",
            "syn1/",
            "/syn1/a",
            "host.org/syn1/a",
            "syn1/A",
            "syn1/a/",
            "syn1//a",
            "syn1/a___b",
            "syn1/a:b",
            "syn1/a@b",
            "syn1/..",
            "syn1/a/../b",
            "syn1/%2e",
            "syn1/a\0",
            "syn007/x",
            "syn1/-a",
            "syn1/a.",
            "syn1/a._b",
            "syn1/a\n",
            "host:5000/syn1/a",
            "syn1/é",
        ];
        for bad in bad {
            assert_eq!(RepositoryName::parse(bad), None, "{bad:?}");
        }
        assert_eq!(RepositoryName::parse(&format!("syn1/{}", "a".repeat(251))), None);
    }

    proptest! {
        #[test]
        fn a_name_that_is_read_is_kept_byte_for_byte(text in "\\PC{0,40}|syn[0-9]{1,3}(/[a-z0-9._-]{1,6}){1,3}") {
            if let Some(name) = RepositoryName::parse(&text) {
                prop_assert_eq!(name.as_str(), text.as_str());
                prop_assert_eq!(format!("{}/{}", name.project(), name.path()), text);
            }
        }
    }
}
