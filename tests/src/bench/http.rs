//! An HTTP client that uses little CPU. It sends prepared requests over persistent connections, one
//! at a time on each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::report::percentile;

/// A persistent connection.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Creates a JSON-RPC call as an HTTP request.
pub(super) fn call(method: &str, params: &str) -> Vec<u8> {
    post("/", &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
}

/// Creates a POST request with a JSON body.
pub(super) fn post(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub(super) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").into_bytes()
}

fn content_length(head: &str) -> Option<usize> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    value.trim().parse().ok()
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request and returns the body of the answer. Fails if the status is not 200.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<&str> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (mut body, mut end) = (0, usize::MAX);
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(anyhow!("the node closed the connection"));
            }
            if body == 0
                && let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                let head = String::from_utf8_lossy(&self.buffer[..at]);
                let length = content_length(&head).filter(|_| head.starts_with("HTTP/1.1 200"));
                let length = length.ok_or_else(|| anyhow!("answer: {head}"))?;
                body = at + 4;
                end = body + length;
            }
        }
        Ok(std::str::from_utf8(&self.buffer[body..end])?)
    }
}

/// Connections and times of a load.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
}

/// Rate and latency that a load reached.
pub(super) struct Served {
    pub(super) per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) requests: usize,
}

/// Sends `requests` in turn. Each connection sends the next one when the last is answered. Fails if
/// an answer does not contain `expected`.
pub(super) async fn closed_loop(
    address: &str,
    requests: &Arc<Vec<Vec<u8>>>,
    expected: &'static str,
    load: Load,
) -> Result<Served> {
    let started = Instant::now() + load.warm_up;
    let ended = started + load.measured;
    let mut tasks = JoinSet::new();
    for number in 0..load.connections {
        let (requests, address) = (Arc::clone(requests), address.to_owned());
        let first = number * requests.len() / load.connections;
        tasks.spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut times_us = Vec::new();
            for request in requests.iter().cycle().skip(first) {
                let sent = Instant::now();
                let body = connection.exchange(request).await?;
                if !body.contains(expected) {
                    return Err(anyhow!("answer without {expected}: {body}"));
                }
                let now = Instant::now();
                if now >= ended {
                    break;
                }
                if sent >= started {
                    times_us.push((now - sent).as_secs_f64() * 1e6);
                }
            }
            anyhow::Ok(times_us)
        });
    }
    let mut times_us = Vec::new();
    while let Some(result) = tasks.join_next().await {
        let own = result?;
        times_us.extend(own?);
    }
    Ok(Served {
        per_second: times_us.len() as f64 / load.measured.as_secs_f64(),
        p50_us: percentile(&mut times_us, 50),
        p99_us: percentile(&mut times_us, 99),
        requests: times_us.len(),
    })
}
