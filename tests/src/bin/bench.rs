//! Measures the `idem` binary in the same directory, and the code that it consists of.

use std::process::ExitCode;

/// The same allocator as in `idem`, because this program serves the floors that nodes are compared
/// with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    registry_tests::bench::run()
}
