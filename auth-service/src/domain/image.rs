//! Tags and digests, as the registry spells them.

use std::fmt;

/// The digest of a manifest, `sha256:` and 64 hexadecimal digits (or `sha512:` and 128).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// Reads a digest of one of the two algorithms that the OCI image specification registers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hexadecimal) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (hexadecimal.len() == length && hexadecimal.bytes().all(lower_hex)).then(|| Self(text.to_owned()))
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`, compared byte for byte (`V1` and `v1` are two tags).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Reads a tag.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let first = text.bytes().next()?;
        let fits =
            (first.is_ascii_alphanumeric() || first == b'_') && text.len() <= 128 && text.bytes().all(inner);
        fits.then(|| Self(text.to_owned()))
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the tag under which clients keep attachments of another manifest, because the
    /// registry has no referrers API (`sha256-<64 hex>`, also with a suffix such as `.sig`): no tag that a
    /// person gave.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.0.strip_prefix("sha256-").is_some_and(|rest| {
            rest.len() >= 64 && rest.bytes().take(64).all(|byte| byte.is_ascii_hexdigit())
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_lower_case_hexadecimal_of_the_right_length() {
        assert!(Digest::parse(&format!("sha256:{}", "a0".repeat(32))).is_some());
        for bad in [
            "",
            "sha256:",
            "sha256:abc",
            &format!("sha256:{}", "A0".repeat(32)),
            &format!("md5:{}", "a0".repeat(16)),
        ] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn tags_keep_their_case_and_attachments_are_recognised() {
        assert_eq!(Tag::parse("V1.0-x_y").unwrap().as_str(), "V1.0-x_y");
        for bad in ["", ".a", "-a", "a/b", "a:b", &"a".repeat(129)] {
            assert_eq!(Tag::parse(bad), None, "{bad}");
        }
        assert!(Tag::parse(&format!("sha256-{}", "0".repeat(64))).unwrap().is_attachment());
        assert!(!Tag::parse("sha256-short").unwrap().is_attachment());
    }
}
