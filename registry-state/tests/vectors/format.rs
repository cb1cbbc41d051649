//! Format of a vector file (tests/vectors/README.md). Reader and generator share nothing else.

use registry_core::codec::Bytes;
use registry_core::crypto::Hash;
use registry_core::governance::{Governors, Parameters, Validators};
use registry_core::id::{Did, ListId, NetworkName, SchemaId};
use registry_core::record::Part;
use serde::{Deserialize, Serialize};

/// Content of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vector {
    /// The rule that the vector tests, in words.
    pub(crate) rule: String,
    #[serde(flatten)]
    pub(crate) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Body {
    /// An envelope that is tried in a block of a chain.
    Operation(Box<OperationCase>),
    /// Bytes that are the canonical encoding of a type, or are not.
    Encoding(EncodingCase),
    /// A text that is an identifier, or is not.
    Identifier(IdentifierCase),
    /// Roots of Merkle mountain ranges.
    Range(RangeCase),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperationCase {
    pub(crate) network: NetworkName,
    pub(crate) chain: Hash,
    /// Absent if the envelope is refused by a check without state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) genesis: Option<GenesisCase>,
    /// Blocks 1, 2, … before the block under test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) blocks: Vec<BlockCase>,
    pub(crate) case: Attempt,
    pub(crate) expect: Expect,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GenesisCase {
    pub(crate) time_ms: u64,
    pub(crate) validators: Validators,
    pub(crate) parameters: Parameters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) governors: Option<Governors>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) operations: Vec<Bytes>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockCase {
    pub(crate) time_ms: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) operations: Vec<Bytes>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    /// Absent if the case needs no state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_ms: Option<u64>,
    /// Envelopes that precede the operation in its block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) before: Vec<Bytes>,
    pub(crate) operation: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Expect {
    Applied(Box<Applied>),
    Refused(Refused),
    /// No valid block has the operation at this place, but a later block may have it.
    Waits,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    pub(crate) code: u16,
    pub(crate) name: String,
    /// Broken rule of the document; present if the code is DOCUMENT_INVALID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<DocumentRefused>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentRefused {
    pub(crate) path: String,
    pub(crate) code: u16,
    pub(crate) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Applied {
    pub(crate) operation: Hash,
    pub(crate) envelope: Hash,
    /// DID that the operation is about; absent if the operation is about a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) did: Option<Did>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) list: Option<ListId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<SchemaId>,
    pub(crate) version: u64,
    pub(crate) record: Hash,
    pub(crate) value: Hash,
    /// Id, number, salt and bytes of each part of the value.
    pub(crate) parts: Vec<Part>,
    pub(crate) operations_root: Hash,
    pub(crate) receipts_root: Hash,
    pub(crate) state_root: Hash,
    pub(crate) history_root: Hash,
    pub(crate) block: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EncodingCase {
    /// Name of the type.
    #[serde(rename = "type")]
    pub(crate) of: EncodingType,
    /// Bytes in lower-case hexadecimal.
    pub(crate) bytes: String,
    pub(crate) accepted: bool,
    /// Hash that the type defines over these bytes, if it defines one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<Hash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EncodingType {
    Operation,
    SignedOperation,
    Member,
    Record,
    Control,
    Recovery,
    Marks,
    StatusList,
    Right,
    Grant,
    Delegation,
    Recognition,
    Roots,
    Void,
    Schema,
    CredentialType,
    Proposal,
    Readiness,
    Receipt,
    Header,
    ValidatorSet,
    Certificate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentifierCase {
    #[serde(rename = "type")]
    pub(crate) of: IdentifierType,
    pub(crate) accepted: bool,
    pub(crate) texts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentifierType {
    Did,
    MethodUrl,
    Multikey,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeCase {
    /// Root of each range. Entry `i` of a range is 32 bytes of value `i`.
    pub(crate) roots: Vec<Hash>,
}
