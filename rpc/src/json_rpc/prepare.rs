//! The prepare methods: one for each struct of parameters, named by its row of the table of
//! actions.

use std::sync::Arc;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::RpcModule;

use super::params::add;
use crate::prepare::{Prepare, Visitor, facts, visit_all};
use crate::services::Services;

/// Registers the prepare methods of all actions that clients send.
pub(super) fn add_prepares(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError> {
    visit_all(&mut Registration(m))
}

struct Registration<'m>(&'m mut RpcModule<Arc<Services>>);

impl Visitor for Registration<'_> {
    type Error = RegisterMethodError;

    fn visit<P: Prepare + Send + Sync + 'static>(&mut self) -> Result<(), RegisterMethodError> {
        let Some(method) = facts::<P>().and_then(|facts| facts.prepare) else { return Ok(()) };
        add(self.0, method, |all, params: P| async move { all.preparer.prepare(params) })
    }
}
