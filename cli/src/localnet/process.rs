//! Processes of a localnet. They run independently of the command that started them, and later
//! commands find them by their pid files.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use keys::Home;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::exit::Failure;

/// Pause between two checks whether a starting node is ready.
const READY_INTERVAL: Duration = Duration::from_millis(50);
/// Longest time that a node may take to end after SIGTERM.
const STOP_TIMEOUT: Timespec = Timespec { tv_sec: 15, tv_nsec: 0 };
/// Number of lines of the log that are shown if a node does not start.
const LOG_LINES: usize = 5;

/// A node that this process started.
pub(super) struct Node {
    child: Child,
    home: Home,
}

impl Node {
    /// Runs `idem start` for a home. The node logs to HOME/log and inherits no descriptors, so that
    /// a pipe of the caller closes when the caller ends.
    pub(super) fn spawn(home: &Home) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::usage(format!("cannot start the node of {}: {error}", home.path().display()))
        };
        fs::create_dir_all(home.log()).map_err(failed)?;
        let log = home.log().join("node.log");
        let log = File::options().create(true).append(true).open(log).map_err(failed)?;
        close_fds::set_fds_cloexec(3, &[]);
        let child = Command::new(std::env::current_exe().map_err(failed)?)
            .arg("--home")
            .arg(home.path())
            .args(["start", "--no-passphrase"])
            .current_dir(home.path())
            .env_remove("IDEM_RPC")
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self { child, home: home.clone() })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns when the node is ready. If the node stops before, fails with the end of its log.
    pub(super) async fn ready(&mut self, rpc: &str) -> Result<(), Failure> {
        while !is_ready(rpc).await {
            if let Ok(Some(status)) = self.child.try_wait() {
                let log = self.home.log().join("node.log");
                let text = fs::read_to_string(&log).unwrap_or_default();
                let lines: Vec<_> = text.lines().rev().take(LOG_LINES).collect();
                let end: Vec<_> = lines.into_iter().rev().collect();
                let message = format!(
                    "the node of {} ended with {status}:\n{}",
                    self.home.path().display(),
                    end.join("\n")
                );
                return Err(Failure::usage_with(message, format!("see {}", log.display())));
            }
            tokio::time::sleep(READY_INTERVAL).await;
        }
        Ok(())
    }
}

/// True if `/readyz` of a node answers with status 200.
pub(super) async fn is_ready(rpc: &str) -> bool {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&[u8]>>();
    match format!("{rpc}/readyz").parse() {
        Ok(url) => client.get(url).await.is_ok_and(|answer| answer.status() == 200),
        Err(_) => false,
    }
}

/// Returns the process of a home if it runs: the one in its pid file, or else the one that was
/// started.
fn running(home: &Home, started: u32) -> Option<Pid> {
    let written = fs::read_to_string(home.pid_file()).ok();
    let written = written.and_then(|text| text.trim().parse().ok());
    let candidates = written.into_iter().chain([started]);
    let mut own = candidates.filter(|pid: &u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let home = home.path().as_os_str().as_encoded_bytes();
        let mut arguments = command.split(|byte| *byte == 0);
        arguments.any(|argument| argument == home || argument.ends_with(home))
    });
    own.next().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw)
}

/// True if the node of a home runs.
pub(super) fn runs(home: &Home, started: u32) -> bool {
    running(home, started).is_some()
}

/// A process that was asked to end. It is held by descriptor, because while it ends /proc no longer
/// shows its command line and it could not be found again.
pub(super) struct Ending {
    pid: Pid,
    handle: OwnedFd,
}

/// Sends SIGTERM to the process of a home. Returns `None` if it does not run.
pub(super) fn terminate(home: &Home, started: u32) -> Result<Option<Ending>, Failure> {
    let Some(pid) = running(home, started) else { return Ok(None) };
    let asked = pidfd_open(pid, PidfdFlags::empty()).and_then(|handle| {
        pidfd_send_signal(&handle, Signal::TERM)?;
        Ok(handle)
    });
    match asked {
        Ok(handle) => Ok(Some(Ending { pid, handle })),
        Err(rustix::io::Errno::SRCH) => Ok(None),
        Err(error) => Err(Failure::usage(format!(
            "cannot stop process {} of {}: {error}",
            pid.as_raw_nonzero(),
            home.path().display()
        ))),
    }
}

impl Ending {
    /// Waits until the process has ended. Fails if it takes too long.
    pub(super) fn wait(self) -> Result<(), Failure> {
        match poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&STOP_TIMEOUT)) {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => Err(Failure::usage(format!(
                "process {} does not end within {} s; see its log",
                self.pid.as_raw_nonzero(),
                STOP_TIMEOUT.tv_sec
            ))),
        }
    }
}
