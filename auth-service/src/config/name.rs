//! How keys are named: in the file, in the environment, and which one was most likely meant.

/// What every environment variable that sets a key begins with. A single underscore would not do:
/// orchestrators inject `AUTH_SERVICE_SERVICE_HOST` and the like for a service of this name.
pub(super) const VARIABLE_PREFIX: &str = "AUTH_SERVICE__";

/// The environment variable that sets `name`.
pub(super) fn variable_of(name: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", name.replace('.', "__").to_uppercase())
}

/// The name in `known` that somebody who wrote `given` most likely meant. A right key in a wrong section is
/// as near as one wrong letter; of several such keys the one in the most similar section is meant.
pub(super) fn nearest(given: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let given: String = given.to_lowercase().chars().take(100).collect();
    let (given_section, given_key) = given.rsplit_once('.').unwrap_or(("", &given));
    known.min_by_key(|name| {
        let (section, key) = name.rsplit_once('.').unwrap_or(("", name));
        let moved = distance(given_key, key) + usize::from(section != given_section);
        let whole = distance(&given, name);
        (moved.min(whole), whole)
    })
}

/// How many letters have to be added, removed or changed to make one text of the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&right) {
            let cost = (diagonal + usize::from(letter != *other)).min(before + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, cost);
            before = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changed_letters() {
        for (left, right, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("listen", "lisetn", 2)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn the_nearest_name_forgives_letters_case_and_the_section() {
        let known =
            ["http.listen", "ops.listen", "token.lifetime", "webhook.secret", "database.url", "registry.url"];
        for (given, expected) in [
            ("http.lisen", "http.listen"),
            ("ops.lsten", "ops.listen"),
            ("OPS.LISTEN", "ops.listen"),
            ("server.listen", "http.listen"),
            ("lifetime", "token.lifetime"),
            ("token.life_time", "token.lifetime"),
            ("webhook.secert", "webhook.secret"),
            ("registries.url", "registry.url"),
        ] {
            assert_eq!(nearest(given, known.into_iter()), Some(expected), "{given}");
        }
    }

    #[test]
    fn the_variable_of_a_key_keeps_its_single_underscores() {
        assert_eq!(variable_of("http.trusted_proxies"), "AUTH_SERVICE__HTTP__TRUSTED_PROXIES");
    }
}
