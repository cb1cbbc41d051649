//! Tests of each rule with a document that just keeps it, of the shape, and of the rendering.

mod identities;
mod keys;
mod properties;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::code::{Code, Refusal};
use crate::codec;
use crate::id::Did;
use crate::limits::DID_OPERATION_BYTES_MAX;
use crate::time::TimeMs;

const DID: &str = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
const CONTROLLER: &str = "did:idem:local:baaqeayeaudaocajbifqydiob4ibceqt";
const ED25519: &str = "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";
const X25519: &str = "z6LSfut7z9fcG6GwysRmCaYnjbgZxuBoyviWSVAzWinTVzUq";
const P256_X: &str = "CQvEuooMNFTa8sDMGFyjfRGgto1pNkv8UHh_4VOhtl0";
const P256_Y: &str = "XTToG4iSegnFi3LQ8zNqcK6YKf0N7sqX7st6Nus2hVo";

fn sample_json() -> Value {
    json!({
        "alsoKnownAs": ["did:web:example.com"],
        "verificationMethod": [
            {"id": "sign", "publicKeyMultibase": ED25519},
            {"id": "agree", "publicKeyMultibase": X25519},
            {"id": "web", "publicKeyJwk": {"kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y}},
        ],
        "authentication": ["sign", "web"],
        "keyAgreement": ["agree"],
        "service": [
            {"id": "home", "type": ["LinkedDomains"], "serviceEndpoint": ["https://example.com/"]},
            {"id": "mail", "type": ["DIDCommMessaging"], "serviceEndpoint": [
                {"uri": "https://example.com/mail", "accept": ["didcomm/v2"]},
            ]},
        ],
    })
}

fn document(json: Value) -> Document {
    serde_json::from_value(json).expect("has the shape of a document")
}

/// Returns the sample document with a value put in or replaced at a JSON pointer.
fn sample_with(pointer: &str, value: Value) -> Document {
    let mut json = sample_json();
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer into the document");
    match json.pointer_mut(parent).expect("the parent exists") {
        Value::Array(entries) => match last.parse::<usize>().expect("an index") {
            index if index < entries.len() => entries[index] = value,
            _ => entries.push(value),
        },
        parent => parent[last] = value,
    }
    document(json)
}

fn base64url(length: usize, byte: u8) -> String {
    codec::base64url(&vec![byte; length])
}

/// A test case: JSON pointer, accepted value, refused value, path and name of the refusal.
type Case = (&'static str, Value, Value, &'static str, &'static str);

fn assert_cases(cases: Vec<Case>) {
    for (pointer, accepted, refused, path, name) in cases {
        assert_eq!(sample_with(pointer, accepted.clone()).check(), Ok(()), "{pointer} {accepted}");
        let error = sample_with(pointer, refused.clone()).check().expect_err("breaks a rule");
        assert_eq!((error.path.as_str(), error.name()), (path, name), "{pointer} {refused}");
        assert!(error.to_string().starts_with(path));
    }
}

fn uris(count: usize) -> Value {
    (0..count).map(|n| format!("did:web:example.com:{n}")).collect()
}

#[test]
fn lists_are_bounded_sets() {
    let services = |count: usize| -> Value {
        let service = |n| json!({"id": format!("s{n}"), "type": ["T"], "serviceEndpoint": uris(1)});
        (0..count).map(service).collect()
    };
    let methods = |count: usize| -> Value {
        let names = ["sign".to_owned(), "agree".to_owned(), "web".to_owned()];
        let names = names.into_iter().chain((3..count).map(|n| format!("m{n}"))).take(count);
        names.map(|id| json!({"id": id, "publicKeyMultibase": ED25519})).collect()
    };
    let count = "DOCUMENT_COUNT";
    let repeated = "DOCUMENT_ENTRY_REPEATED";
    assert_cases(vec![
        ("/alsoKnownAs", uris(16), uris(17), "/alsoKnownAs", count),
        ("/verificationMethod", methods(32), methods(33), "/verificationMethod", count),
        ("/service", services(32), services(33), "/service", count),
        ("/service/0/type", json!(["A", "B"]), json!([]), "/service/0/type", count),
        ("/service/0/serviceEndpoint", uris(32), uris(33), "/service/0/serviceEndpoint", count),
        (
            "/service/1/serviceEndpoint/0",
            json!({"a": "did:web:a"}),
            json!({}),
            "/service/1/serviceEndpoint/0",
            count,
        ),
        (
            "/service/1/serviceEndpoint/0/accept",
            json!(["a"]),
            json!([]),
            "/service/1/serviceEndpoint/0/accept",
            count,
        ),
        ("/service/0/routingKeys", uris(32), uris(33), "/service/0/routingKeys", count),
        ("/alsoKnownAs", uris(1), json!(["did:web:a", "did:web:a"]), "/alsoKnownAs/1", repeated),
        (
            "/authentication",
            json!(["sign"]),
            json!(["sign", "sign"]),
            "/authentication/1",
            repeated,
        ),
        (
            "/service/0/accept",
            json!(["a", "b"]),
            json!(["a", "a"]),
            "/service/0/accept/1",
            repeated,
        ),
    ]);
}

#[test]
fn a_fragment_names_one_thing_and_relationships_name_methods() {
    let another = |id: &str| json!({"id": id, "publicKeyMultibase": ED25519});
    let repeated = "DOCUMENT_FRAGMENT_REPEATED";
    let dangling = "DOCUMENT_RELATIONSHIP_DANGLING";
    assert_cases(vec![
        (
            "/verificationMethod/3",
            another("new"),
            another("sign"),
            "/verificationMethod/3/id",
            repeated,
        ),
        ("/verificationMethod/3", another("new"), another("home"), "/service/0/id", repeated),
        ("/authentication/1", json!("agree"), json!("home"), "/authentication/1", dangling),
        (
            "/capabilityDelegation",
            json!(["sign"]),
            json!(["gone"]),
            "/capabilityDelegation/0",
            dangling,
        ),
    ]);
}

#[test]
fn uris_are_few_schemes_without_private_parts() {
    let long = |bytes: usize| json!(format!("https://{}/", "a".repeat(bytes - 9)));
    let uuid = "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91";
    let at = "/alsoKnownAs/0";
    let cases = [
        (json!("did:web:a%3A1"), json!("did:web:a%3"), "DOCUMENT_URI_CHARACTER"),
        (json!("https://a/%7B"), json!("https://a/{id}"), "DOCUMENT_URI_CHARACTER"),
        (
            json!("https://xn--mller-kva.example"),
            json!("https://müller.example"),
            "DOCUMENT_URI_CHARACTER",
        ),
        (long(512), long(513), "DOCUMENT_URI_LENGTH"),
        (json!("https://a"), json!("http://a"), "DOCUMENT_URI_SCHEME"),
        (json!("wss://a:8443/x"), json!("ws://a:8443/x"), "DOCUMENT_URI_SCHEME"),
        (json!("did:web:a"), json!("mailto:a@example.com"), "DOCUMENT_URI_SCHEME"),
        (json!("https://a"), json!("HTTPS://a"), "DOCUMENT_URI_SCHEME"),
        (json!(uuid), json!("urn:isbn:0451450523"), "DOCUMENT_URI_SCHEME"),
        (json!("https://a/@b"), json!("https://a@b/"), "DOCUMENT_URI_USERINFO"),
        (json!("https://a/b"), json!("https://a/b?c"), "DOCUMENT_URI_QUERY"),
        (json!("did:web:a"), json!("did:web:a?service=x"), "DOCUMENT_URI_QUERY"),
        (json!("https://a/b"), json!("https://a/b#c"), "DOCUMENT_URI_FRAGMENT"),
        (json!("did:web:a/b"), json!("did:web:a#b"), "DOCUMENT_URI_FRAGMENT"),
        (json!("https://a:65535"), json!("https://a:65536"), "DOCUMENT_URI_SYNTAX"),
        (json!("https://a.b"), json!("https://a..b"), "DOCUMENT_URI_SYNTAX"),
        (json!("https://a/[".replace('[', "%5B")), json!("https://a/["), "DOCUMENT_URI_SYNTAX"),
        (json!("did:a:b"), json!("did:a:"), "DOCUMENT_URI_SYNTAX"),
        (json!("did:a1:B"), json!("did:A1:b"), "DOCUMENT_URI_SYNTAX"),
        (json!("did:a:b::c"), json!("did:a:b:"), "DOCUMENT_URI_SYNTAX"),
        (
            json!(uuid),
            json!(uuid.to_uppercase().replace("URN:UUID", "urn:uuid")),
            "DOCUMENT_URI_SYNTAX",
        ),
        (json!(uuid), json!(format!("{uuid}-00")), "DOCUMENT_URI_SYNTAX"),
    ];
    assert_cases(cases.into_iter().map(|(yes, no, name)| (at, yes, no, at, name)).collect());
}

#[test]
fn services_hold_tokens_uris_and_keys() {
    let (scheme, token) = ("DOCUMENT_URI_SCHEME", "DOCUMENT_TOKEN");
    let key = json!(["did:web:a#k"]);
    let endpoint = "/service/1/serviceEndpoint/0";
    assert_cases(vec![
        (
            "/service/0/type/0",
            json!("a".repeat(64)),
            json!("a".repeat(65)),
            "/service/0/type/0",
            token,
        ),
        ("/service/0/type/0", json!("A-1._:b"), json!("free text"), "/service/0/type/0", token),
        ("/service/0/type/0", json!("a"), json!(""), "/service/0/type/0", token),
        (
            "/service/0/accept",
            json!(["didcomm/aip2;env=rfc587"]),
            json!(["a b"]),
            "/service/0/accept/0",
            token,
        ),
        (
            "/service/0/recipientKeys",
            key.clone(),
            json!(["https://a"]),
            "/service/0/recipientKeys/0",
            scheme,
        ),
        (
            "/service/0/routingKeys",
            key.clone(),
            json!(["did:web:a?b#k"]),
            "/service/0/routingKeys/0",
            "DOCUMENT_URI_QUERY",
        ),
        (
            "/service/0/routingKeys",
            key.clone(),
            json!(["did:web:a#"]),
            "/service/0/routingKeys/0",
            "DOCUMENT_URI_SYNTAX",
        ),
        (
            endpoint,
            json!({"routingKeys": key}),
            json!({"routingKeys": ["wss://a"]}),
            "/service/1/serviceEndpoint/0/routingKeys/0",
            scheme,
        ),
        (
            endpoint,
            json!({"origins": ["https://a"]}),
            json!({"origins": ["ftp://a"]}),
            "/service/1/serviceEndpoint/0/origins/0",
            scheme,
        ),
        (
            endpoint,
            json!({"uri": "https://a"}),
            json!({"uri": "tcp://a"}),
            "/service/1/serviceEndpoint/0/uri",
            scheme,
        ),
        (
            endpoint,
            json!({"a:b": "https://a"}),
            json!({"a/b~c": "https://a"}),
            "/service/1/serviceEndpoint/0/a~1b~0c",
            token,
        ),
    ]);
}

#[test]
fn a_method_has_a_window_of_whole_seconds() {
    let at = "/verificationMethod/0";
    let method = |times: &[(&str, &str)]| {
        let mut method = json!({"id": "sign", "publicKeyMultibase": ED25519});
        for (name, time) in times {
            method[*name] = json!(time);
        }
        method
    };
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
    assert_cases(vec![
        (
            at,
            method(&[("revoked", early)]),
            method(&[("revoked", "2026-01-01T00:00:00.5Z")]),
            "/verificationMethod/0/revoked",
            "DOCUMENT_TIME_PRECISION",
        ),
        (
            at,
            method(&[("validFrom", early), ("expires", late)]),
            method(&[("validFrom", early), ("expires", early)]),
            "/verificationMethod/0/expires",
            "DOCUMENT_WINDOW_EMPTY",
        ),
    ]);
    let mut document = document(sample_json());
    document.verification_method[0].expires = Some(TimeMs(253_402_300_799_000));
    assert_eq!(document.check(), Ok(()));
    document.verification_method[0].expires = Some(TimeMs(253_402_300_800_000));
    let error = document.check().expect_err("after the year 9999");
    assert_eq!((error.code(), error.path.as_str()), (1142, "/verificationMethod/0/expires"));

    let mut method = document.verification_method.remove(0);
    method.valid_from = Some(TimeMs(1_000));
    method.expires = Some(TimeMs(3_000));
    assert_eq!(
        [999, 1_000, 2_999, 3_000].map(|t| method.is_valid_at(t)),
        [false, true, true, false]
    );
    method.revoked = Some(TimeMs(2_000));
    assert_eq!([1_999, 2_000].map(|time| method.is_valid_at(time)), [true, false]);
}

#[test]
fn every_refusal_is_found_and_numbered() {
    let mut broken = document(sample_json());
    broken.also_known_as = vec!["http://a".to_owned(), "https://a?b".to_owned()];
    broken.authentication.push("gone".parse().expect("a fragment"));
    let found: Vec<(String, u16)> =
        broken.refusals().iter().map(|error| (error.path.clone(), error.code())).collect();
    assert_eq!(
        found,
        [
            ("/alsoKnownAs/0".to_owned(), 1113),
            ("/alsoKnownAs/1".to_owned(), 1115),
            ("/authentication/2".to_owned(), 1104),
        ]
    );
    let refusal = Refusal::from(broken.check().expect_err("is broken"));
    assert_eq!(refusal.code, Code::DocumentInvalid);
    assert_eq!(refusal.field, "document/alsoKnownAs/0");
    assert!(refusal.detail.starts_with("1113 DOCUMENT_URI_SCHEME: "));
}

#[test]
fn signing_keys_agree_between_multikey_and_jwk() {
    let document = document(sample_json());
    let keys = document.verification_method.iter().map(VerificationMethod::signing_key);
    let keys: Vec<_> = keys.map(|key| key.map(|key| key.to_string())).collect();
    assert_eq!(keys[0].as_deref(), Some(ED25519));
    assert_eq!(keys[1], None);
    let p256 = keys[2].as_deref().expect("P-256 signs");
    let twin =
        sample_with("/verificationMethod/2", json!({"id": "web", "publicKeyMultibase": p256}));
    assert_eq!(twin.check(), Ok(()));
    let twin_key = twin.verification_method[2].signing_key();
    assert_eq!(twin_key, document.verification_method[2].signing_key());
}

#[test]
fn only_the_one_shape_decodes() {
    let decode = |json: Value| serde_json::from_value::<Document>(json);
    let base = json!({"id": "a", "publicKeyMultibase": ED25519});
    let both = json!({"id": "a", "publicKeyMultibase": ED25519, "publicKeyJwk": {}});
    for wrong in [
        json!({"id": DID}),
        json!({"controller": DID}),
        json!({"@context": CONTEXT}),
        json!({"verificationMethod": [both]}),
        json!({"verificationMethod": [{"id": "a"}]}),
        json!({"verificationMethod": [{"id": "#a", "publicKeyMultibase": ED25519}]}),
        json!({"verificationMethod": [{"id": "a", "publicKeyMultibase": "xAQ"}]}),
        json!({"verificationMethod": [base], "authentication": ["#a"]}),
        json!({"service": [{"id": "a", "type": ["T"]}]}),
        json!({"service": [{"id": "a", "type": ["T"], "serviceEndpoint": [1]}]}),
        json!({"service": [{"id": "a", "type": ["T"], "serviceEndpoint": [{"a": {"b": "c"}}]}]}),
        json!({"service": [{"id": "a", "type": ["T"], "serviceEndpoint": [], "description": ""}]}),
    ] {
        assert!(decode(wrong.clone()).is_err(), "{wrong} must not decode");
    }
    let spelt_out = codec::encode(&BTreeMap::from([("alsoKnownAs", Vec::<String>::new())]));
    assert!(codec::decode::<Document>(&spelt_out, 64).is_err(), "an empty list is left out");
    let nested = vec![0x81; DID_OPERATION_BYTES_MAX];
    assert!(codec::decode::<Document>(&nested, nested.len()).is_err());
    let deep = [b"\xa1\x67service\x81\xa1\x6fserviceEndpoint".as_slice(), &nested[32..]].concat();
    assert!(codec::decode::<Document>(&deep, deep.len()).is_err());
    let long = format!("z{}", "1".repeat(100_000));
    assert_eq!(Multikey::from_text(&long), None);
}

/// Writes RFC 8785 for ASCII documents, independently of the JSON library's map order.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", json!(name), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(entries) => {
            format!("[{}]", entries.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn rendered(document: &Document, controllers: &[&str]) -> String {
    let parse = |did: &str| did.parse::<Did>().expect("a DID");
    let controllers: Vec<Did> = controllers.iter().copied().map(parse).collect();
    serde_json::to_string(&render(&parse(DID), &controllers, document)).expect("writes to memory")
}

#[test]
fn a_rendering_has_these_bytes() {
    let mut document = sample_with("/verificationMethod/0/expires", json!("2027-01-01T00:00:00Z"));
    document.verification_method.truncate(1);
    document.authentication.truncate(1);
    document.key_agreement.clear();
    let expected = format!(
        concat!(
            r#"{{"@context":["https://www.w3.org/ns/did/v1.1"],"#,
            r#""alsoKnownAs":["did:web:example.com"],"authentication":["{did}#sign"],"#,
            r#""controller":"{controller}","id":"{did}","service":["#,
            r#"{{"id":"{did}#home","serviceEndpoint":"https://example.com/","#,
            r#""type":"LinkedDomains"}},"#,
            r#"{{"id":"{did}#mail","serviceEndpoint":{{"accept":["didcomm/v2"],"#,
            r#""uri":"https://example.com/mail"}},"type":"DIDCommMessaging"}}],"#,
            r#""verificationMethod":[{{"controller":"{did}","expires":"2027-01-01T00:00:00Z","#,
            r#""id":"{did}#sign","publicKeyMultibase":"{key}","type":"Multikey"}}]}}"#,
        ),
        did = DID,
        controller = CONTROLLER,
        key = ED25519,
    );
    assert_eq!(rendered(&document, &[CONTROLLER]), expected);
    let two = rendered(&document, &[CONTROLLER, DID]);
    assert_eq!(two, rendered(&document, &[DID, CONTROLLER, DID]));
    assert!(two.contains(&format!(r#""controller":["{DID}","{CONTROLLER}"]"#)));
    let empty = rendered(&Document::default(), &[]);
    assert_eq!(empty, format!(r#"{{"@context":["{CONTEXT}"],"id":"{DID}"}}"#));
}
