//! What an event of the registry means for the records. Events are hints: what makes no sense is put aside
//! with the reason and stops nothing.

use super::image::{Digest, Tag};
use super::principal::UserId;
use super::repository::RepositoryName;
use super::time::Timestamp;

/// The media type of every blob, and of the events of pushes, pulls and mounts of blobs.
const BLOB_MEDIA_TYPE: &str = "application/octet-stream";

/// An event as the registry told it; every part can be absent (`docs/PROTOCOL.md`). An empty string counts
/// as absent, because registries of the 3.x generation write one where 2.8 writes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportedEvent {
    /// `push`, `pull`, `mount`, `delete`, or whatever a later registry says.
    pub action: Option<String>,
    /// The repository's name.
    pub repository: Option<String>,
    /// The digest of the manifest or blob.
    pub digest: Option<String>,
    /// The tag, when the request named one.
    pub tag: Option<String>,
    /// The media type of the manifest.
    pub media_type: Option<String>,
    /// The size of the manifest or blob in bytes.
    pub size: Option<i64>,
    /// Who did it: the `sub` of the token.
    pub actor: Option<String>,
    /// When it happened by the registry's clock.
    pub happened_at: Option<Timestamp>,
}

/// A manifest that was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestPush {
    /// Where to.
    pub repository: RepositoryName,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The tag that points to it now; none when it was pushed by digest.
    pub tag: Option<Tag>,
    /// Its media type; image, index, artifact: all count.
    pub media_type: String,
    /// Its size in bytes, 0 when the registry did not say.
    pub size: i64,
    /// Who pushed; none when the token was nobody's.
    pub pushed_by: Option<UserId>,
}

/// What is done with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventMeaning {
    /// It changes the records.
    Push(ManifestPush),
    /// It is kept and counted, and changes nothing.
    Noted,
    /// It can never be used; the reason is kept with it.
    Unusable(&'static str),
}

impl ReportedEvent {
    /// What the event means.
    #[must_use]
    pub fn meaning(&self) -> EventMeaning {
        match self.action.as_deref() {
            None => EventMeaning::Unusable("it names no action"),
            Some("push") if self.media_type.as_deref() != Some(BLOB_MEDIA_TYPE) => self.push(),
            Some("push" | "pull" | "mount" | "delete") => EventMeaning::Noted,
            Some(_) => EventMeaning::Unusable("its action is not known"),
        }
    }

    fn push(&self) -> EventMeaning {
        let Some(repository) = self.repository.as_deref().and_then(RepositoryName::parse) else {
            return EventMeaning::Unusable("its repository has a name that none can have here");
        };
        let Some(digest) = self.digest.as_deref().and_then(Digest::parse) else {
            return EventMeaning::Unusable("its digest is none");
        };
        let tag = match self.tag.as_deref().map(Tag::parse) {
            Some(None) => return EventMeaning::Unusable("its tag is none"),
            Some(Some(tag)) => Some(tag),
            None => None,
        };
        EventMeaning::Push(ManifestPush {
            repository,
            digest,
            tag,
            media_type: self.media_type.clone().filter(|text| is_media_type(text)).unwrap_or_default(),
            size: self.size.unwrap_or(0).max(0),
            pushed_by: self.actor.as_deref().and_then(|actor| actor.parse().ok()).map(UserId::new),
        })
    }

    /// When the event counts as having happened: by the registry's clock, but never later than it arrived,
    /// so that a registry whose clock is ahead cannot hold a tag against all later pushes.
    #[must_use]
    pub fn effective_time(&self, arrived_at: Timestamp) -> Timestamp {
        self.happened_at.map_or(arrived_at, |happened| happened.min(arrived_at))
    }
}

/// Whether a text can be a media type; anything else is kept out of the records, where a page could show it.
fn is_media_type(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push() -> ReportedEvent {
        ReportedEvent {
            action: Some("push".to_owned()),
            repository: Some("syn5/app".to_owned()),
            digest: Some(format!("sha256:{}", "a".repeat(64))),
            tag: Some("v1".to_owned()),
            media_type: Some("application/vnd.oci.image.index.v1+json".to_owned()),
            size: Some(423),
            actor: Some("3400001".to_owned()),
            happened_at: None,
        }
    }

    #[test]
    fn a_manifest_of_any_media_type_is_recorded() {
        for media_type in ["application/vnd.docker.distribution.manifest.v2+json", "application/x-new", ""] {
            let event = ReportedEvent { media_type: Some(media_type.to_owned()), ..push() };
            let EventMeaning::Push(push) = event.meaning() else { panic!("{media_type}") };
            assert_eq!((push.repository.as_str(), push.tag.unwrap().as_str()), ("syn5/app", "v1"));
            assert_eq!(push.pushed_by, Some(UserId::new(3_400_001)));
        }
    }

    #[test]
    fn blobs_pulls_mounts_and_deletes_are_only_noted() {
        let blob = ReportedEvent { media_type: Some(BLOB_MEDIA_TYPE.to_owned()), tag: None, ..push() };
        assert_eq!(blob.meaning(), EventMeaning::Noted);
        for action in ["pull", "mount", "delete"] {
            let event = ReportedEvent { action: Some(action.to_owned()), ..ReportedEvent::default() };
            assert_eq!(event.meaning(), EventMeaning::Noted, "{action}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_put_aside() {
        let cases = [
            ReportedEvent::default(),
            ReportedEvent { action: Some("explode".to_owned()), ..push() },
            ReportedEvent { repository: None, ..push() },
            ReportedEvent { repository: Some("library/ubuntu".to_owned()), ..push() },
            ReportedEvent { digest: Some("sha256:short".to_owned()), ..push() },
            ReportedEvent { tag: Some("bad tag".to_owned()), ..push() },
        ];
        for event in cases {
            assert!(matches!(event.meaning(), EventMeaning::Unusable(_)), "{event:?}");
        }
    }

    #[test]
    fn an_event_from_the_future_counts_from_its_arrival() {
        let arrival = Timestamp::from_millis(1000);
        let at = |millis| ReportedEvent { happened_at: Some(Timestamp::from_millis(millis)), ..push() };
        assert_eq!(at(5000).effective_time(arrival), arrival);
        assert_eq!(at(500).effective_time(arrival), Timestamp::from_millis(500));
        assert_eq!(push().effective_time(arrival), arrival);
    }
}
