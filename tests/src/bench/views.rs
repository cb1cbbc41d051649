//! Views of lists as nodes publish them, compared with two servers with answers of equal size: the
//! API's echo server and plain HTTP.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use registry_core::id::ListId;

use super::entries::{ENTRIES, SCATTERED, scattered};
use super::http::{Connection, Load, call, get};
use super::network::{Network, Node};
use super::operations::Issuer;
use super::process::Process;
use super::report::Report;
use super::subject::{Subject, WARM_UP};
use super::submit::submit;
use super::{StatusArgs, echo};

/// Percentages of entries that are set: few, and half, which compresses worst.
const PERCENT: [u64; 2] = [1, 50];
/// Routes, and the text that their answers contain.
const ROUTES: [(&str, &str); 2] =
    [("/token-status-lists", "eyJ"), ("/status-lists", r#"{"@context":"#)];
/// Steps in making a view, as the node's metrics name them, and the words for the report.
const STEPS: [(&str, &str); 2] = [("Compress", "compressed"), ("Sign", "signed")];

/// A view and its floors.
struct View {
    subject: Subject,
    floors: [Subject; 2],
    echoes: [Process; 2],
    bytes: f64,
    first_ms: f64,
}

impl View {
    /// Requests a view for the first time, and starts the floors with answers of the same size.
    async fn open(node: &Node, name: String, path: &str, expected: &'static str) -> Result<Self> {
        let mut connection = Connection::open(node.address()).await?;
        let (request, asked) = (get(path), Instant::now());
        let bytes = connection.exchange(&request).await?.len();
        let first_ms = asked.elapsed().as_secs_f64() * 1e3;
        let (api, api_address) = echo::start(bytes).await?;
        let (plain, plain_address) = echo::start_plain(bytes).await?;
        let asked = vec![call("net_peers", "{}")];
        let floors = [
            Subject::new("the echo floor", (&api_address, api.id()), asked, "xxxx"),
            Subject::new("plain HTTP", (&plain_address, plain.id()), vec![get("/")], "xxxx"),
        ];
        let subject = Subject::new(name, (node.address(), node.pid), vec![request], expected);
        let (echoes, bytes) = ([api, plain], bytes as f64);
        Ok(Self { subject, floors, echoes, bytes, first_ms })
    }

    async fn run(&mut self, load: Load) -> Result<()> {
        for floor in &mut self.floors {
            floor.run(load).await?;
        }
        self.subject.run(load).await
    }

    fn report(&self, report: &mut Report) {
        let name = &self.subject.name;
        let rate = self.subject.median(|(served, _)| served.per_second);
        let cpu_us = |subject: &Subject| subject.median(|(_, cpu_us)| *cpu_us);
        report.add(format!("{name}: answer"), self.bytes, "bytes");
        report.add(format!("{name}: first request"), self.first_ms, "ms");
        report.add(name, rate, "/s");
        report.add(format!("{name}: bytes"), rate * self.bytes / 1e6, "MB/s");
        let unit = "µs a request";
        report.add(format!("{name}: CPU of the server"), cpu_us(&self.subject), unit);
        for floor in &self.floors {
            let bound = floor.median(|(served, _)| served.per_second);
            report.add(format!("{name}: CPU of {}", floor.name), cpu_us(floor), unit);
            report.add(format!("**{name}: of {}**", floor.name), 100.0 * rate / bound, "%");
        }
    }
}

/// Creates a list for each of [`PERCENT`] and sets entries at pseudo-random places. The lists are
/// numbered from `first` on.
async fn lists(
    network: &Network,
    issuer: &Issuer<'_>,
    first: u64,
    connections: u64,
) -> Result<Vec<(u64, ListId)>> {
    let (mut lists, mut creates, mut sets) = (Vec::new(), Vec::new(), Vec::new());
    for (number, percent) in (first..).zip(PERCENT) {
        let (list, create) = issuer.list(number, ENTRIES);
        let end = ENTRIES * percent / 100;
        for start in (0..end).step_by(SCATTERED as usize) {
            sets.push(issuer.set(list, scattered(start..end.min(start + SCATTERED))?));
        }
        lists.push((percent, list));
        creates.push(create);
    }
    submit(network, &creates, connections).await?;
    submit(network, &sets, connections).await?;
    Ok(lists)
}

/// Returns how often a node has done a step in making views.
async fn done(node: &Node, step: &str) -> Result<f64> {
    let address = node.admin.strip_prefix("http://").unwrap_or(&node.admin);
    let mut connection = Connection::open(address).await?;
    let metrics = connection.exchange(&get("/metrics")).await?;
    let line = format!("rpc_status_view_steps_total{{step=\"{step}\"}} ");
    let value = metrics.lines().find_map(|text| text.split_once(&line));
    let value = value.and_then(|(_, value)| value.parse().ok());
    value.ok_or_else(|| anyhow!("the node's metrics have no {line}"))
}

pub(super) async fn run(
    network: &Network,
    issuer: &Issuer<'_>,
    args: &StatusArgs,
    report: &mut Report,
) -> Result<()> {
    let node = &network.nodes[0];
    let mut views = Vec::new();
    for (percent, list) in lists(network, issuer, 2 * args.lists, args.connections).await? {
        for (route, expected) in ROUTES {
            let name = format!("GET {route}, {percent} % set");
            views.push(View::open(node, name, &format!("{route}/{list}"), expected).await?);
        }
    }
    let connections = usize::try_from(args.readers).unwrap_or(usize::MAX);
    let measured = Duration::from_secs(args.seconds);
    let load = Load { connections, warm_up: WARM_UP, measured };
    for _ in 0..args.repeat {
        for view in &mut views {
            view.run(load).await?;
        }
    }
    for view in &views {
        view.report(report);
    }
    let requests: usize = views.iter().map(|view| view.subject.requests()).sum();
    report.add(format!("GETs of these {} views", views.len()), requests as f64, "");
    for (step, name) in STEPS {
        report.add(format!("**views {name} for them**"), done(node, step).await?, "");
    }
    for view in views {
        for echo in view.echoes {
            echo.stop().await?;
        }
    }
    Ok(())
}
