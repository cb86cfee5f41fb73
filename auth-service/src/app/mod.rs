//! The use cases: each loads what it needs through ports, lets the rules decide, and gives the outcome.

pub mod authenticate;
pub mod browse_items;
pub mod event_body;
pub mod explain;
pub mod first_push;
pub mod foreign_logins;
pub mod give_tokens;
pub mod issue_token;
pub mod keep_tokens;
pub mod link_accounts;
pub mod list_tokens;
pub mod lockout;
pub mod log_in;
pub mod manage_accounts;
pub mod manage_items;
mod password_check;
pub mod password_rules;
pub mod raise_numbers;
pub mod readiness;
pub mod record_events;
pub mod refused_forms;
pub mod sessions;
pub mod token_refusal;
