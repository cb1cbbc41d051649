//! Vectors of types other than operations: values that are hashed, signed or sent, and identifiers.

use registry_core::certificate::{
    Certificate, CommitSignature, Validator, ValidatorSet, Vote, VoteKind,
};
use registry_core::codec::{FixedBytes, encode};
use registry_core::crypto::{Hash, ValidatorKey};
use registry_core::operation::{Action, SignedOperation};
use registry_core::record::{Entry, PartId};
use registry_state::execution::Execution;

use crate::case_operations::{changing, plain_create, plain_did, registered, rotated_sets};
use crate::catalogue::{Catalogue, document};
use crate::format::{Body, EncodingType, IdentifierType, RangeCase};
use crate::read;
use crate::support::cbor::Cbor;
use crate::support::ledger::Ledger;
use crate::support::{chain, ed, k256, key_member, p256, recover, seal};

pub(crate) fn add(all: &mut Catalogue) {
    add_types(all);
    add_headers(all);
    add_identifiers(all);
    add_keys(all);
    let range = Body::Range(RangeCase { roots: vec![Hash::ZERO; 17] });
    let vector = crate::format::Vector { rule: String::new(), body: range };
    let rule = "A range binds its entries, their order and their number.";
    all.other("range_roots", rule, read::outcome(&vector));
}

/// Executes a block that creates the plain DID.
fn executed() -> Execution {
    let ledger = Ledger::new();
    let envelope = seal(&plain_create(), &[ed(10)]);
    ledger.attempt(ledger.head.time + 1_000, &[envelope]).expect("applies")
}

fn validator(seed: u8) -> ValidatorKey {
    ValidatorKey(ed(seed).ed25519().verifying_key().to_bytes())
}

fn certificate(value: Hash) -> Certificate {
    let (height, round) = (1, 0);
    let vote =
        Vote { chain: chain(), kind: VoteKind::Precommit, height, round, value: Some(value) };
    let sign = |seed: u8| {
        let bytes: [u8; 64] = ed(seed).sign(&vote.message()).try_into().expect("64 bytes");
        CommitSignature { validator: validator(seed), signature: FixedBytes(bytes) }
    };
    let mut signatures: Vec<CommitSignature> = (1..=3).map(sign).collect();
    signatures.sort();
    Certificate { height, round, value, signatures }
}

fn bytes_of(entry: &Entry, part: PartId) -> Vec<u8> {
    entry.part(part).expect("a part that the record has").value.0.clone()
}

fn add_types(all: &mut Catalogue) {
    let mut accepted = |name: &str, rule: &str, of, bytes: Vec<u8>| {
        all.encoding(&format!("encoding_of_{name}"), rule, of, &bytes, true);
    };
    let executed = executed();
    let (header, entry) = (&executed.header, &executed.changes.entries[0]);
    let rule = "The hash of an operation is its id.";
    accepted("operation", rule, EncodingType::Operation, plain_create().body());
    let envelope = seal(&plain_create(), &[ed(10)]);
    let rule = "The hash of an envelope is its id.";
    accepted("signed_operation", rule, EncodingType::SignedOperation, envelope);
    let rule = "An envelope without signatures has one entry.";
    let unsigned = SignedOperation::new(plain_create().body(), vec![]).bytes();
    accepted("signed_operation_without_signatures", rule, EncodingType::SignedOperation, unsigned);
    let rule = "The hash of a member is its commitment.";
    for (name, key) in [("ed25519", ed(10)), ("p256", p256(10)), ("secp256k1", k256(10))] {
        accepted(&format!("member_{name}"), rule, EncodingType::Member, encode(&key_member(&key)));
    }
    let did = crate::support::did_member(&plain_did());
    accepted("member_did", rule, EncodingType::Member, encode(&did));
    let rule = "The hash of a record is the leaf of the state tree.";
    accepted("record", rule, EncodingType::Record, encode(&entry.record));
    let rule = "The part of a DID's record that holds its sets; null stands for a deactivated DID.";
    let control = bytes_of(entry, PartId::CONTROL);
    accepted("control", rule, EncodingType::Control, control);
    accepted("control_deactivated", rule, EncodingType::Control, vec![0xf6]);
    let mut ledger = registered();
    let start = recover(rotated_sets(), document());
    let envelope = changing(&ledger, &plain_did(), 2, start, &[ed(12)]);
    ledger.after(1_000, &[envelope]);
    let rule = "The part of a DID's record that holds its recovery.";
    let pending = bytes_of(&ledger.previous(&plain_did()), PartId::RECOVERY);
    accepted("recovery_pending", rule, EncodingType::Recovery, pending);
    let cancel = changing(&ledger, &plain_did(), 3, Action::DidRecoverCancel, &[ed(12)]);
    ledger.after(1_000, &[cancel]);
    let cancelled = bytes_of(&ledger.previous(&plain_did()), PartId::RECOVERY);
    accepted("recovery_cancelled", rule, EncodingType::Recovery, cancelled);
    let rule = "The hash of a receipt is its leaf.";
    accepted("receipt", rule, EncodingType::Receipt, encode(&executed.receipts[0]));
    let rule = "The hash of a header is the block hash.";
    accepted("header", rule, EncodingType::Header, encode(header));
    let rule = "The hash of a validator set stands in the header.";
    let mut validators: Vec<Validator> =
        (1..=4).map(|seed| Validator { key: validator(seed), power: 1 }).collect();
    validators.sort();
    let set = ValidatorSet::new(validators).expect("a good set");
    accepted("validator_set", rule, EncodingType::ValidatorSet, encode(&set));
    let certificate = certificate(header.hash());
    assert_eq!(certificate.check(chain(), &set), Ok(()));
    let rule = "A certificate holds precommits by more than two thirds of the power.";
    accepted("certificate", rule, EncodingType::Certificate, encode(&certificate));
}

fn add_headers(all: &mut Catalogue) {
    let header = encode(&executed().header);
    let mut refused = |name: &str, rule: &str, edit: &dyn Fn(&mut Cbor)| {
        let mut item = Cbor::read(&header);
        edit(&mut item);
        let bytes = item.write();
        all.encoding(&format!("header_{name}"), rule, EncodingType::Header, &bytes, false);
    };
    let rule = "An unknown field is refused, at every level.";
    refused("unknown_field", rule, &|item| item.set("extra", Cbor::Uint(0)));
    let rule = "A header has all fields.";
    refused("field_missing", rule, &|item| item.remove("history_root"));
    let rule = "A root has 32 bytes.";
    refused("root_31_bytes", rule, &|item| item.set("state_root", Cbor::Bytes(vec![0; 31])));
    let rule = "Map keys ascend: shorter first, then bytewise.";
    refused("keys_unsorted", rule, &|item| item.entries().swap(0, 1));
}

fn add_identifiers(all: &mut Catalogue) {
    const SUFFIX: &str = "aaaqeayeaudaocajbifqydiob4ibceqt";
    let did = |network: &str| format!("did:idem:{network}:{SUFFIX}");
    let longest = did(&"a".repeat(31));
    let good = [did("local"), did("ab"), did("a-9"), longest];
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    let rule = "A DID is did:idem, a network of 2 to 31 characters and a suffix of 32.";
    all.identifiers("did_syntax", rule, IdentifierType::Did, true, &good);
    let bad = [
        did("a"),
        did(&"a".repeat(32)),
        did("Local"),
        did("9a"),
        did("-a"),
        did("a_b"),
        did("local").to_uppercase(),
        did("local").replace("idem", "plc"),
        format!("did:idem:{SUFFIX}"),
        did("local")[..40].to_owned(),
        format!("{}a", did("local")),
        format!(" {}", did("local")),
        format!("{}#key-1", did("local")),
        did("local").replace("aaaq", "aaa0"),
        did("local").replace("aaaq", "aaa="),
    ];
    let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
    all.identifiers("did_syntax", rule, IdentifierType::Did, false, &bad);
    let url = |fragment: &str| format!("{}#{fragment}", did("local"));
    let good = [url("key-1"), url("A._-9"), url(&"a".repeat(64))];
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    let rule = "A method is named by a DID and a fragment of 1 to 64 plain characters.";
    all.identifiers("method_url_syntax", rule, IdentifierType::MethodUrl, true, &good);
    let bad = [did("local"), url(""), url("a#b"), url("%41"), url("é"), url(&"a".repeat(65))];
    let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
    all.identifiers("method_url_syntax", rule, IdentifierType::MethodUrl, false, &bad);
}

fn add_keys(all: &mut Catalogue) {
    let good = [ed(10), p256(10), k256(10)].map(|key| key.public().to_string());
    let texts: Vec<&str> = good.iter().map(String::as_str).collect();
    let rule = "A Multikey is z and base58btc of prefix and key.";
    all.identifiers("multikey", rule, IdentifierType::Multikey, true, &texts);
    let spelt = |bytes: &[u8]| format!("z{}", bs58::encode(bytes).into_string());
    let bad = [
        good[0][1..].to_owned(),
        good[0].replace('z', "u"),
        format!("{}0", good[0]),
        format!("{}1", good[0]),
        spelt(&[&[0xed, 1], &[0; 32][..]].concat()),
        spelt(&[&[0xec, 1], &[9; 32][..]].concat()),
        spelt(&[&[0x80, 0x24, 4], &[9; 32][..]].concat()),
        "z".to_owned(),
        String::new(),
    ];
    let texts: Vec<&str> = bad.iter().map(String::as_str).collect();
    all.identifiers("multikey", rule, IdentifierType::Multikey, false, &texts);
}
