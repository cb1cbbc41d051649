//! The `idem` binary.

use std::process::ExitCode;

/// Answers are made of many small pieces on many threads, which costs the system's allocator more
/// than anything else in a resolution. Its feature `override` makes it RocksDB's as well, whose
/// cache else gives memory back to the system and takes it again all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    node::cli::run()
}
