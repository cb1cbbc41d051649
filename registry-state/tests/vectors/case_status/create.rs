//! Vectors of new status lists: purposes, widths, lengths, URIs, validity and messages.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::limits::STATUS_BITS_MAX;
use registry_core::operation::Operation;
use registry_core::status::{StatusCreate, StatusPurpose};

use super::{NEVER, creating, delegated, message_list, revocations, set_operation, suspensions};
use crate::case_operations::{plain_sets, registered};
use crate::catalogue::{At, Catalogue, document};
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::status::{list_of, plain_list, run, runs, seal_by_method, status_create};
use crate::support::{create, did_of, ed, seal};

pub(super) fn add(all: &mut Catalogue) {
    add_creates(all);
    add_create_limits(all);
    add_messages(all);
}

fn add_creates(all: &mut Catalogue) {
    let ledger = registered();
    let applied = |all: &mut Catalogue, name: &str, rule: &str, list| {
        all.applied_at(name, rule, &At::new(&ledger, 1_000, creating(list)));
    };
    let rule = "A list is made of zeros.";
    applied(all, "status_create_revocation", rule, revocations());
    applied(all, "status_create_suspension", rule, suspensions());
    applied(all, "status_create_refresh", rule, plain_list(StatusPurpose::Refresh, 1, 1));
    let rule = "Entries of messages have 1, 2, 4 or 8 bits.";
    for bits in [1, 2, 4, 8] {
        applied(all, &format!("status_create_message_{bits}_bits"), rule, message_list(bits));
    }
    let rule = "An array has at most 2^23 bits.";
    let largest = plain_list(StatusPurpose::Revocation, 1, STATUS_BITS_MAX);
    applied(all, "status_create_of_2_pow_23_bits", rule, largest);
    let largest = plain_list(StatusPurpose::Message, 8, STATUS_BITS_MAX / 8);
    applied(all, "status_create_of_2_pow_20_bytes", rule, largest);
    let rule = "A list has a place of its own, a validity and delegates if its issuer wants.";
    let whole = StatusCreate {
        uri: Some("https://issuer.example:8443/status/1".to_owned()),
        valid_from: Some(GENESIS_MS),
        valid_until: Some(NEVER - 1),
        delegates: delegated(Some(GENESIS_MS)),
        ..revocations()
    };
    applied(all, "status_create_with_all_members", rule, whole);
    let rule = "Private networks publish over http.";
    let uri = Some("http://localhost:8080".to_owned());
    applied(all, "status_create_uri_http", rule, StatusCreate { uri, ..revocations() });
    let genesis = Operation { chain: Hash::ZERO, ..create(plain_sets(), document(), 1) };
    let issuer = did_of(&genesis);
    let list = status_create(&issuer, 3, revocations());
    let list = Operation { chain: Hash::ZERO, ..list };
    let envelopes = vec![seal(&genesis, &[ed(10)]), seal_by_method(&list, ed(10))];
    let ledger = Ledger::with_genesis_operations(envelopes);
    let set = set_operation(&ledger, &issuer, list_of(&list), runs(&[run(1, 2, 1)]));
    let rule = "A list of the genesis is set as any other.";
    let at = At::new(&ledger, 1_000, seal_by_method(&set, ed(10)));
    all.applied_at("status_set_of_genesis_list", rule, &at);
}

fn add_create_limits(all: &mut Catalogue) {
    let code = Code::StatusWidth;
    let rule = "One bit an entry, but for messages 1, 2, 4 or 8.";
    for (name, purpose, bits) in [
        ("revocation_2_bits", StatusPurpose::Revocation, 2),
        ("suspension_2_bits", StatusPurpose::Suspension, 2),
        ("refresh_8_bits", StatusPurpose::Refresh, 8),
        ("revocation_0_bits", StatusPurpose::Revocation, 0),
        ("message_3_bits", StatusPurpose::Message, 3),
        ("message_16_bits", StatusPurpose::Message, 16),
    ] {
        let envelope = creating(plain_list(purpose, bits, 100));
        all.refused(&format!("status_create_{name}"), rule, code, &envelope);
    }
    let code = Code::StatusLength;
    let rule = "A list has entries, and at most 2^23 bits of them.";
    let mut length = |name: &str, purpose, bits, length| {
        let envelope = creating(plain_list(purpose, bits, length));
        all.refused(&format!("status_create_{name}"), rule, code, &envelope);
    };
    length("without_entries", StatusPurpose::Revocation, 1, 0);
    length("over_2_pow_23_bits", StatusPurpose::Revocation, 1, STATUS_BITS_MAX + 1);
    length("over_2_pow_20_bytes", StatusPurpose::Message, 8, STATUS_BITS_MAX / 8 + 1);
    length("of_2_pow_64_less_1_entries", StatusPurpose::Message, 8, u64::MAX);
    let code = Code::StatusUri;
    let rule = "A list is published at an https or http URI without userinfo, query and fragment.";
    let long = format!("https://issuer.example/{}", "a".repeat(490));
    for (name, uri) in [
        ("scheme", "ftp://issuer.example/1"),
        ("did", "did:web:issuer.example"),
        ("websocket", "wss://issuer.example/1"),
        ("userinfo", "https://me@issuer.example/1"),
        ("query", "https://issuer.example/1?a=b"),
        ("fragment", "https://issuer.example/1#a"),
        ("relative", "/status/1"),
        ("empty", ""),
        ("513_bytes", long.as_str()),
    ] {
        let uri = Some(uri.to_owned());
        let envelope = creating(StatusCreate { uri, ..revocations() });
        all.refused(&format!("status_create_uri_{name}"), rule, code, &envelope);
    }
    let code = Code::StatusInvalid;
    let rule = "A list is valid from before until after, and not beyond the year 9999.";
    let mut validity = |name: &str, valid_from, valid_until| {
        let envelope = creating(StatusCreate { valid_from, valid_until, ..revocations() });
        all.refused(&format!("status_create_valid_{name}"), rule, code, &envelope);
    };
    validity("for_no_time", Some(GENESIS_MS), Some(GENESIS_MS));
    validity("until_before_from", Some(GENESIS_MS), Some(1));
    validity("from_year_10000", Some(NEVER), None);
    validity("until_year_10000", None, Some(NEVER));
}

fn add_messages(all: &mut Catalogue) {
    let texts = |count: usize| (0..count).map(|number| format!("state {number}")).collect();
    let with = |bits, messages| creating(StatusCreate { messages, ..message_list(bits) });
    let ledger = registered();
    let rule = "A message list says what each value means.";
    let at = At::new(&ledger, 1_000, with(2, texts(4)));
    all.applied_at("status_create_with_messages", rule, &at);
    let at = At::new(&ledger, 1_000, with(1, vec!["a".repeat(64), String::new()]));
    all.applied_at("status_create_with_message_of_64_bytes", rule, &at);
    let code = Code::StatusInvalid;
    let rule = "A message list has a message for every value, or none.";
    all.refused("status_create_with_a_message_too_few", rule, code, &with(2, texts(3)));
    all.refused("status_create_with_a_message_too_many", rule, code, &with(1, texts(3)));
    let rule = "A message has at most 64 bytes.";
    let long = vec!["a".repeat(65), String::new()];
    all.refused("status_create_with_message_of_65_bytes", rule, code, &with(1, long));
    let rule = "A message has no control and no bidi character.";
    for (name, text) in [
        ("line_feed", "lost\nfound"),
        ("escape", "\u{1b}[2Klost"),
        ("delete", "lost\u{7f}"),
        ("c1_character", "lost\u{9b}"),
        ("line_separator", "lost\u{2028}found"),
        ("bidi_override", "\u{202e}tsol"),
        ("bidi_isolate", "\u{2066}lost"),
        ("bidi_mark", "lost\u{200f}"),
    ] {
        let envelope = with(1, vec!["open".to_owned(), text.to_owned()]);
        all.refused(&format!("status_create_with_message_with_{name}"), rule, code, &envelope);
    }
    let rule = "A message may be in any script.";
    let scripts = ["größer", "معلق", "吊销", "🚫"].map(str::to_owned).to_vec();
    let at = At::new(&ledger, 1_000, with(2, scripts));
    all.applied_at("status_create_with_messages_of_scripts", rule, &at);
    let rule = "Only lists of purpose message have messages.";
    let envelope = creating(StatusCreate { messages: texts(2), ..revocations() });
    all.refused("status_create_revocation_with_messages", rule, code, &envelope);
}
