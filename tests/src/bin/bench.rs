//! Measures the `idem` binary that stands beside this one, and the code that it is made of.

use std::process::ExitCode;

/// The allocator of `idem`: this program serves the floors that nodes are held against.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    registry_tests::bench::run()
}
