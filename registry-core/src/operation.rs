//! Operations: the signed body, the envelope around it, and the ids of both
//! (docs/protocol/operations.md).

mod action;
mod family;
mod guard;
mod rank;
mod signature;

use serde::{Deserialize, Serialize};

pub use action::{Action, ActionFacts};
pub use family::Family;
pub use guard::{Covers, Deadline, Guard};
pub use rank::Rank;
pub use signature::{MemberSigner, MethodSigner, Role, Signature, Signer};

use crate::code::{Code, Refusal};
use crate::codec::{self, Bytes, FixedBytes};
use crate::crypto::{Hash, Purpose};
use crate::id::Did;
use crate::record::RecordKey;

/// Body of an operation, which the signatures cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Chain id of the network; zero inside genesis.
    pub chain: Hash,
    /// DID that acts; `None` for `did_create` and `validator_ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Did>,
    /// DID that vouches for the author and must sign in role endorser; `None` if the author writes
    /// by its own right. It is part of the body so that the id covers who vouches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
    /// Condition under which the operation may be applied.
    pub guard: Guard,
    /// Last block time, in Unix milliseconds, at which the operation may be applied; `None` for no
    /// end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Random bytes. They make the id unique and hide the value behind the record's hash.
    pub salt: FixedBytes<16>,
    /// Action that the operation performs.
    pub action: Action,
}

impl Operation {
    /// Returns the key of the record that the operation writes. `id` is the operation's own id. A
    /// void writes the record that says so; it writes the record of the thing beside that.
    /// Fails with `AUTHOR_MISMATCH` if the key depends on an author and there is none.
    pub fn record_key(&self, id: &Hash) -> Result<RecordKey, Refusal> {
        if let Some(made) = self.voids() {
            return Ok(RecordKey::void(&made));
        }
        self.action.record_key(self.author.as_ref(), id)
    }

    /// Returns the id of the operation that made what this one voids; `None` if it voids nothing.
    pub fn voids(&self) -> Option<Hash> {
        match self.guard {
            Guard::Operation(made) if self.action.is_void() => Some(made),
            Guard::Absent | Guard::Parts(_) | Guard::Operation(_) | Guard::Nothing => None,
        }
    }

    /// Returns the DID that acts. Fails with `AUTHOR_MISMATCH` if the operation names none.
    pub fn author(&self) -> Result<&Did, Refusal> {
        let missing = || Refusal::new(Code::AuthorMismatch, "author", "expected the DID as author");
        self.author.as_ref().ok_or_else(missing)
    }

    /// Returns what the action says about the last block time of the operation. The first grant in
    /// a slot can be applied once only, because an empty slot says nothing about the grants that it
    /// held before. A void is recorded for ever, so it need not be kept among the seen.
    pub fn deadline(&self) -> Deadline {
        let facts = self.action.facts();
        if self.action.is_void() {
            return Deadline::Bounded;
        }
        let is_first = facts.covers == Covers::OwnSlot && self.guard == Guard::Absent;
        if is_first { Deadline::Once } else { facts.deadline }
    }

    /// Checks the kind of the guard, and that the operation names its last block time if it must.
    /// Fails with `GUARD_KIND` or `UNTIL_MISSING`.
    pub fn check_guard(&self) -> Result<(), Refusal> {
        self.action.covers().check(&self.guard)?;
        if self.deadline().is_once() && self.until.is_none() {
            let name = self.action.facts().name;
            let detail = format!("{name} with this guard names its last block time");
            return Err(Refusal::new(Code::UntilMissing, "until", detail));
        }
        Ok(())
    }

    /// Returns the canonical bytes that go into an envelope.
    pub fn body(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

impl Action {
    /// Returns what the guard of this action covers. A void names what it voids, so that it never
    /// hits what was made later in the same place.
    pub fn covers(&self) -> Covers {
        if self.is_void() { Covers::Made } else { self.facts().covers }
    }

    /// True if the control set of the author must sign, and no method may.
    pub fn is_by_control(&self) -> bool {
        self.is_void() || self.facts().role == Some(Role::Control)
    }
}

/// Returns the id of the operation with this body. Receipts name the operation by it, and
/// signatures cover it.
pub fn operation_id(body: &[u8]) -> Hash {
    Hash::of(Purpose::OperationId, &[body])
}

/// An envelope: the body exactly as it was signed, together with its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedOperation {
    /// Canonical bytes of an [`Operation`].
    pub body: Bytes,
    /// Signatures, strictly ascending by role, signer and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
}

impl SignedOperation {
    /// Makes an envelope and puts its signatures in order.
    pub fn new(body: Vec<u8>, mut signatures: Vec<Signature>) -> Self {
        signatures.sort();
        Self { body: Bytes(body), signatures }
    }

    /// Returns the canonical bytes that are sent and stored.
    pub fn bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }
}
