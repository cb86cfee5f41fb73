//! What can be right in a configuration, and more often is not.

use crate::config::Settings;
use crate::web::TOKEN_PATHS;

/// One line for each.
#[must_use]
pub fn warnings(settings: &Settings) -> Vec<String> {
    realm_that_is_not_answered(settings).into_iter().collect()
}

fn realm_that_is_not_answered(settings: &Settings) -> Option<String> {
    let realm = &settings.token.realm;
    if TOKEN_PATHS.contains(&realm.path()) {
        return None;
    }
    let mut usual = realm.clone();
    usual.set_path(TOKEN_PATHS[0]);
    let path = realm.path();
    Some(format!(
        "token.realm: nothing is answered here under {path}; write {usual}, here and in the registry's configuration, \
         unless a proxy changes the path"
    ))
}
