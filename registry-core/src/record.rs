//! Versioned records, the one form in which the registry keeps everything
//! (docs/protocol/records.md).

mod part;
mod past;
mod value;
mod view;
mod void;

use serde::{Deserialize, Serialize};

pub use part::{Part, PartHead, PartId, PartWrite, Timed, part_salt, value_hash};
pub use past::{last_holding, version_then};
pub use value::RecordValue;
pub use view::{Hindsight, RecordView, StoreError};
pub use void::{Void, voided_since};

use crate::code::{Code, Refusal};
use crate::codec::Bytes;
use crate::crypto::{Hash, Purpose, ValidatorKey};
use crate::id::{Did, ListId, SchemaId, Suffix};
use crate::names::{Resource, TrustKey};

/// Declares each kind of record once, with its number and the refusal of an operation that needs a
/// record of the kind that does not exist.
macro_rules! kinds {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $number:literal, missing: $code:ident, $field:literal, $detail:literal;
    )+) => {
        /// Kind of a record. Its number is part of tree keys and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[doc = $doc])+ $variant,)+ }

        impl Kind {
            /// All kinds, ascending by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the byte that stands for the kind in tree keys and storage keys.
            pub fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// Returns the refusal of an operation that needs a record of this kind which does not
            /// exist.
            pub fn missing(self) -> Refusal {
                match self { $(Self::$variant => Refusal::new(Code::$code, $field, $detail),)+ }
            }
        }
    };
}

kinds! {
    /// A DID. The key is its suffix.
    Did = 1, missing: DidNotFound, "author", "it is not registered";
    /// A status list. The key is its id.
    Status = 2, missing: StatusNotFound, "list", "no such list";
    /// The grants of one right to one entity. The key is a hash of both.
    Grant = 3, missing: TrustNotFound, "key", "no such grant";
    /// A schema. The key is its id.
    Schema = 4, missing: SchemaNotFound, "schema", "no such schema";
    /// The delegation to an agent. The key is the suffix of the agent's DID.
    Delegation = 5, missing: AgentNotFound, "agent", "it is no agent";
    /// Validators, parameters, protocol version, publishing keys or governors. The key is the name
    /// of the record. No operation writes these records directly.
    Governance = 6, missing: DidNotFound, "author", "it is not registered";
    /// The recognition of one authority by another. The key is made like that of a grant.
    Recognition = 7, missing: TrustNotFound, "key", "no such recognition";
    /// A credential type. The key is a hash of its publisher and name.
    CredentialType = 8, missing: CredentialTypeNotFound, "name", "the author has no such type";
    /// A proposal of governance. The key is the id of the operation that proposed it.
    Proposal = 9, missing: ProposalNotFound, "proposal", "no such proposal";
    /// The readiness announcement of a new validator. The key is the validator key.
    Ready = 10, missing: ReadyNotExpected, "guard", "the key's first word";
    /// The roots of a DID: the other authorities under which it has granted. The key is the suffix
    /// of the DID.
    Roots = 11, missing: TrustNotFound, "authority", "it has no roots";
    /// What says that a thing was voided, or may still be. The key is the id of the operation that
    /// made the thing.
    Void = 12, missing: TrustNotFound, "guard", "this operation made nothing that can be voided";
}

/// Key that identifies a record. Keys are never removed and never reused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordKey {
    /// Kind of the record.
    pub kind: Kind,
    /// Canonical key within the kind.
    pub key: Bytes,
}

impl RecordKey {
    /// Returns the key of a DID's record.
    pub fn did(suffix: &Suffix) -> Self {
        Self { kind: Kind::Did, key: Bytes(suffix.0.to_vec()) }
    }

    /// Returns the key of a status list's record.
    pub fn status(list: &ListId) -> Self {
        Self { kind: Kind::Status, key: Bytes(list.0.to_vec()) }
    }

    /// Returns the key of the record that holds the grants of a right.
    pub fn grant(key: &TrustKey) -> Self {
        Self { kind: Kind::Grant, key: Bytes(key.hash().0.to_vec()) }
    }

    /// Returns the key of a recognition's record.
    pub fn recognition(key: &TrustKey) -> Self {
        Self { kind: Kind::Recognition, key: Bytes(key.hash().0.to_vec()) }
    }

    /// Returns the key of the record that holds the roots of a grantor.
    pub fn roots(grantor: &Did) -> Self {
        Self { kind: Kind::Roots, key: Bytes(grantor.suffix.0.to_vec()) }
    }

    /// Returns the key of a schema's record.
    pub fn schema(id: &SchemaId) -> Self {
        Self { kind: Kind::Schema, key: Bytes(id.0.to_vec()) }
    }

    /// Returns the key of a credential type's record.
    pub fn credential_type(publisher: &Did, name: &Resource) -> Self {
        let hash = Hash::of_value(Purpose::CredentialType, &(publisher, name));
        Self { kind: Kind::CredentialType, key: Bytes(hash.0.to_vec()) }
    }

    /// Returns the key of the record that holds the delegation to an agent.
    pub fn delegation(agent: &Did) -> Self {
        Self { kind: Kind::Delegation, key: Bytes(agent.suffix.0.to_vec()) }
    }

    /// Returns the key of a proposal's record. `operation` is the id of the operation that made it.
    pub fn proposal(operation: &Hash) -> Self {
        Self { kind: Kind::Proposal, key: Bytes(operation.0.to_vec()) }
    }

    /// Returns the key of the record that holds a readiness announcement.
    pub fn ready(key: &ValidatorKey) -> Self {
        Self { kind: Kind::Ready, key: Bytes(key.0.to_vec()) }
    }

    /// Returns the key of the record that says whether what this operation made is void.
    pub fn void(made: &Hash) -> Self {
        Self { kind: Kind::Void, key: Bytes(made.0.to_vec()) }
    }

    /// Returns the key of the governance record with this name.
    pub fn governance(name: &str) -> Self {
        Self { kind: Kind::Governance, key: Bytes(name.as_bytes().to_vec()) }
    }

    /// Returns the record's place in the state tree: H(kind number ‖ key).
    pub fn tree_key(&self) -> Hash {
        Hash::of(Purpose::RecordKey, &[&[self.kind.number()], &self.key.0])
    }

    /// Returns kind number and key, the prefix of the record's rows in storage.
    pub fn storage_key(&self) -> Vec<u8> {
        [&[self.kind.number()][..], &self.key.0].concat()
    }
}

/// One version of a record. Its hash is a leaf of the state tree while it is the newest version.
/// For ever after, it is an entry in the `versions` of later versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Kind of the record.
    pub kind: Kind,
    /// Canonical key within the kind.
    pub key: Bytes,
    /// Number of the version, from 1.
    pub version: u64,
    /// Merkle mountain range root over the hashes of versions 1 to version − 1.
    pub versions: Hash,
    /// Height of the block that wrote the version.
    pub height: u64,
    /// Time of that block in Unix milliseconds.
    pub time: u64,
    /// Id of the last operation that wrote the version; zero for what genesis itself writes.
    /// Several operations of one block make one version.
    pub operation: Hash,
    /// Hash of the parts of the value, see [`value_hash`]. The parts are kept beside the record.
    pub value: Hash,
}

impl Record {
    /// Returns the key of the record that this is a version of.
    pub fn record_key(&self) -> RecordKey {
        RecordKey { kind: self.kind, key: self.key.clone() }
    }

    /// Returns the hash of this version.
    pub fn hash(&self) -> Hash {
        Hash::of_value(Purpose::Record, self)
    }
}

/// A version of a record together with the value that it commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Version of the record.
    pub record: Record,
    /// Parts of the value, strictly ascending by id.
    pub parts: Vec<Part>,
}

impl Entry {
    /// True if the parts are those that the record commits to. A client checks this of an entry
    /// that somebody gave it.
    pub fn is_whole(&self) -> bool {
        self.parts.is_sorted_by(|first, second| first.id < second.id)
            && self.record.value == value_hash(&self.parts)
    }
}
