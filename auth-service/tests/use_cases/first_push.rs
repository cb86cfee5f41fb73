//! Names that are used for the first time.

use std::sync::atomic::Ordering;

use auth_service::app::first_push::FirstPushError;
use auth_service::domain::principal::UserId;
use auth_service::domain::repository::RepositoryName;
use auth_service::ports::items::Reservation;

use super::fakes::{ALICE, Outside};

fn name() -> RepositoryName {
    RepositoryName::parse("syn5/new").unwrap()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reserved_before_the_numbers_in_use_are_known() {
    let outside = Outside::new();
    let first_push = outside.first_push();
    assert!(matches!(first_push.reserve(&name(), ALICE).await, Err(FirstPushError::CatalogueUnread)));
    let name = name();
    let (reserved, raised) = tokio::join!(first_push.reserve(&name, ALICE), first_push.raise_numbers());
    raised.unwrap();
    assert_eq!(reserved.unwrap(), Reservation::Made);
    assert_eq!(outside.highest_number.load(Ordering::SeqCst), 7);
}

#[tokio::test]
async fn of_two_who_push_a_new_name_one_gets_it() {
    let outside = Outside::new();
    let first_push = outside.first_push();
    first_push.raise_numbers().await.unwrap();
    let other = UserId::new(3_400_002);
    let (name, same_name) = (name(), name());
    let (one, two) = tokio::join!(first_push.reserve(&name, ALICE), first_push.reserve(&same_name, other));
    assert_eq!([one.unwrap(), two.unwrap()], [Reservation::Made, Reservation::NameKnown]);
}
