//! From an action to the operation that is signed: what all preparations share.

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Operation, Role, operation_id};
use registry_state::rules::check_body;
use registry_state::state::ApplyError;

use super::ledger::{LedgerView, Party};
use super::signers::{Signers, Subject};

/// Salt of an operation as parameters give it; random without it.
pub type Salt = Option<FixedBytes<16>>;

/// An operation that keeps the rules which need no state.
pub(super) struct Form {
    pub(super) operation: Operation,
    pub(super) id: Hash,
    body: Vec<u8>,
    signers: Vec<Signers>,
}

/// An operation that the ledger would take, signed by those named.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The operation.
    pub operation: Operation,
    /// Its id.
    pub id: Hash,
    /// Its canonical bytes.
    pub body: Vec<u8>,
    /// What it is about.
    pub subject: Subject,
    /// Who must sign it; of those of one DID, one is enough.
    pub signers: Vec<Signers>,
    /// What it does, for the person who signs.
    pub explanation: String,
}

impl LedgerView<'_> {
    /// The operation of an action that `signers` sign, once the rules that need no state are
    /// checked.
    pub(super) fn form(
        &self,
        author: Option<Did>,
        guard: Guard,
        salt: Salt,
        action: Action,
        signers: Vec<Signers>,
    ) -> Result<Form, Refusal> {
        let salt = salt.unwrap_or(self.salt);
        let operation = Operation { chain: self.chain, author, guard, salt, action };
        check_body(&operation, self.network)?;
        let body = operation.body();
        let (actual, limit) = (body.len(), operation.action.facts().bytes_max);
        if actual > limit {
            let detail = format!("{actual} bytes before signatures, at most {limit} are allowed");
            return Err(Refusal::new(Code::OperationTooLarge, "body", detail));
        }
        Ok(Form { id: operation_id(&body), operation, body, signers })
    }

    /// The operation of an action by an author whose methods or control set sign, with the consent
    /// of whom the action binds.
    pub(super) fn form_by(
        &self,
        author: &Party,
        guard: Guard,
        salt: Salt,
        action: Action,
    ) -> Result<Form, ApplyError> {
        let role = action.facts().role.unwrap_or(Role::Author);
        let signers = author.signers(self.time_ms, role);
        let mut form = self.form(Some(author.did.clone()), guard, salt, action, signers)?;
        if let Some(agent) = form.operation.action.consents() {
            let agent = self.party(agent, "agent")?;
            form.signers.extend(agent.signers(self.time_ms, Role::Consent));
        }
        Ok(form)
    }
}

impl Form {
    pub(super) fn draft(self, subject: Subject, explanation: String) -> Draft {
        let Self { operation, id, body, signers } = self;
        Draft { operation, id, body, subject, signers, explanation }
    }
}

/// An explanation that ends with who signs for the author.
pub(super) fn with_signers(what: &str, author: &Did) -> String {
    format!(
        "{what}. It needs signatures of {author}: of one method under capabilityInvocation, or \
         of its control set."
    )
}
