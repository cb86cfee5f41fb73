//! `auth-service explain …`

use std::sync::Arc;

use super::arguments::ExplainArguments;
use super::output::{Failure, Report};
use crate::adapters::facts::DirectFacts;
use crate::adapters::store::Store;
use crate::app::explain::{Explain, ExplainedScope};
use crate::bootstrap::{access_policy, open_store};
use crate::config::Settings;
use crate::domain::account::AccountName;
use crate::domain::login::LoginScopes;
use crate::domain::scope::Wanted;

pub(super) async fn run(settings: &Settings, arguments: ExplainArguments) -> Result<Report, Failure> {
    let user = match arguments.user.as_str() {
        "anonymous" => None,
        name => Some(AccountName::parse(name).map_err(|error| Failure::Usage(error.to_string()))?),
    };
    for scope in &arguments.wanted {
        let one = Wanted::parse([scope.as_str()], 1).map_err(|error| Failure::Usage(error.to_string()))?;
        if one.is_empty() {
            let text = format!("'{scope}' asks for nothing; write repository:syn123/name:pull or :pull,push");
            return Err(Failure::Usage(text));
        }
    }
    let wanted = Wanted::parse(arguments.wanted.iter().map(String::as_str), settings.limits.scopes)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let store = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    let explain = Explain {
        users: Arc::<Store>::clone(&store),
        facts: Arc::new(DirectFacts(store)),
        policy: access_policy(settings),
        host: settings.registry.host.clone(),
    };
    let scopes = arguments.scopes.unwrap_or(LoginScopes::ALL);
    let explanation = explain.run(user.as_ref(), scopes, &wanted).await?;
    let refused = explanation.scopes.iter().any(|scope| !scope.missing.is_empty());
    let lines: Vec<String> =
        explanation.scopes.iter().flat_map(|scope| lines(&explanation.user, scope)).collect();
    Ok(Report::of(lines.join("\n"), &explanation)?.with_refusals(refused))
}

fn lines(user: &str, scope: &ExplainedScope) -> Vec<String> {
    let granted = match scope.granted.join(",") {
        none if none.is_empty() => "nothing".to_owned(),
        some => some,
    };
    let mut lines =
        vec![format!("{user} is granted {granted} on {} {}", scope.kind, scope.name.escape_debug())];
    lines
        .extend(scope.missing.iter().map(|missing| format!("  not {}: {}", missing.action, missing.message)));
    lines
}
