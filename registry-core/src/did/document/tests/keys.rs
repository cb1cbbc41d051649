//! Tests of the rules for the two forms of a key.

use serde_json::json;

use super::super::*;
use super::{ED25519, P256_X, P256_Y, X25519, assert_cases, base64url, sample_with};

const SECP256K1_X: &str = "luvLmmlG44VfqluhXwIjSuT1TL1sE_11gCDek2Pmuio";
const SECP256K1_Y: &str = "tYDJZaiX7A7krvcapAgKJF67zz5JS1wn4FucjkOdQEo";

fn multikey(codec: KeyCodec, first: u8) -> String {
    let mut raw = vec![7; codec.key_bytes()];
    raw[0] = first;
    Multikey::new(codec, &raw).to_string()
}

#[test]
fn multikeys_follow_the_table() {
    let at = "/verificationMethod/1/publicKeyMultibase";
    let x25519 = |raw: [u8; 32]| json!(Multikey::new(KeyCodec::X25519, &raw).to_string());
    let order_eight = |hex: &str| {
        let raw = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex");
        json!(Multikey::new(KeyCodec::X25519, &raw).to_string())
    };
    let edge = |first: u8| {
        let mut raw = [0xff; 32];
        (raw[0], raw[31]) = (first, 0x7f);
        raw
    };
    let small = |first: u8| {
        let mut raw = [0; 32];
        raw[0] = first;
        raw
    };
    let ed25519 = |raw: &[u8]| json!(Multikey::new(KeyCodec::Ed25519, raw).to_string());
    let p256_twin = json!(multikey(KeyCodec::P256, 5));
    let secp256k1 = json!("zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme");
    let with_prefix = |prefix: &str| json!(format!("u{prefix}"));
    let invalid = "DOCUMENT_KEY_INVALID";
    let cases = [
        (secp256k1, with_prefix("_AEA"), "DOCUMENT_KEY_CODEC"),
        (json!(ED25519), json!("u"), "DOCUMENT_KEY_CODEC"),
        (json!(ED25519), ed25519(&[9; 31]), "DOCUMENT_KEY_LENGTH"),
        (json!(ED25519), ed25519(&[0; 32]), invalid),
        (json!(ED25519), p256_twin, invalid),
        (x25519(small(2)), x25519(small(0)), invalid),
        (x25519(small(9)), x25519(small(1)), invalid),
        (x25519(edge(0xeb)), x25519(edge(0xec)), invalid),
        (x25519(edge(0xeb)), x25519(edge(0xee)), invalid),
        (x25519([0x7f; 32]), x25519([0x80; 32]), invalid),
        (
            json!(X25519),
            order_eight("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
            invalid,
        ),
        (
            json!(X25519),
            order_eight("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
            invalid,
        ),
    ];
    assert_cases(cases.into_iter().map(|(yes, no, name)| (at, yes, no, at, name)).collect());

    let compressed =
        [(KeyCodec::P384, 2, 4), (KeyCodec::P521, 3, 0), (KeyCodec::Bls12381G1, 0x80, 0)]
            .into_iter()
            .chain([(KeyCodec::Bls12381G2, 0xa0, 0xc0)]);
    for (codec, accepted, refused) in compressed {
        let (yes, no) = (json!(multikey(codec, accepted)), json!(multikey(codec, refused)));
        assert_cases(vec![(at, yes, no, at, invalid)]);
    }
    for codec in [KeyCodec::MlDsa44, KeyCodec::MlDsa65, KeyCodec::MlDsa87, KeyCodec::SlhDsa128s] {
        let text = multikey(codec, 0);
        assert!(text.starts_with('u'));
        assert_eq!(sample_with(at, json!(text)).check(), Ok(()));
    }
    let mut both = [7; 144];
    (both[0], both[48]) = (0x80, 0x80);
    let both = Multikey::new(KeyCodec::Bls12381G1G2, &both).to_string();
    assert_cases(vec![(
        at,
        json!(both),
        json!(multikey(KeyCodec::Bls12381G1G2, 0x80)),
        at,
        invalid,
    )]);
}

#[test]
fn jwks_have_exactly_their_public_members() {
    let at = "/verificationMethod/2/publicKeyJwk";
    let p256 = json!({"kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y});
    let without = |member: &str| {
        let mut jwk = p256.clone();
        jwk.as_object_mut().map(|members| members.remove(member));
        jwk
    };
    let with = |member: &str, value: &str| {
        let mut jwk = p256.clone();
        jwk[member] = json!(value);
        jwk
    };
    let secp = json!({"kty": "EC", "crv": "secp256k1", "x": SECP256K1_X, "y": SECP256K1_Y});
    let secp_bad = json!({"kty": "EC", "crv": "secp256k1", "x": SECP256K1_Y, "y": SECP256K1_X});
    let okp = |crv: &str, x: &str| json!({"kty": "OKP", "crv": crv, "x": x});
    let akp = |bytes: usize| json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": base64url(bytes, 1)});
    let rsa =
        |bytes: usize, n: u8, e: &str| json!({"kty": "RSA", "n": base64url(bytes, n), "e": e});
    let ed25519_x = base64url(32, 0x66);
    let path = |tail: &str| -> &'static str { format!("{at}{tail}").leak() };
    let cases = vec![
        (secp, secp_bad, "", "DOCUMENT_KEY_INVALID"),
        (p256.clone(), with("d", "AQ"), "/d", "DOCUMENT_JWK_PRIVATE"),
        (p256.clone(), json!({"kty": "oct", "k": "AQ"}), "/k", "DOCUMENT_JWK_PRIVATE"),
        (p256.clone(), with("alg", "ES256"), "/alg", "DOCUMENT_JWK_MEMBER_UNKNOWN"),
        (p256.clone(), with("kid", "web"), "/kid", "DOCUMENT_JWK_MEMBER_UNKNOWN"),
        (p256.clone(), without("kty"), "/kty", "DOCUMENT_JWK_MEMBER_MISSING"),
        (p256.clone(), without("crv"), "/crv", "DOCUMENT_JWK_MEMBER_MISSING"),
        (p256.clone(), without("y"), "/y", "DOCUMENT_JWK_MEMBER_MISSING"),
        (p256.clone(), with("kty", "ec"), "/kty", "DOCUMENT_JWK_KIND"),
        (p256.clone(), with("crv", "P-257"), "/crv", "DOCUMENT_JWK_KIND"),
        (p256.clone(), with("crv", "Ed25519"), "/crv", "DOCUMENT_JWK_KIND"),
        (p256.clone(), with("x", &format!("{P256_X}=")), "/x", "DOCUMENT_JWK_ENCODING"),
        (p256.clone(), with("x", &P256_X.replace("tl0", "tl1")), "/x", "DOCUMENT_JWK_ENCODING"),
        (p256.clone(), with("x", "AQ"), "/x", "DOCUMENT_KEY_LENGTH"),
        (p256.clone(), with("x", P256_Y), "", "DOCUMENT_KEY_INVALID"),
        (okp("Ed25519", &ed25519_x), okp("Ed25519", &base64url(32, 0)), "", "DOCUMENT_KEY_INVALID"),
        (
            okp("X25519", &base64url(32, 9)),
            okp("X25519", &base64url(32, 0)),
            "",
            "DOCUMENT_KEY_INVALID",
        ),
        (
            okp("X448", &base64url(56, 9)),
            okp("X448", &base64url(57, 9)),
            "/x",
            "DOCUMENT_KEY_LENGTH",
        ),
        (akp(1312), akp(1311), "/pub", "DOCUMENT_KEY_LENGTH"),
        (rsa(256, 0xff, "AQAB"), rsa(255, 0xff, "AQAB"), "/n", "DOCUMENT_KEY_LENGTH"),
        (rsa(512, 0xff, "Aw"), rsa(513, 0xff, "Aw"), "/n", "DOCUMENT_KEY_LENGTH"),
        (rsa(256, 0x81, "AQAB"), rsa(256, 0x80, "AQAB"), "", "DOCUMENT_KEY_INVALID"),
        (rsa(256, 0xff, "AQAB"), rsa(256, 0x7f, "AQAB"), "", "DOCUMENT_KEY_INVALID"),
        (rsa(256, 0xff, "AQAB"), rsa(256, 0xff, "AQ"), "", "DOCUMENT_KEY_INVALID"),
        (rsa(256, 0xff, "AQAB"), rsa(256, 0xff, "AAEAAQ"), "", "DOCUMENT_KEY_INVALID"),
    ];
    let cases = cases.into_iter().map(|(yes, no, tail, name)| (at, yes, no, path(tail), name));
    assert_cases(cases.collect());
}
