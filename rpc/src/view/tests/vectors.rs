//! Published test vectors: those of the IETF draft and of `eddsa-jcs-2022`, and W3C's example.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use registry_core::codec::{base64url, from_base64url};
use serde_json::json;

use super::*;
use crate::view::compress;
use crate::view::cose::{self, CborMap};

/// Returns the folder of the draft's examples. If it is missing, prints a notice and returns
/// `None`.
fn examples() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let root = std::env::var_os("IDEM_VECTORS").map_or_else(|| default.into(), PathBuf::from);
    let folder = root.join("token-status-list");
    if folder.is_dir() {
        return Some(folder);
    }
    // The test harness captures what a passing test prints, so write to standard error directly.
    let skipped = b"SKIPPED: no token-status-list in IDEM_VECTORS or ../shared/vectors\n";
    std::io::stderr().write_all(skipped).expect("standard error is open");
    None
}

/// Reads an example and joins its folded lines.
fn unfolded(folder: &std::path::Path, name: &str) -> String {
    let text = fs::read_to_string(folder.join(name)).expect(name);
    text.lines().map(str::trim).collect()
}

/// Returns `bits` and the inflated `lst` of a JSON example.
fn json_list(text: &str) -> (u8, Vec<u8>) {
    let start = text.find('{').expect("an object");
    let list: Value = serde_json::from_str(&text[start..]).expect("JSON");
    let compressed = from_base64url(list["lst"].as_str().expect("lst")).expect("base64url");
    let bits = list["bits"].as_u64().expect("bits") as u8;
    (bits, compress::unzlib(&compressed).expect("zlib"))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn the_long_lists_of_the_draft_hold_the_entries_that_it_names() {
    let Some(folder) = examples() else { return };
    let expected: BTreeMap<String, Value> =
        serde_json::from_str(&unfolded(&folder, "expected.json")).expect("JSON");
    assert_eq!(expected.len(), 4);
    for (name, expected) in expected {
        let (bits, array) = json_list(&unfolded(&folder, &name));
        assert_eq!(json!(bits), expected["bits"], "{name}");
        let entries = expected["entries"].as_u64().expect("entries");
        assert_eq!(array.len() as u64 * 8, entries * u64::from(bits), "{name}");
        for index in 0..entries {
            let value = expected["set"].get(index.to_string()).unwrap_or(&Value::Null);
            let value = value.as_u64().unwrap_or(0) as u8;
            assert_eq!(bits::entry(&array, bits, index), Some(value), "{name}, entry {index}");
        }
        assert_our_tokens_hold(bits, entries, &array);
    }
}

/// Asserts that our tokens of the same entries inflate to the same bytes.
fn assert_our_tokens_hold(bits: u8, length: u64, array: &[u8]) {
    let list = list(StatusPurpose::Message, bits, length, array);
    for form in [Form::TokenJwt, Form::TokenCwt] {
        let token = form.encode(&list, &publication(), &Key::new()).expect("it encodes");
        let published = read(&token, None);
        assert_eq!((published.bits, &published.array[..]), (bits, array));
    }
}

#[test]
fn the_short_lists_of_the_draft_hold_the_bytes_that_it_names() {
    let Some(folder) = examples() else { return };
    let lists = [
        (1u8, vec![0xb9, 0xa3], "status_list_encoding_json.md", "status_list_encoding_cbor.md"),
        (
            2,
            vec![0xc9, 0x44, 0xf9],
            "status_list_encoding2_json.md",
            "status_list_encoding2_cbor.md",
        ),
    ];
    for (bits, array, json_name, cbor_name) in lists {
        assert_eq!(json_list(&unfolded(&folder, json_name)), (bits, array.clone()));
        let cbor = unfolded(&folder, cbor_name);
        let cbor = hex(cbor.split("encoded:").nth(1).expect("encoded"));
        let map = CborMap::read(&cbor, "the list").expect("a map");
        let text = |text: &str| cose::Value::Text(text.to_owned());
        let bits_found = map.get(&text("bits"), "bits").expect("once");
        assert_eq!(bits_found, Some(&cose::Value::Integer(i128::from(bits))));
        let Some(cose::Value::Bytes(compressed)) = map.get(&text("lst"), "lst").expect("once")
        else {
            panic!("{cbor_name} has no lst");
        };
        assert_eq!(compress::unzlib(compressed), Ok(array.clone()));
    }
}

/// Returns the public key of the draft's examples (`src/util.py` in its repository).
fn draft_key() -> PublicKey {
    let x = from_base64url("I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo").expect("base64url");
    let y = from_base64url("6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M").expect("base64url");
    let tag = 2 + y[31] % 2;
    PublicKey::new(Suite::P256, &[&[tag], &x[..]].concat()).expect("33 bytes")
}

#[test]
fn the_tokens_of_the_draft_verify_and_say_what_it_says() {
    let Some(folder) = examples() else { return };
    let jwt = unfolded(&folder, "status_list_jwt_raw.md").into_bytes();
    let cwt = hex(&unfolded(&folder, "status_list_cwt.md"));
    let cases = [
        (Form::TokenJwt, jwt, Some("https://example.com".to_owned())),
        (Form::TokenCwt, cwt, None),
    ];
    for (form, bytes, issuer) in cases {
        let token = Token::parse(&bytes).expect("it parses");
        assert_eq!((token.form(), token.method()), (form, Some("12")));
        token.verify(&draft_key()).expect("it verifies");
        let published = token.published(None).expect("it reads");
        let expected = Published {
            form,
            uri: Some("https://example.com/statuslists/1".to_owned()),
            issuer,
            purpose: None,
            bits: 1,
            array: vec![0xb9, 0xa3],
            issued_ms: Some(1_686_920_170_000),
            expires_ms: Some(2_291_720_170_000),
            ttl_ms: Some(43_200_000),
        };
        assert_eq!(published, expected);
    }
}

/// The annotated example of a CWT has the same bytes as the plain one.
#[test]
fn the_annotated_cwt_is_the_cwt() {
    let Some(folder) = examples() else { return };
    let annotated = fs::read_to_string(folder.join("status_list_cwt_diag.md")).expect("a file");
    let bytes = annotated.lines().filter_map(|line| line.split('#').next());
    assert_eq!(hex(&bytes.collect::<String>()), hex(&unfolded(&folder, "status_list_cwt.md")));
    let claims = unfolded(&folder, "status_list_jwt.md");
    let claims: Value =
        serde_json::from_str(claims.split_once("}.").expect("header, claims").1).expect("JSON");
    let mut raw = json(unfolded(&folder, "status_list_jwt_raw.md").as_bytes());
    raw.as_object_mut().expect("claims").remove("iss");
    assert_eq!(claims, raw);
}

/// W3C's example encodes 131,072 zeros.
#[test]
fn the_empty_list_of_w3c_is_ours() {
    let encoded = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA";
    let view = Form::Credential.encode(
        &list(StatusPurpose::Revocation, 1, 1, &[0]),
        &publication(),
        &Key::new(),
    );
    let mut document = json(&view.expect("it encodes"));
    let ours = document["credentialSubject"]["encodedList"].as_str().expect("a text").to_owned();
    let inflated = |text: &str| compress::gunzip(&from_base64url(&text[1..]).expect("base64url"));
    assert_eq!(inflated(encoded), Ok(vec![0; 16_384]));
    assert_eq!(inflated(&ours), Ok(vec![0; 16_384]));
    document["credentialSubject"]["encodedList"] = json!(encoded);
    let token = Token::parse(document.to_string().as_bytes()).expect("it parses");
    assert_eq!(token.published(None).map(|list| list.array), Ok(vec![0; 16_384]));
    assert_eq!(token.verify(&Key::new().public()).map_err(|e| e.name()), Err("TOKEN_SIGNATURE"));
}

/// Keys, hashes and signature are those of the test vector in vc-di-eddsa, section B.2.
#[test]
fn the_vector_of_eddsa_jcs_2022_is_made_and_verified() {
    struct Vector(ed25519_dalek::SigningKey);
    const METHOD: &str = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2\
        #z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
    impl Signer for Vector {
        fn issuer(&self) -> &str {
            "https://vc.example/issuers/5678"
        }
        fn method(&self) -> &str {
            METHOD
        }
        fn sign(&self, message: &[u8]) -> [u8; 64] {
            let proof = "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db";
            let document = "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19";
            assert_eq!(message, hex(&format!("{proof}{document}")));
            self.0.sign(message).to_bytes()
        }
    }
    let secret = bs58::decode("3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq").into_vec();
    let seed: [u8; 32] = secret.expect("base58")[2..].try_into().expect("32 bytes");
    let document = json!({
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://www.w3.org/ns/credentials/examples/v2",
        ],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": { "id": "did:example:abcdefgh", "alumniOf": "The School of Examples" },
    });
    let Value::Object(document) = document else { panic!("an object") };
    let signer = Vector(ed25519_dalek::SigningKey::from_bytes(&seed));
    let created = "2023-02-24T23:36:38Z".to_owned();
    let secured = secure(document, created, &signer);
    assert_eq!(
        secured["proof"]["proofValue"],
        "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
    );
    let key = METHOD.split_once('#').map(|(_, key)| PublicKey::from_multikey(key));
    let key = key.expect("a fragment").expect("a multikey");
    let verify = |document: &Value| Token::parse(document.to_string().as_bytes())?.verify(&key);
    let mut secured = Value::Object(secured);
    assert_eq!(verify(&secured), Ok(()));
    secured["name"] = json!("Alumna Credential");
    assert_eq!(verify(&secured).map_err(|error| error.name()), Err("TOKEN_SIGNATURE"));
}

/// The other vectors do not cover the JWT headers, so this test compares their exact base64url.
#[test]
fn the_header_of_each_jwt_is_what_the_standards_want() {
    let key = Key::new();
    let list = list(StatusPurpose::Revocation, 1, 8, &[0]);
    let header = |view: Result<Vec<u8>, ViewError>| {
        let view = String::from_utf8(view.expect("it encodes")).expect("text");
        view.split('.').next().unwrap_or_default().to_owned()
    };
    let kid = key.method();
    let vc = json!({ "alg": "EdDSA", "cty": "vc", "kid": kid, "typ": "vc+jwt" }).to_string();
    let view = header(Form::CredentialJwt.encode(&list, &publication(), &key));
    assert_eq!(view, base64url(vc.as_bytes()));
    let list_header = json!({ "alg": "EdDSA", "kid": kid, "typ": "statuslist+jwt" }).to_string();
    let view = header(Form::TokenJwt.encode(&list, &publication(), &key));
    assert_eq!(view, base64url(list_header.as_bytes()));
}
