//! One node process of a network.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;

use super::{Client, command, wait};

/// Time limit for a killed process to end.
const END_TIMEOUT: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };
/// Time limit for a restarted node to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// A node with its home, whether it runs or not.
#[derive(Debug)]
pub struct Node {
    /// Name in `localnet.json`.
    pub name: String,
    /// `validator` or `follower`.
    pub role: String,
    /// Home directory.
    pub home: PathBuf,
    /// Client of the public listener.
    pub client: Client,
    /// Base URL of the private listener.
    pub admin: String,
    /// Id of the process; `None` if it is known to have ended.
    pub pid: Option<u32>,
    /// Set once this test started it itself.
    child: Option<Child>,
}

impl Node {
    /// A node that runs already, from its entry in `localnet.json`.
    pub fn running(entry: &Value) -> Self {
        let text = |field: &str| entry[field].as_str().expect("a text").to_owned();
        Self {
            name: text("name"),
            role: text("role"),
            home: text("home").into(),
            client: Client::new(&text("rpc")),
            admin: text("admin"),
            pid: Some(entry["pid"].as_u64().and_then(|pid| pid.try_into().ok()).expect("a pid")),
            child: None,
        }
    }

    /// A node that was never started, with a home that listens at `rpc`.
    pub fn stopped(name: &str, role: &str, home: PathBuf, rpc: &str) -> Self {
        let (name, role) = (name.to_owned(), role.to_owned());
        let (client, admin) = (Client::new(rpc), String::new());
        Self { name, role, home, client, admin, pid: None, child: None }
    }

    /// Kills the node with SIGKILL and waits until it has ended.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Stops the node with SIGTERM and waits until it has ended.
    pub fn terminate(&mut self) {
        self.end(Signal::TERM);
    }

    fn end(&mut self, signal: Signal) {
        let Some(pid) = self.pid.take() else { return };
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
        // A process that ended by itself is what the test wanted; others say why.
        if let Ok(handle) = pidfd_open(raw, PidfdFlags::empty()) {
            let _gone = kill_process(raw, signal);
            let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&END_TIMEOUT));
            assert_eq!(ended, Ok(1), "{} does not end by {signal:?}", self.name);
        }
        self.reap();
    }

    fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().expect("a child");
        }
    }

    /// True if the process runs. A process that ended does not count, even if nobody has waited for
    /// it.
    pub fn runs(&self) -> bool {
        let raw = self.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let handle = raw.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        handle.is_some_and(|handle| {
            poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&now)) == Ok(0)
        })
    }

    /// Starts the node by `idem start --home HOME`, as an operator would, and returns at once.
    pub fn start(&mut self) {
        assert!(self.pid.is_none(), "{} runs", self.name);
        fs::create_dir_all(self.home.join("log")).expect("a directory");
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let mut start = command();
        start.arg("start").arg("--home").arg(&self.home).stdin(Stdio::null());
        start.stdout(log.try_clone().expect("a descriptor")).stderr(log);
        let child = start.spawn().expect("idem starts");
        self.pid = Some(child.id());
        self.child = Some(child);
    }

    /// Starts the node and waits until `/readyz` answers 200.
    pub async fn restart(&mut self) {
        self.start();
        self.ready().await;
    }

    /// Waits until `/readyz` answers 200. Panics with the log if the process ends before.
    pub async fn ready(&mut self) {
        let what = format!("{} is ready", self.name);
        let (name, home, child) = (&self.name, &self.home, &mut self.child);
        let client = self.client.clone();
        wait(&what, READY_TIMEOUT, || {
            let ended = child.as_mut().and_then(|child| child.try_wait().expect("a child"));
            if let Some(status) = ended {
                panic!("{name} ended with {status}:\n{}", tail(&home.join("log/node.log"), 10));
            }
            let client = client.clone();
            async move { client.is_ready().await.then_some(()) }
        })
        .await;
    }

    /// Path of the log file.
    pub fn log(&self) -> PathBuf {
        self.home.join("log/node.log")
    }

    /// Deletes the database. The keys and the height floor stay.
    pub fn delete_data(&self) {
        assert!(self.pid.is_none(), "{} runs", self.name);
        fs::remove_dir_all(self.home.join("data")).expect("a database");
    }

    /// Memory of the process in bytes (`VmRSS`).
    pub fn memory_bytes(&self) -> u64 {
        let pid = self.pid.expect("a process that runs");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its state");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        1_024 * kib.and_then(|kib| kib.parse::<u64>().ok()).expect("a number of KiB")
    }

    /// Size of the database on disk in bytes.
    pub fn data_bytes(&self) -> u64 {
        bytes(&self.home.join("data"), |_| true)
    }

    /// Size of the database's tables and log on disk in bytes. It leaves out RocksDB's own
    /// information files, which grow with every start up to a limit.
    pub fn row_bytes(&self) -> u64 {
        let rows = |path: &Path| path.extension().is_some_and(|end| end == "sst" || end == "log");
        bytes(&self.home.join("data"), rows)
    }
}

/// Size in bytes of the files in a directory for which `counts` is true.
fn bytes(path: &Path, counts: impl Fn(&Path) -> bool + Copy) -> u64 {
    // Files come and go while the database works.
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes(&entry.path(), counts),
        Ok(data) if counts(&entry.path()) => data.len(),
        _ => 0,
    });
    sizes.sum()
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.name, tail(&self.log(), 25));
        }
        self.kill();
    }
}

/// The last lines of a file.
fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
