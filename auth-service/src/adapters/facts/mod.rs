//! Facts for decisions: straight from the database, or kept in memory for as long as the database confirms
//! that nothing has changed.

mod cached;
mod contents;
mod direct;
mod memory;

pub use cached::CachedFacts;
pub use direct::DirectFacts;
