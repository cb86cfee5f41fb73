//! Rules by which a token acts for a robot account: how one is written, and whether two can be told apart.

use std::fmt;

use super::super::fault::quoted;

/// When a token acts for a robot account: every claim named has to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotRule {
    /// The name of the robot account.
    pub robot: String,
    /// Each claim once, with what it has to be.
    pub claims: Vec<(String, ClaimPattern)>,
}

/// What a claim has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPattern {
    /// This text.
    Exact(String),
    /// A text that begins so.
    Prefix(String),
}

impl RobotRule {
    /// Reads `ROBOT: claim=value claim=value …`; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let shown = quoted(text);
        let Some((robot, claims)) = text.split_once(':') else {
            return Err(format!("{shown} does not begin with a robot account and a colon"));
        };
        if !is_robot(robot.trim()) {
            let problem = "is no name of a robot account, which has 1 to 64 of a-z, 0-9, `.`, `_` and `-`";
            return Err(format!("{} of {shown} {problem}", quoted(robot.trim())));
        }
        let mut rule = Self { robot: robot.trim().to_owned(), claims: Vec::new() };
        for part in claims.split_whitespace() {
            let (claim, pattern) = parse_claim(part).map_err(|problem| format!("{shown} {problem}"))?;
            if rule.claim(&claim).is_some() {
                return Err(format!("{shown} names the claim {} twice", quoted(&claim)));
            }
            rule.claims.push((claim, pattern));
        }
        if rule.claims.is_empty() {
            return Err(format!("{shown} names no claim"));
        }
        Ok(rule)
    }

    /// What the rule asks of a claim.
    pub(super) fn claim(&self, name: &str) -> Option<&ClaimPattern> {
        self.claims.iter().find(|(claim, _)| claim == name).map(|(_, pattern)| pattern)
    }

    /// Whether some token could match both rules. No token can, if there is a claim whose two patterns share
    /// no text.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let is_apart = |(claim, pattern): &(String, ClaimPattern)| {
            other.claim(claim).is_some_and(|theirs| !pattern.overlaps(theirs))
        };
        !self.claims.iter().any(is_apart)
    }
}

impl fmt::Display for RobotRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.robot)?;
        self.claims.iter().try_for_each(|(claim, pattern)| write!(formatter, " {claim}={pattern}"))
    }
}

impl ClaimPattern {
    fn parse(text: &str) -> Result<Self, String> {
        let (start, is_prefix) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        if start.is_empty() {
            return Err("without a character before the star".to_owned());
        }
        if start.contains('*') {
            return Err("with a star before the end".to_owned());
        }
        let start = start.to_owned();
        Ok(if is_prefix { Self::Prefix(start) } else { Self::Exact(start) })
    }

    /// Whether there is a text that both match.
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(one), Self::Exact(two)) => one == two,
            (Self::Exact(text), Self::Prefix(start)) | (Self::Prefix(start), Self::Exact(text)) => {
                text.starts_with(start.as_str())
            }
            (Self::Prefix(one), Self::Prefix(two)) => {
                one.starts_with(two.as_str()) || two.starts_with(one.as_str())
            }
        }
    }
}

impl fmt::Display for ClaimPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => formatter.write_str(text),
            Self::Prefix(start) => write!(formatter, "{start}*"),
        }
    }
}

fn parse_claim(part: &str) -> Result<(String, ClaimPattern), String> {
    let parts = part.split_once('=').filter(|(claim, value)| !claim.is_empty() && !value.is_empty());
    let Some((claim, value)) = parts else {
        return Err(format!("holds {} where `claim=value` belongs", quoted(part)));
    };
    let pattern =
        ClaimPattern::parse(value).map_err(|problem| format!("gives {} a value {problem}", quoted(claim)))?;
    Ok((claim.to_owned(), pattern))
}

fn is_robot(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        let rule = RobotRule::parse(" ci.main :  ref=refs/tags/v*   sub=repo:a/b=c ").unwrap();
        assert_eq!(rule.robot, "ci.main");
        assert_eq!(
            rule.claims,
            [
                ("ref".to_owned(), ClaimPattern::Prefix("refs/tags/v".to_owned())),
                ("sub".to_owned(), ClaimPattern::Exact("repo:a/b=c".to_owned())),
            ]
        );
        assert_eq!(rule.to_string(), "ci.main: ref=refs/tags/v* sub=repo:a/b=c");
        assert_eq!(RobotRule::parse(&rule.to_string()), Ok(rule));
    }

    #[test]
    fn a_rule_that_is_none_is_told_why() {
        for (text, problem) in [
            ("ref=main", "does not begin with a robot account and a colon"),
            ("CI: ref=main", "is no name of a robot account"),
            ("ref=main sub=repo:x", "is no name of a robot account"),
            (": ref=main", "is no name of a robot account"),
            ("ci:", "names no claim"),
            ("ci: ref", "holds \"ref\" where `claim=value` belongs"),
            ("ci: =main", "where `claim=value` belongs"),
            ("ci: ref=", "where `claim=value` belongs"),
            ("ci: ref=*", "gives \"ref\" a value without a character before the star"),
            ("ci: ref=a*b", "gives \"ref\" a value with a star before the end"),
            ("ci: ref=a**", "gives \"ref\" a value with a star before the end"),
            ("ci: ref=a env=b ref=c", "names the claim \"ref\" twice"),
        ] {
            let said = RobotRule::parse(text).unwrap_err();
            assert!(said.contains(problem), "{text}: {said}");
        }
    }

    #[test]
    fn two_patterns_overlap_exactly_if_there_is_a_text_for_both() {
        let matches = |pattern: &ClaimPattern, text: &str| match pattern {
            ClaimPattern::Exact(exact) => exact == text,
            ClaimPattern::Prefix(start) => text.starts_with(start.as_str()),
        };
        // Texts as long as the longest pattern are enough to find one for both.
        let texts = ["a", "b", "aa", "ab", "ba", "bb"];
        let patterns: Vec<ClaimPattern> = texts
            .iter()
            .flat_map(|text| [text.to_string(), format!("{text}*")])
            .map(|text| ClaimPattern::parse(&text).unwrap())
            .collect();
        for one in &patterns {
            for two in &patterns {
                let expected = texts.iter().any(|text| matches(one, text) && matches(two, text));
                assert_eq!(one.overlaps(two), expected, "{one} {two}");
            }
        }
    }

    #[test]
    fn rules_are_apart_by_one_claim_that_both_name() {
        for (one, two, expected) in [
            ("a: id=1 ref=main", "b: id=2 ref=main", false),
            ("a: id=1 ref=main", "b: id=1 ref=main", true),
            ("a: id=1 ref=main", "a: id=1 ref=main", true),
            ("a: id=1 ref=main", "b: id=1 ref=m*", true),
            ("a: id=1 ref=main", "b: id=1 ref=v*", false),
            ("a: id=1 ref=v*", "b: id=1 ref=v1*", true),
            ("a: id=1 env=x", "b: id=1 ref=main", true),
            ("a: id=1 env=x ref=main", "b: ref=next id=1", false),
        ] {
            let [one, two] = [one, two].map(|text| RobotRule::parse(text).unwrap());
            assert_eq!(one.overlaps(&two), expected, "{one} / {two}");
            assert_eq!(two.overlaps(&one), expected, "{two} / {one}");
        }
    }
}
