//! The versioned record: the one shape of everything that the registry keeps
//! (docs/protocol/records.md).

mod value;
mod view;

use serde::{Deserialize, Serialize};

pub use value::{RecordValue, value_from};
pub use view::{RecordView, StoreError};

use crate::code::{Code, Refusal};
use crate::codec::{Bytes, FixedBytes};
use crate::crypto::{Hash, Purpose, ValidatorKey};
use crate::id::{Did, ListId, SchemaId, Suffix};
use crate::names::{Resource, TrustKey};

/// Declares the kinds of records once: number, name, the type of their values, and the refusal of
/// an operation that needs a record which does not exist.
macro_rules! kinds {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $number:literal, missing: $code:ident, $field:literal, $detail:literal;
    )+) => {
        /// What a record is about. The number is part of tree keys and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[doc = $doc])+ $variant,)+ }

        impl Kind {
            /// All kinds, ascending by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The byte in tree keys and storage keys.
            pub fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// Refusal of an operation that changes a record of this kind which does not exist.
            pub fn missing(self) -> Refusal {
                match self { $(Self::$variant => Refusal::new(Code::$code, $field, $detail),)+ }
            }
        }
    };
}

kinds! {
    /// A DID; the key is its suffix.
    Did = 1, missing: DidNotFound, "author", "it is not registered";
    /// A status list; the key is its id.
    Status = 2, missing: StatusNotFound, "list", "no such list";
    /// The grants of one right to one entity; the key is a hash of both.
    Grant = 3, missing: TrustNotFound, "key", "no such grant";
    /// A schema; the key is its id.
    Schema = 4, missing: SchemaNotFound, "schema", "no such schema";
    /// The delegation to an agent; the key is the agent's suffix.
    Delegation = 5, missing: AgentNotFound, "agent", "it is no agent";
    /// Validators, parameters, protocol version, publishing keys or governors; the key is the name
    /// of the record. No operation writes these records directly.
    Governance = 6, missing: DidNotFound, "author", "it is not registered";
    /// The recognition of one authority by another; the key is made like that of a grant.
    Recognition = 7, missing: TrustNotFound, "key", "no such recognition";
    /// A credential type; the key is a hash of its publisher and name.
    CredentialType = 8, missing: CredentialTypeNotFound, "name", "the author has no such type";
    /// A proposal of governance; the key is the operation that proposed it.
    Proposal = 9, missing: ProposalNotFound, "proposal", "no such proposal";
    /// The readiness announcement of a new validator; the key is the validator's.
    Ready = 10, missing: ReadyNotExpected, "guard", "the key's first word";
}

/// Which record. Keys are never removed and never reused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordKey {
    /// What it is about.
    pub kind: Kind,
    /// The canonical key within the kind.
    pub key: Bytes,
}

impl RecordKey {
    /// The record of a DID.
    pub fn did(suffix: &Suffix) -> Self {
        Self { kind: Kind::Did, key: Bytes(suffix.0.to_vec()) }
    }

    /// The record of a status list.
    pub fn status(list: &ListId) -> Self {
        Self { kind: Kind::Status, key: Bytes(list.0.to_vec()) }
    }

    /// The record of the grants of a right.
    pub fn grant(key: &TrustKey) -> Self {
        Self { kind: Kind::Grant, key: Bytes(key.hash().0.to_vec()) }
    }

    /// The record of a recognition.
    pub fn recognition(key: &TrustKey) -> Self {
        Self { kind: Kind::Recognition, key: Bytes(key.hash().0.to_vec()) }
    }

    /// The record of a schema.
    pub fn schema(id: &SchemaId) -> Self {
        Self { kind: Kind::Schema, key: Bytes(id.0.to_vec()) }
    }

    /// The record of a credential type.
    pub fn credential_type(publisher: &Did, name: &Resource) -> Self {
        let hash = Hash::of_value(Purpose::CredentialType, &(publisher, name));
        Self { kind: Kind::CredentialType, key: Bytes(hash.0.to_vec()) }
    }

    /// The record of an agent.
    pub fn delegation(agent: &Did) -> Self {
        Self { kind: Kind::Delegation, key: Bytes(agent.suffix.0.to_vec()) }
    }

    /// The record of a proposal.
    pub fn proposal(operation: &Hash) -> Self {
        Self { kind: Kind::Proposal, key: Bytes(operation.0.to_vec()) }
    }

    /// The record of a newcomer's word.
    pub fn ready(key: &ValidatorKey) -> Self {
        Self { kind: Kind::Ready, key: Bytes(key.0.to_vec()) }
    }

    /// A governance record.
    pub fn governance(name: &str) -> Self {
        Self { kind: Kind::Governance, key: Bytes(name.as_bytes().to_vec()) }
    }

    /// Its place in the state tree: H(kind number ‖ key).
    pub fn tree_key(&self) -> Hash {
        Hash::of(Purpose::RecordKey, &[&[self.kind.number()], &self.key.0])
    }

    /// Kind number and key: the prefix of its rows in storage.
    pub fn storage_key(&self) -> Vec<u8> {
        [&[self.kind.number()][..], &self.key.0].concat()
    }
}

/// One version of a record. Its hash is the leaf of the state tree while it is the head, and an
/// entry of its successors' `versions` for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What it is about.
    pub kind: Kind,
    /// The canonical key within the kind.
    pub key: Bytes,
    /// 1 for the first.
    pub version: u64,
    /// Root of the range over the hashes of versions 1 … version − 1.
    pub versions: Hash,
    /// Height of the block that wrote it.
    pub height: u64,
    /// Time of that block in ms since 1970.
    pub time: u64,
    /// The operation that wrote it; zero for what genesis itself writes.
    pub operation: Hash,
    /// H(salt ‖ value bytes); the value travels beside the record.
    pub value: Hash,
}

impl Record {
    /// Which record this is a version of.
    pub fn record_key(&self) -> RecordKey {
        RecordKey { kind: self.kind, key: self.key.clone() }
    }

    /// The record's hash.
    pub fn hash(&self) -> Hash {
        Hash::of_value(Purpose::Record, self)
    }
}

/// The value hash of a record: it hides a guessable value as long as the salt is unknown.
pub fn value_hash(salt: &FixedBytes<16>, value: &[u8]) -> Hash {
    Hash::of(Purpose::RecordValue, &[&salt.0, value])
}

/// A record with what it commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// The salt of the operation that wrote it.
    pub salt: FixedBytes<16>,
    /// The canonical value.
    pub value: Bytes,
}
