//! Committed operations per second of four validators. They are compared with the bound that
//! signature checks alone would allow: every validator checks every operation, and all share this
//! machine's cores.

use anyhow::Result;
use registry_core::crypto::Suite;
use registry_core::id::Did;

use super::WritesArgs;
use super::floors::verify_s;
use super::network::Network;
use super::process::memory_mib;
use super::report::Report;
use super::submit::submit;

pub(super) async fn run(args: WritesArgs) -> Result<Report> {
    let mut report = Report::default();
    report.add_load();
    let verify_s = tokio::task::block_in_place(|| verify_s(Suite::Ed25519))?;
    let network = Network::start(&args.place.dir).await?;
    let half = args.operations / 2;
    let created = (0..half).map(|number| network.maker.create(number));
    let (dids, creates): (Vec<Did>, Vec<_>) = created.collect::<Result<_, _>>()?;
    submit(&network, &creates, args.connections).await?;
    let mut envelopes = Vec::new();
    for (number, did) in (0..half).zip(dids) {
        envelopes.push(network.maker.update(number, did)?);
        envelopes.push(network.maker.create(half + number)?.1);
    }
    let phase = submit(&network, &envelopes, args.connections).await?;
    let free_cores = phase.free_cores();
    let bound = free_cores / (network.nodes.len() as f64 * verify_s);
    let rate = phase.operations as f64 / phase.seconds;
    report.add("verify_strict, 600 B, one core", 1.0 / verify_s, "/s");
    report.add("cores left by the clients", free_cores, "");
    report.add("bound: those cores over four checks", bound, "/s");
    report.add("committed operations", rate, "/s");
    report.add("**committed operations: of the bound**", 100.0 * rate / bound, "%");
    phase.report("", &mut report);
    let memory = network.nodes.iter().map(|node| memory_mib(node.pid, "VmHWM"));
    report.add("memory of a validator, greatest", memory.fold(0.0, f64::max), "MiB");
    network.stop().await?;
    Ok(report)
}
