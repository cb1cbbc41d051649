//! Vectors of checks without state: contents, names, lists, sizes and values.

use registry_core::code::Code;
use registry_core::limits::{
    OPERATION_BYTES_MAX, SCHEMA_CONTENT_BYTES_MAX, SCHEMA_DEPTH_MAX, TRUST_OPERATION_BYTES_MAX,
};
use registry_core::operation::{Action, Guard, SignedOperation, operation_id};
use registry_core::record::PartId;
use registry_core::schema::{CredentialTypePublish, SchemaPublish};
use registry_core::status::StatusPurpose;
use registry_state::state::StateView as _;

use super::{PARTIES, next, registered, then, with_schema};
use crate::catalogue::Catalogue;
use crate::format::EncodingType;
use crate::support::cbor::Cbor;
use crate::support::schema::{
    DEGREE, content, degree_schema, plain_type, publish, publish_type, schema_record, withdraw_type,
};
use crate::support::status::{authored, method_signature, seal_by_method};

const YEAR_10000_MS: u64 = 253_402_300_800_000;

/// Returns the envelope of an action, signed by the publisher.
fn sealed(guard: Guard, action: Action) -> Vec<u8> {
    let publisher = &PARTIES.publisher;
    seal_by_method(&authored(&publisher.did, guard, 7, action), publisher.key)
}

fn of_content(content: String) -> SchemaPublish {
    SchemaPublish { content, ..degree_schema() }
}

pub(super) fn add(all: &mut Catalogue) {
    add_members(all);
    add_contents(all);
    add_limits(all);
    add_purposes(all);
    add_types(all);
    add_lists(all);
    add_sizes(all);
    add_values(all);
}

/// Returns the envelope of an edited body with a valid signature.
fn edited(action: Action, name: &str, edit: impl FnOnce(&mut Cbor)) -> Vec<u8> {
    let publisher = &PARTIES.publisher;
    let mut body = Cbor::read(&authored(&publisher.did, Guard::Absent, 7, action).body());
    edit(body.at(&["action", name]));
    let body = body.write();
    let id = operation_id(&body);
    let signatures = vec![method_signature(&publisher.key, &publisher.did, "key-1", &id)];
    SignedOperation::new(body, signatures).bytes()
}

fn add_members(all: &mut Catalogue) {
    let schema =
        |edit: &dyn Fn(&mut Cbor)| edited(publish(degree_schema()), "schema_publish", edit);
    let of_type = |edit: &dyn Fn(&mut Cbor)| {
        edited(publish_type(plain_type(DEGREE)), "credential_type_publish", edit)
    };
    let rule = "An unknown member is refused, at every level.";
    let extra = |item: &mut Cbor| item.set("extra", Cbor::Uint(0));
    all.refused("schema_unknown_member", rule, Code::FieldUnknown, &schema(&extra));
    all.refused("credential_type_unknown_member", rule, Code::FieldUnknown, &of_type(&extra));
    let rule = "A schema has a content.";
    let envelope = schema(&|item| item.remove("content"));
    all.refused("schema_without_content", rule, Code::OperationMalformed, &envelope);
    let rule = "What is absent is not written.";
    let envelope = of_type(&|item| item.set("formats", Cbor::Array(vec![])));
    all.refused("credential_type_formats_empty", rule, Code::OperationMalformed, &envelope);
    let rule = "Ids and names keep their form.";
    for (name, text) in [("upper_case", "A".repeat(32)), ("of_31_characters", "a".repeat(31))] {
        let envelope = schema(&|item| item.set("supersedes", Cbor::text(&text)));
        let name = format!("schema_id_{name}");
        all.refused(&name, rule, Code::IdentifierMalformed, &envelope);
    }
    for (name, text) in [("space", "a b"), ("two_dots", "a/../b"), ("query", "a?b")] {
        let envelope = of_type(&|item| item.set("name", Cbor::text(text)));
        let name = format!("credential_type_name_with_{name}");
        all.refused(&name, rule, Code::IdentifierMalformed, &envelope);
    }
}

fn add_contents(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, content: String| {
        let envelope = sealed(Guard::Absent, publish(of_content(content)));
        all.refused(&format!("schema_content_{name}"), rule, Code::SchemaInvalid, &envelope);
    };
    let rule = "A schema is one JSON object.";
    refused("empty", rule, String::new());
    refused("without_end", rule, content("")[1..].to_owned());
    refused("array", rule, format!("[{}]", content("")));
    refused("true", rule, "true".to_owned());
    refused("two_objects", rule, content("").repeat(2));
    refused("trailing_comma", rule, content(","));
    refused("space_before", rule, format!(" {}", content("")));
    refused("line_end_after", rule, format!("{}\n", content("")));
    refused("byte_order_mark", rule, format!("\u{feff}{}", content("")));
    let rule = "$schema is 2020-12 or draft-07.";
    refused("dialect_missing", rule, r#"{"type":"object"}"#.to_owned());
    refused("dialect_unknown", rule, content("").replace("2020-12", "2019-09"));
    refused("dialect_number", rule, r#"{"$schema":7}"#.to_owned());
    refused("dialect_inside", rule, format!(r#"{{"a":{}}}"#, content("")));
    let rule = "No object has two members of one name.";
    refused("member_twice", rule, content(r#","a":1,"a":1"#));
    refused("member_twice_escaped", rule, content(r#","x":[{"a":1,"\u0061":2}]"#));
    let rule = "A schema refers to no other document.";
    refused("reference_absolute", rule, content(r#","$ref":"https://a.example/s""#));
    refused("reference_relative", rule, content(r#","$defs":{"a":{"$ref":"other#a"}}"#));
    refused("reference_dynamic", rule, content(r#","allOf":[{"$dynamicRef":"other"}]"#));
    refused("reference_escaped", rule, content(r#","\u0024ref":"other""#));
    refused("reference_empty", rule, content(r#","$ref":"""#));
    let rule = "The type of a schema is no pattern.";
    let pattern = Some("degrees/*".parse().expect("a pattern"));
    let schema = SchemaPublish { credential_type: pattern, ..degree_schema() };
    let envelope = sealed(Guard::Absent, publish(schema));
    all.refused("schema_of_a_pattern", rule, Code::SchemaInvalid, &envelope);
    let rule = "References inside a schema are free, and what is no text is no reference.";
    let inside = r##","$ref":"#/$defs/a","$defs":{"a":{},"$ref":{}},"$dynamicRef":"\u0023a""##;
    let ledger = registered();
    let schema = of_content(content(inside));
    let at = next(&ledger, &PARTIES.publisher, publish(schema));
    all.applied_at("schema_with_inner_references", rule, &at);
    let rule = "Draft-07 is named with or without its #.";
    for (name, end) in [("draft_07", "#"), ("draft_07_without_fragment", "")] {
        let content = format!(r#"{{"$schema":"http://json-schema.org/draft-07/schema{end}"}}"#);
        let at = next(&ledger, &PARTIES.publisher, publish(of_content(content)));
        all.applied_at(&format!("schema_of_{name}"), rule, &at);
    }
}

fn add_limits(all: &mut Catalogue) {
    let ledger = registered();
    let nested = |depth: usize| {
        content(&format!(r#","a":{}1{}"#, "[".repeat(depth - 1), "]".repeat(depth - 1)))
    };
    let number = |text: &str| content(&format!(r#","maximum":{text}"#));
    let longest = "1".repeat(32);
    let padded = |bytes: usize| content(&" ".repeat(bytes - content("").len()));
    let mut both = |rule: &str, good: (&str, String), bad: &[(&str, String)]| {
        let at = next(&ledger, &PARTIES.publisher, publish(of_content(good.1)));
        all.applied_at(&format!("schema_{}", good.0), rule, &at);
        for (name, content) in bad {
            let envelope = sealed(Guard::Absent, publish(of_content(content.clone())));
            let name = format!("schema_content_{name}");
            all.refused(&name, rule, Code::SchemaInvalid, &envelope);
        }
    };
    let rule = "A content has at most 65,536 bytes.";
    let most = SCHEMA_CONTENT_BYTES_MAX;
    let over = [("65537_bytes", padded(most + 1))];
    both(rule, ("of_65536_bytes", padded(most)), &over);
    let rule = "Objects and arrays are nested at most 32 deep.";
    let over = [("33_deep", nested(SCHEMA_DEPTH_MAX + 1))];
    both(rule, ("32_deep", nested(SCHEMA_DEPTH_MAX)), &over);
    let rule = "A number has at most 32 characters.";
    let over = [("number_of_33_characters", number(&format!("{longest}1")))];
    both(rule, ("with_number_of_32_characters", number(&longest)), &over);
    let rule = "An exponent has at most two digits.";
    let over = [
        ("number_with_three_digits_of_exponent", number("1e100")),
        ("number_with_zeros_in_exponent", number("1E+001")),
    ];
    both(rule, ("with_exponent_of_two_digits", number("-1.5E-99")), &over);
    let rule = "No text has a control or bidi character, but tabs and ends of lines.";
    let over = [
        ("bidi_character", content(",\"title\":\"a\u{202e}b\"")),
        ("bidi_character_escaped", content(r#","title":"a\u202eb""#)),
        ("bidi_character_in_name", content(r#","a\u2066":1"#)),
        ("control_character", content(",\"title\":\"a\u{9b}b\"")),
        ("control_character_escaped", content(r#","enum":["\u0000"]"#)),
    ];
    let readable = content(r#","title":"درجة\n\r\t","pattern":"\\u202e""#);
    both(rule, ("with_readable_texts", readable), &over);
    let rule = "No text has a lone surrogate.";
    let over = [
        ("lone_surrogate", content(r#","title":"\ud834""#)),
        ("lone_surrogate_in_name", content(r#","\udd1e":1"#)),
    ];
    both(rule, ("with_surrogates_in_pairs", content(r#","title":"\ud834\udd1e""#)), &over);
}

fn add_purposes(all: &mut Catalogue) {
    use StatusPurpose::{Message, Refresh, Revocation, Suspension};
    let ledger = registered();
    let of = |purposes: &[StatusPurpose]| {
        let status_purposes = purposes.to_vec();
        publish_type(CredentialTypePublish { status_purposes, ..plain_type(DEGREE) })
    };
    let rule = "A type wants an entry for revocation, for suspension or for both.";
    for (name, purposes) in [
        ("revocation", &[Revocation][..]),
        ("suspension", &[Suspension]),
        ("both_purposes", &[Revocation, Suspension]),
    ] {
        let at = next(&ledger, &PARTIES.publisher, of(purposes));
        all.applied_at(&format!("credential_type_for_{name}"), rule, &at);
    }
    let mut refused = |name: &str, rule: &str, purposes: &[StatusPurpose]| {
        let envelope = sealed(Guard::Absent, of(purposes));
        let name = format!("credential_type_for_{name}");
        all.refused(&name, rule, Code::CredentialTypeInvalid, &envelope);
    };
    let rule = "A type wants no entry that speaks against no credential.";
    refused("refresh", rule, &[Refresh]);
    refused("message_and_revocation", rule, &[Message, Revocation]);
    let rule = "Purposes ascend strictly by name.";
    refused("purposes_unsorted", rule, &[Suspension, Revocation]);
    refused("a_purpose_twice", rule, &[Revocation, Revocation]);
}

fn add_types(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, action: Action, guard| {
        let envelope = sealed(guard, action);
        let name = format!("credential_type_{name}");
        all.refused(&name, rule, Code::CredentialTypeInvalid, &envelope);
    };
    let rule = "The name of a type is no pattern.";
    refused("of_a_pattern", rule, publish_type(plain_type("degrees/*")), Guard::Absent);
    refused("of_all_names", rule, publish_type(plain_type("*")), Guard::Absent);
    refused("withdraw_of_a_pattern", rule, withdraw_type("degrees/*"), Guard::Nothing);
    let rule = "A validity is at least 1 ms and before the year 10000.";
    for (name, validity_ms) in [("validity_0", 0), ("validity_to_year_10000", YEAR_10000_MS)] {
        let validity_ms_max = Some(validity_ms);
        let found = CredentialTypePublish { validity_ms_max, ..plain_type(DEGREE) };
        refused(name, rule, publish_type(found), Guard::Absent);
    }
}

/// Returns `count` names in ascending order.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("name-{number:02}")).collect()
}

fn add_lists(all: &mut Catalogue) {
    let formats = |formats| CredentialTypePublish { formats, ..plain_type(DEGREE) };
    let suites = |suites| CredentialTypePublish { suites, ..plain_type(DEGREE) };
    let mut refused = |name: &str, rule: &str, found| {
        let envelope = sealed(Guard::Absent, publish_type(found));
        let name = format!("credential_type_{name}");
        all.refused(&name, rule, Code::CredentialTypeInvalid, &envelope);
    };
    let rule = "A type has at most 16 formats, and as many suites.";
    refused("17_formats", rule, formats(names(17)));
    refused("17_suites", rule, suites(names(17)));
    let rule = "Formats and suites are names of 1 to 64 characters.";
    refused("format_empty", rule, formats(vec![String::new()]));
    refused("format_of_65_characters", rule, formats(vec!["a".repeat(65)]));
    refused("format_with_space", rule, formats(vec!["vc jwt".to_owned()]));
    refused("suite_beyond_ascii", rule, suites(vec!["ES\u{b2}56".to_owned()]));
    let rule = "Formats and suites ascend strictly.";
    let mut descending = names(2);
    descending.reverse();
    refused("formats_descending", rule, formats(descending.clone()));
    refused("suites_descending", rule, suites(descending));
    refused("format_twice", rule, formats([names(1), names(1)].concat()));
    let rule = "All members of a type have a largest value.";
    let most = CredentialTypePublish {
        validity_ms_max: Some(YEAR_10000_MS - 1),
        formats: names(16),
        suites: (0..16).map(|number| format!("{number:02}{}", "a".repeat(62))).collect(),
        ..plain_type(DEGREE)
    };
    let ledger = registered();
    let at = next(&ledger, &PARTIES.publisher, publish_type(most));
    all.applied_at("credential_type_with_the_most", rule, &at);
}

fn add_sizes(all: &mut Catalogue) {
    // These names are too long. They fill the envelope to the exact byte and are refused anyway.
    let sized = |bytes: usize| {
        let of = |length: usize| {
            let suites = vec!["a".repeat(length)];
            let found = CredentialTypePublish { suites, ..plain_type(DEGREE) };
            sealed(Guard::Absent, publish_type(found))
        };
        let envelope = of(1_000 + bytes - of(1_000).len());
        assert_eq!(envelope.len(), bytes);
        envelope
    };
    let (rule, most) = ("A credential type has at most 8 KiB.", TRUST_OPERATION_BYTES_MAX);
    let name = "size_8193_bytes_of_a_credential_type";
    all.refused(name, rule, Code::OperationTooLarge, &sized(most + 1));
    let rule = "A credential type of 8 KiB is not too large; no such name is allowed.";
    let name = "size_8192_bytes_of_a_credential_type";
    all.refused(name, rule, Code::CredentialTypeInvalid, &sized(most));
    let sized = |bytes: usize| {
        let of = |length| sealed(Guard::Absent, publish(of_content(" ".repeat(length))));
        let envelope = of(70_000 + bytes - of(70_000).len());
        assert_eq!(envelope.len(), bytes);
        envelope
    };
    let (rule, most) = ("A schema has at most 80 KiB, signatures included.", OPERATION_BYTES_MAX);
    let name = "size_81921_bytes_of_a_schema";
    all.refused(name, rule, Code::OperationTooLarge, &sized(most + 1));
    let rule = "A schema's envelope of 80 KiB is not too large; no such content is allowed.";
    all.refused("size_81920_bytes_of_a_schema", rule, Code::SchemaInvalid, &sized(most));
}

fn add_values(all: &mut Catalogue) {
    let publisher = &PARTIES.publisher;
    let mut ledger = with_schema();
    then(&mut ledger, publisher, publish_type(plain_type(DEGREE)));
    let value = |action: &Action| {
        let key = schema_record(&publisher.did, action);
        let head = ledger.state.head(&key).expect("a sound store").expect("a record");
        head.part(PartId::WHOLE).expect("a value").value.0.clone()
    };
    let schema = value(&publish(degree_schema()));
    let found = value(&withdraw_type(DEGREE));
    let rule = "The value of a schema's record.";
    all.encoding("encoding_of_schema", rule, EncodingType::Schema, &schema, true);
    let rule = "The value of a credential type's record.";
    all.encoding("encoding_of_credential_type", rule, EncodingType::CredentialType, &found, true);
    for (name, of, value) in [
        ("schema", EncodingType::Schema, &schema),
        ("credential_type", EncodingType::CredentialType, &found),
    ] {
        let mut edited = |what: &str, rule: &str, edit: &dyn Fn(&mut Cbor)| {
            let mut item = Cbor::read(value);
            edit(&mut item);
            all.encoding(&format!("{name}_value_{what}"), rule, of, &item.write(), false);
        };
        let rule = "An unknown member is refused, at every level.";
        edited("unknown_member", rule, &|item| item.set("extra", Cbor::Uint(0)));
        let rule = "A status is active or withdrawn.";
        edited("status_unknown", rule, &|item| item.set("status", Cbor::text("revoked")));
    }
}
