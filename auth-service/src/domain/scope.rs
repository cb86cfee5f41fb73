//! The `scope` values of a token request, read leniently as `docs/PROTOCOL.md` describes: clients repeat
//! scopes, join them with spaces, put colons into names and ask in any order.

use super::repository::RepositoryName;

/// One thing that can be done to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read manifests and layers.
    Pull,
    /// Write manifests and layers.
    Push,
    /// Delete manifests.
    Delete,
}

impl Action {
    /// Every action, in the order in which tokens list them.
    pub const ALL: [Self; 3] = [Self::Pull, Self::Push, Self::Delete];

    /// The word that clients and the registry use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions(u8);

impl Actions {
    /// No action.
    pub const NONE: Self = Self(0);

    /// Whether `action` is in the set.
    #[must_use]
    pub const fn has(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set with `action` in it.
    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | action.bit())
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether everything in this set is in `other`.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The actions in the set, in the order in which tokens list them.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.has(*action))
    }

    /// The words of the actions.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Action::name).collect()
    }

    /// Reads `pull,push`; `*` is all three, what is unknown is left out.
    fn parse(text: &str) -> Self {
        text.split(',').fold(Self::NONE, |actions, word| match word {
            "*" => Action::ALL.into_iter().fold(actions, Self::with),
            word => match Action::ALL.into_iter().find(|action| action.name() == word) {
                Some(action) => actions.with(action),
                None => actions,
            },
        })
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The name in a repository scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedName {
    /// A name that a repository here can have.
    Proper(RepositoryName),
    /// Anything else, as sent; it never gets a grant and is never echoed.
    Improper(Box<str>),
}

impl RequestedName {
    fn parse(text: &str) -> Self {
        RepositoryName::parse(text).map_or_else(|| Self::Improper(text.into()), Self::Proper)
    }

    /// The name as sent.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        match self {
            Self::Proper(name) => name.as_str(),
            Self::Improper(text) => text,
        }
    }
}

/// What is asked for one repository, all scopes that name it taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedRepository {
    /// Its name.
    pub name: RequestedName,
    /// What is asked; never empty.
    pub actions: Actions,
    /// Whether one scope, as it was sent, was to delete and nothing else. So the registry asks for what a delete needs;
    /// beside it, clients repeat what they asked for at first.
    pub delete_alone: bool,
}

/// Everything that a token request asks for, understood and merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedScopes {
    /// One entry for each repository, in the order in which they are first named.
    pub repositories: Vec<RequestedRepository>,
    /// Whether `registry:catalog:*` is asked.
    pub catalogue: bool,
}

/// The request names more scopes than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at most {limit} scopes can be asked for in one request")]
pub struct TooManyScopes {
    /// The limit in force.
    pub limit: usize,
}

impl RequestedScopes {
    /// Reads any number of `scope` values, each of which can hold several scopes separated by spaces.
    /// Types, names and actions that mean nothing here are left out. Fails only beyond `limit` scopes.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>, limit: usize) -> Result<Self, TooManyScopes> {
        let mut requested = Self::default();
        let scopes = values.into_iter().flat_map(|value| value.split(' ')).filter(|scope| !scope.is_empty());
        for (index, scope) in scopes.enumerate() {
            if index >= limit {
                return Err(TooManyScopes { limit });
            }
            requested.add(scope);
        }
        Ok(requested)
    }

    /// Whether nothing is asked that this service knows; a login asks like this.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && !self.catalogue
    }

    /// The names that a repository here can have.
    pub fn proper_names(&self) -> impl Iterator<Item = &RepositoryName> {
        self.repositories.iter().filter_map(|requested| match &requested.name {
            RequestedName::Proper(name) => Some(name),
            RequestedName::Improper(_) => None,
        })
    }

    /// The type ends at the first colon and the actions begin after the last one, because a name may hold
    /// colons itself (`host:5000/a`).
    fn add(&mut self, scope: &str) {
        let Some((kind, rest)) = scope.split_once(':') else { return };
        let Some((name, actions)) = rest.rsplit_once(':') else { return };
        match kind {
            "registry" if name == "catalog" => {
                self.catalogue |= actions.split(',').any(|action| action == "*");
            }
            kind if is_repository_kind(kind) => self.add_repository(name, Actions::parse(actions)),
            _ => {}
        }
    }

    fn add_repository(&mut self, name: &str, actions: Actions) {
        if actions.is_empty() {
            return;
        }
        let delete_alone = actions == Actions::NONE.with(Action::Delete);
        match self.repositories.iter_mut().find(|requested| requested.name.as_sent() == name) {
            Some(requested) => {
                requested.actions = requested.actions.union(actions);
                requested.delete_alone |= delete_alone;
            }
            None => {
                let name = RequestedName::parse(name);
                self.repositories.push(RequestedRepository { name, actions, delete_alone });
            }
        }
    }
}

/// `repository`, or with the deprecated class as in `repository(plugin)`, which is accepted and never returned.
fn is_repository_kind(kind: &str) -> bool {
    kind.strip_prefix("repository")
        .is_some_and(|class| class.is_empty() || (class.starts_with('(') && class.ends_with(')')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Vec<(String, Vec<&'static str>)> {
        let requested = RequestedScopes::parse(values.iter().copied(), 64).unwrap();
        requested
            .repositories
            .iter()
            .map(|one| (one.name.as_sent().to_owned(), one.actions.names()))
            .collect()
    }

    #[test]
    fn repeated_and_space_joined_scopes_of_one_repository_are_one() {
        let merged =
            read(&["repository:syn1/a:pull repository:syn1/a:pull,push", "repository:syn1/b:*", "", " "]);
        let expected = [
            ("syn1/a".to_owned(), vec!["pull", "push"]),
            ("syn1/b".to_owned(), vec!["pull", "push", "delete"]),
        ];
        assert_eq!(merged, expected);
    }

    #[test]
    fn a_class_is_accepted_and_a_name_keeps_its_colons() {
        assert_eq!(read(&["repository(plugin):syn1/a:pull"]), [("syn1/a".to_owned(), vec!["pull"])]);
        assert_eq!(read(&["repository:host:5000/x:pull"]), [("host:5000/x".to_owned(), vec!["pull"])]);
    }

    #[test]
    fn what_is_unknown_is_left_out_without_failing() {
        let none: [(String, Vec<&'static str>); 0] = [];
        let unknown = [
            "repository:syn1/a:fly",
            "artifact:syn1/a:pull",
            "repository:syn1/a",
            "nonsense",
            ":",
            "::",
            "repository::",
        ];
        assert_eq!(read(&unknown), none);
        assert_eq!(read(&["repository:syn1/a:fly,pull,,mount"]), [("syn1/a".to_owned(), vec!["pull"])]);
    }

    #[test]
    fn a_scope_to_delete_and_nothing_else_is_remembered_whatever_stands_beside_it() {
        let alone = |values: &[&str]| {
            RequestedScopes::parse(values.iter().copied(), 64)
                .unwrap()
                .repositories
                .iter()
                .any(|one| one.delete_alone)
        };
        assert!(alone(&["repository:syn1/a:delete"]));
        assert!(alone(&["repository:syn1/a:push,pull repository:syn1/a:delete"]));
        assert!(alone(&["repository:syn1/a:delete", "repository:syn1/a:*"]));
        for none in ["repository:syn1/a:*", "repository:syn1/a:delete,pull", "repository:syn1/a:push,pull"] {
            assert!(!alone(&[none]), "{none}");
        }
    }

    #[test]
    fn only_the_star_asks_for_the_catalogue() {
        assert!(RequestedScopes::parse(["registry:catalog:*"], 64).unwrap().catalogue);
        assert!(
            !RequestedScopes::parse(["registry:catalog:pull", "registry:other:*"], 64).unwrap().catalogue
        );
    }

    #[test]
    fn one_scope_more_than_the_limit_is_refused() {
        let scopes = vec!["repository:syn1/a:pull"; 65];
        assert_eq!(RequestedScopes::parse(scopes.iter().copied(), 64), Err(TooManyScopes { limit: 64 }));
        assert!(RequestedScopes::parse(scopes.iter().copied().take(64), 64).is_ok());
    }

    proptest! {
        #[test]
        fn order_repetition_and_joining_change_nothing(
            scopes in prop::collection::vec("repository:syn[12]/[ab]:(pull|push|delete|\\*|pull,push)", 1..8)
        ) {
            let sorted = |requested: RequestedScopes| {
                let mut repositories = requested.repositories;
                repositories.sort_by(|one, other| one.name.as_sent().cmp(other.name.as_sent()));
                repositories
            };
            let apart = sorted(RequestedScopes::parse(scopes.iter().map(String::as_str), 64).unwrap());
            let reversed = sorted(RequestedScopes::parse(scopes.iter().rev().map(String::as_str), 64).unwrap());
            let joined = scopes.join(" ");
            prop_assert_eq!(&apart, &reversed);
            prop_assert_eq!(&apart, &sorted(RequestedScopes::parse([joined.as_str(), joined.as_str()], 64).unwrap()));
        }

        #[test]
        fn no_text_makes_the_reader_fail(values in prop::collection::vec("\\PC{0,60}", 0..5)) {
            let requested = RequestedScopes::parse(values.iter().map(String::as_str), 10_000).unwrap();
            prop_assert!(requested.repositories.iter().all(|one| !one.actions.is_empty()));
        }
    }
}
