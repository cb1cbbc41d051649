//! Resolution on one node, compared with an echo server with answers of equal size.

use anyhow::{Result, anyhow};
use keys::Home;

use super::http::{Connection, call, get};
use super::network::Alone;
use super::operations::Maker;
use super::process::memory_mib;
use super::report::Report;
use super::subject::Subject;
use super::{ReadsArgs, echo, fill, home as homes};

/// Number of different DIDs to resolve, spread evenly over all DIDs.
const ASKED: u64 = 20_000;

pub(super) async fn run(args: ReadsArgs) -> Result<Report> {
    let place = tempfile::tempdir_in(&args.place.dir)?;
    let home = Home::new(place.path().join("home"));
    let mut report = tokio::task::block_in_place(|| fill::run(&home, args.records, false))?;
    report.add_load();
    let node = Alone::start(&home).await?;
    report.add("start of the node until it is ready", node.ready.as_secs_f64() * 1e3, "ms");

    let genesis = homes::genesis(&home)?;
    let maker = Maker { chain: genesis.chain_id(), network: genesis.network };
    let (mut calls, mut gets) = (Vec::new(), Vec::new());
    let step = (args.records / ASKED).max(1) as usize;
    for number in (0..args.records).step_by(step) {
        let (did, _) = maker.create(number)?;
        calls.push(call("did_resolve", &format!(r#"{{"did":"{did}"}}"#)));
        gets.push(get(&format!("/1.0/identifiers/{did}")));
    }
    let first = calls.first().ok_or_else(|| anyhow!("no DIDs to ask for"))?;
    let bytes = Connection::open(&node.address).await?.exchange(first).await?.len();
    let (echo, echo_address) = echo::start(bytes).await?;

    let asked = vec![call("net_peers", "{}")];
    let found = r#""didDocument":{"#;
    let (node_at, echo_at) = (node.at(), (&*echo_address, echo.id()));
    let mut floor = Subject::new("floor: JSON-RPC echo", echo_at, asked, "xxxx");
    let mut subjects = [
        Subject::new("did_resolve", node_at, calls, found),
        Subject::new("GET /1.0/identifiers", node_at, gets, r#""id":"did:idem:"#),
    ];
    let load = args.serving.load();
    for _ in 0..args.serving.repeat {
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
    report.add("memory of the validator", memory_mib(node.process.id(), "VmRSS"), "MiB");
    report.add("memory of the validator, greatest", memory_mib(node.process.id(), "VmHWM"), "MiB");
    node.process.stop().await?;
    echo.stop().await?;
    Ok(report)
}
