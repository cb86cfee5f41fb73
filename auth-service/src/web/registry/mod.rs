//! The surface that registries and their clients use.

mod answer;
mod basic_auth;
pub mod events;
mod form;
pub mod jwks;
mod programs;
pub mod token;
