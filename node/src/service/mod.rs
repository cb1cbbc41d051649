//! The node as its API sees it: reads from the database, submission through the hub.

mod metrics;
mod reader;
mod submitter;

pub use metrics::register_metrics;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use registry_core::id::NetworkName;
use registry_core::state::StoreError;
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
    own_key: Option<registry_core::crypto::ValidatorKey>,
    started: Instant,
    heads: watch::Receiver<Head>,
}

impl Service {
    /// `data` is the database's directory, `own_key` the validator key of this node.
    pub fn new(
        hub: Arc<Hub>,
        net: NetHandle,
        view: RocksView,
        data: PathBuf,
        own_key: Option<registry_core::crypto::ValidatorKey>,
    ) -> Self {
        let heads = hub.heads();
        Self { hub, net, view, data, own_key, started: Instant::now(), heads }
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
