//! The outside: database, files, network and the machine itself. Adapters do not know each other, except
//! that everything may ask the machine's clock.

pub mod argon2;
pub mod facts;
pub mod issuers;
pub mod registry_client;
pub mod shared_answers;
pub mod signing;
pub mod store;
pub mod system;
pub mod token_uses;
pub mod verified_logins;
