//! The configuration as its users meet it: every shipped example loads, the documentation has every key, and
//! whatever is wrong is said at once, without a secret in it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test may end by a panic, also in a helper")]

mod commands;
mod examples;
mod issuer_accounts;
mod issuer_tokens;
mod issuers;
mod junk;
mod layers;
mod place;
mod refused;
mod robots;
mod secrets;
mod warned;
