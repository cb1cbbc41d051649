//! Networks of real processes. They are started by the `idem` binary, killed by signals, and asked
//! only through their public listeners. Tests look only at what a client can see.

mod chain;
mod client;
mod governor;
mod localnet;
mod node;
mod status;
mod wallet;
mod writer;

use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub use chain::{check_acknowledged, check_equal_chains, wait_for_height};
pub use client::{CallError, Client};
pub use governor::{Governor, govern, newcomer, validators};
pub use localnet::Localnet;
pub use node::Node;
pub use status::ListState;
pub use wallet::{Chain, Signed, Wallet, document, new_key, next_set, salt, seal, seal_by};
pub use writer::{Acknowledged, Writer, retry};

/// Pause between two polls of something that another process changes.
const LOOK: Duration = Duration::from_millis(20);

/// The `idem` binary of the build that this program belongs to.
///
/// Cargo passes its path only to tests of the binary's own package. Cargo keeps it beside other
/// binaries and one directory above test binaries.
pub fn idem() -> PathBuf {
    let program = std::env::current_exe().expect("a program has a path");
    let built = program.ancestors().skip(1).take(2).map(|directory| directory.join("idem"));
    built.into_iter().find(|idem| idem.is_file()).expect(
        "target/release/idem is missing: build it with `cargo build --release -p idem`, or run \
         all tests by ./scripts/test",
    )
}

/// A command of the `idem` binary, in an environment without settings for homes or nodes.
pub fn command() -> Command {
    let mut command = Command::new(idem());
    command.env_remove("IDEM_RPC").env_remove("IDEM_HOME");
    command
}

/// Runs the `idem` binary. Returns the exit code, the JSON on standard output if there is any, and
/// the text on standard error.
pub fn run(arguments: &[&str]) -> (i32, Value, String) {
    let output = command().args(arguments).stdin(Stdio::null()).output().expect("idem runs");
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), json, errors)
}

/// Polls until there is an answer. Panics with `what` if there is none within `limit`.
pub async fn wait<T, F>(what: &str, limit: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Chooses the size of a measurement: `long` if `IDEM_SOAK` is set, else `short`, as in the gate.
pub fn measure<T>(short: T, long: T) -> T {
    if std::env::var_os("IDEM_SOAK").is_some() { long } else { short }
}
