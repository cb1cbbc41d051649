//! The node as its API sees it: reads from the database, submission through the hub, and issuers'
//! own status tokens beside.

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

/// Implements the API's traits over one running node.
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
    /// `data` is the database's directory, `tokens` those of issuers that lie beside it. Of the
    /// keys it takes what it signs with by itself.
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
