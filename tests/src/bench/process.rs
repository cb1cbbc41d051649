//! Processes under measurement: `idem` and this same program, and what the operating system counts
//! of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::http::{Connection, get};
use crate::cluster::idem;

/// Ticks per second of the times in `/proc`. The kernel's interface fixes it at 100.
const TICKS_PER_SECOND: f64 = 100.0;
const READY_INTERVAL: Duration = Duration::from_millis(2);

/// A child process that is interrupted when this value is dropped.
pub(super) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// Starts the `idem` binary of the same build.
    pub(super) fn idem<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        Self::start(idem(), arguments)
    }

    /// Starts this same program.
    pub(super) fn own<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        Self::start(std::env::current_exe()?, arguments)
    }

    fn start<'a>(program: PathBuf, arguments: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env("IDEM_LOG__LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| anyhow!("no standard output"))?;
        Ok(Self { child, lines: BufReader::new(output) })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Reads the next line of the process's standard output.
    pub(super) async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line).await? {
            0 => Err(anyhow!("a process under measurement ended early; see its message")),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// Waits until the node is ready, and returns how long that took.
    pub(super) async fn ready(&mut self, address: &str) -> Result<Duration> {
        let (started, request) = (Instant::now(), get("/readyz"));
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && connection.exchange(&request).await.is_ok()
            {
                return Ok(started.elapsed());
            }
            if self.child.try_wait()?.is_some() {
                return Err(anyhow!("the node ended before it was ready"));
            }
            tokio::time::sleep(READY_INTERVAL).await;
        }
    }

    /// Interrupts the process and waits until it has ended.
    pub(super) async fn stop(mut self) -> Result<()> {
        self.interrupt();
        self.child.wait().await?;
        Ok(())
    }

    fn interrupt(&self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // The call fails if the process has ended already, which is the wanted result.
            let _ended = kill_process(pid, Signal::INT);
        }
    }
}

impl Drop for Process {
    /// Interrupts the process after a failure. A localnet then stops its nodes by itself.
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// Returns the CPU seconds that the threads of a process have used, summed by thread name.
pub(super) fn cpu_s(pid: u32) -> BTreeMap<String, f64> {
    let mut used = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let Ok(text) = fs::read_to_string(thread.path().join("stat")) else { continue };
        let Some((name, fields)) = text.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'))
        else {
            continue;
        };
        // Fields 14 and 15 of `/proc/[pid]/stat` are user and system time (proc(5)). The text after
        // the name begins with field 3.
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.filter_map(|text| text.parse::<f64>().ok()).sum();
        *used.entry(name.to_owned()).or_insert(0.0) += ticks / TICKS_PER_SECOND;
    }
    used
}

/// Returns the CPU seconds of all threads of a process.
pub(super) fn total_cpu_s(pid: u32) -> f64 {
    cpu_s(pid).values().sum()
}

/// Returns the memory of a process in MiB. The field `VmRSS` is its present size, and `VmHWM` its
/// greatest.
pub(super) fn memory_mib(pid: u32, field: &str) -> f64 {
    let text = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status"))).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1_024.0
}
