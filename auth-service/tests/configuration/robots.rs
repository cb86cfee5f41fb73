//! Jobs of a CI system that act for robot accounts.

use auth_service::config::Workload;
use auth_service::domain::foreign::robot::ClaimPattern;
use auth_service::domain::login_scope::{LoginScope, LoginScopes};

use super::place::{ISSUER, Place, assert_each_refused, assert_holds};

const GITHUB: &str =
    "'ci-main: repository_id=1 repository_owner_id=2 event_name=push ref=refs/heads/main environment=prod'";
const GITHUB_TAGS: &str = "'ci-tags: repository_id=1 repository_owner_id=2 event_name=push ref=refs/tags/v*'";
const GITLAB: &str = "'ci: project_id=1 namespace_id=2 pipeline_source=push ref_type=branch ref=main'";

fn rules(workload: &str, rules: &[&str]) -> String {
    format!("workload = '{workload}'\nrobots = [{}]\n", rules.join(", "))
}

#[test]
fn a_job_acts_for_the_robot_whose_rule_it_matches() {
    let github = Place::with(&format!("{ISSUER}{}", rules("github", &[GITHUB, GITHUB_TAGS])));
    let issuer = github.settings().login.issuers.remove(0);
    assert_eq!(issuer.workload, Some(Workload::GitHub));
    let both = [LoginScope::Download, LoginScope::Modify];
    assert_eq!(issuer.rules.robot_scopes, LoginScopes::from_iter(both));
    let [main, tags] = issuer.rules.robots.as_slice() else { panic!("{:?}", issuer.rules.robots) };
    assert_eq!((main.robot.as_str(), tags.robot.as_str()), ("ci-main", "ci-tags"));
    assert_eq!(main.claims[4], ("environment".to_owned(), ClaimPattern::Exact("prod".to_owned())));
    assert_eq!(tags.claims[3], ("ref".to_owned(), ClaimPattern::Prefix("refs/tags/v".to_owned())));
    let gitlab = Place::with(&format!("{ISSUER}{}robot_scopes = 'download'", rules("gitlab", &[GITLAB])));
    let issuer = gitlab.settings().login.issuers.remove(0);
    assert_eq!((issuer.workload, issuer.rules.robots.len()), (Some(Workload::GitLab), 1));
    assert_eq!(issuer.rules.robot_scopes, LoginScopes::from_iter([LoginScope::Download]));
    let none = Place::with(ISSUER).settings().login.issuers.remove(0);
    assert_eq!((none.workload, none.rules.robots), (None, Vec::new()));
}

#[test]
fn the_environment_separates_rules_by_commas_and_they_are_shown_as_written() {
    let plain = |rule: &str| rule.trim_matches('\'').to_owned();
    let written = format!("{}, {}", plain(GITHUB), plain(GITHUB_TAGS));
    let place = Place::with(ISSUER)
        .variable("AUTH_SERVICE__LOGIN__ISSUER__ONE__WORKLOAD", "github")
        .variable("AUTH_SERVICE__LOGIN__ISSUER__ONE__ROBOTS", &written);
    let shown = place.load().unwrap().shown;
    let robots = shown.iter().find(|shown| shown.key == "login.issuer.one.robots").unwrap();
    assert_eq!(robots.value.as_deref(), Some(written.as_str()));
}

#[test]
fn rules_need_a_workload_that_is_verified_by_signature_and_audience() {
    let good = rules("github", &[GITHUB]);
    assert_each_refused(
        ISSUER,
        &[
            ("workload = 'github'", "login.issuer.one.workload: is set without login.issuer.one.robots"),
            ("workload = 'jenkins'", "login.issuer.one.workload: \"jenkins\" is none of the choices"),
            (
                &format!("robots = [{GITHUB}]"),
                "login.issuer.one.robots: is set without login.issuer.one.workload",
            ),
            (
                &format!("{good}verify = 'jwt+introspection'\nclient_id = 'x'\nclient_secret = 'x'"),
                "login.issuer.one.workload: is set, and goes with verify = \"jwt\" only; remove verify = ",
            ),
            (
                &format!("{good}robot_scopes = 'modify, admin'"),
                "login.issuer.one.robot_scopes: \"admin\" is never given to the token of another issuer",
            ),
        ],
    );
    let clients = ISSUER.replace("audience", "clients");
    assert_each_refused(
        &clients,
        &[(&good, "login.issuer.one.audience: is not set, and login.issuer.one.workload needs it")],
    );
}

#[test]
fn a_loose_rule_is_refused_with_what_it_lacks() {
    let github = |from: &str, to: &str| rules("github", &[&GITHUB.replace(from, to)]);
    let gitlab = |from: &str, to: &str| rules("gitlab", &[&GITLAB.replace(from, to)]);
    let start = "login.issuer.one.robots: rule 1 (\"ci";
    for (addition, lacking) in [
        (github("repository_id=1 ", ""), "is loose: it lacks repository_id in digits; add what it lacks"),
        (github("repository_id=1", "repository_id=1*"), "is loose: it lacks repository_id in digits"),
        (github("_owner_id=2", "_owner=me"), "is loose: it lacks repository_owner_id in digits"),
        (
            github("event_name=push ref=", "x="),
            "is loose: it lacks event_name without a star, ref that begins",
        ),
        (gitlab("project_id=1", "project_path=a/b"), "is loose: it lacks project_id in digits"),
        (gitlab("ref_type=branch", "ref_type=b*"), "is loose: it lacks ref_type without a star"),
    ] {
        let text = Place::with(&format!("{ISSUER}{addition}")).faults();
        assert_holds(&text, &[start, lacking]);
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn rules_that_one_token_could_match_are_both_reported() {
    let heads = GITHUB_TAGS.replace("tags/v", "heads/").replace("ci-tags", "ci-all");
    let faults =
        Place::with(&format!("{ISSUER}{}", rules("github", &[GITHUB, GITHUB_TAGS, &heads]))).faults();
    assert_eq!(faults.lines().count(), 1, "{faults}");
    assert_holds(
        &faults,
        &[
            "login.issuer.one.robots: rule 1 (\"ci-main: ",
            "and rule 3 (\"ci-all: ",
            "are overlapping: one token could match both; give one claim values that differ",
        ],
    );
}

#[test]
fn a_bad_rule_is_refused_with_the_reason() {
    assert_each_refused(
        &format!("{ISSUER}workload = 'github'\n"),
        &[
            (
                "robots = ['CI: ref=x']",
                "login.issuer.one.robots: \"CI\" of \"CI: ref=x\" is not the name of a robot account",
            ),
            (
                "robots = ['ci: ref=x ref=y']",
                "login.issuer.one.robots: \"ci: ref=x ref=y\" names the claim \"ref\" twice",
            ),
            (
                "robots = ['ci: ref=*']",
                "login.issuer.one.robots: \"ci: ref=*\" gives \"ref\" a value without a character",
            ),
            (
                "robots = ['ci']",
                "login.issuer.one.robots: \"ci\" does not begin with a robot account and a colon",
            ),
            ("robots = 7", "login.issuer.one.robots: is a number where a list belongs"),
        ],
    );
}
