//! Tests of which keys are the same key.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{ED25519, P256_X, P256_Y};
use crate::codec::{base64url, decode, encode};

fn of_jwk(jwk: Value) -> Vec<KeyIdentity> {
    let jwk: Jwk = serde_json::from_value(jwk).expect("text members");
    KeyMaterial::JsonWebKey(jwk).identities()
}

fn of_multikey(codec: KeyCodec, raw: &[u8]) -> Vec<KeyIdentity> {
    KeyMaterial::Multikey(Multikey::new(codec, raw)).identities()
}

/// Returns the members of a JWK whose key bytes are `raw`.
fn jwk(kty: &str, selector: (&str, &str), member: &str, raw: &[u8]) -> Value {
    let mut jwk = json!({ "kty": kty, member: base64url(raw) });
    jwk[selector.0] = json!(selector.1);
    if kty == "EC" {
        jwk["y"] = json!(base64url(&vec![9; raw.len()]));
    }
    jwk
}

#[test]
fn a_multikey_and_a_jwk_of_one_point_are_one_key() {
    use KeyCodec::*;
    for codec in [P256, P384, P521, Secp256k1] {
        let x = vec![7; codec.key_bytes() - 1];
        let of_jwk = of_jwk(jwk("EC", ("crv", codec.name()), "x", &x));
        assert_eq!(of_jwk.len(), 1, "{codec:?}");
        for tag in [2, 3] {
            assert_eq!(of_multikey(codec, &[&[tag], x.as_slice()].concat()), of_jwk, "{codec:?}");
        }
    }
    for codec in [Ed25519, X25519] {
        let of_jwk = of_jwk(jwk("OKP", ("crv", codec.name()), "x", &[7; 32]));
        assert_eq!((of_multikey(codec, &[7; 32]), 1), (of_jwk.clone(), of_jwk.len()));
    }
    for codec in [MlDsa44, MlDsa65, MlDsa87, SlhDsa128s] {
        let raw = vec![7; codec.key_bytes()];
        let of_jwk = of_jwk(jwk("AKP", ("alg", codec.name()), "pub", &raw));
        assert_eq!((of_multikey(codec, &raw), 1), (of_jwk.clone(), of_jwk.len()));
    }
    let y = |y: &str| of_jwk(json!({ "kty": "EC", "crv": "P-256", "x": P256_X, "y": y }));
    assert_eq!(y(P256_Y), y(P256_X), "y does not count");
}

#[test]
fn keys_of_other_points_and_other_curves_are_other_keys() {
    let x = [7; 32];
    let all = [
        of_jwk(jwk("EC", ("crv", "P-256"), "x", &x)),
        of_jwk(jwk("EC", ("crv", "P-256"), "x", &[8; 32])),
        of_jwk(jwk("EC", ("crv", "secp256k1"), "x", &x)),
        of_jwk(jwk("OKP", ("crv", "Ed25519"), "x", &x)),
        of_jwk(jwk("OKP", ("crv", "X25519"), "x", &x)),
        of_jwk(jwk("AKP", ("alg", "SLH-DSA-SHA2-128s"), "pub", &x)),
        of_jwk(jwk("OKP", ("crv", "Ed448"), "x", &[7; 57])),
        of_jwk(jwk("OKP", ("crv", "X448"), "x", &[7; 56])),
        of_multikey(KeyCodec::MlDsa44, &[7; 1312]),
        of_multikey(KeyCodec::MlDsa44, &[8; 1312]),
        of_multikey(KeyCodec::MlDsa65, &[7; 1952]),
    ];
    for (place, one) in all.iter().enumerate() {
        assert_eq!(one.len(), 1, "{one:?}");
        assert!(all[..place].iter().all(|other| other != one), "{one:?}");
    }
}

#[test]
fn an_rsa_key_is_its_modulus() {
    let rsa = |n: u8, e: &str| of_jwk(json!({ "kty": "RSA", "n": base64url(&[n; 256]), "e": e }));
    assert_eq!((rsa(0xff, "AQAB"), 1), (rsa(0xff, "Aw"), rsa(0xff, "Aw").len()));
    assert_ne!(rsa(0xff, "AQAB"), rsa(0xfd, "AQAB"));
}

#[test]
fn a_bls_key_in_both_groups_is_the_two_points_of_it() {
    use KeyCodec::{Bls12381G1, Bls12381G1G2, Bls12381G2};
    let point = |first: u8, bytes: usize| {
        let mut raw = vec![7; bytes];
        raw[0] = first;
        raw
    };
    let (first, second) = (of_multikey(Bls12381G1, &point(0x87, 48)), point(0xa1, 96));
    assert_eq!(of_multikey(Bls12381G1, &point(0xa7, 48)), first, "the other y");
    let second_identity = of_multikey(Bls12381G2, &second);
    let both = of_multikey(Bls12381G1G2, &[point(0xa7, 48), second].concat());
    assert_eq!(both, [first, second_identity].concat());
    assert_eq!(both.len(), 2);
}

#[test]
fn an_identity_reads_as_a_multikey_of_the_point_and_has_one_spelling() {
    let ed25519: KeyIdentity = serde_json::from_value(json!(ED25519)).expect("a key");
    assert_eq!(ed25519.to_string(), ED25519);
    let raw = |tag: u8| [&[tag], &[7; 32][..]].concat();
    let [even, odd] = [2, 3].map(|tag| Multikey::new(KeyCodec::P256, &raw(tag)));
    let read = |key: &Multikey| serde_json::from_value::<KeyIdentity>(json!(key.to_string()));
    assert_eq!(read(&odd).expect("a key").to_string(), even.to_string());
    let decoded = |key: &Multikey| {
        let bytes = encode(key);
        decode::<KeyIdentity>(&bytes, bytes.len()).expect("bytes").is_spelled()
    };
    assert_eq!([decoded(&even), decoded(&odd)], [true, false]);
    let bls = |first: u8| {
        let mut raw = vec![7; 48];
        raw[0] = first;
        Multikey::new(KeyCodec::Bls12381G1, &raw)
    };
    assert_eq!(
        [0x87, 0xa7, 0xc7, 0x07].map(|first| decoded(&bls(first))),
        [true, false, false, false]
    );
    let long = Multikey::new(KeyCodec::MlDsa87, &[7; 2592]);
    assert!(!decoded(&long));
    let identity = read(&long).expect("a key");
    assert!(identity.to_string().len() < 60, "a long key counts by its hash: {identity}");
    for unknown in ["zUnknown", "u_AEA", "u", ""] {
        assert!(serde_json::from_value::<KeyIdentity>(json!(unknown)).is_err(), "{unknown}");
    }
    let pair = Multikey::new(KeyCodec::Bls12381G1G2, &[0x87; 144]);
    assert!(read(&pair).is_err(), "two points are two marks");
    assert!(!decoded(&pair));
}

fn any_key() -> impl Strategy<Value = Multikey> {
    let codec = proptest::sample::select(KeyCodec::ALL.to_vec());
    codec.prop_flat_map(|codec| {
        let raw = proptest::collection::vec(any::<u8>(), codec.key_bytes());
        raw.prop_map(move |mut raw| {
            use KeyCodec::{Bls12381G1, Bls12381G1G2, Bls12381G2};
            // The top bits that every BLS12-381 point of a document has.
            if matches!(codec, Bls12381G1 | Bls12381G1G2 | Bls12381G2) {
                raw[0] = raw[0] & 0x3f | 0x80;
            }
            if codec == Bls12381G1G2 {
                raw[48] = raw[48] & 0x3f | 0x80;
            }
            Multikey::new(codec, &raw)
        })
    })
}

proptest! {
    #[test]
    fn every_identity_of_a_key_is_spelled_and_reads_back(key in any_key()) {
        let is_pair = key.codec() == Some(KeyCodec::Bls12381G1G2);
        let identities = KeyMaterial::Multikey(key.clone()).identities();
        prop_assert_eq!(identities.len(), if is_pair { 2 } else { 1 });
        for identity in identities {
            prop_assert!(identity.is_spelled(), "{}", identity);
            let text = serde_json::to_value(&identity).expect("JSON");
            let read: KeyIdentity = serde_json::from_value(text).expect("an identity");
            prop_assert_eq!(&read, &identity);
            let bytes = encode(&identity);
            prop_assert_eq!(decode::<KeyIdentity>(&bytes, bytes.len()), Ok(identity));
        }
    }
}
