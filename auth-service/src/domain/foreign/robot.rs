//! Which robot account a job of a CI system acts for: by rules on claims that nobody but the system sets.

use std::fmt;

use super::claims::ForeignClaims;
use crate::domain::account::AccountName;

/// What one claim must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPattern {
    /// Exactly this.
    Exact(String),
    /// Anything that begins with this.
    Prefix(String),
}

impl ClaimPattern {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
        }
    }

    /// Whether there is a text that both match.
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(text), any) | (any, Self::Exact(text)) => any.matches(text),
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

/// A job whose claims all match acts for the robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotRule {
    /// The robot account.
    pub robot: AccountName,
    /// Claims and what they must be, each claim once.
    pub claims: Vec<(String, ClaimPattern)>,
}

impl RobotRule {
    /// What the rule requires of a claim.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&ClaimPattern> {
        self.claims.iter().find(|(claim, _)| claim == name).map(|(_, pattern)| pattern)
    }

    /// Whether one token could match both rules. None can, if the two patterns of one claim have no text in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.claims
            .iter()
            .all(|(claim, pattern)| other.claim(claim).is_none_or(|theirs| pattern.overlaps(theirs)))
    }
}

impl fmt::Display for RobotRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.robot)?;
        self.claims.iter().try_for_each(|(claim, pattern)| write!(formatter, " {claim}={pattern}"))
    }
}

/// Why a job acts for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRobot {
    /// No rule matches.
    NoRule,
    /// More than one does, which the check of the configuration lets nobody write.
    SeveralRules,
}

/// The robot of the one rule that matches.
pub fn robot_of<'r>(rules: &'r [RobotRule], claims: &ForeignClaims) -> Result<&'r AccountName, NoRobot> {
    let mut matching = rules.iter().filter(|rule| {
        rule.claims.iter().all(|(name, pattern)| claims.text(name).is_some_and(|text| pattern.matches(&text)))
    });
    match (matching.next(), matching.next()) {
        (Some(rule), None) => Ok(&rule.robot),
        (None, _) => Err(NoRobot::NoRule),
        (Some(_), Some(_)) => Err(NoRobot::SeveralRules),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(robot: &str, repository: &str, reference: ClaimPattern) -> RobotRule {
        let exact = |text: &str| ClaimPattern::Exact(text.to_owned());
        RobotRule {
            robot: AccountName::parse(robot).unwrap(),
            claims: vec![
                ("repository_id".to_owned(), exact(repository)),
                ("event_name".to_owned(), exact("push")),
                ("ref".to_owned(), reference),
            ],
        }
    }

    fn claims(repository: &str, event: &str, reference: &str) -> ForeignClaims {
        let json = serde_json::json!({"repository_id": repository, "event_name": event, "ref": reference});
        ForeignClaims::read(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_claim_of_a_rule_must_match_from_its_beginning() {
        let main = ClaimPattern::Exact("refs/heads/main".to_owned());
        let tags = ClaimPattern::Prefix("refs/tags/v".to_owned());
        let rules = [rule("ci-main", "123", main), rule("ci-tags", "123", tags)];
        let robot = |claims| robot_of(&rules, &claims).map(AccountName::as_str);
        assert_eq!(robot(claims("123", "push", "refs/heads/main")), Ok("ci-main"));
        assert_eq!(robot(claims("123", "push", "refs/tags/v1.2")), Ok("ci-tags"));
        for (repository, event, reference) in [
            ("1234", "push", "refs/heads/main"),
            ("12", "push", "refs/heads/main"),
            ("123", "pull_request", "refs/heads/main"),
            ("123", "push", "refs/heads/main2"),
            ("123", "push", "x/refs/tags/v1"),
            ("", "push", "refs/heads/main"),
        ] {
            assert_eq!(robot(claims(repository, event, reference)), Err(NoRobot::NoRule), "{reference}");
        }
        let without_event =
            ForeignClaims::read(br#"{"repository_id":"123","ref":"refs/heads/main"}"#).unwrap();
        assert_eq!(robot(without_event), Err(NoRobot::NoRule));
    }

    #[test]
    fn a_number_is_as_good_as_its_digits_and_two_rules_are_none() {
        let everything = || ClaimPattern::Prefix("refs/".to_owned());
        let rules = [rule("one", "123", everything()), rule("two", "123", everything())];
        let numeric = br#"{"repository_id":123,"event_name":"push","ref":"refs/heads/x"}"#;
        let numeric = ForeignClaims::read(numeric).unwrap();
        assert_eq!(robot_of(&rules, &numeric), Err(NoRobot::SeveralRules));
        assert!(robot_of(&rules[..1], &numeric).is_ok());
    }

    fn pattern(text: &str) -> ClaimPattern {
        match text.strip_suffix('*') {
            Some(start) => ClaimPattern::Prefix(start.to_owned()),
            None => ClaimPattern::Exact(text.to_owned()),
        }
    }

    fn parsed(text: &str) -> RobotRule {
        let (robot, claims) = text.split_once(": ").unwrap();
        let claim = |part: &str| {
            let (name, value) = part.split_once('=').unwrap();
            (name.to_owned(), pattern(value))
        };
        RobotRule {
            robot: AccountName::parse(robot).unwrap(),
            claims: claims.split(' ').map(claim).collect(),
        }
    }

    #[test]
    fn two_patterns_overlap_exactly_if_there_is_a_text_for_both() {
        // Texts as long as the longest pattern are enough to find one for both.
        let texts = ["a", "b", "aa", "ab", "ba", "bb"];
        let patterns: Vec<ClaimPattern> = texts
            .iter()
            .flat_map(|text| [text.to_string(), format!("{text}*")])
            .map(|text| pattern(&text))
            .collect();
        for one in &patterns {
            for two in &patterns {
                let expected = texts.iter().any(|text| one.matches(text) && two.matches(text));
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
            let [one, two] = [one, two].map(parsed);
            assert_eq!(one.overlaps(&two), expected, "{one} / {two}");
            assert_eq!(two.overlaps(&one), expected, "{two} / {one}");
        }
    }
}
