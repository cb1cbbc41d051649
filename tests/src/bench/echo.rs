//! Servers that give the floors for reads. One is the API's own server with all its middleware,
//! over a node without data. There `net_peers` answers a constant document of the wanted size. The
//! other is plain HTTP without any middleware. It is for bodies so large that the first server
//! would spend most of its time on JSON.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use node::limits::LOCALNET_REQUESTS;
use registry_core::block::Block;
use registry_core::certificate::Certificate;
use registry_core::crypto::Hash;
use registry_core::id::{ListId, NetworkName};
use registry_core::index::{Listed, Listing};
use registry_core::record::{Entry, RecordKey, StoreError};
use registry_core::status::Bits;
use registry_state::rules::Checked;
use registry_state::state::TransientKey;
use rpc::service::{
    Check, Head, KeptToken, Outcome, Peer, Reader, Role, Status, SubmitError, Submitter,
    TokenStore, ViewKey,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::process::Process;

struct Echo {
    network: NetworkName,
    heads: watch::Receiver<Head>,
    document: Peer,
}

impl Reader for Echo {
    fn network(&self) -> &NetworkName {
        &self.network
    }

    fn chain(&self) -> Hash {
        Hash::ZERO
    }

    fn heads(&self) -> &watch::Receiver<Head> {
        &self.heads
    }

    fn newest(&self, _: &RecordKey) -> Result<Option<Entry>, StoreError> {
        Ok(None)
    }

    fn version(&self, _: &RecordKey, _: u64) -> Result<Option<Entry>, StoreError> {
        Ok(None)
    }

    fn version_at(&self, _: &RecordKey, _: u64) -> Result<Option<Entry>, StoreError> {
        Ok(None)
    }

    fn status_array(&self, _: &Entry) -> Result<Arc<Bits>, StoreError> {
        Err(StoreError::new("there is no list"))
    }

    fn listed(&self, _: &Listing, _: Option<&[u8]>, _: usize) -> Result<Vec<Listed>, StoreError> {
        Ok(Vec::new())
    }

    fn transient(&self, _: &TransientKey) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn block(&self, _: u64) -> Result<Option<Block>, StoreError> {
        Ok(None)
    }

    fn certificate(&self, _: u64) -> Result<Option<Certificate>, StoreError> {
        Ok(None)
    }

    fn outcome(&self, _: &Hash) -> Result<Outcome, StoreError> {
        Ok(Outcome::Unknown)
    }

    fn status(&self) -> Status {
        Status {
            version: String::new(),
            role: Role::Follower,
            catching_up: false,
            target_height: 0,
            round: None,
            validators: Vec::new(),
            mempool_operations: 0,
            mempool_bytes: 0,
            problem: None,
        }
    }

    fn peers(&self) -> Vec<Peer> {
        vec![self.document.clone()]
    }

    fn view_key(&self) -> Option<Arc<dyn ViewKey>> {
        None
    }

    fn checks(&self) -> Vec<Check> {
        Vec::new()
    }
}

impl Submitter for Echo {
    fn submit(&self, _: Arc<Checked>) -> BoxFuture<'_, Result<(), SubmitError>> {
        let reason = "this node only echoes".to_owned();
        async move { Err(SubmitError::Unavailable { reason }) }.boxed()
    }

    fn settled(&self, _: Hash) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        async { Ok(Outcome::Unknown) }.boxed()
    }
}

impl TokenStore for Echo {
    fn tokens(&self, _: &ListId) -> Vec<KeptToken> {
        Vec::new()
    }

    fn token(&self, _: &KeptToken) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn keep_token(&self, _: KeptToken, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::new("this node only echoes"))
    }
}

/// Starts the API's echo server with answers of `answer` bytes, and returns the process and its
/// address.
pub(super) async fn start(answer: usize) -> Result<(Process, String)> {
    let bytes = document(answer).to_string();
    let mut process = Process::own(["echo", "--bytes", &bytes])?;
    let address = process.line().await?;
    Ok((process, address))
}

/// Starts the plain HTTP server with answers of `answer` bytes, and returns the process and its
/// address.
pub(super) async fn start_plain(answer: usize) -> Result<(Process, String)> {
    let mut process = Process::own(["echo", "--plain", "--bytes", &answer.to_string()])?;
    let address = process.line().await?;
    Ok((process, address))
}

/// Returns the length of the document that makes an answer `answer` bytes long. The other bytes are
/// those of JSON-RPC and of the peer's other fields.
fn document(answer: usize) -> usize {
    const AROUND: &str = concat!(
        r#"{"jsonrpc":"2.0","id":1,"result":[{"peer":"","address":"","direction":"inbound","#,
        r#""version":"","validator":false,"connectedMs":0,"bytesIn":0,"bytesOut":0}]}"#
    );
    answer.saturating_sub(AROUND.len())
}

/// Serves the API over [`Echo`] until it is interrupted. Prints its address as a line on standard
/// output.
pub(super) async fn run(bytes: usize) -> Result<()> {
    let network = "bench".parse()?;
    let (hash, state_root) = (Hash::ZERO, Hash::ZERO);
    let head =
        Head { height: 0, time_ms: 0, hash, state_root, halted_ms: 0, clock_offset_ms: None };
    let (_writer, heads) = watch::channel(head);
    let document = Peer {
        peer: "x".repeat(bytes),
        address: String::new(),
        direction: "inbound",
        version: String::new(),
        validator: false,
        connected_ms: 0,
        bytes_in: 0,
        bytes_out: 0,
    };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = rpc::RpcConfig {
        listen: any,
        admin: any,
        public_url: None,
        network_url: None,
        trusted_proxies: Vec::new(),
        status_check_from: Vec::new(),
        limits: LOCALNET_REQUESTS,
    };
    let (node, stop) = (Arc::new(Echo { network, heads, document }), CancellationToken::new());
    let served = rpc::serve(config, node, Default::default(), stop.clone()).await;
    let served = served?;
    println!("{}", served.public);
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    served.stopped().await;
    Ok(())
}

/// Answers every request with the same bytes until it is interrupted. Prints its address like
/// [`run`].
pub(super) async fn plain(bytes: usize) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    tokio::select! {
        stopped = accept(&listener, Bytes::from(vec![b'x'; bytes])) => stopped?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

async fn accept(listener: &TcpListener, body: Bytes) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let answer = service_fn(move |_| {
            let body = Full::new(body.clone());
            async move { Ok::<_, Infallible>(Response::new(body)) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}
