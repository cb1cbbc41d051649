//! The dearest blocks: for each action, the block that its operations fill up to the budget, over
//! a store on disk whose caches are empty. If the weights of the cost (docs/protocol/state.md,
//! section "Cost") are right, no such block takes longer than its cost says.

mod cases;
mod governance;
mod ground;
mod people;

use std::path::Path;

use anyhow::{Context as _, Result};
use registry_core::cost::COST_PER_MS;
use registry_core::limits::{BLOCK_BYTES_MAX, BLOCK_FIRST_VERSIONS_MAX, BLOCK_OPERATIONS_MAX};

use super::report::Report;
use cases::{CASES, Case};
use ground::{Ground, Measured};
use people::Form;

/// Measures each case whose name begins with `only`, with each form of author, in a new store under
/// `dir`.
pub(super) fn run(dir: &Path, only: &str) -> Result<Report> {
    let mut report = Report::default();
    report.add_load();
    let place = tempfile::tempdir_in(dir)?;
    let mut ground = Ground::found(place.path())?;
    let mut worst = Worst::default();
    for Case { name, forms, make } in CASES.iter().filter(|case| case.name.starts_with(only)) {
        for form in *forms {
            let what = format!("{name}, {}", form.name());
            let requests = make(&mut ground, *form, form.count()).context(what.clone())?;
            let measured = ground.measure(requests).context(what.clone())?;
            worst.note(&what, &measured);
            add(&mut report, &what, &measured);
        }
    }
    if EXPIRY.starts_with(only) {
        add_expiry(&mut report, &mut ground)?;
    }
    worst.report(&mut report);
    Ok(report)
}

/// Name of the block that deletes as many expired leaves as it may.
const EXPIRY: &str = "expired leaves";

/// Measures that block. Its leaves are those that count the rotations of a day.
fn add_expiry(report: &mut Report, ground: &mut Ground) -> Result<()> {
    let Case { make, .. } =
        CASES.iter().find(|case| case.name == "did_rotate").context("a case")?;
    let mut rotations = Vec::new();
    while rotations.len() < 2 * Form::Plain.count() {
        rotations.extend(make(ground, Form::Plain, Form::Plain.count())?);
    }
    ground.write(rotations)?;
    let (deleted, execute_s) = ground.measure_expiry()?;
    report.add(format!("{EXPIRY}: deleted by one block"), deleted as f64, "");
    report.add(format!("{EXPIRY}: execution"), 1_000.0 * execute_s, "ms");
    Ok(())
}

/// The cases that came out highest.
#[derive(Default)]
struct Worst {
    block_ms: (f64, String),
    per_thousand_ms: (f64, String),
}

impl Worst {
    fn note(&mut self, what: &str, measured: &Measured) {
        let block_ms = measured.block_ms();
        let per_thousand_ms = 1_000.0 * block_ms / measured.cost as f64;
        for (worst, value) in
            [(&mut self.block_ms, block_ms), (&mut self.per_thousand_ms, per_thousand_ms)]
        {
            if value > worst.0 {
                *worst = (value, what.to_owned());
            }
        }
    }

    fn report(self, report: &mut Report) {
        let (value, what) = self.block_ms;
        report.add(format!("**longest block: {what}**"), value, "ms");
        let (value, what) = self.per_thousand_ms;
        report.add(format!("**most time for its cost: {what}**"), value, "ms for 1,000 units");
        let allowed = 1_000.0 / COST_PER_MS as f64;
        report.add("allowed by COST_PER_MS", allowed, "ms for 1,000 units");
    }
}

impl Measured {
    /// Time in ms in which a validator checks and executes the block before it votes.
    fn block_ms(&self) -> f64 {
        1_000.0 * (self.check_s + self.execute_s)
    }

    /// Number of such operations in a block that is bounded by their number and bytes alone.
    fn without_budget(&self) -> usize {
        let by_bytes = BLOCK_BYTES_MAX * self.operations / self.bytes.max(1);
        let all = BLOCK_OPERATIONS_MAX.min(by_bytes);
        if self.are_new { all.min(BLOCK_FIRST_VERSIONS_MAX) } else { all }
    }
}

fn add(report: &mut Report, what: &str, measured: &Measured) {
    let Measured { operations, cost, check_s, execute_s, commit_s, .. } = measured;
    let each_ms = measured.block_ms() / (*operations as f64);
    let unbounded = measured.without_budget();
    report.add(format!("{what}: operations of the block"), *operations as f64, "");
    report.add(format!("{what}: cost"), *cost as f64, "units");
    report.add(format!("{what}: checks of signatures and form"), 1_000.0 * check_s, "ms");
    report.add(format!("{what}: execution"), 1_000.0 * execute_s, "ms");
    report.add(format!("{what}: batch of the store"), 1_000.0 * commit_s, "ms");
    let name = format!("{what}: {unbounded} of them, a block without a budget, would take");
    report.add(name, each_ms * unbounded as f64, "ms");
}
