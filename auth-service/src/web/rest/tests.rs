//! The table of endpoints against the page that people read.

use std::collections::BTreeSet;

use super::endpoints::{ENDPOINTS, Needs};
use crate::domain::login_scope::{LoginScope, LoginScopes};

const PAGE: &str = include_str!("../../../../docs/REST.md");

/// `GET /path`, and what a login needs, in the words of the page.
fn rows_of_the_table() -> BTreeSet<(String, String)> {
    let needs = |needs| match needs {
        Needs::Nothing => "no login".to_owned(),
        Needs::Anybody(scopes) => format!("{} (or no login)", scopes.names().join(", ")),
        Needs::Account(scopes) => scopes.names().join(", "),
        Needs::Item(access, scopes) => {
            format!("{} ({} on the item)", scopes.names().join(", "), access.name())
        }
    };
    ENDPOINTS.iter().map(|row| (format!("{} {}", row.method, row.path), needs(row.needs))).collect()
}

fn rows_of_the_page() -> BTreeSet<(String, String)> {
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    let row = |cells: Vec<&str>| {
        let endpoint = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        endpoint.contains(" /").then(|| (endpoint.to_owned(), (*cells.get(2)?).to_owned()).into())?
    };
    PAGE.lines().filter(|line| line.starts_with("| `")).filter_map(|line| row(cells(line))).collect()
}

#[test]
fn the_page_names_every_endpoint_with_what_it_needs() {
    assert_eq!(rows_of_the_page(), rows_of_the_table());
}

#[test]
fn no_endpoint_stands_in_the_table_twice() {
    assert_eq!(rows_of_the_table().len(), ENDPOINTS.len());
}

#[test]
fn what_changes_something_needs_more_than_to_look_and_what_makes_a_credential_needs_a_password() {
    for row in ENDPOINTS {
        let scopes = match row.needs {
            Needs::Nothing => {
                assert_eq!(row.path, "/auth/v1/login2", "only what a password comes with needs no login");
                continue;
            }
            Needs::Anybody(scopes) | Needs::Account(scopes) | Needs::Item(_, scopes) => scopes,
        };
        assert_ne!(scopes, LoginScopes::NONE, "{}", row.path);
        let only_looks = row.method == actix_web::http::Method::GET;
        assert_eq!(only_looks, scopes == LoginScopes::NONE.with(LoginScope::View), "{}", row.path);
        let is_of_credentials = row.path.starts_with("/auth/v1/");
        assert_eq!(is_of_credentials && !only_looks, scopes.has(LoginScope::Authorize), "{}", row.path);
    }
}
