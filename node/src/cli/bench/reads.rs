//! Resolution on one node, held against an echo of equal size on the same server.

use std::sync::Arc;
use std::time::Duration;

use super::fill;
use super::http::{Connection, Load, Served, call, closed_loop, get};
use super::operations::Maker;
use super::process::{Process, memory_mib, total_cpu_s};
use super::report::{Report, percentile};
use super::{ReadsArgs, local};
use crate::cli::exit::Failure;
use crate::config::{Home, Loaded};
use crate::run::read_genesis;

/// Time before each measurement, to fill caches and connections.
const WARM_UP: Duration = Duration::from_secs(1);
/// Different DIDs that are asked for; spread over all that there are.
const ASKED: u64 = 20_000;

/// One thing that is loaded: a process, its requests, and what its answers contain.
struct Subject {
    name: &'static str,
    address: String,
    pid: u32,
    requests: Arc<Vec<Vec<u8>>>,
    expected: &'static str,
    runs: Vec<(Served, f64)>,
}

impl Subject {
    /// Median over the runs of one of their figures.
    fn median(&self, figure: impl Fn(&(Served, f64)) -> f64) -> f64 {
        percentile(&mut self.runs.iter().map(figure).collect::<Vec<_>>(), 50)
    }

    async fn run(&mut self, load: Load) -> Result<(), Failure> {
        let before_s = total_cpu_s(self.pid);
        let share = load.measured.as_secs_f64() / (load.measured + load.warm_up).as_secs_f64();
        let served = closed_loop(&self.address, &self.requests, self.expected, load).await?;
        let cpu_us = (total_cpu_s(self.pid) - before_s) * 1e6 * share / served.requests as f64;
        self.runs.push((served, cpu_us));
        Ok(())
    }

    fn report(&self, report: &mut Report) {
        let name = self.name;
        report.add(name, self.median(|run| run.0.per_second), "/s");
        report.add(format!("{name}: p50"), self.median(|run| run.0.p50_us) / 1e3, "ms");
        report.add(format!("{name}: p99"), self.median(|run| run.0.p99_us) / 1e3, "ms");
        report.add(format!("{name}: CPU of the server"), self.median(|run| run.1), "µs a request");
    }

    fn compare(&self, floor: &Self, report: &mut Report) {
        self.report(report);
        let ratio = |figure: fn(&(Served, f64)) -> f64| self.median(figure) / floor.median(figure);
        let name = format!("**{}: of the echo floor**", self.name);
        report.add(name, 100.0 * ratio(|run| run.0.per_second), "%");
        let name = format!("**{}: p99 over the floor's**", self.name);
        report.add(name, ratio(|run| run.0.p99_us), "times");
    }
}

pub(super) async fn run(args: ReadsArgs) -> Result<Report, Failure> {
    let place = tempfile::tempdir_in(&args.place.dir).map_err(local)?;
    let home = Home::new(place.path().join("home"));
    let mut report = tokio::task::block_in_place(|| fill::run(&home, args.records))?;
    report.add_load();
    let address = Loaded::load(&home, &[])?.config.rpc.listen.to_string();
    let path = home.path().to_string_lossy();
    let mut node = Process::start(["--home", &path, "start", "--no-passphrase"])?;
    let ready = node.ready(&address).await?;
    report.add("start of the node until it is ready", ready.as_secs_f64() * 1e3, "ms");

    let genesis = read_genesis(&home.genesis_file())?;
    let maker = Maker { chain: genesis.chain_id(), network: genesis.network };
    let (mut calls, mut gets) = (Vec::new(), Vec::new());
    let step = (args.records / ASKED).max(1) as usize;
    for number in (0..args.records).step_by(step) {
        let (did, _) = maker.create(number)?;
        calls.push(call("did_resolve", &format!(r#"{{"did":"{did}"}}"#)));
        gets.push(get(&format!("/1.0/identifiers/{did}")));
    }
    let first = calls.first().ok_or_else(|| Failure::usage("no DIDs to ask for"))?;
    let bytes = Connection::open(&address).await?.exchange(first).await?.len();
    let mut echo = Process::start(["bench", "echo", "--bytes", &echo_document(bytes).to_string()])?;
    let echo_address = echo.line().await?;

    let subject = |name, address: &str, pid, requests, expected| {
        let (address, requests) = (address.to_owned(), Arc::new(requests));
        Subject { name, address, pid, requests, expected, runs: Vec::new() }
    };
    let asked = vec![call("net_peers", "{}")];
    let found = r#""didDocument":{"#;
    let mut floor = subject("floor: JSON-RPC echo", &echo_address, echo.id(), asked, "xxxx");
    let mut subjects = [
        subject("did_resolve", &address, node.id(), calls, found),
        subject("GET /1.0/identifiers", &address, node.id(), gets, r#""id":"did:idem:"#),
    ];
    let connections = usize::try_from(args.connections).unwrap_or(usize::MAX);
    let measured = Duration::from_secs(args.seconds);
    let load = Load { connections, warm_up: WARM_UP, measured };
    for _ in 0..args.repeat {
        floor.run(load).await?;
        for subject in &mut subjects {
            subject.run(load).await?;
        }
    }
    report.add("answer", bytes as f64, "bytes");
    floor.report(&mut report);
    for subject in &subjects {
        subject.compare(&floor, &mut report);
    }
    report.add("memory of the validator", memory_mib(node.id(), "VmRSS"), "MiB");
    report.add("memory of the validator, greatest", memory_mib(node.id(), "VmHWM"), "MiB");
    node.stop().await?;
    echo.stop().await?;
    Ok(report)
}

/// The length of the echo's document that makes its answer as long as `answer`: the rest is what
/// JSON-RPC and the fields of a peer take.
fn echo_document(answer: usize) -> usize {
    const AROUND: &str = concat!(
        r#"{"jsonrpc":"2.0","id":1,"result":[{"peer":"","address":"","direction":"inbound","#,
        r#""version":"","validator":false,"connectedMs":0,"bytesIn":0,"bytesOut":0}]}"#
    );
    answer.saturating_sub(AROUND.len())
}
