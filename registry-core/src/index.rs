//! Indexes over records: the rows that a new record adds, and the listings that are read from them.
//!
//! The key of a row begins with the subject of a listing, such as an issuer, and the row leads to
//! one record. Indexes are no part of the state. A node that copies the ledger makes the rows again
//! from the records.

use crate::codec::Bytes;
use crate::id::{Did, Suffix};
use crate::names::{ActionName, EntityId, TrustKey};
use crate::record::{Entry, Kind, RecordKey};
use crate::schema::{CredentialType, Schema};
use crate::status::StatusList;
use crate::trust::{Grants, Recognition};

/// A set of rows whose keys have one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Index {
    /// Keys are the issuer and id of a status list. The value is the list's own URI, or empty.
    Lists,
    /// Keys are the names of a right, in two orders.
    Rights,
    /// Keys are the publisher, the kind, and the id of a schema or the name of a credential type.
    Schemas,
    /// Keys are ids of proposals. A network makes few of them, so no rows are written, and a node
    /// reads the records of their kind instead.
    Proposals,
}

/// A row that a record adds to an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// Index to which the row belongs.
    pub index: Index,
    /// Key of the row. Listings are in ascending order of keys.
    pub key: Vec<u8>,
    /// Key of the record, unless the row's own key contains it.
    pub value: Vec<u8>,
}

/// A record that a listing found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Cursor that continues the listing after this record.
    pub cursor: Vec<u8>,
    /// Key of the record that was found.
    pub record: RecordKey,
    /// Own URI of a status list; it means nothing in other listings.
    pub value: Vec<u8>,
}

/// All rows of an index whose keys begin with one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Index that is read.
    pub index: Index,
    /// Prefix with which the keys begin.
    pub prefix: Vec<u8>,
}

/// Prefix of keys in the order: authority, action, entity, resource, kind.
const BY_AUTHORITY: u8 = 1;
/// Prefix of keys in the order: entity, authority, action, resource, kind.
const BY_ENTITY: u8 = 2;

/// Number of bytes that a DID takes in keys.
const SUFFIX_BYTES: usize = size_of::<Suffix>();

/// Bytes that, appended to a prefix, are greater than the rest of any key.
const BEHIND: [u8; 64] = [u8::MAX; 64];

/// Encodes a name for a key. A zero byte ends it, since names contain none.
fn ended(name: impl ToString) -> Vec<u8> {
    let mut bytes = name.to_string().into_bytes();
    bytes.push(0);
    bytes
}

impl Listing {
    /// Lists the status lists of an issuer, by id.
    pub fn lists_of(issuer: &Did) -> Self {
        Self { index: Index::Lists, prefix: issuer.suffix.0.to_vec() }
    }

    /// Lists the grants and recognitions that an authority gave, for one action or for all.
    pub fn rights_by(authority: &Did, action: Option<&ActionName>) -> Self {
        let action = action.map(ended).unwrap_or_default();
        let prefix = [&[BY_AUTHORITY][..], &authority.suffix.0, &action].concat();
        Self { index: Index::Rights, prefix }
    }

    /// Lists the grants and recognitions that an entity holds.
    pub fn rights_of(entity: &EntityId) -> Self {
        Self { index: Index::Rights, prefix: [&[BY_ENTITY][..], &ended(entity)].concat() }
    }

    /// Lists the grants and recognitions that an entity holds from one authority, for one action or
    /// for all.
    pub fn rights_of_by(entity: &EntityId, authority: &Did, action: Option<&ActionName>) -> Self {
        let action = action.map(ended).unwrap_or_default();
        let prefix = [&[BY_ENTITY][..], &ended(entity), &authority.suffix.0, &action].concat();
        Self { index: Index::Rights, prefix }
    }

    /// Lists the schemas and credential types of a publisher, of one kind or of both.
    pub fn schemas_of(publisher: &Did, kind: Option<Kind>) -> Self {
        let kind = kind.map(|kind| vec![kind.number()]).unwrap_or_default();
        Self { index: Index::Schemas, prefix: [&publisher.suffix.0[..], &kind].concat() }
    }

    /// Lists all proposals, by id.
    pub fn proposals() -> Self {
        Self { index: Index::Proposals, prefix: vec![Kind::Proposal.number()] }
    }

    /// Returns the cursor that continues after a record. It works for listings of status lists and
    /// of proposals, whose rows end with the record's key.
    pub fn behind(&self, record: &RecordKey) -> Vec<u8> {
        [&self.prefix[..], &record.key.0].concat()
    }

    /// Returns the smallest key to read after a cursor. A listing of rights starts from its
    /// beginning if the cursor belongs to another listing.
    pub fn from(&self, after: Option<&[u8]>) -> Vec<u8> {
        let own = |after: &&[u8]| match self.index {
            Index::Rights => after.starts_with(&self.prefix),
            Index::Lists | Index::Schemas | Index::Proposals => *after >= self.prefix.as_slice(),
        };
        after.filter(own).map_or_else(|| self.prefix.clone(), |after| [after, &[0]].concat())
    }

    /// Returns a key that is greater than all keys of the listing.
    pub fn to(&self) -> Vec<u8> {
        [&self.prefix[..], &BEHIND].concat()
    }

    /// Returns the record to which a row of this listing leads; `None` if the row is malformed.
    pub fn record(&self, key: &[u8], value: &[u8]) -> Option<RecordKey> {
        let kind_of =
            |number: &u8, kinds: [Kind; 2]| kinds.into_iter().find(|kind| kind.number() == *number);
        let (kind, key) = match self.index {
            Index::Lists => (Kind::Status, key.get(SUFFIX_BYTES..)?),
            Index::Proposals => (Kind::Proposal, key.get(1..)?),
            Index::Schemas => {
                let number = key.get(SUFFIX_BYTES)?;
                (kind_of(number, [Kind::Schema, Kind::CredentialType])?, value)
            }
            Index::Rights => (kind_of(key.last()?, [Kind::Grant, Kind::Recognition])?, value),
        };
        Some(RecordKey { kind, key: Bytes(key.to_vec()) })
    }
}

/// Returns the rows that a new version of a record adds. Most versions add none, since the facts by
/// which a record is found never change.
pub fn rows(entry: &Entry) -> Vec<IndexRow> {
    let first = entry.record.version == 1;
    let rows = match entry.record.kind {
        Kind::Grant if first => grant_rows(entry),
        Kind::Recognition if first => recognition_rows(entry),
        Kind::Status if first => list_row(entry).map(|row| vec![row]),
        Kind::Schema if first => schema_row(entry).map(|row| vec![row]),
        Kind::CredentialType if first => type_row(entry).map(|row| vec![row]),
        Kind::Grant
        | Kind::Recognition
        | Kind::Status
        | Kind::Schema
        | Kind::CredentialType
        | Kind::Did
        | Kind::Delegation
        | Kind::Governance
        | Kind::Proposal
        | Kind::Ready
        | Kind::Roots
        | Kind::Void => None,
    };
    // The state checked the value when it was written, so reading it here always succeeds.
    rows.unwrap_or_default()
}

fn list_row(entry: &Entry) -> Option<IndexRow> {
    let list = entry.value::<StatusList>().ok()?;
    let key = [&list.issuer.suffix.0[..], &entry.record.key.0].concat();
    let value = list.uri.unwrap_or_default().into_bytes();
    Some(IndexRow { index: Index::Lists, key, value })
}

fn schema_row(entry: &Entry) -> Option<IndexRow> {
    let schema = entry.value::<Schema>().ok()?;
    Some(published_row(entry, &schema.publisher, &entry.record.key.0))
}

fn type_row(entry: &Entry) -> Option<IndexRow> {
    let found = entry.value::<CredentialType>().ok()?;
    Some(published_row(entry, &found.publisher, found.name.to_string().as_bytes()))
}

fn published_row(entry: &Entry, publisher: &Did, name: &[u8]) -> IndexRow {
    let record = &entry.record;
    let key = [&publisher.suffix.0[..], &[record.kind.number()], name].concat();
    IndexRow { index: Index::Schemas, key, value: record.key.0.clone() }
}

fn recognition_rows(entry: &Entry) -> Option<Vec<IndexRow>> {
    let recognition = entry.value::<Recognition>().ok()?;
    Some(right_rows(Kind::Recognition, &recognition.key()).into())
}

fn grant_rows(entry: &Entry) -> Option<Vec<IndexRow>> {
    let grants = entry.value::<Grants>().ok()?;
    Some(right_rows(Kind::Grant, &grants.key()).into())
}

fn right_rows(kind: Kind, key: &TrustKey) -> [IndexRow; 2] {
    let TrustKey { authority, action, resource, entity } = key;
    let (root, kind) = (&authority.suffix.0[..], [kind.number()]);
    let (action, resource, who) = (ended(action), ended(resource), ended(entity));
    let by_authority = [&[BY_AUTHORITY], root, &action, &who, &resource, &kind].concat();
    let by_entity = [&[BY_ENTITY], &who[..], root, &action, &resource, &kind].concat();
    let value = key.hash().0.to_vec();
    [by_authority, by_entity].map(|key| IndexRow {
        index: Index::Rights,
        key,
        value: value.clone(),
    })
}
