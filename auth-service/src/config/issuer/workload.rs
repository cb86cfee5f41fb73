//! Tokens that a CI system issues to its jobs: they act for robot accounts, chosen by rules on their claims.

use super::super::fault::{Noted, quoted};
use super::super::kind::{Choice, Choices, Given, Kind};
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};
use super::acceptance::{AUDIENCE, Acceptance, setting_of};
use super::robot_rule::parse_rule;
use super::scope_word::SCOPE_WORDS;
use crate::domain::foreign::VerificationMethod;
use crate::domain::foreign::robot::{ClaimPattern, RobotRule};
use crate::domain::login_scope::{LoginScope, LoginScopes};

pub(super) const WORKLOAD: Setting<Choice<Workload>> = Setting {
    name: "login.issuer.*.workload",
    kind: Choice { options: &[("github", Workload::GitHub), ("gitlab", Workload::GitLab)] },
    preset: Preset::Unset,
    doc: "The CI system that issues these tokens to its jobs. The tokens then act for robot accounts only.",
};

pub(super) const ROBOTS: Setting<RobotRules> = Setting {
    name: "login.issuer.*.robots",
    kind: RobotRules,
    preset: Preset::Text(""),
    doc: "Rules that assign jobs to robot accounts. A rule must name, for GitHub, `repository_id`, `repository_owner_id`, `event_name` and `ref`; for GitLab, `project_id`, `namespace_id`, `pipeline_source`, `ref_type` and `ref`. Ids are digits. Only `ref` and additional claims may end in `*`.",
};

pub(super) const ROBOT_SCOPES: Setting<Choices<LoginScope>> = Setting {
    name: "login.issuer.*.robot_scopes",
    kind: SCOPE_WORDS,
    preset: Preset::Text("download,modify"),
    doc: "The most that a job may do.",
};

/// A CI system that makes tokens for its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

/// What a claim has to be in each rule.
#[derive(Clone, Copy)]
enum Need {
    /// A number that is never used again, unlike a name.
    Digits,
    /// A text without a star, but for these: jobs of such events run what strangers have sent.
    Event(&'static [&'static str]),
    /// A text without a star.
    Exact,
    /// A branch or a tag, or the start of its name.
    WholeRef,
    /// Anything.
    Any,
}

impl Workload {
    /// The claims without which a rule would let in jobs that nobody meant: other repositories, or requests
    /// from strangers.
    const fn needs(self) -> &'static [(&'static str, Need)] {
        match self {
            Self::GitHub => &[
                ("repository_id", Need::Digits),
                ("repository_owner_id", Need::Digits),
                ("event_name", Need::Event(&["pull_request", "pull_request_target"])),
                ("ref", Need::WholeRef),
            ],
            Self::GitLab => &[
                ("project_id", Need::Digits),
                ("namespace_id", Need::Digits),
                ("pipeline_source", Need::Event(&["external_pull_request_event"])),
                ("ref_type", Need::Exact),
                ("ref", Need::Any),
            ],
        }
    }
}

/// A list of rules.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct RobotRules;

impl Kind for RobotRules {
    type Value = Vec<RobotRule>;

    fn describe(&self) -> String {
        "a list of texts `\"ROBOT: claim=value claim=value …\"`; a value that ends in `*` is the start of one"
            .to_owned()
    }

    fn parse(&self, given: &Given<'_>) -> Result<Vec<RobotRule>, String> {
        given.items()?.into_iter().map(parse_rule).collect()
    }

    fn show(&self, value: &Vec<RobotRule>) -> String {
        value.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Which jobs act for which robot accounts.
pub(super) struct Robots {
    pub(super) workload: Option<Workload>,
    pub(super) rules: Vec<RobotRule>,
    pub(super) scopes: LoginScopes,
}

pub(super) fn read(
    reader: &mut Reader,
    verification: Option<VerificationMethod>,
    acceptance: Option<&Acceptance>,
) -> Result<Robots, Noted> {
    let workload = reader.optional(&WORKLOAD);
    let rules = reader.required(&ROBOTS);
    let scopes = reader.required(&ROBOT_SCOPES);
    if let Ok(Some(_)) = workload {
        check_verification(reader, verification, acceptance);
    }
    let (workload, rules) = (workload?, rules?);
    match (workload, rules.is_empty()) {
        (Some(workload), false) => check_rules(reader, workload, &rules),
        (Some(_), true) => {
            reader.alone(WORKLOAD.name, ROBOTS.name);
        }
        (None, false) => {
            reader.alone(ROBOTS.name, WORKLOAD.name);
        }
        (None, true) => {}
    }
    Ok(Robots { workload, rules, scopes: scopes?.into_iter().collect() })
}

fn check_verification(
    reader: &mut Reader,
    verification: Option<VerificationMethod>,
    acceptance: Option<&Acceptance>,
) {
    let other = verification.filter(|by| *by != VerificationMethod::WebToken);
    // With neither audience nor clients, the audience has its fault already.
    let only_clients = |given: &Acceptance| given.audiences.is_empty() && !given.clients.is_empty();
    if let Some(other) = other {
        let problem = format!("is set, and goes with {} only", setting_of(VerificationMethod::WebToken));
        let cure = format!("remove {} or {}", setting_of(other), reader.full_name(WORKLOAD.name));
        reader.fault(WORKLOAD.name, &problem, &cure);
    } else if acceptance.is_some_and(only_clients) {
        let problem = format!("is not set, and {} needs it", reader.full_name(WORKLOAD.name));
        let cure = "write the audience that the jobs ask for when they get their tokens";
        reader.fault(AUDIENCE.name, &problem, cure);
    }
}

/// Exactly one rule must match a token, and each must say enough to match no job but those that are meant.
fn check_rules(reader: &mut Reader, workload: Workload, rules: &[RobotRule]) {
    let shown =
        |index: usize, rule: &RobotRule| format!("rule {} ({})", index + 1, quoted(&rule.to_string()));
    for (index, rule) in rules.iter().enumerate() {
        let lacking = lacking(workload, rule);
        if !lacking.is_empty() {
            let problem = format!("{} is loose: it lacks {}", shown(index, rule), lacking.join(", "));
            reader.fault(ROBOTS.name, &problem, "add what it lacks, or other jobs could act for the robot");
        }
        for (other_index, other) in rules.iter().enumerate().skip(index + 1) {
            if rule.overlaps(other) {
                let (one, two) = (shown(index, rule), shown(other_index, other));
                let problem = format!("{one} and {two} are overlapping: one token could match both");
                reader.fault(ROBOTS.name, &problem, "give one claim values that differ");
            }
        }
    }
}

fn lacking(workload: Workload, rule: &RobotRule) -> Vec<String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut lacking = Vec::new();
    for (claim, need) in workload.needs() {
        match (need, rule.claim(claim)) {
            (Need::Digits, Some(ClaimPattern::Exact(text))) if digits(text) => {}
            (Need::Exact, Some(ClaimPattern::Exact(_))) | (Need::Any, Some(_)) => {}
            (Need::Event(strange), Some(ClaimPattern::Exact(event)))
                if !strange.contains(&event.as_str()) => {}
            (Need::WholeRef, Some(ClaimPattern::Exact(text) | ClaimPattern::Prefix(text)))
                if is_whole_ref(text) => {}
            (Need::Digits, _) => lacking.push(format!("{claim} in digits")),
            (Need::Event(_), Some(ClaimPattern::Exact(event))) => {
                lacking.push(format!("{claim} other than {event}, which runs what strangers have sent"));
            }
            (Need::Exact | Need::Event(_), _) => lacking.push(format!("{claim} without a star")),
            (Need::WholeRef, _) => {
                lacking.push(format!("{claim} that begins with refs/heads/ or refs/tags/"));
            }
            (Need::Any, None) => lacking.push((*claim).to_owned()),
        }
    }
    lacking
}

/// Whether a ref, or the start of one, says that it is of a branch or of a tag.
fn is_whole_ref(text: &str) -> bool {
    ["refs/heads/", "refs/tags/"].iter().any(|kind| text.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE_REF: &str = "ref that begins with refs/heads/ or refs/tags/";

    #[test]
    fn a_rule_without_the_claims_that_cannot_change_is_loose() {
        let github = "r: repository_id=1 repository_owner_id=2 event_name=push ref=refs/heads/main";
        let gitlab = "r: project_id=1 namespace_id=2 pipeline_source=push ref_type=branch ref=main";
        for (workload, rule, change, expected) in [
            (Workload::GitHub, github, ("", ""), ""),
            (Workload::GitHub, github, ("heads/main", "tags/v*"), ""),
            (Workload::GitHub, github, ("ref=", "environment=production sub=repo:* ref="), ""),
            (Workload::GitHub, github, ("repository_id=1 ", ""), "repository_id in digits"),
            (Workload::GitHub, github, ("repository_id=1", "repository_id=1*"), "repository_id in digits"),
            (Workload::GitHub, github, ("owner_id=2", "owner_id=me"), "repository_owner_id in digits"),
            (Workload::GitHub, github, ("=push", "=pu*"), "event_name without a star"),
            (Workload::GitHub, github, (" ref=refs/heads/main", ""), WHOLE_REF),
            (Workload::GitHub, github, ("refs/heads/main", "r*"), WHOLE_REF),
            (Workload::GitHub, github, ("refs/heads/main", "refs/heads/*"), ""),
            (Workload::GitHub, github, ("refs/heads/main", "refs/pull/7/merge"), WHOLE_REF),
            (
                Workload::GitHub,
                github,
                ("=push", "=pull_request_target"),
                "event_name other than pull_request_target, which runs what strangers have sent",
            ),
            (
                Workload::GitHub,
                github,
                ("event_name=push ref", "x"),
                "event_name without a star, ref that begins with refs/heads/ or refs/tags/",
            ),
            (Workload::GitLab, gitlab, ("", ""), ""),
            (Workload::GitLab, gitlab, ("ref=main", "ref=release-*"), ""),
            (Workload::GitLab, gitlab, ("project_id=1 ", ""), "project_id in digits"),
            (Workload::GitLab, gitlab, ("namespace_id=2", "namespace_id=2*"), "namespace_id in digits"),
            (Workload::GitLab, gitlab, ("pipeline_source", "source"), "pipeline_source without a star"),
            (Workload::GitLab, gitlab, ("ref_type=branch", "ref_type=b*"), "ref_type without a star"),
            (Workload::GitLab, gitlab, (" ref=main", ""), "ref"),
            (
                Workload::GitLab,
                github,
                ("", ""),
                "project_id in digits, namespace_id in digits, pipeline_source without a star, \
                 ref_type without a star",
            ),
        ] {
            let text = rule.replacen(change.0, change.1, 1);
            let rule = parse_rule(&text).unwrap();
            assert_eq!(lacking(workload, &rule).join(", "), expected, "{text}");
        }
    }
}
