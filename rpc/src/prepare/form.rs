//! Makes an operation of an action. All preparations share this step.

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Operation, Role, operation_id};
use registry_state::rules::check_body;
use registry_state::state::ApplyError;

use super::ledger::{LedgerView, Party};
use super::signers::{Signers, Subject};

/// Salt of an operation, as parameters give it. Without one, the operation gets a random salt.
pub type Salt = Option<FixedBytes<16>>;

/// Members of an operation that the parameters of any action may give.
pub(super) struct Chosen {
    pub(super) salt: Salt,
    /// DID that vouches for the author; `None` if the author writes by its own right.
    pub(super) endorser: Option<Did>,
}

impl From<Salt> for Chosen {
    fn from(salt: Salt) -> Self {
        Self { salt, endorser: None }
    }
}

/// An operation that has passed the rules which need no state.
pub(super) struct Form {
    pub(super) operation: Operation,
    pub(super) id: Hash,
    body: Vec<u8>,
    signers: Vec<Signers>,
}

/// An operation that the next block would apply once `signers` have signed it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Operation that the parameters describe.
    pub operation: Operation,
    /// Operation id.
    pub id: Hash,
    /// Canonical bytes of the operation.
    pub body: Vec<u8>,
    /// Record that the operation changes, as a client names it.
    pub subject: Subject,
    /// Sets of signers that are needed. If several belong to one DID, one of them is enough.
    pub signers: Vec<Signers>,
    /// Effect of the operation in words, for the person who signs.
    pub explanation: String,
}

impl LedgerView<'_> {
    /// Makes the operation of an action that `signers` sign, and its endorser if one is chosen.
    /// Checks the rules that need no state, and that the endorser can sign now.
    pub(super) fn form(
        &self,
        author: Option<Did>,
        guard: Guard,
        chosen: Chosen,
        action: Action,
        mut signers: Vec<Signers>,
    ) -> Result<Form, ApplyError> {
        let Chosen { salt, endorser } = chosen;
        let salt = salt.unwrap_or(self.salt);
        let operation = Operation { chain: self.chain, author, endorser, guard, salt, action };
        check_body(&operation, self.network)?;
        let body = operation.body();
        let (actual, limit) = (body.len(), operation.action.facts().bytes_max);
        if actual > limit {
            let detail = format!("{actual} bytes before signatures, at most {limit} are allowed");
            return Err(Refusal::new(Code::OperationTooLarge, "body", detail).into());
        }
        if let Some(endorser) = &operation.endorser {
            signers.push(self.party(endorser, "endorser")?.endorsing(self.time_ms)?);
        }
        Ok(Form { id: operation_id(&body), operation, body, signers })
    }

    /// Makes the operation of an action that the author's methods or control set sign. A DID that
    /// the action binds must consent, as the table says.
    pub(super) fn form_by(
        &self,
        author: &Party,
        guard: Guard,
        chosen: Chosen,
        action: Action,
    ) -> Result<Form, ApplyError> {
        let role = action.facts().role.unwrap_or(Role::Author);
        let signers = author.signers(self.time_ms, role);
        let mut form = self.form(Some(author.did.clone()), guard, chosen, action, signers)?;
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

/// Returns an explanation that ends with a sentence about who signs for the author.
pub(super) fn with_signers(what: &str, author: &Did) -> String {
    format!(
        "{what}. It needs signatures of {author}: of one method under capabilityInvocation, or \
         of its control set."
    )
}
