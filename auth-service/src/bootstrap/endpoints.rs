//! From use cases to what the two listeners serve.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::web;
use anyhow::anyhow;

use super::issuers::token_shapes;
use super::registry::browse_items;
use super::wiring::Wiring;
use crate::adapters::store::Store;
use crate::adapters::system::ProcessIdentifiers;
use crate::app::issue_token::IssueToken;
use crate::app::link_accounts::LinkAccounts;
use crate::app::list_tokens::ListTokens;
use crate::app::readiness::Readiness;
use crate::app::record_events::RecordEvents;
use crate::app::sessions::Sessions;
use crate::config::{Limits, Settings};
use crate::domain::contact::Contact;
use crate::web::client::Proxies;
use crate::web::listener::{Admission, IsProxy};
use crate::web::metrics::Metrics;
use crate::web::quota::Quota;
use crate::web::registry::events::Webhook;
use crate::web::registry::token::TokenEndpoint;
use crate::web::rest::RestApi;
use crate::web::server::Endpoints;
use crate::web::shared::SharedState;

/// What can be taken at once of memory and connections.
struct Quotas {
    requests: Arc<Quota>,
    deliveries: Arc<Quota>,
    connections: Arc<Quota>,
    ops_connections: Arc<Quota>,
}

impl Quotas {
    fn new(limits: &Limits, metrics: &Metrics) -> Self {
        let quota = |name, most, of_network| Quota::new(most, of_network, metrics.quota_refusals(name));
        let (deliveries, operations) = (limits.webhook_in_flight_bytes, limits.ops_connections);
        Self {
            requests: quota("limits.in_flight_bytes", limits.in_flight_bytes, limits.network_in_flight_bytes),
            deliveries: quota("limits.webhook_in_flight_bytes", deliveries, deliveries),
            connections: quota("limits.connections", limits.connections, limits.network_connections),
            ops_connections: quota("limits.ops_connections", operations, operations),
        }
    }
}

impl Wiring<'_> {
    pub(super) fn endpoints(
        &self,
        issue_token: IssueToken,
        record_events: Arc<RecordEvents>,
        readiness: Readiness,
    ) -> anyhow::Result<Endpoints> {
        let Settings { http, webhook, registry, limits, .. } = self.settings;
        let networks = http.trusted_proxies.clone();
        let is_proxy: IsProxy =
            Arc::new(move |address: IpAddr| networks.iter().any(|network| network.contains(&address)));
        let of_client = Arc::clone(&is_proxy);
        let metrics = Arc::new(Metrics::default());
        let quotas = Quotas::new(limits, &metrics);
        let public = Arc::new(SharedState {
            identifiers: Box::new(ProcessIdentifiers::new()?),
            proxies: Proxies::new(move |address| of_client(address)),
            metrics: Arc::clone(&metrics),
            shapes: token_shapes(self.settings),
            host: registry.host.clone(),
            contact: registry.contact.as_deref().map(Contact::new),
            credential_bytes: limits.credential_bytes,
            head_bytes: limits.head_bytes,
            form_bytes: limits.form_bytes,
            body_bytes: limits.body_bytes,
            in_flight: Arc::clone(&quotas.requests),
        });
        let allowed = self.settings.ops.allowed_networks.clone();
        let secret = webhook.secret.clone().ok_or_else(|| anyhow!("webhook.secret is missing"))?;
        Ok(Endpoints {
            rest: web::Data::new(self.rest(&issue_token, Arc::clone(&public))),
            token: web::Data::new(TokenEndpoint { issue_token, public }),
            webhook: web::Data::new(Webhook {
                record_events,
                is_secret: Box::new(move |bytes| secret.matches(bytes)),
                metrics: Arc::clone(&metrics),
                body_bytes: limits.webhook_bytes,
                in_flight: Arc::clone(&quotas.deliveries),
            }),
            readiness: web::Data::new(readiness),
            allowed: Arc::new(move |address| {
                allowed.is_empty() || allowed.iter().any(|network| network.contains(&address))
            }),
            metrics: web::Data::new(metrics),
            public: Admission::new(quotas.connections, quotas.requests, is_proxy),
            operations: Admission::new(quotas.ops_connections, quotas.deliveries, Arc::new(|_| false)),
        })
    }

    fn rest(&self, issue_token: &IssueToken, public: Arc<SharedState>) -> RestApi {
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
            list_tokens: ListTokens { tokens: store(), facts: facts() },
            link_accounts: LinkAccounts {
                foreign_logins: Arc::clone(&log_in.foreign_logins),
                links: store(),
                facts: facts(),
            },
            browse_items: browse_items(self.store),
            policy: self.settings.access,
            users: store(),
            clock: Arc::clone(self.clock),
            public,
        }
    }
}
