//! What holds for every decision, whatever the facts: tried on random ones.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::access::{AccessKind, AccessSet};
use super::super::account::AccountState;
use super::super::claims::granted_access;
use super::super::facts::{
    Facts, LifeState, ProjectFacts, RepositoryFacts, RepositorySituation, Sharing, UserFacts,
};
use super::super::login::Caller;
use super::super::login_scope::{LoginScope, LoginScopes, Powers};
use super::super::principal::{PrincipalId, UserId};
use super::super::project::ProjectId;
use super::super::reason::Reason;
use super::super::refusal::{PushMeaning, RefusalContext, refusal};
use super::super::repository::RepositoryName;
use super::super::scope::{Action, Actions, RequestedScopes};
use super::{AccessPolicy, Certification, Decision, FirstUse, decide};

const USER: i64 = 3_400_001;

pub(super) fn name(path: &str) -> RepositoryName {
    RepositoryName::parse(&format!("syn5/{path}")).unwrap()
}

fn sharing() -> impl Strategy<Value = Sharing> {
    let principal = prop::sample::select(vec![USER, 273_948, 273_949, 3_400_009]);
    let row = (principal, any::<u8>()).prop_map(|(principal, bits)| {
        (PrincipalId::new(principal), AccessSet::from_bits(i64::from(bits)).unwrap())
    });
    prop::collection::btree_map(0..4_usize, row, 0..4).prop_map(|rows| {
        let mut rows: Vec<_> = rows.into_values().collect();
        rows.sort_by_key(|(principal, _)| *principal);
        rows.dedup_by_key(|(principal, _)| *principal);
        Sharing::new(rows)
    })
}

pub(super) fn life() -> impl Strategy<Value = LifeState> {
    prop_oneof![4 => Just(LifeState::Live), 1 => Just(LifeState::Trashed)]
}

pub(super) fn repository() -> impl Strategy<Value = RepositoryFacts> {
    prop_oneof![
        Just(RepositoryFacts::Unknown),
        Just(RepositoryFacts::Quarantined),
        prop::sample::select(vec![USER, 3_400_009])
            .prop_map(|by| RepositoryFacts::Reserved { by: UserId::new(by) }),
        (life(), any::<bool>(), prop::option::of(sharing())).prop_map(|(state, open_data, local)| {
            RepositoryFacts::Known { state, open_data, local_sharing: local.map(Arc::new) }
        }),
    ]
}

pub(super) fn project() -> impl Strategy<Value = ProjectFacts> {
    (life(), any::<bool>(), sharing()).prop_map(|(state, open_data, sharing)| ProjectFacts {
        id: ProjectId::new(5),
        state,
        open_data,
        sharing,
    })
}

pub(super) fn user() -> impl Strategy<Value = UserFacts> {
    let robot_of = prop_oneof![4 => Just(None), 1 => Just(Some(5)), 1 => Just(Some(6))];
    (any::<bool>(), any::<bool>(), robot_of).prop_map(|(certified, administrator, robot_of)| UserFacts {
        id: UserId::new(USER),
        certified,
        administrator,
        state: AccountState::Active,
        generation: 1,
        robot_of: robot_of.map(ProjectId::new),
        teams: Box::default(),
    })
}

pub(super) fn policy() -> impl Strategy<Value = AccessPolicy> {
    let certification =
        prop::sample::select(vec![Certification::Push, Certification::Create, Certification::Off]);
    (certification, any::<bool>())
        .prop_map(|(certification, anonymous_pull)| AccessPolicy { certification, anonymous_pull })
}

pub(super) fn login() -> impl Strategy<Value = Powers> {
    let words = prop::collection::vec(
        prop::sample::select(vec!["view", "download", "modify", "delete", "admin"]),
        0..5,
    );
    let project = prop_oneof![4 => Just(None), 1 => Just(Some(5)), 1 => Just(Some(6))];
    (words, project).prop_map(|(words, project)| Powers {
        scopes: LoginScopes::parse(&words.join(",")).unwrap(),
        only_in: project.map(ProjectId::new),
    })
}

fn actions() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["pull", "push", "delete", "pull,push", "pull,delete", "*"])
}

fn facts(project: Option<&ProjectFacts>, repositories: &[(&str, &RepositoryFacts)]) -> Facts {
    let project = project.cloned().map(Arc::new);
    let situation = |(path, repository): &(&str, &RepositoryFacts)| RepositorySituation {
        name: name(path),
        project: project.clone(),
        repository: (*repository).clone(),
    };
    Facts { repositories: repositories.iter().map(situation).collect(), ..Facts::default() }
}

fn requested(scopes: &[String]) -> RequestedScopes {
    RequestedScopes::parse(scopes.iter().map(String::as_str), 64).unwrap()
}

fn answer(decision: &Decision) -> (Option<String>, String) {
    let context = RefusalContext { host: "hub", push: PushMeaning::Push };
    let refused = refusal(decision, context).map(|refusal| refusal.message);
    (refused, serde_json::to_string(&granted_access(decision)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_grant_is_asked_for_and_push_never_comes_without_pull(
        user in user(), login in login(), project in project(), repository in repository(),
        policy in policy(), asks in actions(), anonymous: bool,
    ) {
        let caller = if anonymous { Caller::Anonymous } else { Caller::User(&user, login) };
        let requested = requested(&[format!("repository:syn5/a:{asks}")]);
        let decision = decide(&caller, &requested, &facts(Some(&project), &[("a", &repository)]), policy);
        let one = &decision.repositories[0];
        prop_assert!(one.granted.is_within(one.asked));
        prop_assert!(!one.granted.has(Action::Push) || one.granted.has(Action::Pull));
        let told: Actions = one.missing.iter().map(|missing| missing.action).collect();
        prop_assert_eq!(one.granted.union(told), one.asked);
        prop_assert!(one.granted.iter().all(|action| !told.has(action)));
    }

    #[test]
    fn a_login_with_fewer_scopes_never_gets_more_than_a_password(
        user in user(), login in login(), project in project(), repository in repository(),
        policy in policy(), asks in actions(),
    ) {
        let requested = requested(&[format!("repository:syn5/a:{asks}")]);
        let facts = facts(Some(&project), &[("a", &repository)]);
        let granted = |login| decide(&Caller::User(&user, login), &requested, &facts, policy).repositories[0].granted;
        let limited = granted(login);
        prop_assert!(limited.is_within(granted(Powers::WHOLE)));
        prop_assert!(limited.is_empty() || login.only_in != Some(ProjectId::new(6)));
        prop_assert!(!limited.has(Action::Pull) || login.scopes.has(LoginScope::Download));
        prop_assert!(!limited.has(Action::Push) || login.scopes.has(LoginScope::Modify));
        prop_assert!(!limited.has(Action::Delete) || login.scopes.has(LoginScope::Delete));
    }

    #[test]
    fn a_robot_account_elsewhere_gets_what_nobody_gets_at_most(
        user in user(), login in login(), project in project(), repository in repository(),
        policy in policy(), asks in actions(),
    ) {
        let robot = UserFacts { robot_of: Some(ProjectId::new(6)), ..user };
        let requested = requested(&[format!("repository:syn5/a:{asks}")]);
        let facts = facts(Some(&project), &[("a", &repository)]);
        let granted = |caller: &Caller<'_>| decide(caller, &requested, &facts, policy).repositories[0].granted;
        prop_assert!(granted(&Caller::User(&robot, login)).is_within(granted(&Caller::Anonymous)));
    }

    #[test]
    fn splitting_reordering_and_asking_for_others_change_nothing(
        user in user(), login in login(), project in project(), repository in repository(),
        other in repository(), policy in policy(), asks in prop::collection::vec(actions(), 1..4),
    ) {
        let caller = Caller::User(&user, login);
        let facts = facts(Some(&project), &[("a", &repository), ("b", &other)]);
        let mut scopes: Vec<String> = asks.iter().map(|asks| format!("repository:syn5/a:{asks}")).collect();
        let alone = decide(&caller, &requested(&scopes), &facts, policy).repositories.remove(0);
        scopes.reverse();
        scopes.insert(0, "repository:syn5/b:pull,push".to_owned());
        let beside = decide(&caller, &requested(&scopes), &facts, policy).repositories.remove(1);
        prop_assert_eq!(alone, beside);
    }

    /// Of grants: whether the request as a whole is refused may hang on how it is split, since a scope that is to delete
    /// and nothing else is refused when it is not granted.
    #[test]
    fn one_scope_for_each_action_gets_what_one_scope_for_all_gets(
        user in user(), login in login(), project in project(), repository in repository(), policy in policy(),
        asks in actions(),
    ) {
        let caller = Caller::User(&user, login);
        let facts = facts(Some(&project), &[("a", &repository)]);
        let together = requested(&[format!("repository:syn5/a:{asks}")]);
        let names = together.repositories[0].actions.names();
        let apart: Vec<String> = names.iter().map(|action| format!("repository:syn5/a:{action}")).collect();
        let grant = |requested: &RequestedScopes| {
            let one = decide(&caller, requested, &facts, policy).repositories.remove(0);
            (one.granted, one.missing, one.may_delete, one.first_use)
        };
        prop_assert_eq!(grant(&together), grant(&requested(&apart)));
    }

    #[test]
    fn a_name_that_nothing_is_on_record_of_is_only_for_those_who_may_push_to_it_first(
        user in user(), login in login(), project in project(), policy in policy(), asks in actions(),
    ) {
        let facts = facts(Some(&project), &[("a", &RepositoryFacts::Unknown)]);
        let decision = |caller: &Caller<'_>, asks: &str| {
            let requested = requested(&[format!("repository:syn5/a:{asks}")]);
            decide(caller, &requested, &facts, policy).repositories.remove(0)
        };
        let caller = Caller::User(&user, login);
        let may_push = decision(&caller, "pull,push").granted.has(Action::Push);
        let one = decision(&caller, asks);
        prop_assert!(one.granted.is_empty() || may_push);
        prop_assert_eq!(one.first_use.is_some(), !one.granted.is_empty());
        prop_assert!(one.first_use != Some(FirstUse::Look) || !one.granted.has(Action::Push));
        prop_assert!(decision(&Caller::Anonymous, asks).granted.is_empty());
    }

    #[test]
    fn nothing_in_the_trash_or_fenced_is_ever_granted(
        user in user(), project in project(), repository in repository(), policy in policy(), asks in actions(),
    ) {
        let closed = project.state == LifeState::Trashed
            || matches!(repository, RepositoryFacts::Quarantined | RepositoryFacts::Known { state: LifeState::Trashed, .. });
        let requested = requested(&[format!("repository:syn5/a:{asks}")]);
        let facts = facts(Some(&project), &[("a", &repository)]);
        for caller in [Caller::Anonymous, Caller::User(&user, Powers::WHOLE)] {
            let granted = decide(&caller, &requested, &facts, policy).repositories[0].granted;
            prop_assert!(!closed || granted.is_empty());
        }
    }

    #[test]
    fn without_any_right_the_answer_is_the_same_whether_it_exists_or_not(
        certified: bool, project in project(), repository in repository(), policy in policy(),
        asks in actions(), anonymous: bool,
    ) {
        let user = UserFacts {
            id: UserId::new(9), certified, administrator: false, state: AccountState::Active, generation: 1,
            robot_of: None, teams: Box::default(),
        };
        let caller = if anonymous { Caller::Anonymous } else { Caller::User(&user, Powers::WHOLE) };
        let local = match &repository {
            RepositoryFacts::Known { local_sharing: Some(local), .. } => local.access_of(caller.user()),
            _ => AccessSet::NONE,
        };
        prop_assume!(local.is_empty() && project.sharing.access_of(caller.user()).is_empty());
        let requested = requested(&[format!("repository:syn5/a:{asks}")]);
        let seen = decide(&caller, &requested, &facts(Some(&project), &[("a", &repository)]), policy);
        let free = decide(&caller, &requested, &facts(Some(&project), &[("a", &RepositoryFacts::Unknown)]), policy);
        let no_project = decide(&caller, &requested, &facts(None, &[("a", &RepositoryFacts::Unknown)]), policy);
        prop_assert_eq!(answer(&seen), answer(&free));
        prop_assert_eq!(answer(&free), answer(&no_project));
    }

    #[test]
    fn without_read_no_reason_tells_what_is_there(
        user in user(), project in project(), repository in repository(), policy in policy(), asks in actions(),
    ) {
        let caller = Caller::User(&UserFacts { administrator: false, ..user }, Powers::WHOLE);
        let benefactor = match &repository {
            RepositoryFacts::Known { local_sharing: Some(local), .. } => local.access_of(caller.user()),
            _ => project.sharing.access_of(caller.user()),
        };
        prop_assume!(!benefactor.has(AccessKind::Read));
        let requested = requested(&[format!("repository:syn5/a:{asks}")]);
        let reasons = |repository: &RepositoryFacts| {
            decide(&caller, &requested, &facts(Some(&project), &[("a", repository)]), policy).repositories.remove(0).missing
        };
        let free = reasons(&RepositoryFacts::Unknown);
        for missing in reasons(&repository) {
            let same_as_free = free.contains(&missing);
            prop_assert!(same_as_free || missing.reason == Reason::NotVisible, "{missing:?}");
        }
    }
}
