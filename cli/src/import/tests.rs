//! Tests of conversions, of each rule, and of documents that deployed DID methods publish.

use std::path::PathBuf;

use registry_core::codec;
use registry_core::did::document::{KeyCodec, Multikey, render};
use serde_json::json;

use super::*;

const ID: &str = "did:web:example.com";
const ED25519: &str = "z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";
const X25519: &str = "z6LSfut7z9fcG6GwysRmCaYnjbgZxuBoyviWSVAzWinTVzUq";
const P256_X: &str = "CQvEuooMNFTa8sDMGFyjfRGgto1pNkv8UHh_4VOhtl0";
const P256_Y: &str = "XTToG4iSegnFi3LQ8zNqcK6YKf0N7sqX7st6Nus2hVo";
const SECP256K1: &str = "0298a5f231fc9224ca466bdbd0b27cb34d27939d0e8aa4b65ba4ef1ed805f14975";

fn with_method(method: Value) -> Value {
    json!({"id": ID, "verificationMethod": [method]})
}

fn method(method_type: &str, form: &str, key: impl Into<Value>) -> Value {
    json!({"id": "#k", "type": method_type, "controller": ID, form: key.into()})
}

fn taken(json: &Value) -> Imported {
    import(json).unwrap_or_else(|error| panic!("{json} is refused: {error}"))
}

/// Returns the refusals of a document, each as `path NAME`.
fn refused(json: &Value) -> Vec<String> {
    let error = import(json).expect_err("must be refused");
    error.refusals.iter().map(|one| format!("{} {}", one.path, one.rule.name())).collect()
}

/// Imports a document with this one method and returns the imported method as JSON.
fn converted(method: Value) -> Value {
    let imported = taken(&with_method(method));
    serde_json::to_value(&imported.document.verification_method[0]).expect("is JSON")
}

fn base58(key: &str) -> String {
    let key = Multikey::from_text(key).expect("a multikey");
    bs58::encode(&key.bytes()[2..]).into_string()
}

fn p256_jwk() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y})
}

#[test]
fn legacy_methods_become_multikey_or_json_web_key() {
    let secp256k1 = Multikey::new(KeyCodec::Secp256k1, &hex(SECP256K1)).to_string();
    let bls = |codec: KeyCodec| {
        let mut point = vec![9; codec.key_bytes()];
        point[0] = 0x80;
        point
    };
    let (g1, g2) = (bls(KeyCodec::Bls12381G1), bls(KeyCodec::Bls12381G2));
    let multikey = |codec, raw: &[u8]| Multikey::new(codec, raw).to_string();
    let bls_jwk =
        |crv, point: &[u8]| json!({"kty": "EC", "crv": crv, "x": codec::base64url(point)});
    let cases: Vec<(&str, &str, Value, String)> = vec![
        ("Multikey", "publicKeyMultibase", json!(ED25519), ED25519.to_owned()),
        ("Ed25519VerificationKey2018", "publicKeyBase58", json!(base58(ED25519)), ED25519.into()),
        ("Ed25519VerificationKey2020", "publicKeyMultibase", json!(ED25519), ED25519.into()),
        ("X25519KeyAgreementKey2018", "publicKeyBase58", json!(base58(X25519)), X25519.into()),
        ("X25519KeyAgreementKey2019", "publicKeyBase58", json!(base58(X25519)), X25519.into()),
        ("X25519KeyAgreementKey2020", "publicKeyMultibase", json!(X25519), X25519.into()),
        ("Secp256k1VerificationKey2018", "publicKeyHex", json!(SECP256K1), secp256k1.clone()),
        (
            "EcdsaSecp256k1VerificationKey2019",
            "publicKeyHex",
            json!(SECP256K1.to_uppercase()),
            secp256k1,
        ),
        (
            "Bls12381G1Key2020",
            "publicKeyBase58",
            json!(bs58::encode(&g1).into_string()),
            multikey(KeyCodec::Bls12381G1, &g1),
        ),
        (
            "Bls12381G2Key2020",
            "publicKeyJwk",
            bls_jwk("BLS12381_G2", &g2),
            multikey(KeyCodec::Bls12381G2, &g2),
        ),
        (
            "JsonWebKey2020",
            "publicKeyJwk",
            bls_jwk("BLS12381_G1", &g1),
            multikey(KeyCodec::Bls12381G1, &g1),
        ),
    ];
    for (method_type, form, key, expected) in cases {
        let converted = converted(method(method_type, form, key));
        assert_eq!(converted, json!({"id": "k", "publicKeyMultibase": expected}), "{method_type}");
    }
    let rsa = json!({"kty": "RSA", "n": codec::base64url(&[0xff; 256]), "e": "AQAB"});
    for (method_type, jwk) in [
        ("JsonWebKey", p256_jwk()),
        ("JsonWebKey2020", p256_jwk()),
        ("EcdsaSecp256r1VerificationKey2019", p256_jwk()),
        ("P256Key2021", p256_jwk()),
        ("RsaVerificationKey2018", rsa),
    ] {
        let converted = converted(method(method_type, "publicKeyJwk", jwk.clone()));
        assert_eq!(converted, json!({"id": "k", "publicKeyJwk": jwk}), "{method_type}");
    }
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex")
}

#[test]
fn uncompressed_points_are_compressed() {
    let raw = |text: &str| codec::from_base64url(text).expect("base64url");
    let point = [&[4], raw(P256_X).as_slice(), raw(P256_Y).as_slice()].concat();
    let hex = data_encoding::HEXLOWER.encode(&point);
    let from_hex = method("EcdsaSecp256r1VerificationKey2019", "publicKeyHex", hex);
    let from_jwk = method("JsonWebKey", "publicKeyJwk", p256_jwk());
    let key = |method| taken(&with_method(method)).document.verification_method[0].signing_key();
    assert!(key(from_jwk.clone()).is_some());
    assert_eq!(key(from_hex), key(from_jwk));
}

#[test]
fn ids_aliases_and_metadata_find_their_place() {
    let embedded = method("Multikey", "publicKeyMultibase", ED25519);
    let imported = taken(&json!({
        "@context": "https://www.w3.org/ns/did/v1",
        "id": ID,
        "alsoKnownAs": [ID, "https://example.com/"],
        "controller": ID,
        "created": "2021-05-17T09:21:38.612Z",
        "proof": {},
        "authentication": [embedded],
        "keyAgreement": [],
        "assertionMethod": [embedded],
        "capabilityInvocation": [format!("{ID}#k")],
        "service": [{"id": "#s", "type": "T", "serviceEndpoint": "https://a", "routingKeys": []}],
    }));
    let document = serde_json::to_value(&imported.document).expect("is JSON");
    assert_eq!(
        document,
        json!({
            "alsoKnownAs": [ID, "https://example.com/"],
            "verificationMethod": [{"id": "k", "publicKeyMultibase": ED25519}],
            "authentication": ["k"],
            "assertionMethod": ["k"],
            "capabilityInvocation": ["k"],
            "service": [{"id": "s", "type": ["T"], "serviceEndpoint": ["https://a"]}],
        })
    );
    let places: Vec<&str> = imported
        .notes
        .iter()
        .filter_map(|note| note.split_once(": ").map(|(path, _)| path))
        .collect();
    assert_eq!(
        places,
        [
            "/@context",
            "/created",
            "/proof",
            "/controller",
            "/alsoKnownAs/0",
            "/assertionMethod/0",
            "/keyAgreement",
            "/service/0/routingKeys",
        ]
    );
}

#[test]
fn a_rendered_document_imports_as_itself() {
    let did = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt".parse::<Did>().expect("a DID");
    let source: Document = serde_json::from_value(json!({
        "alsoKnownAs": [ID],
        "verificationMethod": [
            {"id": "a", "publicKeyMultibase": ED25519, "expires": "2027-01-01T00:00:00Z"},
            {"id": "b", "publicKeyJwk": p256_jwk(), "validFrom": "2026-01-01T00:00:00Z",
                "revoked": "2026-06-01T00:00:00Z"},
        ],
        "assertionMethod": ["a", "b"],
        "service": [{"id": "s", "type": ["A", "B"], "priority": 1, "accept": ["didcomm/v2"],
            "routingKeys": ["did:web:a#k"],
            "serviceEndpoint": ["https://a", {"uri": "wss://a", "origins": ["https://b"]}]}],
    }))
    .expect("has the shape");
    let rendered = serde_json::to_value(render(&did, std::slice::from_ref(&did), &source));
    assert_eq!(taken(&rendered.expect("is JSON")).document, source);
}

/// Changes one member of a valid method at a time and expects the refusal beside it.
#[test]
fn methods_that_cannot_be_taken_are_refused_by_rule() {
    let multikey = || method("Multikey", "publicKeyMultibase", ED25519);
    let changed = |name: &str, value: Value| {
        let mut method = multikey();
        method[name] = value;
        method
    };
    let at = |tail: &str| format!("/verificationMethod/0{tail}");
    let jwk_with = |name: &str, value: Value| {
        let mut jwk = p256_jwk();
        jwk[name] = value;
        method("JsonWebKey", "publicKeyJwk", jwk)
    };
    taken(&with_method(multikey()));
    taken(&with_method(jwk_with("kid", json!("k"))));
    taken(&with_method(changed("controller", json!([ID]))));
    for (method, tail) in [
        (json!("#k"), " IMPORT_WRONG_TYPE"),
        (json!({"type": "Multikey", "publicKeyMultibase": ED25519}), " IMPORT_MEMBER_MISSING"),
        (json!({"id": "#k", "type": "Multikey"}), " IMPORT_KEY_MISSING"),
        (changed("id", json!("/k")), "/id IMPORT_REFERENCE_FOREIGN"),
        (changed("id", json!("did:web:other#k")), "/id IMPORT_REFERENCE_FOREIGN"),
        (changed("id", json!("#k%20")), "/id IMPORT_FRAGMENT"),
        (changed("controller", json!("did:web:other")), "/controller IMPORT_CONTROLLER_FOREIGN"),
        (changed("type", json!("TezosMethod2021")), "/type IMPORT_METHOD_TYPE"),
        (changed("expires", json!("tomorrow")), "/expires IMPORT_TIME"),
        (changed("expires", json!("2026-01-01T00:00:00.5Z")), "/expires DOCUMENT_TIME_PRECISION"),
        (changed("blockchainAccountId", json!("x")), "/blockchainAccountId IMPORT_ACCOUNT_NOT_KEY"),
        (changed("publicKeyPem", json!("x")), "/publicKeyPem IMPORT_KEY_FORM"),
        (changed("a/b", json!(1)), "/a~1b IMPORT_MEMBER_UNKNOWN"),
        (changed("publicKeyHex", json!("00")), " IMPORT_KEY_AMBIGUOUS"),
        (method("Multikey", "publicKeyHex", SECP256K1), "/publicKeyHex IMPORT_KEY_FORM"),
        (method("Multikey", "publicKeyMultibase", "x1"), "/publicKeyMultibase IMPORT_KEY_ENCODING"),
        (
            method("Ed25519VerificationKey2018", "publicKeyBase58", "0"),
            "/publicKeyBase58 IMPORT_KEY_ENCODING",
        ),
        (
            method("Ed25519VerificationKey2018", "publicKeyBase58", base58(ED25519) + "1"),
            "/publicKeyBase58 DOCUMENT_KEY_LENGTH",
        ),
        (
            method("Ed25519VerificationKey2020", "publicKeyMultibase", X25519),
            "/publicKeyMultibase IMPORT_KEY_MISMATCH",
        ),
        (
            method("Ed25519VerificationKey2018", "publicKeyJwk", p256_jwk()),
            "/publicKeyJwk IMPORT_KEY_MISMATCH",
        ),
        (jwk_with("d", json!("AQ")), "/publicKeyJwk/d DOCUMENT_JWK_PRIVATE"),
        (jwk_with("kid", json!("other")), "/publicKeyJwk/kid DOCUMENT_JWK_MEMBER_UNKNOWN"),
        (jwk_with("key_ops", json!(["verify"])), "/publicKeyJwk/key_ops IMPORT_WRONG_TYPE"),
    ] {
        assert_eq!(refused(&with_method(method.clone())), [at(tail)], "{method}");
    }
}

#[test]
fn documents_that_cannot_be_taken_are_refused_by_rule() {
    let key = |key: &str| {
        let mut method = method("Multikey", "publicKeyMultibase", key);
        method["controller"] = json!("");
        method
    };
    let service = |name: &str, value: Value| {
        let mut service = json!({"id": "#s", "type": "T", "serviceEndpoint": "https://a"});
        service[name] = value;
        json!({"service": [service]})
    };
    for (document, expected) in [
        (json!([]), vec![" IMPORT_WRONG_TYPE"]),
        (json!({"id": 1}), vec!["/id IMPORT_WRONG_TYPE"]),
        (json!({"id": "https://a"}), vec!["/id IMPORT_NOT_A_DID"]),
        (json!({"id": "did:web:a#k"}), vec!["/id DOCUMENT_URI_FRAGMENT"]),
        (json!({"rating": 4.5}), vec!["/rating IMPORT_MEMBER_UNKNOWN"]),
        (json!({"controller": "did:web:b"}), vec!["/controller IMPORT_CONTROLLER_FOREIGN"]),
        (json!({"authentication": "#k"}), vec!["/authentication IMPORT_WRONG_TYPE"]),
        (
            json!({"authentication": ["#k"]}),
            vec!["/authentication/0 DOCUMENT_RELATIONSHIP_DANGLING"],
        ),
        (
            json!({"id": "did:web:a", "authentication": [key(ED25519), "did:web:a#k"]}),
            vec!["/authentication/1 DOCUMENT_ENTRY_REPEATED"],
        ),
        (
            json!({"id": "did:web:a", "controller": ["did:web:a", "did:web:b"]}),
            vec!["/controller/1 IMPORT_CONTROLLER_FOREIGN"],
        ),
        (
            json!({"id": "did:web:a", "alsoKnownAs": ["http://a"]}),
            vec!["/alsoKnownAs/0 DOCUMENT_URI_SCHEME"],
        ),
        (
            json!({"authentication": [key(ED25519)], "keyAgreement": [key(X25519)]}),
            vec!["/keyAgreement/0/id DOCUMENT_FRAGMENT_REPEATED"],
        ),
        (service("extensions", json!([])), vec!["/service/0/extensions IMPORT_MEMBER_UNKNOWN"]),
        (service("id", json!("#a/b")), vec!["/service/0/id IMPORT_FRAGMENT"]),
        (service("type", json!("free text")), vec!["/service/0/type DOCUMENT_TOKEN"]),
        (service("priority", json!(-1)), vec!["/service/0/priority IMPORT_WRONG_TYPE"]),
        (
            service("serviceEndpoint", json!([1, "ftp://a"])),
            vec!["/service/0/serviceEndpoint/0 IMPORT_WRONG_TYPE"],
        ),
        (
            service("serviceEndpoint", json!({"a": "ftp://a"})),
            vec!["/service/0/serviceEndpoint/a DOCUMENT_URI_SCHEME"],
        ),
        (
            json!({"service": [{"id": "#s", "type": "T"}]}),
            vec!["/service/0/serviceEndpoint IMPORT_MEMBER_MISSING"],
        ),
        (
            json!({"x": 1, "verificationMethod": [{"id": "#k", "type": "No"}],
            "authentication": ["#k", "#gone"]}),
            vec![
                "/x IMPORT_MEMBER_UNKNOWN",
                "/verificationMethod/0/type IMPORT_METHOD_TYPE",
                "/authentication/1 DOCUMENT_RELATIONSHIP_DANGLING",
            ],
        ),
    ] {
        assert_eq!(refused(&document), expected, "{document}");
    }
}

#[test]
fn a_file_holds_one_document_or_several() {
    let (one, two) = (json!({"id": "did:a:1"}), json!({"id": "did:a:2"}));
    let read = |json: Value| read_documents(&json.to_string()).expect("is JSON");
    assert_eq!(read(one.clone()), vec![one.clone()]);
    assert_eq!(read(json!([one, two])), [one.clone(), two.clone()]);
    assert_eq!(read(json!({"didDocument": one, "didDocumentMetadata": {}})), [one]);
    assert!(read_documents("{").is_err());
}

/// Returns the folder of the public test data, or `None` if it is not on this machine.
fn vectors() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let root = std::env::var_os("IDEM_VECTORS").map_or_else(|| default.into(), PathBuf::from);
    let folder = root.join("did-documents");
    folder.is_dir().then_some(folder)
}

/// Compares which documents of deployed DID methods are imported, and all refusals of the others,
/// with the stored list.
#[test]
fn published_documents_are_taken_or_refused_as_listed() {
    let Some(folder) = vectors() else {
        eprintln!("SKIPPED: no did-documents in IDEM_VECTORS or ../shared/vectors");
        return;
    };
    let entries = std::fs::read_dir(folder).expect("the folder reads");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut report = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("the file reads");
        let stem = file.file_stem().expect("a file name").to_string_lossy().into_owned();
        for (index, json) in read_documents(&text).expect("is JSON").iter().enumerate() {
            report += &format!("{stem}/{index}: ");
            report += &match import(json) {
                Ok(imported) => {
                    assert_eq!(imported.document.check(), Ok(()));
                    "taken\n".to_owned()
                }
                Err(_) => format!("refused\n  {}\n", refused(json).join("\n  ")),
            };
        }
    }
    assert_eq!(report, include_str!("tests/published.txt"), "the report in full:\n{report}");
}
