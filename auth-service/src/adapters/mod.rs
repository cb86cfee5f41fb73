//! The outside: database, files, network and the machine itself. Adapters do not know each other, except
//! that all may use `system` and `http_responses`.

pub mod argon2;
pub mod facts;
pub mod http_responses;
pub mod issuers;
pub mod registry_client;
pub mod shared_answers;
pub mod signing;
pub mod store;
pub mod system;
pub mod token_uses;
pub mod verified_logins;
