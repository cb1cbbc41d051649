//! Maps each action to the functions that hold its rules. Both matches name every action, so a new
//! action without rules does not compile.

use registry_core::code::Refusal;
use registry_core::id::NetworkName;
use registry_core::operation::{Action, Operation};

use super::checked::Checked;
use super::request::Request;
use super::{agent, did, governance, roots, schema, status, trust};
use crate::state::{ApplyError, Context, Effect, Overlay};

/// Checks the form of an action: the rules that need neither state nor signatures.
pub(super) fn check_form(operation: &Operation, network: &NetworkName) -> Result<(), Refusal> {
    let author = operation.author.as_ref();
    match &operation.action {
        Action::DidCreate(create) => did::check_form(&create.sets, &create.document, network, None),
        Action::DidUpdate(update) => did::check_document(&update.document),
        Action::DidRotate(rotate) => did::check_rotate(rotate, network, author),
        Action::DidRecover(recover) => did::check_recover(recover, network, author),
        Action::DidDeactivate(reveal) => did::check_reveal(reveal),
        Action::StatusCreate(create) => status::check_create(create, network),
        Action::StatusSet(set) => set.changes.check(),
        Action::StatusUpdate(update) => status::check_terms(update, network),
        Action::TrustGrant(grant) => trust::check_grant(operation, grant, network),
        Action::TrustChange(change) => trust::check_change(operation, change, network),
        Action::TrustSuspend(step) | Action::TrustResume(step) => {
            trust::check_authority(&step.key, network)
        }
        Action::TrustRevoke(end) => trust::check_authority(&end.key, network),
        Action::TrustRecognise(recognise) => trust::check_recognise(operation, recognise, network),
        Action::TrustDerecognise(end) => trust::check_own(operation, &end.key, network),
        Action::TrustForgetRoot(forget) => roots::check_forget(forget, network),
        Action::AgentDelegate(delegate) => agent::check_delegate(operation, delegate, network),
        Action::AgentSuspend(step) | Action::AgentResume(step) => {
            agent::check_network(&step.agent, network)
        }
        Action::AgentRevoke(end) => agent::check_network(&end.agent, network),
        Action::GovernancePropose(propose) => governance::check_propose(propose, network),
        Action::SchemaPublish(publish) => schema::check_publish(publish),
        Action::CredentialTypePublish(publish) => schema::check_publish_type(publish),
        Action::CredentialTypeWithdraw(withdraw) => schema::check_withdraw_type(withdraw),
        Action::DidRecoverCancel
        | Action::DidRecoverComplete
        | Action::StatusClose(_)
        | Action::SchemaWithdraw(_)
        | Action::GovernanceApprove(_)
        | Action::GovernanceWithdraw(_)
        | Action::ValidatorReady(_) => Ok(()),
    }
}

/// Checks the rules of an action whose guard holds, and returns its effect.
pub(crate) fn apply<'c>(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &'c Checked,
) -> Result<Effect<'c>, ApplyError> {
    let request = Request { overlay, context, checked };
    match &checked.operation().action {
        Action::DidCreate(create) => did::create(&request, create),
        Action::DidUpdate(update) => did::update(&request, update),
        Action::DidRotate(rotate) => did::rotate(&request, rotate),
        Action::DidRecover(recover) => did::recover(&request, recover),
        Action::DidRecoverCancel => did::recover_cancel(&request),
        Action::DidRecoverComplete => did::recover_complete(&request),
        Action::DidDeactivate(reveal) => did::deactivate(&request, reveal),
        Action::StatusCreate(create) => {
            request.by_author(|_, by| Ok(status::create(by.author, create)))
        }
        Action::StatusSet(set) => status::set(&request, set),
        Action::StatusUpdate(update) => status::update(&request, update),
        Action::StatusClose(_) => status::close(&request),
        Action::TrustGrant(grant) => roots::grant(&request, grant),
        Action::TrustChange(change) => {
            request.by_author(|view, by| trust::change(view, by, change))
        }
        Action::TrustSuspend(step) => request.by_author(|view, by| trust::suspend(view, by, step)),
        Action::TrustResume(step) => request.by_author(|view, by| trust::resume(view, by, step)),
        Action::TrustRevoke(end) => request.by_author(|view, by| trust::revoke(view, by, end)),
        Action::TrustRecognise(recognise) => {
            request.by_author(|view, by| trust::recognise(view, by, recognise))
        }
        Action::TrustDerecognise(end) => {
            request.by_author(|view, by| trust::derecognise(view, by, end))
        }
        Action::TrustForgetRoot(forget) => {
            request.by_author(|view, by| roots::forget(view, by, forget))
        }
        Action::AgentDelegate(delegate) => {
            request.by_author(|view, by| agent::delegate(view, by, delegate))
        }
        Action::AgentSuspend(step) => request.by_author(|view, by| agent::suspend(view, by, step)),
        Action::AgentResume(step) => request.by_author(|view, by| agent::resume(view, by, step)),
        Action::AgentRevoke(end) => request.by_author(|view, by| agent::revoke(view, by, end)),
        Action::GovernancePropose(propose) => governance::propose(&request, propose),
        Action::GovernanceApprove(step) => {
            governance::by_governor(&request, |rules, by| rules.approve(&step.proposal, by))
        }
        Action::GovernanceWithdraw(step) => {
            governance::by_governor(&request, |rules, by| rules.withdraw(&step.proposal, by))
        }
        Action::ValidatorReady(ready) => governance::ready(&request, ready),
        Action::SchemaPublish(publish) => {
            request.by_author(|view, by| schema::publish(view, by, publish))
        }
        Action::SchemaWithdraw(withdraw) => {
            request.by_author(|view, by| schema::withdraw(view, by, withdraw))
        }
        Action::CredentialTypePublish(publish) => {
            request.by_author(|view, by| schema::publish_type(view, by, publish))
        }
        Action::CredentialTypeWithdraw(withdraw) => {
            request.by_author(|view, by| schema::withdraw_type(view, by, withdraw))
        }
    }
}
