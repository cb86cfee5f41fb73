//! The program: everything is in the library.

use std::process::ExitCode;

/// Gives memory back that a flood of requests took, also while nothing happens (`docs/PERFORMANCE.md`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    auth_service::cli::main()
}
