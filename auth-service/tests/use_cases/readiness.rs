//! Readiness to read and to write are separate answers, and not every request causes a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use auth_service::app::readiness::{Purpose, Readiness, WriteTrials, Writing};
use auth_service::domain::time::Timestamp;
use auth_service::ports::StorageError;
use auth_service::ports::storage::Storage;
use auth_service::ports::system::Clock;
use tokio::sync::watch;

use super::fakes::Outside;

/// What the disk does with a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disk {
    Works,
    IsFull,
    Hangs,
}

struct Machine {
    disk: watch::Sender<Disk>,
    writes: AtomicUsize,
    seconds: AtomicU64,
}

#[async_trait]
impl Storage for Machine {
    async fn write_nothing_new(&self) -> Result<(), StorageError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let mut disk = self.disk.subscribe();
        let disk = *disk.wait_for(|disk| *disk != Disk::Hangs).await.unwrap();
        if disk == Disk::Works { Ok(()) } else { Err(StorageError::Unavailable("disk full".to_owned())) }
    }
}

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }
}

impl Machine {
    fn with(disk: Disk) -> (Arc<Self>, Readiness) {
        let machine = Arc::new(Self {
            disk: watch::Sender::new(disk),
            writes: AtomicUsize::new(0),
            seconds: AtomicU64::new(100),
        });
        let outside = Outside::new();
        let readiness = Readiness {
            facts: outside.clone(),
            trials: WriteTrials::new(machine.clone(), machine.clone()),
            signer: outside.clone(),
            clock: outside,
        };
        (machine, readiness)
    }

    fn later(&self, disk: Disk) {
        self.seconds.fetch_add(2, Ordering::SeqCst);
        self.disk.send_replace(disk);
    }
}

#[tokio::test]
async fn on_a_full_disk_the_service_is_ready_to_read_and_not_to_write_until_there_is_room() {
    let (machine, readiness) = Machine::with(Disk::IsFull);
    let report = readiness.check(Purpose::Reading).await;
    assert!(report.is_ready() && matches!(report.writing, Writing::Fails(_)));
    assert!(!readiness.check(Purpose::Writing).await.is_ready());
    machine.later(Disk::Works);
    let report = readiness.check(Purpose::Writing).await;
    assert!(report.is_ready() && report.writing == Writing::Works);
}

#[tokio::test(start_paused = true)]
async fn reads_do_not_wait_for_a_disk_that_hangs() {
    let (machine, readiness) = Machine::with(Disk::Hangs);
    let report = tokio::time::timeout(Duration::from_millis(500), readiness.check(Purpose::Reading)).await;
    let report = report.expect("it waits");
    assert!(report.is_ready() && report.writing == Writing::Unknown);
    let writing = tokio::time::timeout(Duration::from_millis(500), readiness.check(Purpose::Writing)).await;
    assert!(writing.is_err(), "it says something that it cannot know");
    assert_eq!(machine.writes.load(Ordering::SeqCst), 1, "a second write waits behind the first");
    machine.later(Disk::Works);
    assert!(readiness.check(Purpose::Writing).await.is_ready());
}

#[tokio::test]
async fn a_thousand_who_ask_at_once_make_one_write_a_second() {
    let (machine, readiness) = Machine::with(Disk::Works);
    for round in 1..=3 {
        let all = (0..1_000).map(|_| readiness.check(Purpose::Writing));
        assert!(
            futures_util::future::join_all(all)
                .await
                .iter()
                .all(auth_service::app::readiness::Report::is_ready)
        );
        assert_eq!(machine.writes.load(Ordering::SeqCst), round);
        machine.later(Disk::Works);
    }
}
