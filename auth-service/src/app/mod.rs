//! The use cases: each loads what it needs through ports, lets the rules decide, and gives the outcome.

pub mod authenticate;
pub mod event_body;
pub mod explain;
pub mod first_push;
pub mod issue_token;
pub mod manage_accounts;
pub mod manage_items;
pub mod readiness;
pub mod record_events;
