//! Vectors of the encoding of operations: one spelling, known fields only, and sizes.

use registry_core::code::Code;
use registry_core::operation::Role;

use crate::case_operations::{plain_create, plain_sets};
use crate::catalogue::{Catalogue, document};
use crate::support::cbor::{Cbor, head};
use crate::support::{change, create, did_of, ed, reveal, rotate, seal, seal_body, update};
use registry_core::crypto::Hash;
use registry_core::operation::{Action, Operation};

const MALFORMED: Code = Code::OperationMalformed;

pub(crate) fn add(all: &mut Catalogue) {
    add_envelopes(all);
    add_spellings(all);
    add_unknown_fields(all);
    add_wrong_types(all);
    add_identifiers(all);
    add_sizes(all);
}

fn plain() -> Vec<u8> {
    seal(&plain_create(), &[ed(10)])
}

fn plain_rotate() -> Operation {
    let did = did_of(&plain_create());
    change(&did, Hash([7; 32]), 2, rotate(reveal(&[ed(11)]), plain_sets(), document()))
}

/// Returns the envelope after an edit of its CBOR. The signature still fits the body.
fn edit_envelope(edit: impl FnOnce(&mut Cbor)) -> Vec<u8> {
    let mut envelope = Cbor::read(&plain());
    edit(&mut envelope);
    envelope.write()
}

/// Returns the envelope of an edited body with a valid signature.
fn edit_body(operation: &Operation, edit: impl FnOnce(&mut Cbor)) -> Vec<u8> {
    let mut body = Cbor::read(&operation.body());
    edit(&mut body);
    let role = operation.action.facts().role.expect("a signed action");
    let key = if role == Role::Next { ed(11) } else { ed(10) };
    seal_body(body.write(), role, &[key])
}

fn edit(edit: impl FnOnce(&mut Cbor)) -> Vec<u8> {
    edit_body(&plain_create(), edit)
}

fn add_envelopes(all: &mut Catalogue) {
    all.refused("encoding_empty", "An envelope is not empty.", MALFORMED, &[]);
    let mut bytes = plain();
    bytes.pop();
    all.refused("encoding_truncated", "An envelope is whole.", MALFORMED, &bytes);
    let mut bytes = plain();
    bytes.push(0);
    let rule = "Nothing follows the envelope.";
    all.refused("encoding_trailing_byte", rule, MALFORMED, &bytes);
    let mut body = plain_create().body();
    body.push(0);
    let bytes = seal_body(body, Role::Control, &[ed(10)]);
    let rule = "Nothing follows the body within its byte string.";
    all.refused("encoding_trailing_byte_in_body", rule, MALFORMED, &bytes);
    let unsigned = Cbor::Map(vec![
        (Cbor::text("body"), Cbor::Bytes(plain_create().body())),
        (Cbor::text("signatures"), Cbor::Array(vec![])),
    ]);
    let rule = "An empty list is left out, never written.";
    all.refused("encoding_empty_list_explicit", rule, MALFORMED, &unsigned.write());
    let bytes = edit_envelope(|envelope| {
        let body = envelope.at(&["body"]);
        *body = Cbor::read(&plain_create().body());
    });
    let rule = "The body is a byte string, not the map itself.";
    all.refused("encoding_body_not_bytes", rule, MALFORMED, &bytes);
}

fn add_spellings(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, bytes: Vec<u8>| {
        all.refused(&format!("encoding_{name}"), rule, MALFORMED, &bytes);
    };
    let threshold: &[&str] = &["action", "did_create", "sets", "control", "threshold"];
    let raw = |bytes: &[u8]| Cbor::Raw(bytes.to_vec());
    let bytes = edit(|body| *body.at(threshold) = raw(&[0x18, 1]));
    refused("integer_not_minimal", "Integers have their shortest form.", bytes);
    let bytes = edit(|body| *body.at(threshold) = raw(&[0xf9, 0x3c, 0]));
    refused("float", "There are no floats, not even whole ones.", bytes);
    let bytes = edit(|body| *body.at(threshold) = raw(&[0x20]));
    refused("integer_negative", "Counts are not negative.", bytes);
    let bytes = edit(|body| *body.at(threshold) = raw(&[0x19, 1, 1]));
    refused("threshold_over_255", "A threshold fits one byte.", bytes);
    let bytes = edit(|body| *body.at(threshold) = raw(&[0xc1, 1]));
    refused("tag", "There are no tags but that of links, and no links.", bytes);
    let salt = [&[0x58, 16][..], &[1; 16]].concat();
    let bytes = edit(|body| *body.at(&["salt"]) = Cbor::Raw(salt));
    refused("length_not_minimal", "Lengths have their shortest form.", bytes);
    let salt = [&[0x5f, 0x50][..], &[1; 16], &[0xff]].concat();
    let bytes = edit(|body| *body.at(&["salt"]) = Cbor::Raw(salt));
    refused("indefinite_bytes", "Byte strings have a length.", bytes);
    let bytes = edit(|body| {
        let mut chunks = vec![0xbf];
        chunks.extend(body.write().split_off(1));
        chunks.push(0xff);
        *body = Cbor::Raw(chunks);
    });
    refused("indefinite_map", "Maps have a length.", bytes);
    let bytes = edit(|body| {
        let list = body.at(&["action", "did_create", "sets", "control", "members"]);
        let mut chunks = vec![0x9f];
        chunks.extend(list.write().split_off(1));
        chunks.push(0xff);
        *list = Cbor::Raw(chunks);
    });
    refused("indefinite_list", "Lists have a length.", bytes);
    let bytes = edit(|body| {
        let first = body.entries()[0].clone();
        body.entries().insert(0, first);
    });
    refused("key_twice", "A map has each key once.", bytes);
    let bytes = edit(|body| body.entries().reverse());
    refused("keys_unsorted", "Map keys ascend: shorter first, then bytewise.", bytes);
    let bytes = edit(|body| body.set("author", raw(&[0xf6])));
    refused("null_for_absent_author", "What is absent is left out, not null.", bytes);
    let bytes = edit(|body| body.set("until", raw(&[0xf6])));
    refused("null_for_absent_until", "What is absent is left out, not null.", bytes);
    let recovery: &[&str] = &["action", "did_create", "sets"];
    let bytes = edit(|body| body.at(recovery).set("recovery", raw(&[0xf6])));
    refused("null_for_absent_recovery", "What is absent is left out, not null.", bytes);
    let bytes = edit(|body| {
        let text = [head(3, 6), b"absen\xff".to_vec()].concat();
        *body.at(&["guard"]) = Cbor::Raw(text);
    });
    refused("text_not_utf8", "Text is UTF-8.", bytes);
    let bytes = edit(|body| {
        let nested = [vec![0x81; 12_000], vec![0]].concat();
        *body.at(&["action", "did_create", "document"]) = Cbor::Raw(nested);
    });
    refused("nested_deep", "Deep nesting is refused without harm.", bytes);
    let with_service = create(plain_sets(), crate::case_documents::sized(10), 1);
    let endpoint: &[&str] =
        &["action", "did_create", "document", "service", "0", "serviceEndpoint", "0"];
    let deep = |open: &[u8], levels: usize| {
        let nested = [open.repeat(levels), vec![0x61, b'a']].concat();
        edit_body(&with_service, |body| *body.at(endpoint) = Cbor::Raw(nested))
    };
    let rule = "Deep nesting is refused without harm, also where a text or a map may stand.";
    refused("endpoint_nested_deep_in_lists", rule, deep(&[0x81], 9_000));
    refused("endpoint_nested_deep_in_maps", rule, deep(&[0xa1, 0x61, b'a'], 3_000));
}

fn add_unknown_fields(all: &mut Catalogue) {
    let rule = "An unknown field is refused, at every level.";
    // A choice is a map with one member, so a second member is wrong whatever its name is.
    let choices = ["action", "guard", "member", "signer"];
    let mut refused = |name: &str, bytes: Vec<u8>| {
        let code = if choices.contains(&name) { MALFORMED } else { Code::FieldUnknown };
        all.refused(&format!("unknown_field_in_{name}"), rule, code, &bytes);
    };
    let extra = |item: &mut Cbor| item.set("extra", Cbor::Uint(0));
    refused("envelope", edit_envelope(extra));
    refused("signature", edit_envelope(|envelope| extra(envelope.at(&["signatures", "0"]))));
    refused("signer", edit_envelope(|envelope| extra(envelope.at(&["signatures", "0", "by"]))));
    refused("operation", edit(extra));
    let update = change(&did_of(&plain_create()), Hash([7; 32]), 2, update(document()));
    refused("guard", edit_body(&update, |body| extra(body.at(&["guard"]))));
    refused("update", edit_body(&update, |body| extra(body.at(&["action", "did_update"]))));
    refused("action", edit(|body| extra(body.at(&["action"]))));
    let create = |path: &[&str]| {
        let path = [&["action", "did_create"], path].concat();
        edit(|body| extra(body.at(&path)))
    };
    refused("create", create(&[]));
    refused("sets", create(&["sets"]));
    refused("control", create(&["sets", "control"]));
    refused("member", create(&["sets", "control", "members", "0"]));
    refused("next", create(&["sets", "next"]));
    refused("recovery", create(&["sets", "recovery"]));
    refused("recovery_keys", create(&["sets", "recovery", "keys"]));
    refused("document", create(&["document"]));
    let rotate = plain_rotate();
    refused("rotate", edit_body(&rotate, |body| extra(body.at(&["action", "did_rotate"]))));
    let reveal: &[&str] = &["action", "did_rotate", "reveal"];
    refused("reveal", edit_body(&rotate, |body| extra(body.at(reveal))));
}

fn add_wrong_types(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, bytes: Vec<u8>| {
        all.refused(name, rule, MALFORMED, &bytes);
    };
    let bytes = edit(|body| body.remove("salt"));
    refused("salt_missing", "Every operation has a salt.", bytes);
    let bytes = edit(|body| body.set("salt", Cbor::Bytes(vec![1; 15])));
    refused("salt_15_bytes", "A salt has 16 bytes.", bytes);
    let bytes = edit(|body| body.set("salt", Cbor::Bytes(vec![1; 17])));
    refused("salt_17_bytes", "A salt has 16 bytes.", bytes);
    let bytes = edit(|body| body.set("salt", Cbor::text("0101010101010101")));
    refused("salt_as_text", "A salt is a byte string.", bytes);
    let bytes = edit(|body| body.set("chain", Cbor::Bytes(vec![0xc4; 31])));
    refused("chain_31_bytes", "A chain id has 32 bytes.", bytes);
    let bytes = edit(|body| body.remove("guard"));
    refused("guard_missing", "Every operation has a guard.", bytes);
    let bytes = edit(|body| body.set("guard", Cbor::text("none")));
    refused("guard_unknown", "Guards are absent, parts, operation and nothing.", bytes);
    let bytes = edit(|body| body.set("until", Cbor::text("2026-01-01T00:00:00Z")));
    refused("until_as_text", "The last block time is a number.", bytes);
    let bytes = edit(|body| body.set("action", Cbor::text("did_revoke")));
    refused("action_unknown", "Actions are those of the table.", bytes);
    let did = did_of(&plain_create());
    let cancel = change(&did, Hash([7; 32]), 2, Action::DidRecoverCancel);
    let bytes = edit_body(&cancel, |body| {
        let name = Cbor::text("did_recover_cancel");
        body.set("action", Cbor::Map(vec![(name, Cbor::Map(vec![]))]));
    });
    refused("action_without_content_as_map", "An action without content is a text.", bytes);
    let member: &[&str] = &["action", "did_create", "sets", "control", "members", "0", "key"];
    let bytes = edit(|body| *body.at(member) = Cbor::Bytes([&[0x90, 0x24][..], &[1; 32]].concat()));
    refused("key_codec_unknown", "Keys sign by Ed25519, P-256 or secp256k1.", bytes);
    let bytes = edit(|body| *body.at(member) = Cbor::Bytes([&[0xed, 1][..], &[1; 31]].concat()));
    refused("key_31_bytes", "A key has the length of its suite.", bytes);
    let bytes = edit(|body| *body.at(member) = Cbor::Bytes(ed(10).public().raw().to_vec()));
    refused("key_without_codec", "A key has its multicodec prefix.", bytes);
    let bytes = edit(|body| *body.at(member) = Cbor::text(&ed(10).public().to_string()));
    refused("key_as_multikey_text", "A key is a byte string in CBOR.", bytes);
    let role = |name: &'static str| {
        edit_envelope(|envelope| envelope.at(&["signatures", "0"]).set("role", Cbor::text(name)))
    };
    refused("role_unknown", "Roles are those of the table.", role("owner"));
    refused("role_in_capitals", "Names have one spelling.", role("Control"));
}

fn add_identifiers(all: &mut Catalogue) {
    let did = did_of(&plain_create()).to_string();
    let operation = change(&did_of(&plain_create()), Hash([7; 32]), 2, update(document()));
    let mut refused = |name: &str, rule: &str, author: &str| {
        let bytes = edit_body(&operation, |body| body.set("author", Cbor::text(author)));
        all.refused(&format!("author_{name}"), rule, Code::IdentifierMalformed, &bytes);
    };
    refused("suffix_in_capitals", "A DID is in lower case.", &did.to_uppercase());
    refused("suffix_31_characters", "A suffix has 32 characters.", &did[..did.len() - 1]);
    refused("suffix_33_characters", "A suffix has 32 characters.", &format!("{did}a"));
    refused(
        "suffix_not_base32",
        "Base32 has no 0, 1, 8, 9.",
        &format!("{}1", &did[..did.len() - 1]),
    );
    refused("without_network", "A DID names its network.", &did.replace("local:", ""));
    refused("of_other_method", "The method is idem.", &did.replace("idem", "plc"));
    refused("with_fragment", "An author is a DID, no DID URL.", &format!("{did}#key-1"));
}

fn add_sizes(all: &mut Catalogue) {
    const LIMIT: usize = 16_384;
    let sized = |bytes: usize| {
        let envelope = |padding| {
            seal(&create(plain_sets(), crate::case_documents::sized(padding), 1), &[ed(10)])
        };
        let mut envelopes = (0..bytes).rev().map(envelope);
        envelopes.find(|envelope| envelope.len() <= bytes).expect("some fit")
    };
    assert_eq!(sized(LIMIT).len(), LIMIT);
    assert_eq!(sized(LIMIT + 1).len(), LIMIT + 1);
    all.applied("size_16384_bytes", "A DID operation has at most 16 KiB.", sized(LIMIT));
    let code = Code::OperationTooLarge;
    let rule = "A DID operation has at most 16 KiB, signatures included.";
    all.refused("size_16385_bytes", rule, code, &sized(LIMIT + 1));
    all.refused("size_17_kib", rule, code, &sized(17 * 1024));
    let rule = "Nothing over 80 KiB is decoded.";
    all.refused("size_over_80_kib", rule, code, &vec![0; 80 * 1024 + 1]);
    let rule = "Up to 80 KiB bytes are decoded, and these are no operation.";
    all.refused("size_80_kib_of_zeros", rule, MALFORMED, &vec![0; 80 * 1024]);
}
