//! Operations for clients to sign, prepared from their parameters and the ledger's records: one
//! struct per action. The server and its clients use the same structs. Nothing here does I/O or
//! reads a clock, so that a client can prepare by itself from records that it fetched.
//!
//! To add an action, add its struct to the file of its family and to the list of methods in
//! `json_rpc/prepare.rs`.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod agent;
mod answer;
pub mod did;
mod form;
pub mod governance;
pub(crate) mod ledger;
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

pub use answer::{Endorser, Prepared};
pub use form::{Draft, Salt};
pub use ledger::{LedgerView, Records};
pub use signers::{OneSigner, PublishedType, Signers, Subject};

/// The field of an error about the parameters as a whole.
pub(crate) const PARAMS: &str = "params";

/// The parameters from which one kind of operation is prepared. They are read by name or by
/// position, in the order of the fields.
pub trait Prepare: Serialize + DeserializeOwned {
    /// Name of the action, as its row of the table has it.
    const ACTION: &'static str;

    /// The action that the parameters describe. What they leave for the node to find is missing
    /// in it.
    fn action(self) -> Result<Action, PrepareError>;

    /// The records that the preparation reads whatever they hold; it may read others afterwards.
    fn records_needed(&self) -> Vec<RecordKey>;

    /// The operation that has the effect which the parameters describe, or why the ledger would
    /// refuse it.
    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError>;
}

/// The row of the table of actions that the parameters `P` belong to.
pub fn facts<P: Prepare>() -> Option<&'static ActionFacts> {
    Action::ALL.iter().find(|facts| facts.name == P::ACTION)
}

/// Why no operation is prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The ledger would not apply it.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The parameters contradict each other.
    #[error("INVALID_PARAMS: {detail}")]
    Params {
        /// Which of them, or `params`.
        field: &'static str,
        /// What is wrong with it.
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
