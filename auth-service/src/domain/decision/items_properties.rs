//! What holds for every decision on an item, whatever the facts: tried on random ones.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::access::AccessKind;
use super::super::facts::{Facts, ItemFacts, ProjectFacts, RepositoryFacts, RepositorySituation, UserFacts};
use super::super::login::Caller;
use super::super::login_scope::{LoginScope, Powers};
use super::super::principal::PrincipalId;
use super::super::project::ProjectId;
use super::super::scope::{Action, RequestedScopes};
use super::properties::{login, name, policy, project, repository, user};
use super::{AccessPolicy, ItemRefusal, ItemRights, Viewer, decide};

fn item(project: &ProjectFacts, repository: &RepositoryFacts) -> Option<ItemFacts> {
    ItemFacts::of_repository(name("a"), Arc::new(project.clone()), repository.clone())
}

fn refusal(
    caller: &Caller<'_>,
    item: Option<&ItemFacts>,
    kind: AccessKind,
    policy: AccessPolicy,
) -> Option<ItemRefusal> {
    ItemRights::of(*caller, item, policy).and_then(|rights| rights.require(kind)).err()
}

/// The filter that a database applies to one item.
fn lists(viewer: &Viewer, item: &ItemFacts) -> bool {
    let id = item.project.id;
    let counts =
        |principal| viewer.principals.contains(&principal) && viewer.robot_of.is_none_or(|own| own == id);
    let is_shared = item.sharing().rows().iter().any(|(principal, kinds)| {
        kinds.has(AccessKind::Read) && (*principal == PrincipalId::PUBLIC || counts(*principal))
    });
    viewer.bound_to.is_none_or(|bound| bound == id)
        && (viewer.sees_everything || is_shared)
        && !item.is_in_trash()
}

fn granted(
    user: &UserFacts,
    powers: Powers,
    (project, repository): (&ProjectFacts, &RepositoryFacts),
    policy: AccessPolicy,
    asks: &str,
) -> Vec<Action> {
    let situation = RepositorySituation {
        name: name("a"),
        project: Some(Arc::new(project.clone())),
        repository: repository.clone(),
    };
    let facts = Facts { repositories: vec![situation], ..Facts::default() };
    let scope = format!("repository:syn5/a:{asks}");
    let requested = RequestedScopes::parse([scope.as_str()], 64).unwrap();
    decide(&Caller::User(user, powers), &requested, &facts, policy).repositories[0].granted.iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn without_read_nothing_tells_an_item_from_one_that_does_not_exist(
        user in user(), login in login(), project in project(), repository in repository(), policy in policy(),
        anonymous: bool,
    ) {
        let caller = if anonymous { Caller::Anonymous } else { Caller::User(&user, login) };
        let items = [item(&project, &repository), Some(ItemFacts::of_project(Arc::new(project.clone())))];
        for item in items.into_iter().flatten() {
            let is_shared = item.sharing().access_of(caller.user()).has(AccessKind::Read);
            let is_administrator = !anonymous && user.administrator && login.scopes.has(LoginScope::Admin);
            for kind in AccessKind::ALL {
                let missing = refusal(&caller, None, kind, policy);
                let found = refusal(&caller, Some(&item), kind, policy);
                prop_assert!(missing.is_some());
                prop_assert!(is_shared || is_administrator || found == missing, "{found:?} {missing:?}");
            }
        }
    }

    #[test]
    fn a_login_with_fewer_scopes_never_may_more_than_a_password(
        user in user(), login in login(), project in project(), repository in repository(), policy in policy(),
    ) {
        let Some(item) = item(&project, &repository) else { return Ok(()) };
        for kind in AccessKind::ALL {
            let may = |powers| refusal(&Caller::User(&user, powers), Some(&item), kind, policy).is_none();
            prop_assert!(!may(login) || may(Powers::WHOLE));
            prop_assert!(!may(login) || login.only_in != Some(ProjectId::new(6)));
            prop_assert!(!may(login) || login.scopes.has(LoginScope::View));
        }
    }

    /// The two decisions are of the same rules: what docker may do with a repository is what the item's rights say.
    #[test]
    fn it_agrees_with_the_decision_on_pull_and_push(
        user in user(), project in project(), repository in repository(), policy in policy(),
    ) {
        let caller = Caller::User(&user, Powers::WHOLE);
        let granted = |repository, asks| granted(&user, Powers::WHOLE, (&project, repository), policy, asks);
        if let Some(item) = item(&project, &repository)
            && let Ok(rights) = ItemRights::of(caller, Some(&item), policy)
        {
            prop_assert_eq!(rights.may(AccessKind::Download), granted(&repository, "pull").contains(&Action::Pull));
            let may_push = rights.may(AccessKind::Download) && rights.may(AccessKind::Update);
            prop_assert_eq!(may_push, granted(&repository, "pull,push").contains(&Action::Push));
            prop_assert_eq!(rights.may(AccessKind::Delete), granted(&repository, "delete").contains(&Action::Delete));
        }
        let item = ItemFacts::of_project(Arc::new(project.clone()));
        if let Ok(rights) = ItemRights::of(caller, Some(&item), policy) {
            let first = granted(&RepositoryFacts::Unknown, "pull,push").contains(&Action::Push);
            prop_assert_eq!(rights.may(AccessKind::Create), first);
        }
    }

    #[test]
    fn a_list_filtered_by_the_viewer_has_what_the_decision_shows(
        user in user(), login in login(), project in project(), repository in repository(), policy in policy(),
        anonymous: bool,
    ) {
        let caller = if anonymous { Caller::Anonymous } else { Caller::User(&user, login) };
        let items = [item(&project, &repository), Some(ItemFacts::of_project(Arc::new(project.clone())))];
        for item in items.into_iter().flatten() {
            let shown = refusal(&caller, Some(&item), AccessKind::Read, policy).is_none();
            let listed = Viewer::of(&caller).is_ok_and(|viewer| lists(&viewer, &item));
            prop_assert_eq!(shown, listed);
        }
    }
}
