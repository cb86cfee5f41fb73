//! Project numbers: the `syn123` of an image name.

use std::fmt;

/// The number of a project or repository; both come from one sequence and are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(i64);

impl EntityId {
    /// From the number as stored.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number as stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Reads a number as programs write it in paths: `syn123`, `SYN123` or `123`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_prefixed = text.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("syn"));
        parse_number(if is_prefixed { &text[3..] } else { text }).map(Self)
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "syn{}", self.0)
    }
}

/// The number of a project, shown as `syn123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(i64);

impl ProjectId {
    /// From the number as stored.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number as stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Reads `syn123`: no upper case, no leading zero, at most 18 digits. `syn007` is not another way to
    /// write `syn7`, because the registry would keep the two apart.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_number(text.strip_prefix("syn")?).map(Self)
    }
}

fn parse_number(digits: &str) -> Option<i64> {
    let is_well_formed = (1..=18).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_well_formed.then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for ProjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "syn{}", self.0)
    }
}

impl From<ProjectId> for EntityId {
    fn from(project: ProjectId) -> Self {
        Self(project.0)
    }
}

/// What a project is called by people: 1 to 256 letters, digits, spaces and `,_.-+()'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

impl ProjectName {
    /// Reads a name, with white space at its ends cut off.
    pub fn parse(text: &str) -> Result<Self, BadProjectName> {
        let name = text.trim();
        let fits = name.chars().all(|c| c.is_alphanumeric() || " ,_.-+()'".contains(c));
        if name.is_empty() || name.chars().count() > 256 || !fits {
            return Err(BadProjectName);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no project name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a project's name has 1 to 256 letters, digits, spaces and characters of ,_.-+()'")]
pub struct BadProjectName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_of_a_project_is_read() {
        assert_eq!(ProjectId::parse("syn7"), Some(ProjectId(7)));
        for bad in ["syn", "syn0", "syn007", "SYN7", "syn-7", "syn7x", "7", "syn1234567890123456789"] {
            assert_eq!(ProjectId::parse(bad), None, "{bad}");
        }
    }
    #[test]
    fn an_entity_is_read_with_and_without_its_prefix() {
        for good in ["syn7", "SYN7", "Syn7", "7", " syn7 "] {
            assert_eq!(EntityId::parse(good), Some(EntityId(7)), "{good}");
        }
        for bad in [
            "",
            "syn",
            "syn0",
            "syn007",
            "007",
            "sy7",
            "syn-7",
            "syn7.1",
            "synsyn7",
            "1234567890123456789",
            "é7",
            "\u{e9}\u{e9}7",
        ] {
            assert_eq!(EntityId::parse(bad), None, "{bad}");
        }
    }
}
