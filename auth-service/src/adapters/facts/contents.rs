//! A project as it is kept in memory. Most repositories follow their project in everything; of those only a
//! fingerprint of the path is kept, so that a million of them fit into a few megabytes.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::domain::facts::{ProjectFacts, RepositoryFacts};
use crate::domain::repository::RepositoryName;
use crate::domain::time::Timestamp;
use crate::ports::facts::{ProjectContents, StoredRepository};

/// A project that exists, with what is in it.
pub(super) struct KeptProject {
    pub(super) facts: Arc<ProjectFacts>,
    unusual: HashMap<Box<str>, StoredRepository>,
    /// Sorted fingerprints of the paths of all repositories that are not in `unusual`; `None` when there are
    /// too many, so that each has to be asked for.
    plain: Option<Box<[u64]>>,
}

/// What the memory says of a repository.
pub(super) enum Recollection {
    /// This.
    Is(RepositoryFacts),
    /// The project is too large to be kept whole: ask for the one repository.
    Ask,
}

impl KeptProject {
    /// `fingerprints` hashes under a random key: nobody can look for two paths with one fingerprint, and by
    /// chance a missing path is taken for one of a thousand present ones once in 10^16 look-ups.
    pub(super) fn new(contents: ProjectContents, fingerprints: &RandomState) -> Self {
        let plain = contents.plain.map(|paths| {
            let mut hashes: Vec<u64> = paths.iter().map(|path| fingerprints.hash_one(&**path)).collect();
            hashes.sort_unstable();
            hashes.into_boxed_slice()
        });
        let mut unusual = contents.unusual;
        unusual.shrink_to_fit();
        Self { facts: contents.project, unusual, plain }
    }

    /// Whether all that is in it is kept.
    pub(super) const fn is_whole(&self) -> bool {
        self.plain.is_some()
    }

    pub(super) fn recall(
        &self,
        name: &RepositoryName,
        now: Timestamp,
        fingerprints: &RandomState,
    ) -> Recollection {
        let Some(plain) = &self.plain else { return Recollection::Ask };
        Recollection::Is(match self.unusual.get(name.path()) {
            Some(stored) => stored.at(now),
            None if plain.binary_search(&fingerprints.hash_one(name.path())).is_ok() => {
                RepositoryFacts::PLAIN
            }
            None => RepositoryFacts::Unknown,
        })
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let unusual: usize = self
            .unusual
            .iter()
            .map(|(path, stored)| {
                let rows = match &stored.facts {
                    RepositoryFacts::Known { local_sharing: Some(sharing), .. } => sharing.rows().len(),
                    _ => 0,
                };
                160 + path.len() + rows * 16
            })
            .sum();
        200 + self.facts.sharing.rows().len() * 16
            + unusual
            + self.plain.as_ref().map_or(0, |plain| plain.len() * 8)
    }
}
