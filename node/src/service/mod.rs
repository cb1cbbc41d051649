//! The node as its API sees it. The service reads from the database, submits operations through the
//! hub, and keeps issuers' own status tokens.

mod metrics;
mod reader;
mod submitter;
mod tokens;

pub use metrics::register_metrics;
use reader::Publishing;
pub use tokens::Tokens;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use keys::{NodeKeys, ValidatorSigner};
use registry_core::crypto::ValidatorKey;
use registry_core::id::NetworkName;
use registry_core::record::StoreError;
use rpc::service::Head;
use tokio::sync::watch;

use crate::net::NetHandle;
use crate::shell::Hub;
use crate::store::{Ledger, RocksView};

/// Implements the traits of the API for one running node.
pub struct Service {
    hub: Arc<Hub>,
    net: NetHandle,
    view: RocksView,
    data: PathBuf,
    own_key: Option<ValidatorKey>,
    publishing: Option<Arc<Publishing>>,
    tokens: Tokens,
    started: Instant,
    heads: watch::Receiver<Head>,
}

impl Service {
    /// Combines the parts of a node. `data` is the directory of the database and `tokens` are the
    /// issuers' tokens in it. Of the keys, the service keeps the publishing key and the public
    /// validator key.
    pub fn new(
        hub: Arc<Hub>,
        net: NetHandle,
        view: RocksView,
        (data, tokens): (PathBuf, Tokens),
        keys: NodeKeys,
    ) -> Self {
        let heads = hub.heads();
        let own_key = keys.validator.as_ref().map(ValidatorSigner::key);
        let publishing = keys.publishing.map(|key| Arc::new(Publishing(key)));
        let started = Instant::now();
        Self { hub, net, view, data, own_key, publishing, tokens, started, heads }
    }

    fn network(&self) -> &NetworkName {
        &self.hub.network
    }

    fn read<T>(
        &self,
        read: impl FnOnce(Ledger<'_, RocksView>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        read(Ledger(&self.view))
    }
}
