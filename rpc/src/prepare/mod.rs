//! Operations for clients to sign, prepared from their parameters and the ledger's records: one
//! struct per action. The server and its clients use the same structs. Nothing here does I/O or
//! reads a clock, so that a client can prepare by itself from records that it fetched.
//!
//! To add an action, add its struct to the file of its family, and name it in the function `visit`
//! of that file.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod agent;
mod answer;
pub mod client;
pub mod did;
mod form;
pub mod governance;
pub(crate) mod ledger;
mod parent;
mod recognise;
mod right;
pub mod roots;
pub mod schema;
mod signers;
pub mod status;
pub mod trust;

use registry_core::code::Refusal;
use registry_core::operation::{Action, ActionFacts};
use registry_core::record::{RecordKey, StoreError};
use registry_state::state::ApplyError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use answer::Prepared;
pub use form::{Draft, Salt, guard};
pub use ledger::{LedgerView, Records};
pub use signers::{OneSigner, PublishedType, Signers, Subject};

/// Receives the parameters of the actions, a call for each, so that code can do the same with all.
pub trait Visitor {
    /// Error that ends the visit.
    type Error;

    /// Visits the parameters `P` of one action.
    fn visit<P: Prepare + Send + Sync + 'static>(&mut self) -> Result<(), Self::Error>;
}

/// Visits the parameters of every action that clients send, and stops at the first error.
pub fn visit_all<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    did::visit(visitor)?;
    status::visit(visitor)?;
    trust::visit(visitor)?;
    agent::visit(visitor)?;
    schema::visit(visitor)?;
    governance::visit(visitor)
}

/// Field of an error that is about the parameters as a whole.
pub(crate) const PARAMS: &str = "params";

/// The parameters from which one kind of operation is prepared. They are read by name or by
/// position, in the order of the fields.
pub trait Prepare: Clone + Serialize + DeserializeOwned {
    /// Name of the action, as its row of the table has it.
    const ACTION: &'static str;

    /// Returns the records that the preparation usually reads, so that a client can fetch them
    /// together. It may read others, depending on what these hold.
    fn records_needed(&self) -> Vec<RecordKey>;

    /// Returns the operation that does what the parameters describe. Fails if the next block would
    /// refuse it for another reason than the right to write. Call [`prepare`], which checks that
    /// right too.
    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError>;
}

/// Returns the operation that does what the parameters describe. Fails if the next block would
/// refuse it. Quotas are not checked, because they refill.
pub fn prepare<P: Prepare>(params: P, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
    let draft = params.prepare(ledger)?;
    ledger.check_right_to_write(&draft.operation)?;
    Ok(draft)
}

/// Returns the row of the table of actions that the parameters `P` belong to.
pub fn facts<P: Prepare>() -> Option<&'static ActionFacts> {
    Action::ALL.iter().find(|facts| facts.name == P::ACTION)
}

/// Error of a preparation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The ledger would refuse the operation, or its store failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The parameters contradict each other.
    #[error("INVALID_PARAMS: {detail}")]
    Params {
        /// Name of the parameter, or `params` if the error is about several.
        field: &'static str,
        /// What is wrong, and which value.
        detail: &'static str,
    },
}

impl From<Refusal> for PrepareError {
    fn from(refusal: Refusal) -> Self {
        Self::Apply(refusal.into())
    }
}

impl From<StoreError> for PrepareError {
    fn from(error: StoreError) -> Self {
        Self::Apply(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    struct Names(Vec<&'static str>);

    impl Visitor for Names {
        type Error = Infallible;

        fn visit<P: Prepare + Send + Sync + 'static>(&mut self) -> Result<(), Infallible> {
            self.0.push(P::ACTION);
            Ok(())
        }
    }

    #[test]
    fn every_action_that_clients_send_has_its_parameters() {
        let mut visited = Names(Vec::new());
        visit_all(&mut visited).expect("infallible");
        let sent = Action::ALL.iter().filter(|facts| facts.prepare.is_some());
        let sent: Vec<&str> = sent.map(|facts| facts.name).collect();
        assert_eq!(visited.0, sent);
    }
}
