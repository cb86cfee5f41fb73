//! `auth-service explain …`

use std::sync::Arc;

use super::arguments::ExplainArguments;
use super::output::{Failure, Report};
use crate::adapters::facts::DirectFacts;
use crate::adapters::signing::{KeyDirectory, KeyWatch};
use crate::adapters::store::Store;
use crate::adapters::system::SystemClock;
use crate::app::explain::{Explain, ExplainedScope};
use crate::bootstrap::{first_push, open_store, raise_numbers, registry};
use crate::config::Settings;
use crate::domain::account::AccountName;
use crate::domain::contact::Contact;
use crate::domain::scope::RequestedScopes;
use crate::ports::facts::FactsReader;
use crate::ports::signer::Signer as _;
use crate::ports::system::Clock as _;

pub(super) async fn run(settings: &Settings, arguments: ExplainArguments) -> Result<Report, Failure> {
    let user = match arguments.user.as_str() {
        "anonymous" => None,
        name => Some(AccountName::parse(name).map_err(|error| Failure::Usage(error.to_string()))?),
    };
    let login = arguments.assumed_login().map_err(|error| Failure::Usage(error.to_owned()))?;
    for scope in &arguments.requested {
        let one =
            RequestedScopes::parse([scope.as_str()], 1).map_err(|error| Failure::Usage(error.to_string()))?;
        if one.is_empty() {
            let text = format!("'{scope}' asks for nothing; write repository:syn123/name:pull or :pull,push");
            return Err(Failure::Usage(text));
        }
    }
    let requested =
        RequestedScopes::parse(arguments.requested.iter().map(String::as_str), settings.limits.scopes)
            .map_err(|error| Failure::Usage(error.to_string()))?;
    let store = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    let registry = registry(settings);
    let numbers = Arc::new(raise_numbers(settings, &store, Arc::clone(&registry)));
    let facts: Arc<dyn FactsReader> = Arc::new(DirectFacts(Arc::<Store>::clone(&store)));
    let explain = Explain {
        users: Arc::<Store>::clone(&store),
        first_push: first_push(settings, &store, registry, numbers, Arc::clone(&facts)),
        facts,
        unsigned: unsigned(settings),
        clock: Arc::new(SystemClock),
        policy: settings.access,
        host: settings.registry.host.clone(),
        contact: settings.registry.contact.as_deref().map(Contact::new),
    };
    let explanation = explain.run(user.as_ref(), login, &requested).await?;
    let refused = explanation.scopes.iter().any(|scope| !scope.missing.is_empty());
    let lines: Vec<String> =
        explanation.scopes.iter().flat_map(|scope| lines(&explanation.user, scope)).collect();
    Ok(Report::of(lines.join("\n"), &explanation)?.with_refusals(refused))
}

/// Why `serve` could not sign, as far as its keys can be read from here.
fn unsigned(settings: &Settings) -> Option<String> {
    let now = SystemClock.now();
    let keys = KeyWatch::open(KeyDirectory::new(&settings.keys.directory), now).ok()?;
    let condition = keys.condition(now);
    (!condition.is_usable()).then(|| condition.to_string())
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
