//! Which robot account a job of a CI system acts for: by rules on claims that nobody but the system sets.

use super::claims::Claims;
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
}

/// A job whose claims all match acts for the robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotRule {
    /// The robot account.
    pub robot: AccountName,
    /// Claims and what they must be.
    pub claims: Vec<(String, ClaimPattern)>,
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
pub fn robot_of<'r>(rules: &'r [RobotRule], claims: &Claims) -> Result<&'r AccountName, NoRobot> {
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

    fn claims(repository: &str, event: &str, reference: &str) -> Claims {
        let json = serde_json::json!({"repository_id": repository, "event_name": event, "ref": reference});
        Claims::read(json.to_string().as_bytes()).unwrap()
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
        let without_event = Claims::read(br#"{"repository_id":"123","ref":"refs/heads/main"}"#).unwrap();
        assert_eq!(robot(without_event), Err(NoRobot::NoRule));
    }

    #[test]
    fn a_number_is_as_good_as_its_digits_and_two_rules_are_none() {
        let everything = || ClaimPattern::Prefix("refs/".to_owned());
        let rules = [rule("one", "123", everything()), rule("two", "123", everything())];
        let numeric = br#"{"repository_id":123,"event_name":"push","ref":"refs/heads/x"}"#;
        let numeric = Claims::read(numeric).unwrap();
        assert_eq!(robot_of(&rules, &numeric), Err(NoRobot::SeveralRules));
        assert!(robot_of(&rules[..1], &numeric).is_ok());
    }
}
