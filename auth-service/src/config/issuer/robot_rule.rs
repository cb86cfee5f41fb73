//! How a rule is written by which a token acts for a robot account.

use super::super::fault::quoted;
use crate::domain::account::{AccountName, BadAccountName};
use crate::domain::foreign::robot::{ClaimPattern, RobotRule};

/// Parses `ROBOT: claim=value claim=value …`; the error says what is wrong with it.
pub(super) fn parse_rule(text: &str) -> Result<RobotRule, String> {
    let shown = quoted(text);
    let Some((robot, claims)) = text.split_once(':') else {
        return Err(format!("{shown} does not begin with a robot account and a colon"));
    };
    let mut rule = RobotRule { robot: parse_robot(robot.trim(), &shown)?, claims: Vec::new() };
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

/// The rule must name the account as it is stored, in lower case.
fn parse_robot(name: &str, rule: &str) -> Result<AccountName, String> {
    match AccountName::parse(name) {
        Ok(robot) if robot.as_str() == name => Ok(robot),
        Ok(_) => Err(BadAccountName::Grammar),
        Err(problem) => Err(problem),
    }
    .map_err(|problem| format!("{} of {rule} is not the name of a robot account: {problem}", quoted(name)))
}

fn parse_claim(part: &str) -> Result<(String, ClaimPattern), String> {
    let parts = part.split_once('=').filter(|(claim, value)| !claim.is_empty() && !value.is_empty());
    let Some((claim, value)) = parts else {
        return Err(format!("holds {} where `claim=value` belongs", quoted(part)));
    };
    let pattern =
        parse_pattern(value).map_err(|problem| format!("gives {} a value {problem}", quoted(claim)))?;
    Ok((claim.to_owned(), pattern))
}

fn parse_pattern(text: &str) -> Result<ClaimPattern, &'static str> {
    let (start, is_prefix) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
    if start.is_empty() {
        return Err("without a character before the star");
    }
    if start.contains('*') {
        return Err("with a star before the end");
    }
    Ok(if is_prefix { ClaimPattern::Prefix(start.to_owned()) } else { ClaimPattern::Exact(start.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        let rule = parse_rule(" ci.main :  ref=refs/tags/v*   sub=repo:a/b=c ").unwrap();
        assert_eq!(rule.robot.as_str(), "ci.main");
        assert_eq!(
            rule.claims,
            [
                ("ref".to_owned(), ClaimPattern::Prefix("refs/tags/v".to_owned())),
                ("sub".to_owned(), ClaimPattern::Exact("repo:a/b=c".to_owned())),
            ]
        );
        assert_eq!(rule.to_string(), "ci.main: ref=refs/tags/v* sub=repo:a/b=c");
        assert_eq!(parse_rule(&rule.to_string()), Ok(rule));
    }

    #[test]
    fn a_bad_rule_is_refused_with_what_is_wrong() {
        for (text, problem) in [
            ("ref=main", "does not begin with a robot account and a colon"),
            ("CI: ref=main", "is not the name of a robot account: a name has 1 to 64 of the characters a-z"),
            (
                "ref=main sub=repo:x",
                "is not the name of a robot account: a name has 1 to 64 of the characters a-z",
            ),
            (": ref=main", "is not the name of a robot account: a name has 1 to 64 of the characters a-z"),
            ("123: ref=main", "is not the name of a robot account: this name is reserved"),
            ("ci:", "names no claim"),
            ("ci: ref", "holds \"ref\" where `claim=value` belongs"),
            ("ci: =main", "where `claim=value` belongs"),
            ("ci: ref=", "where `claim=value` belongs"),
            ("ci: ref=*", "gives \"ref\" a value without a character before the star"),
            ("ci: ref=a*b", "gives \"ref\" a value with a star before the end"),
            ("ci: ref=a**", "gives \"ref\" a value with a star before the end"),
            ("ci: ref=a env=b ref=c", "names the claim \"ref\" twice"),
        ] {
            let said = parse_rule(text).unwrap_err();
            assert!(said.contains(problem), "{text}: {said}");
        }
    }
}
