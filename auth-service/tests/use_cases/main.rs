//! The use cases against ports that do what a test says: races, outages and logins that end meanwhile, which
//! real servers show only by luck.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

mod explain;
mod fakes;
mod first_push;
mod foreign;
mod issue_token;
mod lockout;
mod numbers;
mod passwords;
mod readiness;
mod tokens;
