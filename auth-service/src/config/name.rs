//! How keys are named: in the file, in the environment, and which one was most likely meant.
//!
//! Most names are fixed. Of a family of sections, such as `[login.issuer.keycloak]`, there are as many as the
//! operator wants, each with a name of its own: there the table of keys has the template `login.issuer.*`.

/// What every environment variable that sets a key begins with. A single underscore would not do:
/// orchestrators inject `AUTH_SERVICE_SERVICE_HOST` and the like for a service of this name.
pub(super) const VARIABLE_PREFIX: &str = "AUTH_SERVICE__";

/// How an operator names a member of a family. Two underscores part the words of a variable.
pub(super) const MEMBER_NAME: &str = "1 to 32 small letters, digits and underscores, beginning with a letter \
                                      and without two underscores in a row";

/// What a member's name is called where none is known.
const ANY_MEMBER: &str = "NAME";

/// The name of what stands as `name` below `path`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether an operator may name a member of a family so.
pub(super) fn is_member_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 32
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(allowed)
        && !text.contains("__")
}

/// The name that `template` stands for in the case of this member; a template without `*` is a name itself.
pub(super) fn of_member(template: &str, member: &str) -> String {
    template.replace('*', member)
}

/// A template as the documentation has it.
pub(super) fn of_any_member(template: &str) -> String {
    of_member(template, ANY_MEMBER)
}

/// The member that `name` belongs to, if `template` can stand for it.
pub(super) fn member_of<'a>(template: &str, name: &'a str) -> Option<&'a str> {
    written_member(template, name).filter(|member| is_member_name(member))
}

/// What stands in `name` where `template` has its `*`, whether or not a member may be named so.
pub(super) fn written_member<'a>(template: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = template.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after)
}

/// Whether `template` stands for `name`, alone or among others.
pub(super) fn stands_for(template: &str, name: &str) -> bool {
    template == name || member_of(template, name).is_some()
}

/// The environment variable that sets `name`.
pub(super) fn variable_of(name: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", name.replace('.', "__").to_uppercase())
}

/// The name among those of `template` that `variable` sets. Its member can still be named against the rules.
pub(super) fn name_set_by(template: &str, variable: &str) -> Option<String> {
    let name = match template.split_once('*') {
        None => template.to_owned(),
        Some((before, after)) => {
            let after = after.replace('.', "__").to_uppercase();
            let member = variable.strip_prefix(&variable_of(before))?.strip_suffix(&after)?;
            of_member(template, &member.to_lowercase())
        }
    };
    (variable_of(&name) == variable).then_some(name)
}

/// The name of a key that somebody who wrote `given` most likely meant. A right key in a wrong section is as
/// near as one wrong letter; of several such keys the one in the most similar section is meant.
pub(super) fn nearest(given: &str, templates: impl Iterator<Item = &'static str>) -> Option<String> {
    let given: String = given.to_lowercase().chars().take(100).collect();
    let (given_section, given_key) = given.rsplit_once('.').unwrap_or(("", &given));
    templates.map(|template| of_same_member(template, &given)).min_by_key(|name| {
        let (section, key) = name.rsplit_once('.').unwrap_or(("", name));
        let moved = strsim::levenshtein(given_key, key) + usize::from(section != given_section);
        let whole = strsim::levenshtein(&given, name);
        (moved.min(whole), whole)
    })
}

/// The name of `template` for the member that `given` seems to be about.
fn of_same_member(template: &str, given: &str) -> String {
    let position = template.split('.').position(|part| part == "*").unwrap_or_default();
    let mut parts = given.split('.').skip(position);
    match (parts.next(), parts.next()) {
        (Some(member), Some(_)) if is_member_name(member) => of_member(template, member),
        _ => of_any_member(template),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_forgives_letters_case_and_the_section() {
        let known = [
            "login.issuer.*.url",
            "login.issuer.*.jwks_url",
            "http.listen",
            "ops.listen",
            "token.lifetime",
            "webhook.secret",
            "database.url",
            "registry.url",
        ];
        for (given, expected) in [
            ("http.lisen", "http.listen"),
            ("ops.lsten", "ops.listen"),
            ("OPS.LISTEN", "ops.listen"),
            ("server.listen", "http.listen"),
            ("lifetime", "token.lifetime"),
            ("token.life_time", "token.lifetime"),
            ("webhook.secert", "webhook.secret"),
            ("registries.url", "registry.url"),
            ("login.issuer.keycloak.ulr", "login.issuer.keycloak.url"),
            ("login.issuers.keycloak.url", "login.issuer.keycloak.url"),
            ("login.issuer.keycloak.jwk_url", "login.issuer.keycloak.jwks_url"),
            ("login.issuer.url", "login.issuer.NAME.url"),
            ("login.jwks_url", "login.issuer.NAME.jwks_url"),
            ("login.issuer.9.jwks_url", "login.issuer.NAME.jwks_url"),
        ] {
            assert_eq!(nearest(given, known.into_iter()).as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn the_variable_of_a_key_keeps_its_single_underscores() {
        assert_eq!(variable_of("http.trusted_proxies"), "AUTH_SERVICE__HTTP__TRUSTED_PROXIES");
    }

    #[test]
    fn a_member_is_named_so_that_a_variable_can_tell_it_from_its_key() {
        for name in ["a", "keycloak", "git_hub_2", "a_", &"a".repeat(32)] {
            assert!(is_member_name(name), "{name}");
        }
        for name in ["", "Keycloak", "2nd", "_a", "a__b", "a-b", "a.b", "a b", "ä", &"a".repeat(33)] {
            assert!(!is_member_name(name), "{name}");
        }
    }

    #[test]
    fn a_variable_sets_the_key_of_one_member() {
        let template = "login.issuer.*.client_secret";
        for (variable, expected) in [
            ("LOGIN__ISSUER__KEYCLOAK__CLIENT_SECRET", Some("login.issuer.keycloak.client_secret")),
            ("LOGIN__ISSUER__A_B___CLIENT_SECRET", Some("login.issuer.a_b_.client_secret")),
            ("LOGIN__ISSUER__A__B__CLIENT_SECRET", Some("login.issuer.a__b.client_secret")),
            ("LOGIN__ISSUER__Keycloak__CLIENT_SECRET", None),
            ("LOGIN__ISSUER__CLIENT_SECRET", None),
            ("LOGIN__ISSUER__KEYCLOAK__SECRET", None),
        ] {
            let variable = format!("{VARIABLE_PREFIX}{variable}");
            assert_eq!(name_set_by(template, &variable).as_deref(), expected, "{variable}");
        }
        assert_eq!(name_set_by("http.listen", &variable_of("http.listen")).as_deref(), Some("http.listen"));
    }
}
