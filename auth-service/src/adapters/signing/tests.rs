//! Whole lives of key directories: made, rotated, imported, interrupted, and watched.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use tempfile::TempDir;

use super::authority::Authority;
use super::private_key::PrivateKey;
use super::stored_chain::{Origin, StoredChain};
use super::{ImportRequest, KeyDirectory, KeyKind, KeyWatch, SigningAlgorithm};
use crate::domain::time::Timestamp;
use crate::ports::signer::{KeyCondition, Signer};

/// 2026-11-24T00:00:00Z
pub(super) const START: Timestamp = Timestamp::from_seconds(1_795_478_400);

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

pub(super) fn a_key(algorithm: SigningAlgorithm) -> PrivateKey {
    PrivateKey::generate(algorithm).unwrap()
}

pub(super) fn a_chain_for(key: &PrivateKey) -> StoredChain {
    let (authority, _) = Authority::create(false, START).unwrap();
    authority.issue(key.public(), Origin::Made, START).unwrap()
}

pub(super) fn a_chain() -> StoredChain {
    a_chain_for(&a_key(SigningAlgorithm::Es256))
}

/// A directory of keys in a folder that goes away with it.
struct Bench {
    folder: TempDir,
    keys: KeyDirectory,
}

impl Bench {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyDirectory::new(folder.path().join("keys"));
        Self { folder, keys }
    }

    fn with_keys() -> Self {
        let bench = Self::empty();
        bench.keys.init(SigningAlgorithm::Es256, None, START).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn in_keys(&self, name: &str) -> PathBuf {
        self.keys.root().join(name)
    }

    /// Key and certificate files as somebody else made them; the CA above it, if any, signs.
    fn foreign_files(
        &self,
        ca: Option<(&rcgen::CertificateParams, &rcgen::KeyPair)>,
        now: Timestamp,
    ) -> (PathBuf, PathBuf) {
        let key = a_foreign_key();
        let mut parameters = rcgen::CertificateParams::new(vec!["signer.example.org".to_owned()]).unwrap();
        parameters.not_before =
            time::OffsetDateTime::from_unix_timestamp(now.minus(DAY).as_seconds()).unwrap();
        parameters.not_after =
            time::OffsetDateTime::from_unix_timestamp(now.plus(30 * DAY).as_seconds()).unwrap();
        let certificate = match ca {
            None => parameters.self_signed(&key).unwrap(),
            Some((ca, ca_key)) => {
                parameters.signed_by(&key, &rcgen::Issuer::from_params(ca, ca_key)).unwrap()
            }
        };
        let files = (self.path("foreign.key"), self.path("foreign.pem"));
        write_private(&files.0, &key.serialize_pem());
        fs::write(&files.1, certificate.pem()).unwrap();
        files
    }
}

/// A key that can be imported: one in 128 that `KeyPair::generate` makes cannot.
fn a_foreign_key() -> rcgen::KeyPair {
    rcgen::KeyPair::from_pem(&a_key(SigningAlgorithm::Es256).to_pem()).unwrap()
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn from_files<'a>(key: &'a Path, certificate: Option<&'a Path>) -> ImportRequest<'a> {
    ImportRequest { key, certificate, chain: None, ca_key: None }
}

fn kids_in(jwks: &str) -> Vec<String> {
    let set: JwkSet = serde_json::from_str(jwks).unwrap();
    set.keys.into_iter().map(|key| key.common.key_id.unwrap()).collect()
}

#[test]
fn init_makes_a_ca_for_ten_years_and_a_leaf_for_a_week_that_others_cannot_read() {
    let bench = Bench::with_keys();
    let entries = bench.keys.list(START).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].kind, entries[0].active), (KeyKind::Leaf, true));
    assert_eq!((entries[0].not_before, entries[0].not_after), (START.minus(DAY), START.plus(7 * DAY)));
    assert_eq!((entries[1].kind, entries[1].active), (KeyKind::Ca, false));
    assert!(entries[1].not_after > START.plus(3650 * DAY));
    assert_eq!(mode(bench.keys.root()), 0o700);
    assert_eq!(mode(&bench.in_keys("ca.key")), 0o600);
    assert_eq!(mode(&bench.keys.leaf_key_path(&entries[0].kid)), 0o600);
    assert_eq!(bench.keys.bundle().unwrap(), fs::read_to_string(bench.in_keys("ca.pem")).unwrap());
}

#[test]
fn init_refuses_to_replace_keys_and_a_missing_directory_names_init() {
    let bench = Bench::with_keys();
    let sentence = bench.keys.init(SigningAlgorithm::Es256, None, START).unwrap_err().to_string();
    assert!(sentence.contains("already holds signing keys"), "{sentence}");
    for sentence in [
        Bench::empty().keys.load().unwrap_err().to_string(),
        Bench::empty().keys.list(START).unwrap_err().to_string(),
        Bench::empty().keys.bundle().unwrap_err().to_string(),
        Bench::empty().keys.rotate(None, None, START).unwrap_err().to_string(),
    ] {
        assert!(sentence.contains("auth-service key init"), "{sentence}");
    }
}

#[test]
fn a_leaf_never_outlives_the_ca_and_an_ended_ca_issues_none() {
    let bench = Bench::with_keys();
    let ca_ends = bench.keys.list(START).unwrap()[1].not_after;
    let entry = bench.keys.rotate(None, None, ca_ends.minus(HOUR)).unwrap();
    assert_eq!(entry.not_after, ca_ends);
    assert!(!bench.keys.renew_if_due(ca_ends.minus(HOUR / 2)).unwrap(), "nothing to gain");
    let sentence = bench.keys.rotate(None, None, ca_ends).unwrap_err().to_string();
    assert!(sentence.contains("the CA ended on"), "{sentence}");
}

#[test]
fn rotation_destroys_the_old_key_and_lists_it_until_its_tokens_have_run_out() {
    let bench = Bench::with_keys();
    let old = bench.keys.list(START).unwrap().remove(0).kid;
    let new = bench.keys.rotate(None, None, START).unwrap().kid;
    assert_ne!(old, new);
    assert!(!bench.keys.leaf_key_path(&old).exists());
    assert_eq!(bench.keys.load().unwrap().kid(), new);
    let watch = KeyWatch::open(bench.keys.clone(), START).unwrap();
    assert_eq!(kids_in(&watch.jwks()), [new.clone(), old]);
    watch.look(START.plus(26 * HOUR));
    assert_eq!(kids_in(&watch.jwks()), [new]);
    bench.keys.rotate(None, None, START.plus(26 * HOUR)).unwrap();
    assert_eq!(fs::read_dir(bench.in_keys("retired")).unwrap().count(), 1);
}

#[test]
fn rotation_can_change_the_algorithm_and_keeps_it_afterwards() {
    let bench = Bench::with_keys();
    assert_eq!(bench.keys.rotate(Some(SigningAlgorithm::Rs256), None, START).unwrap().algorithm, "RS256");
    assert_eq!(bench.keys.rotate(None, None, START).unwrap().algorithm, "RS256");
}

#[test]
fn with_the_ca_key_elsewhere_leaves_live_ninety_days_and_nothing_renews_itself() {
    let bench = Bench::empty();
    let ca_key = bench.path("safe.key");
    let entry = bench.keys.init(SigningAlgorithm::Es256, Some(&ca_key), START).unwrap();
    assert_eq!(entry.not_after, START.plus(90 * DAY));
    assert_eq!(mode(&ca_key), 0o600);
    assert!(!bench.in_keys("ca.key").exists());
    let later = START.plus(80 * DAY);
    assert!(!bench.keys.renew_if_due(later).unwrap());
    let sentence = bench.keys.rotate(None, None, later).unwrap_err().to_string();
    assert!(sentence.contains("--ca-key"), "{sentence}");
    assert_eq!(bench.keys.rotate(None, Some(&ca_key), later).unwrap().not_after, later.plus(90 * DAY));
}

#[test]
fn a_wrong_or_exposed_ca_key_is_refused() {
    let bench = Bench::with_keys();
    let wrong = bench.path("wrong.key");
    write_private(&wrong, &a_key(SigningAlgorithm::Es256).to_pem());
    let sentence = bench.keys.rotate(None, Some(&wrong), START).unwrap_err().to_string();
    assert!(sentence.contains("is not the private key of the CA"), "{sentence}");
    fs::set_permissions(bench.in_keys("ca.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let sentence = bench.keys.rotate(None, None, START).unwrap_err().to_string();
    assert!(sentence.contains("chmod 600"), "{sentence}");
}

#[test]
fn an_exposed_signing_key_is_not_loaded() {
    let bench = Bench::with_keys();
    let key = bench.keys.leaf_key_path(&bench.keys.current_kid().unwrap());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let sentence = bench.keys.load().unwrap_err().to_string();
    assert!(sentence.contains(&format!("chmod 600 {}", key.display())), "{sentence}");
}

#[test]
fn a_key_imported_alone_gets_our_certificate_and_keeps_its_name_when_that_is_renewed() {
    let bench = Bench::empty();
    let key = bench.path("mine.key");
    write_private(&key, &a_key(SigningAlgorithm::Es256).to_pem());
    let entry = bench.keys.import(from_files(&key, None), START).unwrap();
    assert_eq!((entry.kind, entry.not_after), (KeyKind::Imported, START.plus(7 * DAY)));
    assert!(bench.in_keys("ca.key").exists());
    let later = START.plus(4 * DAY);
    assert!(bench.keys.renew_if_due(later).unwrap());
    let renewed = bench.keys.list(later).unwrap().remove(0);
    assert_eq!((renewed.kid, renewed.not_after), (entry.kid, later.plus(7 * DAY)));
}

#[test]
fn a_foreign_certificate_goes_into_the_bundle_alone_and_is_never_replaced_unasked() {
    let bench = Bench::empty();
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let (key, certificate) = bench.foreign_files(Some((&ca, &ca_key)), START);
    let chain = bench.path("ca.pem");
    fs::write(&chain, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let request = ImportRequest { chain: Some(&chain), ..from_files(&key, Some(&certificate)) };
    let entry = bench.keys.import(request, START).unwrap();
    assert_eq!((entry.kind, entry.not_after), (KeyKind::Imported, START.plus(30 * DAY)));
    assert_eq!(bench.keys.bundle().unwrap(), fs::read_to_string(&certificate).unwrap());
    assert_eq!(bench.keys.load().unwrap().chain().x5c().len(), 2);
    assert!(!bench.keys.renew_if_due(START.plus(29 * DAY)).unwrap());
    let sentence = bench.keys.rotate(None, None, START).unwrap_err().to_string();
    assert!(sentence.contains("key import"), "{sentence}");
}

#[test]
fn certificates_that_do_not_fit_are_refused() {
    let bench = Bench::empty();
    let refused = |request, now| bench.keys.import(request, now).unwrap_err().to_string();
    let (key, certificate) = bench.foreign_files(None, START);
    let late = refused(from_files(&key, Some(&certificate)), START.plus(30 * DAY));
    assert!(late.contains("ended on"), "{late}");
    let early = refused(from_files(&key, Some(&certificate)), START.minus(2 * DAY));
    assert!(early.contains("is valid from"), "{early}");
    let other_ca = bench.path("other.pem");
    fs::write(&other_ca, bench_certificate()).unwrap();
    let unrelated = ImportRequest { chain: Some(&other_ca), ..from_files(&key, Some(&certificate)) };
    assert!(refused(unrelated, START).contains("did not sign"));
    write_private(&key, &a_key(SigningAlgorithm::Es256).to_pem());
    let mismatch = refused(from_files(&key, Some(&certificate)), START);
    assert!(mismatch.contains("is not the certificate of the key"), "{mismatch}");
    assert!(!bench.keys.root().exists(), "nothing is written for a refused import");
}

fn bench_certificate() -> String {
    a_chain().others[0].to_pem()
}

#[test]
fn a_ca_below_another_ca_is_refused_as_a_leaf() {
    let bench = Bench::empty();
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let (ca_key, key) = (rcgen::KeyPair::generate().unwrap(), a_foreign_key());
    let mut below = ca.clone();
    below.distinguished_name.push(rcgen::DnType::CommonName, "below");
    let certificate = below.signed_by(&key, &rcgen::Issuer::from_params(&ca, &ca_key)).unwrap();
    let files = (bench.path("below.key"), bench.path("below.pem"));
    write_private(&files.0, &key.serialize_pem());
    fs::write(&files.1, certificate.pem()).unwrap();
    let sentence = bench.keys.import(from_files(&files.0, Some(&files.1)), START).unwrap_err().to_string();
    assert!(sentence.contains("is the certificate of a CA"), "{sentence}");
}

#[test]
fn a_command_that_died_half_way_is_swept_up_by_the_next_rotation() {
    let bench = Bench::with_keys();
    let active = bench.keys.current_kid().unwrap();
    let stray = "A".repeat(43);
    for (name, text) in [
        (format!("leaf/{stray}.key"), "secret"),
        ("leaf/.x.key.0123456789abcdef".to_owned(), "secret"),
        (".ca.key.0123456789abcdef".to_owned(), "secret"),
        (".gitignore".to_owned(), "*"),
    ] {
        write_private(&bench.in_keys(&name), text);
    }
    assert_eq!(bench.keys.load().unwrap().kid(), active, "until then the old key signs");
    bench.keys.rotate(None, None, START).unwrap();
    assert_eq!(fs::read_dir(bench.in_keys("leaf")).unwrap().count(), 2);
    assert!(!bench.in_keys(".ca.key.0123456789abcdef").exists());
    assert!(bench.in_keys(".gitignore").exists());
}

/// A file of a directory of keys, by its place in it.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_in(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn init_finishes_whatever_an_init_that_was_killed_has_left() {
    let whole = Bench::with_keys();
    let names: Vec<PathBuf> = files_in(whole.keys.root())
        .into_iter()
        .map(|path| path.strip_prefix(whole.keys.root()).unwrap().to_owned())
        .filter(|name| name != Path::new("current"))
        .collect();
    assert!(names.len() >= 5, "{names:?}");
    for chosen in 0..1 << names.len() {
        let killed = Bench::empty();
        let is_there = |name: &str| {
            names.iter().position(|one| one == Path::new(name)).is_some_and(|at| chosen >> at & 1 == 1)
        };
        // The CA's key is written before its certificate.
        if is_there("ca.pem") && !is_there("ca.key") {
            continue;
        }
        for name in names.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1).map(|(_, name)| name) {
            fs::create_dir_all(killed.keys.root().join(name).parent().unwrap()).unwrap();
            fs::copy(whole.keys.root().join(name), killed.keys.root().join(name)).unwrap();
        }
        let sentence = killed.keys.list(START).unwrap_err().to_string();
        assert!(sentence.contains("auth-service key init"), "{sentence}");
        let made = killed.keys.init(SigningAlgorithm::Es256, None, START).unwrap();
        assert_eq!(killed.keys.load().unwrap().kid(), made.kid);
        assert_eq!(killed.keys.bundle().unwrap(), fs::read_to_string(killed.in_keys("ca.pem")).unwrap());
        assert_eq!(fs::read_dir(killed.in_keys("leaf")).unwrap().count(), 2);
    }
}

#[test]
fn init_asks_for_the_key_of_a_ca_that_is_kept_elsewhere() {
    let bench = Bench::empty();
    let ca_key = bench.path("safe.key");
    bench.keys.init(SigningAlgorithm::Es256, Some(&ca_key), START).unwrap();
    fs::remove_file(bench.in_keys("current")).unwrap();
    let sentence = bench.keys.init(SigningAlgorithm::Es256, None, START).unwrap_err().to_string();
    assert!(sentence.contains("--ca-key"), "{sentence}");
    bench.keys.init(SigningAlgorithm::Es256, Some(&ca_key), START).unwrap();
}

#[test]
fn a_leaf_that_was_made_while_the_clock_was_ahead_is_renewed_when_it_is_right_again() {
    let bench = Bench::with_keys();
    let watch = KeyWatch::open(bench.keys.clone(), START).unwrap();
    watch.look(START.plus(4 * DAY));
    assert!(!watch.condition(START).is_usable(), "the leaf is from the future");
    watch.look(START);
    assert_eq!(watch.condition(START), KeyCondition::Usable { not_after: START.plus(7 * DAY) });
}

#[test]
fn a_renewal_that_failed_while_the_clock_was_ahead_is_tried_again_when_it_is_right() {
    let bench = Bench::with_keys();
    let watch = KeyWatch::open(bench.keys.clone(), START).unwrap();
    fs::rename(bench.in_keys("ca.pem"), bench.path("aside")).unwrap();
    watch.look(START.plus(400 * DAY));
    fs::rename(bench.path("aside"), bench.in_keys("ca.pem")).unwrap();
    let due = START.plus(4 * DAY);
    watch.look(due);
    assert_eq!(watch.condition(due), KeyCondition::Usable { not_after: due.plus(7 * DAY) });
}

#[test]
fn keys_that_a_clock_ahead_has_made_say_so_and_name_the_cure() {
    let bench = Bench::empty();
    bench.keys.init(SigningAlgorithm::Es256, None, START.plus(30 * DAY)).unwrap();
    let condition = bench.keys.load().unwrap().condition(START).to_string();
    assert!(condition.contains("key rotate") && condition.contains("clock"), "{condition}");
    let sentence = bench.keys.rotate(None, None, START).unwrap_err().to_string();
    assert!(sentence.contains("key init"), "{sentence}");
}

#[test]
fn a_certificate_that_can_issue_others_is_not_imported_self_signed_or_not() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyUsagePurpose};
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut constrained = CertificateParams::default();
    constrained.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let mut by_usage = CertificateParams::default();
    by_usage.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let mut leaf = CertificateParams::default();
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    for (parameters, is_taken) in [(ca, false), (constrained, false), (by_usage, false), (leaf, true)] {
        let bench = Bench::empty();
        let key = a_foreign_key();
        let files = (bench.path("its.key"), bench.path("its.pem"));
        write_private(&files.0, &key.serialize_pem());
        fs::write(&files.1, parameters.self_signed(&key).unwrap().pem()).unwrap();
        let imported = bench.keys.import(from_files(&files.0, Some(&files.1)), START);
        assert_eq!(imported.is_ok(), is_taken);
        if let Err(error) = imported {
            assert!(error.to_string().contains("is the certificate of a CA"), "{error}");
            assert!(!bench.keys.root().exists(), "it was written down");
        }
    }
}

/// Of version 1, as `openssl x509 -req` makes it: Go takes it for a CA if it is among the roots.
const VERSION_1: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBFjCBvQIUIeVKRxVgYmcb7W9Sd68q0m9HIeswCgYIKoZIzj0EAwIwDTELMAkG\n\
    A1UEAwwCdjEwIBcNMjYxMTI3MTEzMzU5WhgPMjEyNjExMDMxMTMzNTlaMA0xCzAJ\n\
    BgNVBAMMAnYxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEidto1jvcOsywffAd\n\
    9/qn4RU/8IRqrfNEz7yjMgwaSb3unCBngSzHgbmkJQ4oFr8ckQE9WPBok7V9k52x\n\
    Fa5frzAKBggqhkjOPQQDAgNIADBFAiAdVG28QlMERhXZ1psU/W1dcSr22gQl/Z7p\n\
    UP/8QkRIjwIhAJV/2GN3xPoIpqlXdWPYEqGg9VomyO9PsM0tsCUXp6Ex\n\
    -----END CERTIFICATE-----\n";

#[test]
fn a_certificate_of_before_version_3_can_issue_others() {
    let certificates = super::certificate::Certificate::all_from_pem(VERSION_1.as_bytes()).unwrap();
    assert!(certificates[0].can_issue);
    assert!(!a_chain().leaf.can_issue);
}

#[test]
fn a_lost_or_damaged_current_file_is_repaired_by_rotation() {
    let bench = Bench::with_keys();
    fs::write(bench.in_keys("current"), "../../etc/passwd\n").unwrap();
    let sentence = bench.keys.load().unwrap_err().to_string();
    assert!(sentence.contains("key rotate"), "{sentence}");
    bench.keys.rotate(None, None, START).unwrap();
    bench.keys.load().unwrap();
}

#[test]
fn a_watch_uses_the_key_that_another_process_made_active() {
    let bench = Bench::with_keys();
    let watch = KeyWatch::open(bench.keys.clone(), START).unwrap();
    let new = bench.keys.rotate(None, None, START).unwrap().kid;
    watch.refresh(START);
    let header = jsonwebtoken::decode_header(watch.sign(b"{}").unwrap()).unwrap();
    assert_eq!(header.kid.as_deref(), Some(new.as_str()));
}

#[test]
fn a_watch_keeps_its_key_while_the_directory_is_half_done_and_takes_the_new_one_when_it_is_complete() {
    let bench = Bench::with_keys();
    let watch = KeyWatch::open(bench.keys.clone(), START).unwrap();
    let before = watch.jwks();
    let new = bench.keys.rotate(None, None, START).unwrap().kid;
    let key = bench.keys.leaf_key_path(&new);
    fs::rename(&key, bench.path("aside")).unwrap();
    watch.look(START);
    assert_eq!(watch.jwks(), before);
    assert!(watch.sign(b"{}").is_ok());
    fs::rename(bench.path("aside"), &key).unwrap();
    watch.look(START);
    assert_eq!(kids_in(&watch.jwks())[0], new);
    fs::remove_dir_all(bench.keys.root()).unwrap();
    watch.look(START);
    assert!(watch.sign(b"{}").is_ok());
}

#[test]
fn of_two_watches_one_renews_at_half_life_and_both_use_it() {
    let bench = Bench::with_keys();
    let open = || KeyWatch::open(bench.keys.clone(), START).unwrap();
    let (one, two) = (open(), open());
    one.look(START.plus(2 * DAY));
    assert_eq!(kids_in(&one.jwks()).len(), 1, "not yet");
    let due = START.plus(3 * DAY);
    for watch in [&one, &two, &one] {
        watch.look(due);
    }
    assert_eq!(one.condition(due), KeyCondition::Usable { not_after: due.plus(7 * DAY) });
    assert_eq!(kids_in(&one.jwks()).len(), 2);
    assert_eq!(one.jwks(), two.jwks());
}

#[tokio::test]
async fn the_watching_task_follows_a_rotation_within_a_second_and_ends_when_told() {
    struct StoppedClock;
    impl crate::ports::system::Clock for StoppedClock {
        fn now(&self) -> Timestamp {
            START
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }
    let bench = Bench::with_keys();
    let watch = std::sync::Arc::new(KeyWatch::open(bench.keys.clone(), START).unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(std::sync::Arc::clone(&watch).watch(std::sync::Arc::new(StoppedClock), async {
        let _ = stopped.await;
    }));
    let new = bench.keys.rotate(None, None, START).unwrap().kid;
    let taken_over = async {
        while kids_in(&watch.jwks())[0] != new {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), taken_over).await.unwrap();
    stop.send(()).unwrap();
    task.await.unwrap();
}
