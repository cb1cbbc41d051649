//! Each fault of a token has an error of its own.

use proptest::prelude::*;
use registry_core::codec::base64url;
use serde_json::json;

use super::*;
use crate::limits::{
    CLOCK_OFFSET_MS_MAX, STATUS_INFLATED_BYTES_MAX, STATUS_TOKEN_BYTES_MAX,
    STATUS_TOKEN_LIFE_MS_MAX,
};
use crate::view::cose::{self, Value as Cbor};
use crate::view::jws;

const ARRAY: [u8; 2] = [0b0000_0101, 0b0000_0010];

fn ledger() -> List<'static> {
    list(StatusPurpose::Revocation, 1, 10, &ARRAY)
}

fn views() -> [(Form, Vec<u8>); 4] {
    Form::ALL.map(|form| {
        (form, form.encode(&ledger(), &publication(), &Key::new()).expect("it encodes"))
    })
}

/// Returns the name of the error with which a token is refused, or `Ok` if it is accepted.
fn outcome(bytes: &[u8]) -> Result<(), &'static str> {
    judge(bytes).map_err(|error| error.name())
}

fn judge(bytes: &[u8]) -> Result<(), ViewError> {
    let token = Token::parse(bytes)?;
    token.verify(&Key::new().public())?;
    accept::check(&token.published(None)?, &ledger(), URI, NOW_MS).map(|_| ())
}

/// Changes the claims of our own view in a textual form and signs it again.
fn resigned(form: Form, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let view = views().into_iter().find(|(other, _)| *other == form).expect("a view").1;
    let mut claims = json(&view);
    change(&mut claims);
    let key = Key::new();
    let view = match (form, claims) {
        (Form::Credential, Value::Object(mut document)) => {
            document.remove("proof");
            let created = "2027-01-15T08:00:00Z".to_owned();
            return Value::Object(secure(document, created, &key)).to_string().into_bytes();
        }
        (Form::CredentialJwt, claims) => jws::credential(&claims, &method(&key)),
        (_, claims) => jws::status_list(&claims, &method(&key)),
    };
    signed(form, view, &key)
}

/// Creates a CWT in which `changes` replace or remove the claims of the same keys.
fn resigned_cwt(changes: &[(i128, Option<Cbor>)]) -> Vec<u8> {
    let zlib = compress::zlib(&ARRAY).expect("zlib");
    let mut claims = vec![
        (2, Cbor::Text(URI.to_owned())),
        (4, Cbor::Integer(i128::from(NOW_MS / 1_000 + 60))),
        (6, Cbor::Integer(i128::from(NOW_MS / 1_000))),
        (65_533, cbor_list(1, &zlib)),
    ];
    for (key, value) in changes {
        claims.retain(|(other, _)| other != key);
        claims.extend(value.clone().map(|value| (*key, value)));
    }
    let claims = claims.into_iter().map(|(key, value)| (Cbor::Integer(key), value)).collect();
    signed_cwt("application/statuslist+cwt", claims)
}

fn signed_cwt(media_type: &str, claims: Vec<(Cbor, Cbor)>) -> Vec<u8> {
    let key = Key::new();
    signed(Form::TokenCwt, cose::unsigned(media_type, claims, &method(&key)), &key)
}

fn cbor_list(bits: i128, zlib: &[u8]) -> Cbor {
    let text = |text: &str| Cbor::Text(text.to_owned());
    let list = [(text("bits"), Cbor::Integer(bits)), (text("lst"), Cbor::Bytes(zlib.to_vec()))];
    Cbor::Map(list.to_vec())
}

fn encoded(bytes: &[u8]) -> Value {
    json!(format!("u{}", base64url(&compress::gzip(bytes).expect("gzip"))))
}

fn lst(bytes: &[u8]) -> Value {
    json!(base64url(&compress::zlib(bytes).expect("zlib")))
}

#[test]
fn what_we_publish_is_accepted() {
    for (form, view) in views() {
        assert_eq!(outcome(&view), Ok(()), "{form:?}");
        assert_eq!(Token::parse(&view).expect("it parses").form(), form);
    }
    assert_eq!(outcome(&resigned_cwt(&[])), Ok(()));
    assert_eq!(outcome(&resigned(Form::CredentialJwt, |_| {})), Ok(()));
}

#[test]
fn a_bomb_is_named_by_its_compression() {
    let bomb = vec![0; STATUS_INFLATED_BYTES_MAX + 1];
    for form in [Form::Credential, Form::CredentialJwt] {
        let view = resigned(form, |claims| {
            claims["credentialSubject"]["encodedList"] = encoded(&bomb);
        });
        assert_eq!(outcome(&view), Err("TOKEN_GZIP_BOMB"));
    }
    let view = resigned(Form::TokenJwt, |claims| claims["status_list"]["lst"] = lst(&bomb));
    assert_eq!(outcome(&view), Err("TOKEN_ZLIB_BOMB"));
    let zlib = compress::zlib(&bomb).expect("zlib");
    let view = resigned_cwt(&[(65_533, Some(cbor_list(1, &zlib)))]);
    assert_eq!(outcome(&view), Err("TOKEN_ZLIB_BOMB"));
}

#[test]
fn each_fault_of_a_credential_has_its_name() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 16] = [
        ("TOKEN_ENTRY", |c| c["credentialSubject"]["encodedList"] = encoded(&[0xa0; 16_384])),
        ("TOKEN_GZIP", |c| c["credentialSubject"]["encodedList"] = json!("uH4sI")),
        ("TOKEN_TOO_SHORT", |c| c["credentialSubject"]["encodedList"] = encoded(&[0; 16_383])),
        ("TOKEN_MALFORMED", |c| {
            let list =
                c["credentialSubject"]["encodedList"].as_str().expect("a text")[1..].to_owned();
            c["credentialSubject"]["encodedList"] = json!(list);
        }),
        ("TOKEN_MALFORMED", |c| {
            let list = c["credentialSubject"]["encodedList"].as_str().expect("a text").to_owned();
            c["credentialSubject"]["encodedList"] = json!(format!("{list}="));
        }),
        ("TOKEN_PURPOSE", |c| c["credentialSubject"]["statusPurpose"] = json!("suspension")),
        ("TOKEN_MALFORMED", |c| c["credentialSubject"]["statusPurpose"] = json!("other")),
        ("TOKEN_MALFORMED", |c| {
            c["credentialSubject"]["statusPurpose"] = json!(["revocation", "suspension"]);
        }),
        ("TOKEN_MALFORMED", |c| c["credentialSubject"]["statusSize"] = json!(3)),
        ("TOKEN_WIDTH", |c| {
            c["credentialSubject"]["statusSize"] = json!(2);
            c["credentialSubject"]["encodedList"] = encoded(&[0; 32_768]);
        }),
        ("TOKEN_MALFORMED", |c| c["credentialSubject"]["type"] = json!("StatusList2021")),
        ("TOKEN_MALFORMED", |c| c["type"] = json!(["VerifiableCredential"])),
        ("TOKEN_MALFORMED", |c| {
            c["@context"] = json!(["https://www.w3.org/2018/credentials/v1"]);
        }),
        ("TOKEN_SUBJECT", |c| c["id"] = json!("https://node.example/status-lists/other")),
        ("TOKEN_NO_EXPIRY", |c| drop(c.as_object_mut().expect("claims").remove("validUntil"))),
        ("TOKEN_NO_ISSUE_TIME", |c| drop(c.as_object_mut().expect("claims").remove("validFrom"))),
    ];
    for form in [Form::Credential, Form::CredentialJwt] {
        for (at, (name, change)) in cases.iter().enumerate() {
            assert_eq!(outcome(&resigned(form, change)), Err(*name), "{form:?}, case {at}");
        }
    }
}

#[test]
fn each_fault_of_a_token_has_its_name() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 12] = [
        ("TOKEN_ENTRY", |c| c["status_list"]["lst"] = lst(&[5, 3])),
        ("TOKEN_ENTRY", |c| c["status_list"]["lst"] = lst(&[5, 2, 1])),
        ("TOKEN_TOO_SHORT", |c| c["status_list"]["lst"] = lst(&[5])),
        ("TOKEN_ZLIB", |c| c["status_list"]["lst"] = json!("eNrb")),
        ("TOKEN_MALFORMED", |c| c["status_list"]["lst"] = json!("eNrb=")),
        ("TOKEN_WIDTH", |c| c["status_list"]["bits"] = json!(2)),
        ("TOKEN_MALFORMED", |c| c["status_list"]["bits"] = json!(3)),
        ("TOKEN_SUBJECT", |c| c["sub"] = json!("https://node.example/token-status-lists/other")),
        ("TOKEN_NO_EXPIRY", |c| drop(c.as_object_mut().expect("claims").remove("exp"))),
        ("TOKEN_NO_ISSUE_TIME", |c| drop(c.as_object_mut().expect("claims").remove("iat"))),
        ("TOKEN_MALFORMED", |c| c["iat"] = json!("now")),
        ("TOKEN_MALFORMED", |c| c["exp"] = json!(u64::MAX)),
    ];
    for (at, (name, change)) in cases.iter().enumerate() {
        assert_eq!(outcome(&resigned(Form::TokenJwt, change)), Err(*name), "case {at}");
    }
    let zlib = |bytes: &[u8]| compress::zlib(bytes).expect("zlib");
    let cases = [
        ("TOKEN_ENTRY", 65_533, Some(cbor_list(1, &zlib(&[5, 3])))),
        ("TOKEN_ZLIB", 65_533, Some(cbor_list(1, &[0x78, 0xda]))),
        ("TOKEN_WIDTH", 65_533, Some(cbor_list(2, &zlib(&[5, 2, 0])))),
        ("TOKEN_MALFORMED", 65_533, Some(cbor_list(3, &zlib(&[5, 2])))),
        ("TOKEN_MALFORMED", 65_533, None),
        ("TOKEN_SUBJECT", 2, Some(Cbor::Text("https://node.example/other".to_owned()))),
        ("TOKEN_MALFORMED", 2, None),
        ("TOKEN_NO_EXPIRY", 4, None),
        ("TOKEN_NO_ISSUE_TIME", 6, None),
        ("TOKEN_MALFORMED", 6, Some(Cbor::Integer(-1))),
    ];
    for (name, key, value) in cases {
        assert_eq!(outcome(&resigned_cwt(&[(key, value)])), Err(name), "claim {key}");
    }
}

#[test]
fn a_token_lives_a_day_at_most_and_now() {
    let now_s = NOW_MS / 1_000;
    let day_s = STATUS_TOKEN_LIFE_MS_MAX / 1_000;
    let ahead_s = CLOCK_OFFSET_MS_MAX / 1_000;
    let cases = [
        (now_s, now_s + day_s, Ok(())),
        (now_s, now_s + day_s + 1, Err("TOKEN_LIFETIME")),
        (now_s - 1, now_s - 1, Err("TOKEN_LIFETIME")),
        (now_s, now_s - 1, Err("TOKEN_LIFETIME")),
        (now_s - day_s + 1, now_s + 1, Ok(())),
        (now_s - day_s, now_s, Err("TOKEN_EXPIRED")),
        (now_s + ahead_s, now_s + 60, Ok(())),
        (now_s + ahead_s + 1, now_s + 60, Err("TOKEN_FUTURE")),
    ];
    for (iat, exp, expected) in cases {
        let view = resigned(Form::TokenJwt, |claims| {
            claims["iat"] = json!(iat);
            claims["exp"] = json!(exp);
        });
        assert_eq!(outcome(&view), expected, "{iat} to {exp}");
        let times = [(6, iat), (4, exp)].map(|(key, s)| (key, Some(Cbor::Integer(i128::from(s)))));
        assert_eq!(outcome(&resigned_cwt(&times)), expected, "{iat} to {exp}");
        let view = resigned(Form::CredentialJwt, |claims| {
            claims["validFrom"] = json!(crate::clock::seconds_up(iat * 1_000));
            claims["validUntil"] = json!(crate::clock::seconds_up(exp * 1_000));
            claims["exp"] = json!(exp);
        });
        assert_eq!(outcome(&view), expected, "{iat} to {exp}");
    }
}

/// Otherwise readers of JWTs and readers of credentials would disagree on when it ends.
#[test]
fn the_jwt_of_a_credential_ends_no_earlier_than_the_credential() {
    let ends = |until: &'static str, exp: u64| {
        outcome(&resigned(Form::CredentialJwt, |claims| {
            claims["validUntil"] = json!(until);
            claims["exp"] = json!(exp);
        }))
    };
    let exp_s = NOW_MS / 1_000 + 3_600;
    assert_eq!(ends("2027-01-15T09:00:00.999Z", exp_s), Ok(()));
    assert_eq!(ends("2027-01-15T09:00:00.000Z", exp_s + 1), Ok(()));
    assert_eq!(ends("2027-01-15T09:00:01.000Z", exp_s), Err("TOKEN_MALFORMED"));
    assert_eq!(ends("2027-01-15T09:00:00.000Z", u64::MAX), Err("TOKEN_MALFORMED"));
}

#[test]
fn a_signature_is_of_the_key_and_of_all_bytes() {
    let other = PublicKey::new(Suite::P256, &[2; 33]).expect("33 bytes");
    for (form, view) in views() {
        let token = Token::parse(&view).expect("it parses");
        assert_eq!(token.verify(&other).map_err(|e| e.name()), Err("TOKEN_ALGORITHM"), "{form:?}");
        let other = ed25519_dalek::SigningKey::from_bytes(&[8; 32]).verifying_key();
        let other = PublicKey::new(Suite::Ed25519, other.as_bytes()).expect("32 bytes");
        assert_eq!(token.verify(&other).map_err(|e| e.name()), Err("TOKEN_SIGNATURE"), "{form:?}");
    }
    let view = views()[0].1.clone();
    for (path, value) in [
        ("/validUntil", "2027-01-15T09:00:01.000Z"),
        ("/proof/created", "2027-01-15T08:00:01Z"),
        ("/proof/verificationMethod", "did:idem:test:publisher#node-2"),
    ] {
        let mut document = json(&view);
        *document.pointer_mut(path).expect(path) = json!(value);
        assert_eq!(outcome(document.to_string().as_bytes()), Err("TOKEN_SIGNATURE"), "{path}");
    }
}

#[test]
fn a_proof_is_of_the_one_suite_and_for_assertion() {
    for (path, value, name) in [
        ("/proof/cryptosuite", json!("eddsa-rdfc-2022"), "TOKEN_ALGORITHM"),
        ("/proof/proofPurpose", json!("authentication"), "TOKEN_MALFORMED"),
        ("/proof/type", json!("Ed25519Signature2020"), "TOKEN_MALFORMED"),
        ("/proof/created", json!("yesterday"), "TOKEN_MALFORMED"),
        ("/proof/proofValue", json!("u0000"), "TOKEN_MALFORMED"),
        ("/proof/proofValue", json!("z1"), "TOKEN_SIGNATURE"),
        ("/proof/@context", json!(["https://example.org"]), "TOKEN_MALFORMED"),
        ("/proof", json!([]), "TOKEN_MALFORMED"),
    ] {
        let mut document = json(&views()[0].1);
        *document.pointer_mut(path).expect(path) = value;
        assert_eq!(outcome(document.to_string().as_bytes()), Err(name), "{path}");
    }
}

#[test]
fn a_header_says_what_it_is_and_asks_for_nothing_unknown() {
    let view = String::from_utf8(views()[2].1.clone()).expect("text");
    let rest = view.split_once('.').expect("a header").1;
    for (header, name) in [
        (json!({ "alg": "none", "typ": "statuslist+jwt" }), "TOKEN_ALGORITHM"),
        (json!({ "alg": "HS256", "typ": "statuslist+jwt" }), "TOKEN_ALGORITHM"),
        (json!({ "alg": "ES256", "typ": "statuslist+jwt" }), "TOKEN_ALGORITHM"),
        (json!({ "alg": "EdDSA", "typ": "JWT" }), "TOKEN_MALFORMED"),
        (json!({ "alg": "EdDSA", "typ": "statuslist+jwt", "crit": ["b64"] }), "TOKEN_MALFORMED"),
        (json!({ "alg": "EdDSA", "typ": "statuslist+jwt" }), "TOKEN_SIGNATURE"),
        (json!([]), "TOKEN_MALFORMED"),
    ] {
        let token = format!("{}.{rest}", base64url(header.to_string().as_bytes()));
        assert_eq!(outcome(token.as_bytes()), Err(name), "{header}");
    }
    let claims = vec![(Cbor::Integer(2), Cbor::Text(URI.to_owned()))];
    let other = signed_cwt("application/cwt", claims.clone());
    assert_eq!(outcome(&other), Err("TOKEN_MALFORMED"));
    let twice = [claims.clone(), claims].concat();
    let twice = signed_cwt("application/statuslist+cwt", twice);
    assert_eq!(outcome(&twice), Err("TOKEN_MALFORMED"));
}

#[test]
fn what_is_no_token_is_refused_before_it_is_read() {
    let cases: [(&[u8], &str); 8] = [
        (b"", "TOKEN_FORM"),
        (b"{", "TOKEN_FORM"),
        (b"[]", "TOKEN_FORM"),
        (b"a.b", "TOKEN_FORM"),
        (b"a.b.c.d", "TOKEN_FORM"),
        (&[0xd2, 0x84], "TOKEN_FORM"),
        (&[0xd1, 0x80], "TOKEN_FORM"),
        (&[b' '; STATUS_TOKEN_BYTES_MAX + 1], "TOKEN_TOO_LARGE"),
    ];
    for (bytes, name) in cases {
        assert_eq!(outcome(bytes), Err(name));
    }
    let cwt = views()[3].1.clone();
    assert_eq!(outcome(&[&cwt[..], &[0]].concat()), Err("TOKEN_FORM"));
    let nested = [vec![0xd2], vec![0x81; 100_000]].concat();
    assert_eq!(outcome(&nested), Err("TOKEN_FORM"));
}

/// JOSE does not restrict S, so both values of S that make an ES256 signature valid are accepted.
#[test]
fn an_issuer_may_sign_by_p256_with_high_s() {
    use p256::ecdsa::signature::Signer as _;
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar");
    let public = key.verifying_key().to_sec1_point(true);
    let public = PublicKey::new(Suite::P256, public.as_bytes()).expect("33 bytes");
    let header = json!({ "alg": "ES256", "kid": "did:example:i#k", "typ": "statuslist+jwt" });
    let view = String::from_utf8(views()[2].1.clone()).expect("text");
    let claims = view.split('.').nth(1).expect("claims");
    let message = format!("{}.{claims}", base64url(header.to_string().as_bytes()));
    let low: p256::ecdsa::Signature = key.sign(message.as_bytes());
    let low = low.normalize_s();
    let (r, s) = low.split_scalars();
    let high = p256::ecdsa::Signature::from_scalars(r, -s).expect("not zero");
    assert_ne!(low, high);
    for signature in [low, high] {
        let token = format!("{message}.{}", base64url(&signature.to_bytes()));
        let token = Token::parse(token.as_bytes()).expect("it parses");
        assert_eq!(token.verify(&public), Ok(()));
    }
}

#[test]
fn an_import_takes_what_a_list_of_the_purpose_can_hold() {
    let published = |bits, array: &[u8]| {
        let view = Form::TokenJwt.encode(
            &list(StatusPurpose::Message, bits, 4, array),
            &publication(),
            &Key::new(),
        );
        read(&view.expect("it encodes"), None)
    };
    let mixed = published(2, &[0b1001_0001]); // 1, 0, 1, 2
    assert_eq!(mixed.to_ledger(StatusPurpose::Message), Ok((2, vec![0b1001_0001])));
    let unfit = |entry, value, purpose: StatusPurpose| {
        Err(ViewError::EntryUnfit { entry, value, purpose: purpose.name() })
    };
    assert_eq!(mixed.to_ledger(StatusPurpose::Revocation), unfit(3, 2, StatusPurpose::Revocation));
    assert_eq!(mixed.to_ledger(StatusPurpose::Suspension), unfit(0, 1, StatusPurpose::Suspension));
    assert_eq!(
        published(2, &[0b0001_0001]).to_ledger(StatusPurpose::Revocation),
        Ok((1, vec![0b101]))
    );
    assert_eq!(
        published(4, &[0x20, 0x02]).to_ledger(StatusPurpose::Suspension),
        Ok((1, vec![0b110]))
    );
    let view = Form::Credential.encode(
        &list(StatusPurpose::Suspension, 1, 8, &[1]),
        &publication(),
        &Key::new(),
    );
    let credential = read(&view.expect("it encodes"), None);
    assert_eq!(credential.to_ledger(StatusPurpose::Suspension).map(|(_, array)| array[0]), Ok(1));
    let error = credential.to_ledger(StatusPurpose::Revocation).map_err(|error| error.name());
    assert_eq!(error, Err("TOKEN_PURPOSE"));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes: Vec<u8>, at: usize, flip: u8, which in 0usize..4) {
        let _ = judge(&bytes).is_ok();
        let mut view = views()[which].1.clone();
        let at = at % view.len();
        view[at] ^= flip;
        let accepted = judge(&view).is_ok();
        prop_assert!(!accepted || flip == 0, "byte {} of form {} by {}", at, which, flip);
    }
}

/// The largest view of each form has entries that do not compress.
#[test]
fn the_largest_list_fits_its_limit_in_every_form() {
    let mut state = 1u64;
    let array: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    for purpose in [StatusPurpose::Revocation, StatusPurpose::Suspension, StatusPurpose::Refresh] {
        for form in Form::ALL {
            let list = list(purpose, 1, 1 << 23, &array);
            let view = form.encode(&list, &publication(), &Key::new()).expect("it encodes");
            assert!(view.len() <= STATUS_TOKEN_BYTES_MAX, "{form:?}: {} bytes", view.len());
            let accepted = accept::check(&read(&view, None), &list, URI, NOW_MS);
            assert_eq!(accepted.map(|_| ()), Ok(()));
        }
    }
}
