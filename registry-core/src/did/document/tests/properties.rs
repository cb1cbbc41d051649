//! Properties that hold for every document.

use proptest::prelude::*;
use serde_json::Value;

use super::super::*;
use super::{base64url, canonical, document, rendered, sample_json};
use crate::codec;
use crate::time::TimeMs;

prop_compose! {
    fn method(index: usize)(
        jwk in any::<bool>(),
        codec in 0..KeyCodec::ALL.len(),
        seed in 0x80_u8..0xc0,
        times in prop::array::uniform3(prop::option::of(0_u64..4_000_000_000)),
    ) -> VerificationMethod {
        let codec = KeyCodec::ALL[codec];
        let raw = vec![seed; codec.key_bytes()];
        let pairs = [("kty", "OKP"), ("crv", "Ed448"), ("x", &base64url(57, seed))];
        let material = if jwk {
            KeyMaterial::JsonWebKey(Jwk(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into()))
        } else {
            KeyMaterial::Multikey(Multikey::new(codec, &raw))
        };
        let [valid_from, expires, revoked] = times.map(|time| time.map(|s| TimeMs(s * 1_000)));
        let id = format!("m{index}").parse().expect("a fragment");
        VerificationMethod { id, material, valid_from, expires, revoked }
    }
}

prop_compose! {
    fn service(index: usize)(
        types in prop::collection::vec("[A-Za-z.]{1,6}", 1..3),
        uris in prop::collection::vec("https://[a-z]{1,9}/[a-z]{0,9}", 1..3),
        name in "[a-z]{1,3}",
        shape in 0..3,
        priority in prop::option::of(any::<u32>()),
        accept in prop::collection::vec("[a-z]/[a-z]{1,3}", 0..3),
    ) -> Service {
        let value = match shape {
            0 => EndpointValue::One(uris[0].clone()),
            _ => EndpointValue::Many(uris.clone()),
        };
        let service_endpoint = match shape {
            2 => uris.iter().cloned().map(Endpoint::Uri).collect(),
            _ => vec![Endpoint::Map([(name, value)].into())],
        };
        let id = format!("s{index}").parse().expect("a fragment");
        let (recipient_keys, routing_keys) = (Vec::new(), vec!["did:web:a#k".to_owned()]);
        Service { id, types, service_endpoint, accept, priority, recipient_keys, routing_keys }
    }
}

prop_compose! {
    fn arbitrary_document()(
        also_known_as in prop::collection::vec("did:web:[a-z]{1,9}", 0..3),
        verification_method in (0..4_usize).prop_flat_map(|n| {
            (0..n).map(method).collect::<Vec<_>>()
        }),
        service in (0..3_usize).prop_flat_map(|n| (0..n).map(service).collect::<Vec<_>>()),
        in_relationship in prop::array::uniform4(any::<bool>()),
    ) -> Document {
        let some = |wanted: bool| {
            let methods = verification_method.iter().filter(|_| wanted);
            methods.map(|method| method.id.clone()).collect::<Vec<Fragment>>()
        };
        let [authentication, key_agreement, assertion_method, capability_delegation] =
            in_relationship.map(some);
        Document {
            also_known_as,
            verification_method,
            authentication,
            assertion_method,
            key_agreement,
            capability_delegation,
            capability_invocation: Vec::new(),
            service,
        }
    }
}

proptest! {
    #[test]
    fn documents_round_trip_and_render_canonically(document in arbitrary_document()) {
        let bytes = codec::encode(&document);
        let decoded = codec::decode::<Document>(&bytes, bytes.len());
        prop_assert_eq!(decoded, Ok(document.clone()));
        let json = serde_json::to_string(&document).expect("writes to memory");
        let read: Document = serde_json::from_str(&json).expect("reads what it wrote");
        prop_assert_eq!(&read, &document);

        let text = rendered(&document, &[]);
        let value: Value = serde_json::from_str(&text).expect("is JSON");
        prop_assert!(text.is_ascii());
        prop_assert_eq!(canonical(&value), text);
        let methods = value["verificationMethod"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(methods, document.verification_method.len());
    }

    #[test]
    fn checking_is_total(text in "\\PC{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut document = document(sample_json());
        let key = Multikey::from_text(&format!("u{}", codec::base64url(&bytes)));
        document.verification_method[0].material = KeyMaterial::Multikey(key.expect("base64url"));
        document.also_known_as =
            ["", "https://", "did:"].map(|scheme| format!("{scheme}{text}")).to_vec();
        document.service[0].types = vec![text.clone()];
        let jwk = [("kty", "EC"), ("crv", "P-256"), ("x", &text), (text.as_str(), "AQ")];
        let jwk = jwk.map(|(name, value)| (name.to_owned(), value.to_owned()));
        document.verification_method[2].material = KeyMaterial::JsonWebKey(Jwk(jwk.into()));
        let refusals = document.refusals();
        prop_assert_eq!(document.check().err(), refusals.first().cloned());
        prop_assert!(refusals.iter().all(|error| (1101..1200).contains(&error.code())));
        let _ = codec::decode::<Document>(&bytes, bytes.len());
    }
}
