//! The shape of the code, held by tests that name the line which breaks it: layers and their direction, the length of
//! files, pairs of migrations, complete lists of variants, and that pages and comments name only what is there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

mod circles;
mod citations;
mod docs;
mod layers;
mod source;
mod variants;
