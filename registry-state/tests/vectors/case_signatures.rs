//! Vectors of signatures: three suites with one spelling each, signers, roles and order.

use registry_core::code::Code;
use registry_core::codec::Bytes;
use registry_core::crypto::{Hash, PublicKey, Suite};
use registry_core::did::{Document, Member, Sets};
use registry_core::operation::{
    MethodSigner, Operation, Role, Signature, SignedOperation, Signer, operation_id,
};

use crate::case_operations::{plain_create, plain_sets};
use crate::catalogue::{At, Catalogue, document};
use crate::support::cbor::Cbor;
use crate::support::ledger::Ledger;
use crate::support::{
    Key, change, create, did_of, ed, k256, key_member, key_set, key_set_of, p256, seal, seal_body,
    signature, update,
};

pub(crate) fn add(all: &mut Catalogue) {
    add_suites(all);
    add_malleable(all);
    add_ed25519(all);
    add_ecdsa(all);
    add_keys(all);
    add_lists(all);
    add_contexts(all);
}

fn controlled_by(key: Key) -> Operation {
    create(Sets { control: key_set_of(1, &[key]), ..plain_sets() }, document(), 1)
}

/// Returns the create of a DID controlled by `key`, with an altered signature value.
fn with_value(key: Key, value: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let operation = controlled_by(key);
    let mut signature = signature(&key, Role::Control, &operation_id(&operation.body()));
    signature.value = Bytes(value(signature.value.0));
    SignedOperation::new(operation.body(), vec![signature]).bytes()
}

fn add_suites(all: &mut Catalogue) {
    let rule = "A create is signed by a key of its control set.";
    for (suite, key) in [("ed25519", ed(10)), ("p256", p256(10)), ("secp256k1", k256(10))] {
        let envelope = seal(&controlled_by(key), &[key]);
        all.applied(&format!("signature_{suite}"), rule, envelope);
    }
    let keys = [ed(10), p256(10), k256(10)];
    let sets = Sets { control: key_set_of(3, &keys), ..plain_sets() };
    let envelope = seal(&create(sets, document(), 1), &keys);
    let rule = "One control set may mix the three suites.";
    all.applied("signature_three_suites_together", rule, envelope);
}

/// Returns the order n of the suite's group, big-endian.
fn order(suite: Suite) -> [u8; 32] {
    let hex = match suite {
        Suite::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        Suite::Secp256k1 => "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        Suite::Ed25519 => "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
    };
    bytes_of(hex)
}

fn bytes_of(hex: &str) -> [u8; 32] {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex");
    bytes.try_into().expect("32 bytes")
}

/// Returns a − b if `subtract` is true, else a + b. The numbers are big-endian.
fn combine(a: [u8; 32], b: &[u8], subtract: bool) -> [u8; 32] {
    let mut carry = 0i32;
    let mut result = [0; 32];
    for place in (0..32).rev() {
        let (a, b) = (i32::from(a[place]), i32::from(b[place]));
        let digit = if subtract { a - b - carry } else { a + b + carry };
        carry = i32::from(!(0..256).contains(&digit));
        result[place] = digit.rem_euclid(256) as u8;
    }
    result
}

/// Returns the other spelling of an ECDSA signature, in which s is replaced by n − s.
fn high_s(suite: Suite, value: Vec<u8>) -> Vec<u8> {
    [&value[..32], &combine(order(suite), &value[32..], true)].concat()
}

/// Returns the signature in DER form, a sequence of two integers.
fn der(value: Vec<u8>) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let mut digits = bytes[zeros..].to_vec();
        if digits[0] >= 0x80 {
            digits.insert(0, 0);
        }
        [&[2, digits.len() as u8], &digits[..]].concat()
    };
    let content = [integer(&value[..32]), integer(&value[32..])].concat();
    [&[0x30, content.len() as u8], &content[..]].concat()
}

fn add_malleable(all: &mut Catalogue) {
    let code = Code::SignatureLength;
    for (suite, key) in [("p256", p256(10)), ("secp256k1", k256(10))] {
        let rule = "Of the two spellings of an ECDSA signature, only that with low S counts.";
        let envelope = with_value(key, |value| high_s(key.suite, value));
        all.refused(&format!("signature_{suite}_high_s"), rule, Code::SignatureHighS, &envelope);
        let rule = "An ECDSA signature is r and s, 32 bytes each, not DER.";
        all.refused(&format!("signature_{suite}_der"), rule, code, &with_value(key, der));
    }
    let rule = "A signature has 64 bytes.";
    let shorter = with_value(ed(10), |value| value[..63].to_vec());
    all.refused("signature_63_bytes", rule, code, &shorter);
    let longer = with_value(ed(10), |value| [&value[..], &[0]].concat());
    all.refused("signature_65_bytes", rule, code, &longer);
    all.refused("signature_empty", rule, code, &with_value(ed(10), |_| Vec::new()));
    let rule = "A signature has 64 bytes, without a recovery id.";
    let recoverable = with_value(k256(10), |value| [&value[..], &[1]].concat());
    all.refused("signature_secp256k1_recoverable", rule, code, &recoverable);
}

fn add_ed25519(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, value: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let envelope = with_value(ed(10), value);
        let name = format!("signature_ed25519_{name}");
        all.refused(&name, rule, Code::SignatureInvalid, &envelope);
    };
    let reversed = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<u8>>();
    refused("s_not_reduced", "S is below the group order.", &|value| {
        let s: [u8; 32] = reversed(&value[32..]).try_into().expect("32 bytes");
        let more = combine(s, &order(Suite::Ed25519), false);
        [&value[..32], &reversed(&more)].concat()
    });
    let small = |first: u8, last: u8, rest: u8| {
        let mut point = [rest; 32];
        (point[0], point[31]) = (first, last);
        point
    };
    refused("r_small_order", "R is not of small order.", &|value| {
        [&small(1, 0, 0), &value[32..]].concat()
    });
    refused("r_not_canonical", "R is the canonical encoding of its point.", &|value| {
        [&small(0xee, 0x7f, 0xff), &value[32..]].concat()
    });
    refused("all_zero", "Zeros are no signature.", &|_| vec![0; 64]);
    refused("bit_flipped", "A signature verifies.", &|mut value| {
        value[40] ^= 1;
        value
    });
}

fn add_ecdsa(all: &mut Catalogue) {
    for (suite, key) in [("p256", p256(10)), ("secp256k1", k256(10))] {
        let mut refused = |name: &str, rule: &str, value: &dyn Fn(Vec<u8>) -> Vec<u8>| {
            let name = format!("signature_{suite}_{name}");
            all.refused(&name, rule, Code::SignatureInvalid, &with_value(key, value));
        };
        let n = order(key.suite);
        refused("r_zero", "r is not zero.", &|value| [&[0; 32], &value[32..]].concat());
        refused("s_zero", "s is not zero.", &|value| [&value[..32], &[0; 32]].concat());
        refused("r_not_reduced", "r is below the group order.", &|value| {
            [&n, &value[32..]].concat()
        });
        refused("bit_flipped", "A signature verifies.", &|mut value| {
            value[10] ^= 1;
            value
        });
    }
    let operation = controlled_by(p256(10));
    let id = operation_id(&operation.body());
    let value = Bytes(k256(10).sign(&Role::Control.message(&id)));
    let signature = Signature { value, ..signature(&p256(10), Role::Control, &id) };
    let envelope = SignedOperation::new(operation.body(), vec![signature]).bytes();
    let rule = "The suite is that of the key.";
    all.refused("signature_of_other_suite", rule, Code::SignatureInvalid, &envelope);
}

/// Returns the create with another control key, signed by the usual key.
fn with_member(bytes: &[u8]) -> Vec<u8> {
    let mut body = Cbor::read(&plain_create().body());
    let path = ["action", "did_create", "sets", "control", "members", "0", "key"];
    *body.at(&path) = Cbor::Bytes(bytes.to_vec());
    seal_body(body.write(), Role::Control, &[ed(10)])
}

fn add_keys(all: &mut Catalogue) {
    let code = Code::KeyUnusable;
    let ed25519 = |point: [u8; 32]| [&[0xed, 1], &point[..]].concat();
    let mut identity = [0; 32];
    identity[0] = 1;
    let rule = "An Ed25519 key is not of small order.";
    all.refused("key_ed25519_identity", rule, code, &with_member(&ed25519(identity)));
    let eighth = bytes_of("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    all.refused("key_ed25519_order_eight", rule, code, &with_member(&ed25519(eighth)));
    let mut big = [0xff; 32];
    (big[0], big[31]) = (0xf0, 0x7f);
    let rule = "An Ed25519 key has the canonical encoding, y below 2^255 − 19.";
    all.refused("key_ed25519_not_canonical", rule, code, &with_member(&ed25519(big)));
    let mut none = [0; 32];
    none[0] = 2;
    let rule = "A key is a point of its curve.";
    all.refused("key_ed25519_not_on_curve", rule, code, &with_member(&ed25519(none)));
    for (suite, prefix, key) in
        [("p256", [0x80, 0x24], p256(10)), ("secp256k1", [0xe7, 1], k256(10))]
    {
        let public = key.public();
        let tagged = |tag: u8, x: &[u8]| with_member(&[&prefix[..], &[tag], x].concat());
        let name = |what: &str| format!("key_{suite}_{what}");
        all.refused(&name("not_on_curve"), rule, code, &tagged(2, &[0xff; 32]));
        let rule = "An ECDSA key starts with 02 or 03, and has no other spelling.";
        all.refused(&name("compact"), rule, code, &tagged(5, &public.raw()[1..]));
        all.refused(&name("uncompressed_tag"), rule, code, &tagged(4, &public.raw()[1..]));
    }
    let operation = plain_create();
    let key = PublicKey::new(Suite::Ed25519, &identity).expect("32 bytes");
    let value = Bytes([&identity[..], &[0; 32]].concat());
    let signature = Signature { role: Role::Control, by: Signer::Key(key), value };
    let envelope = SignedOperation::new(operation.body(), vec![signature]).bytes();
    let rule = "A signer's key is usable.";
    all.refused("signature_by_small_order_key", rule, code, &envelope);
}

/// Returns the create of a DID with a threshold of 2 of 3 and exactly these signatures.
fn listed(signatures: impl FnOnce(&Hash) -> Vec<Signature>) -> Vec<u8> {
    let sets = Sets { control: key_set_of(2, &[ed(10), ed(20), ed(30)]), ..plain_sets() };
    let body = create(sets, document(), 1).body();
    let signatures = signatures(&operation_id(&body));
    SignedOperation { body: Bytes(body), signatures }.bytes()
}

fn add_lists(all: &mut Catalogue) {
    let sign = |seed: u8, id: &Hash| signature(&ed(seed), Role::Control, id);
    let sorted = |seeds: &[u8], id: &Hash| {
        let mut list: Vec<Signature> = seeds.iter().map(|seed| sign(*seed, id)).collect();
        list.sort();
        list
    };
    let rule = "Any members that meet the threshold may sign.";
    all.applied("signatures_two_of_three", rule, listed(|id| sorted(&[10, 30], id)));
    let rule = "Members beyond the threshold may sign too.";
    all.applied("signatures_more_than_threshold", rule, listed(|id| sorted(&[10, 20, 30], id)));
    let order = Code::SignatureOrder;
    let rule = "Signatures ascend by role and signer.";
    let descending = listed(|id| sorted(&[10, 30], id).into_iter().rev().collect());
    all.refused("signatures_unsorted", rule, order, &descending);
    let rule = "A signer signs once.";
    let twice = listed(|id| vec![sign(10, id), sign(10, id)]);
    all.refused("signatures_signer_twice", rule, order, &twice);
    let other = listed(|id| {
        let mut second = sign(10, id);
        second.value.0[63] ^= 1;
        let mut both = vec![sign(10, id), second];
        both.sort();
        both
    });
    all.refused("signatures_signer_twice_with_other_value", rule, order, &other);
    let count = Code::SignatureCount;
    let rule = "There is at least one signature.";
    all.refused("signatures_none", rule, count, &listed(|_| Vec::new()));
    let seeds: Vec<u8> = (10..27).collect();
    let rule = "There are at most 16 signatures.";
    all.refused("signatures_17", rule, count, &listed(|id| sorted(&seeds, id)));
    let keys: Vec<Key> = (10..26).map(ed).collect();
    let sets = Sets { control: key_set_of(16, &keys), ..plain_sets() };
    all.applied("signatures_16", rule, seal(&create(sets, document(), 1), &keys));
    let ledger = Ledger::new();
    let rule = "Without a co-signature the threshold is not met.";
    let stripped = listed(|id| sorted(&[10], id));
    let at = At::new(&ledger, 1_000, stripped);
    all.refused_at("signature_stripped", rule, Code::ThresholdNotMet, &at);
    let rule = "Who is not in the set does not sign, however many others do.";
    let at = At::new(&ledger, 1_000, listed(|id| sorted(&[10, 20, 40], id)));
    all.refused_at("signature_not_needed", rule, Code::SignerNotMember, &at);
}

fn add_contexts(all: &mut Catalogue) {
    let operation = plain_create();
    let id = operation_id(&operation.body());
    let one = |signature| SignedOperation::new(operation.body(), vec![signature]).bytes();
    let with = |value: Vec<u8>| one(Signature { value: Bytes(value), ..signature_of(&id) });
    let code = Code::SignatureInvalid;
    let other_role = ed(10).sign(&Role::Next.message(&id));
    let rule = "A signature covers its role.";
    all.refused("signature_of_other_role", rule, code, &with(other_role));
    let other = create(plain_sets(), Document::default(), 9);
    let value = ed(10).sign(&Role::Control.message(&operation_id(&other.body())));
    let rule = "A signature covers the operation.";
    all.refused("signature_of_other_operation", rule, code, &with(value));
    let elsewhere = Operation { chain: Hash([0xc5; 32]), ..plain_create() };
    let value = ed(10).sign(&Role::Control.message(&operation_id(&elsewhere.body())));
    let rule = "A signature covers the chain.";
    all.refused("signature_of_other_chain", rule, code, &with(value));
    let rule = "What is signed is H(role, operation id), not the id itself.";
    all.refused("signature_of_bare_id", rule, code, &with(ed(10).sign(&id.0)));
    let rule = "What is signed is H(role, operation id), not the body.";
    let value = ed(10).sign(&operation.body());
    all.refused("signature_of_bare_body", rule, code, &with(value));
    add_roles(all);
}

fn signature_of(id: &Hash) -> Signature {
    signature(&ed(10), Role::Control, id)
}

fn add_roles(all: &mut Catalogue) {
    let (code, endorser) = (Code::SignatureRole, Code::EndorserInvalid);
    let rule = "An action takes signatures of its own role only.";
    let roles = [
        ("next", Role::Next, code),
        ("recovery", Role::Recovery, code),
        ("author", Role::Author, code),
        ("endorser", Role::Endorser, endorser),
        ("consent", Role::Consent, code),
        ("approval", Role::Approval, code),
    ];
    for (name, role, code) in roles {
        let envelope = seal_body(plain_create().body(), role, &[ed(10)]);
        all.refused(&format!("role_{name}_on_create"), rule, code, &envelope);
    }
    let did = did_of(&plain_create());
    let operation = change(&did, Hash([7; 32]), 2, update(document()));
    let envelope = seal_body(operation.body(), Role::Next, &[ed(11)]);
    all.refused("role_next_on_update", rule, code, &envelope);
    let id = operation_id(&operation.body());
    let url = format!("{did}#key-1").parse().expect("a method");
    let by = Signer::Method(MethodSigner { key: ed(10).public(), url });
    let by_method = Signature { by, ..signature_of(&id) };
    let envelope = SignedOperation::new(operation.body(), vec![by_method]).bytes();
    let rule = "DID actions are signed by keys, never by methods of the document.";
    all.refused("signer_method_on_update", rule, code, &envelope);
    let members: Vec<Member> = vec![key_member(&ed(10)), key_member(&p256(10))];
    let sets = Sets { control: key_set(2, members), ..plain_sets() };
    let operation = create(sets, document(), 1);
    let id = operation_id(&operation.body());
    let mixed = vec![signature_of(&id), signature(&p256(10), Role::Author, &id)];
    let envelope = SignedOperation::new(operation.body(), mixed).bytes();
    let rule = "Every signature has the role of the action.";
    all.refused("role_mixed", rule, code, &envelope);
}
