//! Entries of status lists that four validators commit per second, and the reads of these lists.

use anyhow::{Result, anyhow};
use registry_core::id::ListId;
use registry_core::limits::STATUS_RUNS_MAX;
use registry_core::status::{EntryChanges, Run};
use serde::Deserialize;
use serde_json::json;

use super::entries::{ENTRIES, SCATTERED, scattered};
use super::network::{Network, commit};
use super::operations::Issuer;
use super::process::memory_mib;
use super::report::Report;
use super::submit::submit;
use super::{StatusArgs, views};

/// Number of entries in one run. The length does not change the cost of a run. With 8, operations
/// of runs and of scattered entries set a comparable number of entries.
const RUN_ENTRIES: u64 = 8;
/// Number of runs in one operation, spread over the whole list.
const RUNS: u64 = STATUS_RUNS_MAX as u64;
/// Milliseconds for which operations are valid. The ledger allows one hour.
const UNTIL_MS: u64 = 45 * 60 * 1_000;

/// Way in which an operation names its entries.
#[derive(Clone, Copy)]
enum Shape {
    Runs,
    Scattered,
}

impl Shape {
    fn name(self) -> String {
        match self {
            Self::Runs => format!("{RUNS} runs of {RUN_ENTRIES}"),
            Self::Scattered => format!("{SCATTERED} scattered entries"),
        }
    }

    /// Returns the number of entries that one operation sets.
    fn entries(self) -> u64 {
        match self {
            Self::Runs => RUNS * RUN_ENTRIES,
            Self::Scattered => SCATTERED,
        }
    }

    /// Returns how many operations fit a list if no two set the same entry.
    fn operations(self) -> u64 {
        ENTRIES / self.entries()
    }

    fn changes(self, number: u64) -> Result<EntryChanges> {
        match self {
            Self::Runs => {
                let start = |run| run * (ENTRIES / RUNS) + number * RUN_ENTRIES;
                let run =
                    |run| Run { start: start(run), length: RUN_ENTRIES, value: 1, expect: None };
                Ok(EntryChanges::Runs((0..RUNS).map(run).collect()))
            }
            Self::Scattered => scattered(number * SCATTERED..(number + 1) * SCATTERED),
        }
    }
}

/// Creates lists and fills them by operations of one shape, on all lists in turn.
async fn fill(
    network: &Network,
    issuer: &Issuer<'_>,
    (shape, lists): (Shape, std::ops::Range<u64>),
    connections: u64,
    report: &mut Report,
) -> Result<()> {
    let (lists, creates): (Vec<ListId>, Vec<_>) =
        lists.map(|number| issuer.list(number, ENTRIES)).unzip();
    submit(network, &creates, connections).await?;
    let mut envelopes = Vec::new();
    for number in 0..shape.operations() {
        let changes = shape.changes(number)?;
        envelopes.extend(lists.iter().map(|list| issuer.set(*list, changes.clone())));
    }
    let phase = submit(network, &envelopes, connections).await?;
    for list in &lists {
        check(network, list, shape.operations() * shape.entries()).await?;
    }
    let name = shape.name();
    let rate = phase.operations as f64 / phase.seconds;
    let bytes = envelopes.iter().map(Vec::len).sum::<usize>() as f64 / envelopes.len() as f64;
    report.add(format!("{name}: bytes an operation"), bytes, "");
    report.add(format!("**{name}: committed entries**"), rate * shape.entries() as f64, "/s");
    report.add(format!("{name}: committed operations"), rate, "/s");
    report.add(format!("{name}: cores left by the clients"), phase.free_cores(), "");
    phase.report(&format!("{name}: "), report);
    Ok(())
}

/// Fails unless `wanted` entries of the list are set, since otherwise the figures would be wrong.
async fn check(network: &Network, list: &ListId, wanted: u64) -> Result<()> {
    #[derive(Deserialize)]
    struct Counted {
        set: u64,
    }
    let answer = network.clients[0].call("status_getList", json!({ "list": list })).await?;
    let Counted { set } = serde_json::from_value(answer)?;
    match set == wanted {
        true => Ok(()),
        false => Err(anyhow!("list {list}: {set} entries are set, not {wanted}")),
    }
}

pub(super) async fn run(args: StatusArgs) -> Result<Report> {
    let mut report = Report::default();
    report.add_load();
    let network = Network::start(&args.place.dir).await?;
    let until_ms = network.time_ms().await? + UNTIL_MS;
    let (issuer, create) = network.maker.issuer(until_ms)?;
    commit(&network.clients[0], &create).await?;
    let (runs, scattered) = (0..args.lists, args.lists..2 * args.lists);
    for load in [(Shape::Runs, runs), (Shape::Scattered, scattered)] {
        fill(&network, &issuer, load, args.connections, &mut report).await?;
    }
    let memory = network.nodes.iter().map(|node| memory_mib(node.pid, "VmHWM"));
    report.add("memory of a validator, greatest", memory.fold(0.0, f64::max), "MiB");
    views::run(&network, &issuer, &args, &mut report).await?;
    network.stop().await?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_a_list_set_each_entry_at_most_once() {
        for shape in [Shape::Runs, Shape::Scattered] {
            let mut seen = vec![false; ENTRIES as usize];
            for number in 0..shape.operations() {
                let changes = shape.changes(number).unwrap();
                let mut entries = 0;
                for run in changes.runs() {
                    for entry in run.start..run.start + run.length {
                        assert!(!std::mem::replace(&mut seen[entry as usize], true));
                        entries += 1;
                    }
                }
                assert_eq!(entries, shape.entries());
            }
        }
    }
}
