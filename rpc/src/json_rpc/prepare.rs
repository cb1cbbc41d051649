//! The prepare methods: one for each struct of parameters, named by its row of the table of
//! actions.

use std::sync::Arc;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::RpcModule;

use super::params::add;
use crate::prepare::{Prepare, agent, did, facts, governance, schema, status, trust};
use crate::services::Services;

/// Registers the prepare methods of all actions that clients send.
pub(super) fn add_prepares(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError> {
    add_prepare::<did::Create>(m)?;
    add_prepare::<did::Update>(m)?;
    add_prepare::<did::Rotate>(m)?;
    add_prepare::<did::Recover>(m)?;
    add_prepare::<did::RecoverCancel>(m)?;
    add_prepare::<did::RecoverComplete>(m)?;
    add_prepare::<did::Deactivate>(m)?;
    add_prepare::<status::Create>(m)?;
    add_prepare::<status::Set>(m)?;
    add_prepare::<status::Update>(m)?;
    add_prepare::<status::Close>(m)?;
    add_prepare::<trust::Grant>(m)?;
    add_prepare::<trust::Change>(m)?;
    add_prepare::<trust::Suspend>(m)?;
    add_prepare::<trust::Resume>(m)?;
    add_prepare::<trust::Revoke>(m)?;
    add_prepare::<trust::Recognise>(m)?;
    add_prepare::<trust::Derecognise>(m)?;
    add_prepare::<agent::Delegate>(m)?;
    add_prepare::<agent::Suspend>(m)?;
    add_prepare::<agent::Resume>(m)?;
    add_prepare::<agent::Revoke>(m)?;
    add_prepare::<schema::Publish>(m)?;
    add_prepare::<schema::Withdraw>(m)?;
    add_prepare::<schema::PublishType>(m)?;
    add_prepare::<schema::WithdrawType>(m)?;
    add_prepare::<governance::Propose>(m)?;
    add_prepare::<governance::Approve>(m)?;
    add_prepare::<governance::Withdraw>(m)
}

fn add_prepare<P>(m: &mut RpcModule<Arc<Services>>) -> Result<(), RegisterMethodError>
where
    P: Prepare + Send + 'static,
{
    let Some(method) = facts::<P>().and_then(|facts| facts.prepare) else { return Ok(()) };
    add(m, method, |all, params: P| async move { all.preparer.prepare(params) })
}
