//! A server that is loaded with requests, and its comparison with a floor.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::http::{Load, Served, closed_loop};
use super::process::total_cpu_s;
use super::report::{Report, percentile};

/// Time before each measurement in which caches fill and connections open.
pub(super) const WARM_UP: Duration = Duration::from_secs(1);

/// A process to load, the requests to send, and the text that every answer must contain.
pub(super) struct Subject {
    pub(super) name: String,
    address: String,
    pid: u32,
    requests: Arc<Vec<Vec<u8>>>,
    expected: &'static str,
    runs: Vec<(Served, f64)>,
}

impl Subject {
    pub(super) fn new(
        name: impl Into<String>,
        (address, pid): (&str, u32),
        requests: Vec<Vec<u8>>,
        expected: &'static str,
    ) -> Self {
        let (address, requests) = (address.to_owned(), Arc::new(requests));
        Self { name: name.into(), address, pid, requests, expected, runs: Vec::new() }
    }

    /// Returns the median of a figure over all runs.
    pub(super) fn median(&self, figure: impl Fn(&(Served, f64)) -> f64) -> f64 {
        percentile(&mut self.runs.iter().map(figure).collect::<Vec<_>>(), 50)
    }

    /// Returns the number of requests in all measured runs.
    pub(super) fn requests(&self) -> usize {
        self.runs.iter().map(|(served, _)| served.requests).sum()
    }

    pub(super) async fn run(&mut self, load: Load) -> Result<()> {
        let before_s = total_cpu_s(self.pid);
        let share = load.measured.as_secs_f64() / (load.measured + load.warm_up).as_secs_f64();
        let served = closed_loop(&self.address, &self.requests, self.expected, load).await?;
        let cpu_us = (total_cpu_s(self.pid) - before_s) * 1e6 * share / served.requests as f64;
        self.runs.push((served, cpu_us));
        Ok(())
    }

    pub(super) fn report(&self, report: &mut Report) {
        let name = &self.name;
        report.add(name, self.median(|run| run.0.per_second), "/s");
        report.add(format!("{name}: p50"), self.median(|run| run.0.p50_us) / 1e3, "ms");
        report.add(format!("{name}: p99"), self.median(|run| run.0.p99_us) / 1e3, "ms");
        report.add(format!("{name}: CPU of the server"), self.median(|run| run.1), "µs a request");
    }

    pub(super) fn compare(&self, floor: &Self, report: &mut Report) {
        self.report(report);
        let ratio = |figure: fn(&(Served, f64)) -> f64| self.median(figure) / floor.median(figure);
        let name = format!("**{}: of the echo floor**", self.name);
        report.add(name, 100.0 * ratio(|run| run.0.per_second), "%");
        let name = format!("**{}: p99 over the floor's**", self.name);
        report.add(name, ratio(|run| run.0.p99_us), "times");
    }
}
