//! The services of the API. Each has its own caches.

use std::sync::Arc;

use crate::did::resolve::Dids;
use crate::endorsement::Endorsement;
use crate::governance::Governance;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::preparer::Preparer;
use crate::reads::Reads;
use crate::schema::read::Schemas;
use crate::service::Node;
use crate::status::list::StatusLists;
use crate::status::make::ViewMaker;
use crate::status::publish::StatusViews;
use crate::status::tokens::IssuerTokens;
use crate::trust::ask::Trust;
use crate::uris::Uris;

/// One instance of each service, which JSON-RPC methods and HTTP routes call.
pub(crate) struct Services {
    pub(crate) reads: Arc<Reads>,
    pub(crate) dids: Dids,
    pub(crate) lists: StatusLists,
    pub(crate) views: StatusViews,
    pub(crate) tokens: IssuerTokens,
    pub(crate) trust: Trust,
    pub(crate) schemas: Schemas,
    pub(crate) governance: Governance,
    pub(crate) endorsement: Arc<Endorsement>,
    pub(crate) ledger: Ledger,
    pub(crate) preparer: Preparer,
}

impl Services {
    pub(crate) fn new(node: Arc<dyn Node>, uris: Uris, metrics: Metrics) -> Self {
        let (all, uris) = (Arc::new(Reads::new(node)), Arc::new(uris));
        let reads = || Arc::clone(&all);
        let endorsement = Arc::new(Endorsement { reads: reads() });
        let maker = Arc::new(ViewMaker::new(reads(), Arc::clone(&uris), metrics));
        Self {
            dids: Dids::new(reads()),
            lists: StatusLists { reads: reads(), uris: Arc::clone(&uris) },
            views: StatusViews::new(Arc::clone(&maker)),
            tokens: IssuerTokens::new(maker),
            trust: Trust { reads: reads() },
            schemas: Schemas { reads: reads(), uris },
            governance: Governance { reads: reads() },
            ledger: Ledger::new(reads(), Arc::clone(&endorsement)),
            preparer: Preparer { reads: reads(), endorsement: Arc::clone(&endorsement) },
            endorsement,
            reads: all,
        }
    }
}
