//! From use cases to what the two listeners serve.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::web;
use anyhow::anyhow;

use super::issuers::token_shapes;
use super::wiring::Wiring;
use crate::adapters::store::Store;
use crate::adapters::system::ProcessIdentifiers;
use crate::app::issue_token::IssueToken;
use crate::app::link_accounts::LinkAccounts;
use crate::app::own_tokens::OwnTokens;
use crate::app::readiness::Readiness;
use crate::app::record_events::RecordEvents;
use crate::app::sessions::Sessions;
use crate::config::Settings;
use crate::domain::foreign::shape::TokenShapes;
use crate::ports::system::Identifiers;
use crate::web::client::Proxies;
use crate::web::metrics::Metrics;
use crate::web::registry::events::Webhook;
use crate::web::registry::token::TokenEndpoint;
use crate::web::rest::RestApi;
use crate::web::server::Endpoints;

/// What several endpoints work with.
struct Shared {
    identifiers: Arc<dyn Identifiers>,
    proxies: Arc<Proxies>,
    metrics: Arc<Metrics>,
    shapes: Arc<TokenShapes>,
}

impl Wiring<'_> {
    pub(super) fn endpoints(
        &self,
        issue_token: IssueToken,
        record_events: Arc<RecordEvents>,
        readiness: Readiness,
    ) -> anyhow::Result<Endpoints> {
        let Settings { http, webhook, limits, .. } = self.settings;
        let networks = http.trusted_proxies.clone();
        let is_proxy = move |address: IpAddr| networks.iter().any(|network| network.contains(&address));
        let shared = Shared {
            identifiers: Arc::new(ProcessIdentifiers::new()?),
            proxies: Arc::new(Proxies::new(is_proxy)),
            metrics: Arc::new(Metrics::default()),
            shapes: Arc::new(token_shapes(self.settings)?),
        };
        let secret = webhook.secret.clone().ok_or_else(|| anyhow!("webhook.secret is missing"))?;
        Ok(Endpoints {
            rest: web::Data::new(self.rest(&issue_token, &shared)),
            token: web::Data::new(self.token(issue_token, &shared)),
            webhook: web::Data::new(Webhook {
                record_events,
                is_secret: Box::new(move |bytes| secret.matches(bytes)),
                metrics: Arc::clone(&shared.metrics),
                body_bytes: limits.webhook_bytes,
            }),
            readiness: web::Data::new(readiness),
            metrics: web::Data::new(shared.metrics),
        })
    }

    fn token(&self, issue_token: IssueToken, shared: &Shared) -> TokenEndpoint {
        let Settings { registry, limits, .. } = self.settings;
        TokenEndpoint {
            issue_token,
            identifiers: Arc::clone(&shared.identifiers),
            proxies: Arc::clone(&shared.proxies),
            metrics: Arc::clone(&shared.metrics),
            shapes: Arc::clone(&shared.shapes),
            host: registry.host.clone(),
            credential_bytes: limits.credential_bytes,
            head_bytes: limits.head_bytes,
            form_bytes: limits.body_bytes,
        }
    }

    fn rest(&self, issue_token: &IssueToken, shared: &Shared) -> RestApi {
        let Settings { registry, limits, .. } = self.settings;
        let store = || Arc::<Store>::clone(self.store);
        let facts = || Arc::clone(&issue_token.log_in.facts);
        let (log_in, give_tokens) = (&issue_token.log_in, &issue_token.give_tokens);
        RestApi {
            log_in: Arc::clone(log_in),
            sessions: Sessions {
                log_in: Arc::clone(log_in),
                give_tokens: Arc::clone(give_tokens),
                tokens: store(),
                facts: facts(),
            },
            give_tokens: Arc::clone(give_tokens),
            own_tokens: OwnTokens { tokens: store(), facts: facts() },
            link_accounts: LinkAccounts {
                foreign_logins: Arc::clone(&log_in.foreign_logins),
                links: store(),
                facts: facts(),
            },
            users: store(),
            clock: Arc::clone(self.clock),
            identifiers: Arc::clone(&shared.identifiers),
            proxies: Arc::clone(&shared.proxies),
            metrics: Arc::clone(&shared.metrics),
            shapes: Arc::clone(&shared.shapes),
            host: registry.host.clone(),
            credential_bytes: limits.credential_bytes,
            head_bytes: limits.head_bytes,
            body_bytes: limits.body_bytes,
        }
    }
}
