//! Vectors of checks without state: names, conditions, parents and sizes.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::limits::TRUST_OPERATION_BYTES_MAX;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Guard, Operation, Role, operation_id};
use registry_core::trust::Conditions;

use super::{DEGREE, PARTIES, accreditation, licence, of};
use crate::catalogue::Catalogue;
use crate::support::cbor::Cbor;
use crate::support::ledger::GENESIS_MS;
use crate::support::seal_body;
use crate::support::status::{authored, method_signature, seal_by_method};
use crate::support::trust::{Party, change_of, depth, grant, recognise, revoke};

const YEAR_10000_MS: u64 = 253_402_300_800_000;

fn operation(party: &Party, guard: Guard, action: Action) -> Operation {
    authored(&party.did, guard, 7, action)
}

fn sealed(party: &Party, guard: Guard, action: Action) -> Vec<u8> {
    seal_by_method(&operation(party, guard, action), party.key)
}

fn by_authority(action: Action) -> Vec<u8> {
    sealed(&PARTIES.authority, Guard::Absent, action)
}

/// Returns the authority's grant to the issuer in its correct form.
fn plain() -> Action {
    grant(&of(DEGREE, &PARTIES.issuer), None, Conditions::default())
}

pub(super) fn add(all: &mut Catalogue) {
    add_networks(all);
    add_names(all);
    add_resources(all);
    add_members(all);
    add_conditions(all);
    add_parents(all);
    add_order(all);
    add_sizes(all);
}

fn add_networks(all: &mut Catalogue) {
    let code = Code::NetworkMismatch;
    let rule = "An authority is a DID of this network.";
    let mut key = of(DEGREE, &PARTIES.issuer);
    key.authority.network = "other".parse().expect("a name");
    let (absent, made) = (Guard::Absent, Guard::Operation(Hash([7; 32])));
    for (name, guard, action) in [
        ("grant", absent, grant(&key, None, Conditions::default())),
        ("revoke", made, revoke(&key)),
        ("recognise", absent, recognise(&key)),
    ] {
        let envelope = sealed(&PARTIES.authority, guard, action);
        all.refused(&format!("trust_{name}_for_authority_elsewhere"), rule, code, &envelope);
    }
    let rule = "A grant names its grantor as author.";
    let anonymous = Operation { author: None, ..operation(&PARTIES.authority, absent, plain()) };
    let envelope = seal_body(anonymous.body(), Role::Control, &[PARTIES.authority.key]);
    all.refused("author_missing_on_trust_grant", rule, Code::AuthorMismatch, &envelope);
}

/// Returns the envelope of an edited grant with a valid signature.
fn edited(action: Action, edit: impl FnOnce(&mut Cbor)) -> Vec<u8> {
    let Party { did, key, .. } = &PARTIES.authority;
    let mut body = Cbor::read(&operation(&PARTIES.authority, Guard::Absent, action).body());
    edit(&mut body);
    let body = body.write();
    let signature = method_signature(key, did, "key-1", &operation_id(&body));
    registry_core::operation::SignedOperation::new(body, vec![signature]).bytes()
}

fn add_names(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, member: &str, text: &str| {
        let path = ["action", "trust_grant", "key", member];
        let envelope = edited(plain(), |body| *body.at(&path) = Cbor::text(text));
        all.refused(&format!("trust_{name}"), rule, Code::IdentifierMalformed, &envelope);
    };
    let rule = "An action is 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-'.";
    refused("action_empty", rule, "action", "");
    refused("action_with_slash", rule, "action", "issue/all");
    refused("action_of_65_characters", rule, "action", &"a".repeat(65));
    let rule = "A resource is 1 to 256 printable ASCII characters, without five of them.";
    refused("resource_empty", rule, "resource", "");
    refused("resource_with_space", rule, "resource", "degrees/a b");
    refused("resource_not_ascii", rule, "resource", "degrees/é");
    refused("resource_of_257_characters", rule, "resource", &"a".repeat(257));
    let rule = "A star stands for the whole last segment and nowhere else.";
    refused("resource_star_after_letters", rule, "resource", "degrees*");
    refused("resource_star_in_the_middle", rule, "resource", "degrees/*/bachelor");
    let rule = "A resource has at most 6 segments.";
    refused("resource_of_7_segments", rule, "resource", "1/2/3/4/5/6/7");
    let rule = "An entity is a did, https, wss or urn:uuid URI of at most 256 bytes.";
    refused("entity_empty", rule, "entity", "");
    refused("entity_by_mail", rule, "entity", "mailto:a@example.org");
    refused("entity_with_query", rule, "entity", "https://example.org/?a");
    refused("entity_with_userinfo", rule, "entity", "https://a@example.org/");
    let long = format!("https://example.org/{}", "a".repeat(237));
    refused("entity_of_257_bytes", rule, "entity", &long);
    let issuer = PARTIES.issuer.id();
    let rule = "An entity has no dots to resolve and no escape of a dot, a slash or a backslash.";
    refused("entity_with_dot", rule, "entity", "https://example.org/./a");
    refused("entity_with_two_dots", rule, "entity", "https://example.org/a/../b");
    refused("entity_with_escape", rule, "entity", "https://example.org/%2E%2e/b");
    let rule = "An entity by a DID is no DID URL.";
    refused("entity_with_fragment", rule, "entity", &format!("{issuer}#key-1"));
    let rule = "An entity of this method is a DID in its one spelling.";
    refused("entity_with_path", rule, "entity", &format!("{issuer}/"));
    refused("entity_in_capitals", rule, "entity", &issuer.replace("local", "LOCAL"));
    let rule = "A DID of this method has 32 characters in its suffix.";
    refused("entity_suffix_33_characters", rule, "entity", &format!("{issuer}a"));
}

fn add_resources(all: &mut Catalogue) {
    let mut refused = |name: &str, rule: &str, text: &str| {
        let path = ["action", "trust_grant", "key", "resource"];
        let envelope = edited(plain(), |body| *body.at(&path) = Cbor::text(text));
        let name = format!("trust_resource_{name}");
        all.refused(&name, rule, Code::IdentifierMalformed, &envelope);
    };
    let rule = "A resource has no query, no fragment and no '@'.";
    refused("with_query", rule, "degrees/bachelor?of=alice");
    refused("with_fragment", rule, "degrees#bachelor");
    refused("with_at", rule, "degrees/alice@example.org");
    let rule = "A resource is no mail address, in either case.";
    refused("by_mail", rule, "mailto:alice");
    refused("by_mail_in_capitals", rule, "degrees/MAILTO:alice");
    let rule = "No segment is empty.";
    refused("with_empty_segment", rule, "degrees//bachelor");
    refused("beginning_with_slash", rule, "/degrees");
    refused("ending_with_slash", rule, "degrees/");
    refused("pattern_after_empty_segment", rule, "degrees//*");
    let rule = "No segment is a dot or two.";
    refused("with_dot", rule, "degrees/./bachelor");
    refused("with_two_dots", rule, "degrees/../bachelor");
    refused("pattern_after_two_dots", rule, "../*");
    let rule = "A resource has no escape of a dot, a slash or a backslash, in either case.";
    for escape in ["%2e", "%2E", "%2f", "%2F", "%5c", "%5C"] {
        let name = format!("with_{}", escape.replace('%', "escape_"));
        refused(&name, rule, &format!("degrees/a{escape}b"));
    }
    let rule = "A resource begins with https:// once, or has no //.";
    refused("by_http", rule, "http://types.example/degree");
    refused("by_https_in_capitals", rule, "HTTPS://types.example/degree");
    refused("by_https_twice", rule, "https://types.example/https://other.example");
    refused("by_https_alone", rule, "https://");
    refused("pattern_of_https_with_one_slash", rule, "https:/*");
    let rule = "A leading https:// counts as one segment.";
    refused("of_https_and_6_segments", rule, "https://1/2/3/4/5/6");
}

fn add_members(all: &mut Catalogue) {
    let extra = |all: &mut Catalogue, name: &str, action: Action, path: &[&str]| {
        let envelope = edited(action, |body| body.at(path).set("extra", Cbor::Uint(0)));
        let rule = "An unknown member is refused, at every level.";
        all.refused(&format!("trust_{name}_unknown_member"), rule, Code::FieldUnknown, &envelope);
    };
    let by_body = licence(Conditions::default());
    extra(all, "grant", plain(), &["action", "trust_grant"]);
    extra(all, "key", plain(), &["action", "trust_grant", "key"]);
    extra(all, "conditions", plain(), &["action", "trust_grant", "conditions"]);
    extra(all, "parent", by_body, &["action", "trust_grant", "parent"]);
    let recognition = recognise(&of(DEGREE, &PARTIES.issuer));
    extra(all, "recognition", recognition, &["action", "trust_recognise"]);
    let conditions = ["action", "trust_grant", "conditions"];
    let rule = "Assurance is low, substantial or high.";
    let envelope = edited(plain(), |body| {
        body.at(&conditions).set("assurance", Cbor::text("highest"));
    });
    all.refused("trust_assurance_unknown", rule, Code::OperationMalformed, &envelope);
    let rule = "What is absent is not written.";
    let envelope = edited(plain(), |body| {
        body.at(&conditions).set("terms", Cbor::Raw(vec![0xf6]));
    });
    all.refused("trust_terms_null", rule, Code::OperationMalformed, &envelope);
}

fn add_conditions(all: &mut Catalogue) {
    let none = Conditions::default;
    let page = |length: usize| {
        let start = "https://example.org/";
        Some(format!("{start}{}", "a".repeat(length - start.len())))
    };
    let window = |from, until| Conditions { valid_from: from, valid_until: until, ..none() };
    let (now, never) = (Some(GENESIS_MS), Some(YEAR_10000_MS));
    let code = Code::TrustConditions;
    let mut refused = |name: &str, rule: &str, conditions: Conditions| {
        let key = of(DEGREE, &PARTIES.issuer);
        let envelope = by_authority(grant(&key, None, conditions.clone()));
        all.refused(&format!("trust_grant_{name}"), rule, code, &envelope);
        let parts = Guard::Parts(Hash([7; 32]));
        let change = sealed(&PARTIES.authority, parts, change_of(&key, conditions));
        all.refused(&format!("trust_change_{name}"), rule, code, &change);
    };
    let rule = "A window begins before it ends.";
    refused("valid_for_no_time", rule, window(now, now));
    refused("valid_until_before_from", rule, window(Some(GENESIS_MS + 1), now));
    let rule = "Times are before the year 10000.";
    refused("valid_from_year_10000", rule, window(never, None));
    refused("valid_until_year_10000", rule, window(None, never));
    let rule = "A depth is 1 to 7, absent for none.";
    refused("max_depth_0", rule, depth(0));
    refused("max_depth_8", rule, depth(8));
    let rule = "Terms are an http or https URI of at most 512 bytes, without userinfo.";
    let terms = |text: &str| Conditions { terms: Some(text.to_owned()), ..none() };
    refused("terms_by_ftp", rule, terms("ftp://example.org/terms"));
    refused("terms_with_userinfo", rule, terms("https://a@example.org/terms"));
    refused("terms_of_513_bytes", rule, Conditions { terms: page(513), ..none() });
    let rule = "All conditions have a largest value.";
    let most = Conditions {
        valid_from: Some(YEAR_10000_MS - 2),
        valid_until: Some(YEAR_10000_MS - 1),
        assurance: Some(registry_core::trust::Assurance::High),
        max_depth: Some(7),
        evidence: Some(Hash([0xff; 32])),
        terms: page(512),
    };
    let ledger = super::registered();
    let at = super::next(&ledger, &PARTIES.authority, accreditation(&PARTIES.body, most));
    all.applied_at("trust_grant_with_all_conditions", rule, &at);
}

fn add_parents(all: &mut Catalogue) {
    let code = Code::TrustParent;
    let rule = "The authority grants by its own right.";
    let envelope = by_authority(licence(Conditions::default()));
    all.refused("trust_grant_by_authority_with_parent", rule, code, &envelope);
    let rule = "Another than the authority names its own grant.";
    let envelope = sealed(&PARTIES.body, Guard::Absent, plain());
    all.refused("trust_grant_by_other_without_parent", rule, code, &envelope);
}

/// Adds cases that break two rules, to fix which rule gives the code.
fn add_order(all: &mut Catalogue) {
    let (absent, body) = (Guard::Absent, &PARTIES.body);
    let bad = Conditions { max_depth: Some(0), ..Conditions::default() };
    let rule = "The network of an authority is checked before all else of a grant.";
    let mut elsewhere: TrustKey = of(DEGREE, &PARTIES.issuer);
    elsewhere.authority.network = "other".parse().expect("a name");
    let envelope = sealed(body, absent, grant(&elsewhere, None, bad.clone()));
    let code = Code::NetworkMismatch;
    all.refused("trust_network_before_conditions", rule, code, &envelope);
    let code = Code::TrustConditions;
    let rule = "Conditions are checked before parents.";
    let action = grant(&of(DEGREE, &PARTIES.issuer), None, bad);
    let envelope = sealed(body, absent, action);
    all.refused("trust_conditions_before_parent", rule, code, &envelope);
    let rule = "Conditions are checked before the author of a recognition.";
    let mut bad = crate::support::trust::recognition(&of(DEGREE, &PARTIES.issuer));
    bad.valid_until = Some(YEAR_10000_MS);
    let envelope = sealed(body, absent, Action::TrustRecognise(Box::new(bad)));
    all.refused("trust_conditions_before_author", rule, code, &envelope);
}

fn add_sizes(all: &mut Catalogue) {
    // Only a grant with terms that are refused anyway can be as large as that.
    let sized = |bytes: usize| {
        let of_terms = |length| {
            let terms = Some("a".repeat(length));
            let conditions = Conditions { terms, ..Conditions::default() };
            by_authority(grant(&of(DEGREE, &PARTIES.issuer), None, conditions))
        };
        let fixed = of_terms(7_000).len() - 7_000;
        let envelope = of_terms(bytes - fixed);
        assert_eq!(envelope.len(), bytes);
        envelope
    };
    let rule = "A trust operation has at most 8 KiB, signatures included.";
    let code = Code::OperationTooLarge;
    all.refused("size_8193_bytes_of_a_grant", rule, code, &sized(TRUST_OPERATION_BYTES_MAX + 1));
    let rule = "A trust operation of 8 KiB is not too large; no terms are as long.";
    let code = Code::TrustConditions;
    all.refused("size_8192_bytes_of_a_grant", rule, code, &sized(TRUST_OPERATION_BYTES_MAX));
}
