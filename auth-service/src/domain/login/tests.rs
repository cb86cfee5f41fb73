//! Which proofs are good, as a table.

use std::sync::Arc;

use super::super::login_scope::LoginScopes;
use super::super::service_token::SECRET_BYTES;
use super::*;

const USER: UserId = UserId::new(3_400_001);
const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn user() -> UserFacts {
    UserFacts {
        id: USER,
        certified: false,
        administrator: false,
        state: AccountState::Active,
        generation: 4,
        robot_of: None,
        teams: Box::default(),
    }
}

/// A token as it is presented, and as it is stored.
fn token(kind: ServiceTokenKind, secret: u8) -> (ServiceToken, TokenFacts) {
    let id = ServiceTokenId::new(9);
    let (text, digest) = ServiceToken::compose(kind, id, &[secret; SECRET_BYTES]);
    let stored = TokenFacts {
        id,
        kind,
        user: USER,
        digest,
        scopes: LoginScopes::USUAL,
        project: None,
        ends_with_generation: None,
        service: None,
        expires_at: None,
    };
    (ServiceToken::read(&text).unwrap().unwrap(), stored)
}

fn facts(user: UserFacts, token: Option<TokenFacts>) -> Facts {
    Facts { user: Some(Arc::new(user)), token: token.map(Arc::new), ..Facts::default() }
}

fn outcome(
    proof: &Proof,
    facts: &Facts,
    credential_use: CredentialUse,
) -> Result<LoginScopes, LoginRejection> {
    admit(proof, facts, LoginContext { credential_use, service: "registry", now: NOW })
        .map(|powers| powers.map_or(LoginScopes::NONE, |powers| powers.scopes))
}

#[test]
fn a_password_is_good_for_the_generation_that_it_was_checked_against() {
    let proof = |generation| Proof::Password(VerifiedLogin { user: USER, generation });
    let credential_use = CredentialUse::Registry;
    assert_eq!(outcome(&proof(4), &facts(user(), None), credential_use), Ok(LoginScopes::ALL));
    assert_eq!(outcome(&proof(3), &facts(user(), None), credential_use), Err(LoginRejection::OutdatedLogin));
    assert_eq!(outcome(&proof(4), &Facts::default(), credential_use), Err(LoginRejection::OutdatedLogin));
    let disabled = UserFacts { state: AccountState::Disabled, ..user() };
    assert_eq!(
        outcome(&proof(4), &facts(disabled, None), credential_use),
        Err(LoginRejection::AccountDisabled)
    );
    assert_eq!(outcome(&Proof::None, &Facts::default(), credential_use), Ok(LoginScopes::NONE));
}

#[test]
fn each_kind_of_token_is_good_at_its_own_doors_only() {
    use CredentialUse::{Refresh, Registry, Rest};
    use ServiceTokenKind::{Identity, Personal, Session};
    let table = [
        (Personal, Registry, true),
        (Personal, Refresh, false),
        (Personal, Rest, true),
        (Identity, Registry, false),
        (Identity, Refresh, true),
        (Identity, Rest, false),
        (Session, Registry, false),
        (Session, Refresh, false),
        (Session, Rest, true),
    ];
    for (kind, credential_use, good) in table {
        let (presented, stored) = token(kind, 1);
        let expected = if good { Ok(LoginScopes::USUAL) } else { Err(LoginRejection::WrongTokenKind(kind)) };
        assert_eq!(
            outcome(&Proof::Token(presented), &facts(user(), Some(stored)), credential_use),
            expected,
            "{kind:?} {credential_use:?}"
        );
    }
}

#[test]
fn a_token_is_unknown_unless_everything_about_it_matches() {
    let (presented, stored) = token(ServiceTokenKind::Personal, 1);
    let proof = Proof::Token(presented);
    let unknown = Err(LoginRejection::UnknownToken(ServiceTokenKind::Personal));
    let credential_use = CredentialUse::Registry;
    assert_eq!(outcome(&proof, &facts(user(), None), credential_use), unknown);
    assert_eq!(outcome(&proof, &Facts::default(), credential_use), unknown);
    let others = [
        token(ServiceTokenKind::Personal, 2).1,
        TokenFacts { id: ServiceTokenId::new(8), ..stored.clone() },
        TokenFacts { kind: ServiceTokenKind::Identity, ..stored.clone() },
        TokenFacts { user: UserId::new(1), ..stored.clone() },
        TokenFacts { ends_with_generation: Some(3), ..stored.clone() },
        TokenFacts { service: Some("another".into()), ..stored.clone() },
    ];
    for other in others {
        assert_eq!(
            outcome(&proof, &facts(user(), Some(other.clone())), credential_use),
            unknown,
            "{other:?}"
        );
    }
    let same_generation =
        TokenFacts { ends_with_generation: Some(4), service: Some("registry".into()), ..stored };
    assert_eq!(
        outcome(&proof, &facts(user(), Some(same_generation)), credential_use),
        Ok(LoginScopes::USUAL)
    );
}

#[test]
fn a_token_ends_with_its_time_and_rests_while_the_account_is_disabled() {
    let (presented, stored) = token(ServiceTokenKind::Personal, 1);
    let proof = Proof::Token(presented);
    let until =
        |expires_at| facts(user(), Some(TokenFacts { expires_at: Some(expires_at), ..stored.clone() }));
    let later = Timestamp::from_millis(1_000_001);
    assert_eq!(outcome(&proof, &until(later), CredentialUse::Registry), Ok(LoginScopes::USUAL));
    let expired = Err(LoginRejection::ExpiredToken(ServiceTokenKind::Personal, NOW));
    assert_eq!(outcome(&proof, &until(NOW), CredentialUse::Registry), expired);
    let disabled = UserFacts { state: AccountState::Disabled, ..user() };
    assert_eq!(
        outcome(&proof, &facts(disabled, Some(stored)), CredentialUse::Registry),
        Err(LoginRejection::AccountDisabled)
    );
}

#[test]
fn scopes_are_read_from_words_and_an_unknown_word_is_named() {
    let scopes = LoginScopes::parse("view,download").unwrap();
    assert_eq!(scopes.names(), ["view", "download"]);
    assert_eq!(LoginScopes::parse("view fly"), Err("fly".to_owned()));
    assert_eq!(LoginScopes::from_bits(i64::from(scopes.to_bits())), Some(scopes));
    assert!(LoginScopes::ALL.has(LoginScope::Authorize));
    assert_eq!(LoginScopes::DOCKER.to_string(), "view download modify delete admin");
    assert_eq!(LoginScopes::ALL.to_bits(), 0b11_1111, "no bit is set for a scope that is added later");
    assert_eq!(LoginScopes::from_bits(0xff), Some(LoginScopes::ALL));
}
