//! The numbers of projects, which must never be those of images that the registry still has.

use std::sync::atomic::Ordering;
use std::time::Duration;

use auth_service::app::raise_numbers::NumbersUnknown;
use auth_service::domain::facts::RepositoryFacts;
use auth_service::ports::registry::Holding;

use super::fakes::Outside;

fn holds(outside: &Outside, names: &[&str]) {
    outside.change(|world| {
        world.held_by_registry = names.iter().map(|name| ((*name).to_owned(), Holding::Tagged)).collect();
    });
}

#[tokio::test]
async fn numbers_are_raised_above_all_that_the_whole_catalogue_uses() {
    let outside = Outside::new();
    holds(&outside, &["syn12/a", "syn7/a", "syn7/b", "other/syn99", "syn9/z", "library/x"]);
    outside.raise_numbers().ensure().await.unwrap();
    assert_eq!(outside.highest_number.load(Ordering::SeqCst), 12);
}

#[tokio::test]
async fn names_of_the_catalogue_without_a_record_are_quarantined() {
    let outside = Outside::new();
    holds(&outside, &["syn5/app", "syn5/lost"]);
    outside.raise_numbers().run().await.unwrap();
    let world = outside.world.lock().unwrap();
    assert_eq!(world.repositories["syn5/app"], RepositoryFacts::PLAIN);
    assert_eq!(world.repositories["syn5/lost"], RepositoryFacts::Quarantined);
}

#[tokio::test]
async fn without_the_registry_no_numbers_are_raised_and_the_error_says_what_to_start() {
    let outside = Outside::new();
    outside.registry_down.store(true, Ordering::SeqCst);
    let error = outside.raise_numbers().ensure().await.unwrap_err();
    assert!(matches!(error, NumbersUnknown::Registry(_)));
    assert!(error.to_string().contains("start the registry"), "{error}");
    assert_eq!(*outside.numbers_raised_at.lock().unwrap(), None);
}

#[tokio::test]
async fn that_numbers_were_raised_is_believed_for_an_hour_and_in_the_same_process_for_ever() {
    let outside = Outside::new();
    let first = outside.raise_numbers();
    first.ensure().await.unwrap();
    outside.registry_down.store(true, Ordering::SeqCst);
    outside.raise_numbers().ensure().await.unwrap();
    outside.change(|world| world.seconds += 3_600);
    outside.raise_numbers().ensure().await.unwrap_err();
    first.ensure().await.unwrap();
    // A time that is still to come is that of another clock.
    outside.change(|world| world.seconds -= 7_200);
    outside.raise_numbers().ensure().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_the_catalogue_continue_once_it_was_read() {
    let outside = Outside::new();
    let numbers = outside.raise_numbers();
    assert!(!numbers.is_done_within(Duration::from_secs(1)).await);
    let (waited, raised) = tokio::join!(numbers.is_done_within(Duration::from_secs(1)), numbers.run());
    raised.unwrap();
    assert!(waited);
}
