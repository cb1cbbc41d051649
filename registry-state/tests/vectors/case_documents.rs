//! Vectors of the rules of a document, one file each. If a rule has a boundary, the nearest valid
//! document is a vector too.

use registry_core::codec::base64url;
use registry_core::did::Document;
use registry_core::did::document::{KeyCodec, Multikey};
use registry_core::limits::DOCUMENT_TIME_MS_END;
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use crate::case_operations::plain_sets;
use crate::catalogue::Catalogue;
use crate::format::DocumentRefused;
use crate::support::{create, ed, k256, p256, seal};

/// Returns a document with one key, like that of a new DID.
pub(crate) fn plain() -> Document {
    document(json!({
        "verificationMethod": [method("key-1")],
        "authentication": ["key-1"],
        "assertionMethod": ["key-1"],
        "capabilityInvocation": ["key-1"],
    }))
}

/// Returns a document that grows by about one byte with each step of `padding`.
pub(crate) fn sized(padding: usize) -> Document {
    const URI_BYTES: usize = 500;
    let uri = |index: usize, bytes: usize| {
        let start = format!("https://h/{index}/");
        format!("{start}{}", "a".repeat(bytes.saturating_sub(start.len())))
    };
    let (whole, rest) = (padding / URI_BYTES, padding % URI_BYTES);
    let mut uris: Vec<String> = (0..whole).map(|index| uri(index, URI_BYTES)).collect();
    uris.push(uri(whole, rest));
    let services = uris.chunks(32).enumerate();
    let services = services.map(|(index, uris)| service(&format!("s{index}"), json!(uris)));
    document(json!({ "service": services.collect::<Vec<_>>() }))
}

fn document(json: Value) -> Document {
    serde_json::from_value(json).expect("the shape of a document")
}

fn method(id: &str) -> Value {
    json!({"id": id, "publicKeyMultibase": ed(10).public().to_string()})
}

fn service(id: &str, endpoint: Value) -> Value {
    json!({"id": id, "type": ["LinkedDomains"], "serviceEndpoint": endpoint})
}

fn with_method(fields: Value) -> Value {
    let mut method = json!({"id": "key-1"});
    let (Value::Object(method_fields), Value::Object(fields)) = (&mut method, fields) else {
        panic!("fields are an object");
    };
    method_fields.extend(fields);
    json!({ "verificationMethod": [method] })
}

fn with_multikey(bytes: &[u8]) -> Value {
    with_method(json!({ "publicKeyMultibase": format!("u{}", base64url(bytes)) }))
}

fn with_jwk(jwk: Value) -> Value {
    with_method(json!({ "publicKeyJwk": jwk }))
}

fn with_times(times: Value) -> Value {
    let mut fields = json!({ "publicKeyMultibase": ed(10).public().to_string() });
    fields.as_object_mut().expect("an object").extend(times.as_object().cloned().expect("times"));
    with_method(fields)
}

fn with_endpoint(endpoint: Value) -> Value {
    json!({ "service": [service("home", json!([endpoint]))] })
}

/// Adds vectors of creates with a document to the catalogue.
struct Rules<'a>(&'a mut Catalogue);

impl Rules<'_> {
    fn envelope(document: &Value) -> Vec<u8> {
        let document = serde_json::from_value(document.clone()).expect("the shape of a document");
        seal(&create(plain_sets(), document, 1), &[ed(10)])
    }

    fn applied(&mut self, name: &str, rule: &str, document: Value) {
        self.0.applied(&format!("document_{name}"), rule, Self::envelope(&document));
    }

    fn refused(&mut self, name: &str, rule: &str, at: (u16, &str, &str), document: Value) {
        let (code, code_name, path) = at;
        let (path, code_name) = (path.to_owned(), format!("DOCUMENT_{code_name}"));
        let expect = DocumentRefused { path, code, name: code_name };
        let envelope = Self::envelope(&document);
        self.0.refused_document(&format!("document_{name}"), rule, expect, &envelope);
    }
}

pub(crate) fn add(all: &mut Catalogue) {
    let mut rules = Rules(all);
    add_lists(&mut rules);
    add_fragments(&mut rules);
    add_uris(&mut rules);
    add_multikeys(&mut rules);
    add_jwks(&mut rules);
    add_times(&mut rules);
    add_services(&mut rules);
}

fn many(count: usize, entry: impl Fn(usize) -> Value) -> Value {
    (0..count).map(entry).collect()
}

fn add_lists(rules: &mut Rules<'_>) {
    let rule = "A document has at most 32 methods.";
    let methods = |count| json!({"verificationMethod": many(count, |n| method(&format!("k{n}")))});
    rules.applied("32_methods", rule, methods(32));
    rules.refused("33_methods", rule, (1101, "COUNT", "/verificationMethod"), methods(33));
    let rule = "A document has at most 32 services.";
    let one = |n| service(&format!("s{n}"), json!(["https://example.com/"]));
    let services = |count| json!({ "service": many(count, one) });
    rules.applied("32_services", rule, services(32));
    rules.refused("33_services", rule, (1101, "COUNT", "/service"), services(33));
    let rule = "A document has at most 16 other names.";
    let names = |count| json!({"alsoKnownAs": many(count, |n| json!(format!("did:web:a{n}")))});
    rules.applied("16_aliases", rule, names(16));
    rules.refused("17_aliases", rule, (1101, "COUNT", "/alsoKnownAs"), names(17));
    let rule = "A service has an endpoint.";
    let none = json!({"service": [service("home", json!([]))]});
    rules.refused(
        "service_without_endpoint",
        rule,
        (1101, "COUNT", "/service/0/serviceEndpoint"),
        none,
    );
    let rule = "A list names an entry once.";
    let twice = json!({"alsoKnownAs": ["did:web:a", "did:web:a"]});
    rules.refused("alias_twice", rule, (1103, "ENTRY_REPEATED", "/alsoKnownAs/1"), twice);
    let twice = json!({"verificationMethod": [method("k")], "authentication": ["k", "k"]});
    rules.refused("relationship_twice", rule, (1103, "ENTRY_REPEATED", "/authentication/1"), twice);
}

fn add_fragments(rules: &mut Rules<'_>) {
    let rule = "A fragment names one method or one service.";
    let path = "/verificationMethod/1/id";
    let twice = json!({"verificationMethod": [method("k"), method("k")]});
    rules.refused("method_fragment_twice", rule, (1102, "FRAGMENT_REPEATED", path), twice);
    let services = [service("k", json!(["https://example.com/"]))];
    let both = json!({"verificationMethod": [method("k")], "service": services});
    let at = (1102, "FRAGMENT_REPEATED", "/service/0/id");
    rules.refused("fragment_of_method_and_service", rule, at, both);
    let rule = "A relationship names a method of the document.";
    let dangling = json!({"verificationMethod": [method("k")], "keyAgreement": ["other"]});
    let at = (1104, "RELATIONSHIP_DANGLING", "/keyAgreement/0");
    rules.refused("relationship_dangling", rule, at, dangling);
    let services = json!({"service": [service("k", json!(["https://example.com/"]))],
        "authentication": ["k"]});
    let at = (1104, "RELATIONSHIP_DANGLING", "/authentication/0");
    rules.refused("relationship_to_service", rule, at, services);
}

fn add_uris(rules: &mut Rules<'_>) {
    let alias = |text: &str| json!({ "alsoKnownAs": [text] });
    let long = |bytes: usize| format!("https://h/{}", "a".repeat(bytes - 10));
    let rule = "A URI has at most 512 bytes.";
    rules.applied("uri_512_bytes", rule, alias(&long(512)));
    let path = "/alsoKnownAs/0";
    rules.refused("uri_513_bytes", rule, (1111, "URI_LENGTH", path), alias(&long(513)));
    let good = json!({"alsoKnownAs": ["https://example.com:8443/a%20b/", "wss://192.0.2.1/",
        "did:web:example.com:user", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"]});
    rules.applied("uri_schemes", "URIs are https, wss, did and urn:uuid.", good);
    let mut refused = |name: &str, rule: &str, code: u16, code_name: &str, text: &str| {
        rules.refused(&format!("uri_{name}"), rule, (code, code_name, path), alias(text));
    };
    let rule = "A URI has the characters of RFC 3986 alone.";
    refused("with_space", rule, 1112, "URI_CHARACTER", "https://example.com/a b");
    refused("not_ascii", rule, 1112, "URI_CHARACTER", "https://example.com/é");
    refused("percent_without_digits", rule, 1112, "URI_CHARACTER", "https://example.com/%2");
    let rule = "URIs are https, wss, did and urn:uuid.";
    refused("scheme_http", rule, 1113, "URI_SCHEME", "http://example.com/");
    refused("scheme_mailto", rule, 1113, "URI_SCHEME", "mailto:name@example.com");
    refused("scheme_in_capitals", rule, 1113, "URI_SCHEME", "HTTPS://example.com/");
    let rule = "A URI has no userinfo.";
    refused("userinfo", rule, 1114, "URI_USERINFO", "https://name@example.com/");
    refused("query", "A URI has no query.", 1115, "URI_QUERY", "https://example.com/?name=x");
    let rule = "A URI has no fragment.";
    refused("fragment", rule, 1116, "URI_FRAGMENT", "https://example.com/#name");
    let rule = "A URI follows the syntax of its scheme.";
    refused("without_host", rule, 1117, "URI_SYNTAX", "https:///path");
    refused("host_ipv6", rule, 1117, "URI_SYNTAX", "https://[2001:db8::1]/");
    refused("port_65536", rule, 1117, "URI_SYNTAX", "https://example.com:65536/");
    refused("did_without_id", rule, 1117, "URI_SYNTAX", "did:web:");
    let uuid = "urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6";
    refused("uuid_in_capitals", rule, 1117, "URI_SYNTAX", uuid);
}

fn add_multikeys(rules: &mut Rules<'_>) {
    let key = |codec, byte: u8, bytes: usize| Multikey::new(codec, &vec![byte; bytes]);
    let known = [
        ("x25519", key(KeyCodec::X25519, 9, 32)),
        ("p384", key(KeyCodec::P384, 2, 49)),
        ("bls12381_g2", key(KeyCodec::Bls12381G2, 0x81, 96)),
        ("ml_dsa_44", key(KeyCodec::MlDsa44, 7, 1312)),
    ];
    for (name, key) in known {
        let rule = "Keys that this ledger does not verify may stand in a document.";
        rules.applied(&format!("multikey_{name}"), rule, with_multikey(key.bytes()));
    }
    let path = "/verificationMethod/0/publicKeyMultibase";
    let mut refused = |name: &str, rule: &str, code: u16, code_name: &str, bytes: &[u8]| {
        let at = (code, code_name, path);
        rules.refused(&format!("multikey_{name}"), rule, at, with_multikey(bytes));
    };
    let rule = "A Multikey has a prefix of the table of key types.";
    refused("codec_unknown", rule, 1121, "KEY_CODEC", &[0x55, 1, 2, 3]);
    refused("empty", rule, 1121, "KEY_CODEC", &[]);
    let rule = "A key has the length of its type.";
    let short = key(KeyCodec::Ed25519, 7, 31);
    refused("31_bytes", rule, 1122, "KEY_LENGTH", short.bytes());
    let rule = "A key is usable: a point of its curve, in its one encoding, not of small order.";
    let invalid = [
        ("ed25519_small_order", key(KeyCodec::Ed25519, 0, 32)),
        ("x25519_zero", key(KeyCodec::X25519, 0, 32)),
        ("p256_not_on_curve", Multikey::new(KeyCodec::P256, &[&[2][..], &[0xff; 32]].concat())),
        ("p256_compact", Multikey::new(KeyCodec::P256, &compact(p256(10).public().raw()))),
        (
            "secp256k1_compact",
            Multikey::new(KeyCodec::Secp256k1, &compact(k256(10).public().raw())),
        ),
        ("p384_not_compressed", key(KeyCodec::P384, 4, 49)),
        ("bls12381_not_compressed", key(KeyCodec::Bls12381G1, 1, 48)),
    ];
    for (name, key) in &invalid {
        refused(name, rule, 1123, "KEY_INVALID", key.bytes());
    }
}

/// Returns the same x coordinate with the tag of SEC 1 compact points.
fn compact(raw: &[u8]) -> Vec<u8> {
    [&[5], &raw[1..]].concat()
}

fn add_jwks(rules: &mut Rules<'_>) {
    let x = base64url(ed(10).public().raw());
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    let rule = "A key may be a public JWK with the members of its type.";
    rules.applied("jwk_ed25519", rule, with_jwk(ed25519.clone()));
    let rsa = |bytes: usize| json!({"kty": "RSA", "n": base64url(&vec![0xff; bytes]), "e": "AQAB"});
    let rule = "An RSA key has 2,048 to 4,096 bits.";
    rules.applied("jwk_rsa_2048", rule, with_jwk(rsa(256)));
    rules.applied("jwk_rsa_4096", rule, with_jwk(rsa(512)));
    let path = |member: &str| format!("/verificationMethod/0/publicKeyJwk/{member}");
    let n = path("n");
    rules.refused("jwk_rsa_2040", rule, (1122, "KEY_LENGTH", &n), with_jwk(rsa(255)));
    rules.refused("jwk_rsa_4104", rule, (1122, "KEY_LENGTH", &n), with_jwk(rsa(513)));
    let mut refused =
        |name: &str, rule: &str, code: u16, code_name: &str, member: &str, edit: Value| {
            let mut jwk = ed25519.clone();
            let members = jwk.as_object_mut().expect("an object");
            members.extend(edit.as_object().cloned().expect("an object"));
            members.retain(|_, value| !value.is_null());
            let at = path(member);
            rules.refused(&format!("jwk_{name}"), rule, (code, code_name, &at), with_jwk(jwk));
        };
    let rule = "A JWK has no private member.";
    refused("private", rule, 1131, "JWK_PRIVATE", "d", json!({"d": "AQ"}));
    refused("symmetric", rule, 1131, "JWK_PRIVATE", "k", json!({"kty": "oct", "k": "AQ"}));
    let rule = "A JWK has all members of its type.";
    refused("without_x", rule, 1132, "JWK_MEMBER_MISSING", "x", json!({ "x": null }));
    refused("without_kty", rule, 1132, "JWK_MEMBER_MISSING", "kty", json!({ "kty": null }));
    let rule = "A JWK has no other members than those of its type.";
    refused("with_kid", rule, 1133, "JWK_MEMBER_UNKNOWN", "kid", json!({"kid": "name"}));
    let rule = "A JWK is of a type of the table.";
    refused("curve_unknown", rule, 1134, "JWK_KIND", "crv", json!({"crv": "Ed1"}));
    refused("kty_unknown", rule, 1134, "JWK_KIND", "kty", json!({"kty": "XX"}));
    let rule = "Members of a JWK are base64url without padding and with zero pad bits.";
    refused("padding", rule, 1135, "JWK_ENCODING", "x", json!({"x": format!("{x}=")}));
    let last = format!("{}{}", &x[..x.len() - 1], "_");
    refused("pad_bits", rule, 1135, "JWK_ENCODING", "x", json!({ "x": last }));
}

fn add_times(rules: &mut Rules<'_>) {
    let path = |name: &str| format!("/verificationMethod/0/{name}");
    let whole = json!({"validFrom": "2026-01-01T00:00:00Z", "expires": "2026-01-01T00:00:01Z",
        "revoked": "9999-12-31T23:59:59Z"});
    rules.applied("method_window", "A method may have a window of validity.", with_times(whole));
    let rule = "Times of a method are whole seconds.";
    let half = json!({"validFrom": "2026-01-01T00:00:00.500Z"});
    let at = path("validFrom");
    rules.refused("time_with_ms", rule, (1141, "TIME_PRECISION", &at), with_times(half));
    let rule = "Times of a method end with the year 9999.";
    let mut late = plain();
    late.verification_method[0].expires = Some(TimeMs(DOCUMENT_TIME_MS_END));
    let (at, name) = (path("expires"), "DOCUMENT_TIME_RANGE".to_owned());
    let expect = DocumentRefused { path: at, code: 1142, name };
    let envelope = seal(&create(plain_sets(), late, 1), &[ed(10)]);
    rules.0.refused_document("document_time_in_year_10000", rule, expect, &envelope);
    let rule = "A method's window is not empty.";
    let empty = json!({"validFrom": "2026-01-01T00:00:00Z", "expires": "2026-01-01T00:00:00Z"});
    let at = path("expires");
    rules.refused("method_window_empty", rule, (1143, "WINDOW_EMPTY", &at), with_times(empty));
}

fn add_services(rules: &mut Rules<'_>) {
    let rule = "An endpoint is a URI, a map of URIs, or a list of these.";
    let map = json!({"uri": "https://example.com/", "accept": ["didcomm/v2"],
        "routingKeys": ["did:web:example.com#key-1"]});
    rules.applied("service_endpoint_uri", rule, with_endpoint(json!("https://example.com/")));
    rules.applied("service_endpoint_map", rule, with_endpoint(map));
    let path = "/service/0/serviceEndpoint/0";
    let http = json!("http://example.com/");
    rules.refused("service_endpoint_http", rule, (1113, "URI_SCHEME", path), with_endpoint(http));
    let rule = "A routing key is a DID URL.";
    let web = json!({"uri": "https://example.com/", "routingKeys": ["https://example.com/"]});
    let at = format!("{path}/routingKeys/0");
    rules.refused(
        "service_routing_key_not_did",
        rule,
        (1113, "URI_SCHEME", &at),
        with_endpoint(web),
    );
    let typed = |name: &str| {
        json!({"service": [
            {"id": "home", "type": [name], "serviceEndpoint": ["https://example.com/"]}
        ]})
    };
    let rule = "A service type is a token of at most 64 characters.";
    rules.applied("service_type_64_characters", rule, typed(&"a".repeat(64)));
    let at = (1151, "TOKEN", "/service/0/type/0");
    rules.refused("service_type_65_characters", rule, at, typed(&"a".repeat(65)));
    rules.refused("service_type_with_space", rule, at, typed("Linked Domains"));
}
