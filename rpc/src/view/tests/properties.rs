//! A view holds the entries of its list, for all forms, purposes and widths.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::limits::STATUS_ENTRIES_MIN;

/// Generates a purpose, its width on the ledger, a number of entries, and the packed entries.
fn lists() -> impl Strategy<Value = (StatusPurpose, u8, u64, Vec<u8>)> {
    let kinds = prop_oneof![
        Just((StatusPurpose::Revocation, 1u8)),
        Just((StatusPurpose::Suspension, 1)),
        Just((StatusPurpose::Refresh, 1)),
        Just((StatusPurpose::Message, 1)),
        Just((StatusPurpose::Message, 2)),
        Just((StatusPurpose::Message, 4)),
        Just((StatusPurpose::Message, 8)),
    ];
    let arrays = proptest::collection::vec(any::<u8>(), 1..2_000);
    (kinds, arrays, 0u64..8).prop_map(|((purpose, bits), mut array, short)| {
        let entries = array.len() as u64 * 8 / u64::from(bits);
        let length = entries - short % (8 / u64::from(bits));
        let used = length * u64::from(bits) % 8;
        if let Some(last) = array.last_mut()
            && used != 0
        {
            *last &= (1 << used) - 1;
        }
        (purpose, bits, length, array)
    })
}

/// Returns the value that an entry must have in a form, from its value on the ledger.
fn expected(form: Form, purpose: StatusPurpose, value: u8) -> u8 {
    match (form, purpose) {
        (Form::TokenJwt | Form::TokenCwt, StatusPurpose::Suspension) => value * 2,
        (Form::TokenJwt | Form::TokenCwt, StatusPurpose::Refresh) => value * 3,
        _ => value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_form_holds_the_entries_of_the_list((purpose, bits, length, array) in lists()) {
        let list = list(purpose, bits, length, &array);
        for form in Form::ALL {
            let view = form.encode(&list, &publication(), &Key::new()).expect("it encodes");
            let published = read(&view, None);
            prop_assert_eq!(published.form, form);
            for index in 0..length {
                let value = bits::entry(&array, bits, index).expect("an entry");
                let shown = bits::entry(&published.array, published.bits, index);
                prop_assert_eq!(shown, Some(expected(form, purpose, value)), "{:?}", form);
            }
            prop_assert!(accept::check(&published, &list, URI, NOW_MS).is_ok());
            let (width, mut imported) = published.to_ledger(purpose).expect("it is a ledger's");
            imported.truncate(array.len());
            prop_assert_eq!((width, &imported), (bits, &array), "{:?}", form);
        }
    }

    #[test]
    fn one_different_entry_is_found_and_named((purpose, bits, length, array) in lists(), at: u64) {
        let entry = at % length;
        let position = entry * u64::from(bits);
        let mut other = array.clone();
        other[(position / 8) as usize] ^= 1 << (position % 8);
        let ledger = list(purpose, bits, length, &array);
        for form in Form::ALL {
            let listed = list(purpose, bits, length, &other);
            let view = form.encode(&listed, &publication(), &Key::new());
            let published = read(&view.expect("it encodes"), None);
            let value = |array| expected(form, purpose, bits::entry(array, bits, entry).unwrap());
            let (actual, expected) = (value(&other), value(&array));
            let differs = ViewError::EntryDiffers { entry, actual, expected };
            prop_assert_eq!(accept::check(&published, &ledger, URI, NOW_MS), Err(differs));
        }
    }
}

#[test]
fn the_credential_is_what_w3c_describes() {
    let view = Form::Credential.encode(
        &list(StatusPurpose::Suspension, 1, 1, &[1]),
        &publication(),
        &Key::new(),
    );
    let mut document = json(&view.expect("it encodes"));
    let encoded = document["credentialSubject"]["encodedList"].take();
    assert!(encoded.as_str().is_some_and(|text| text.starts_with('u')));
    let value = document["proof"]["proofValue"].take();
    assert!(value.as_str().is_some_and(|text| text.starts_with('z')));
    let expected = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": URI,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": "did:idem:test:publisher",
        "validFrom": "2027-01-15T08:00:00.000Z",
        "validUntil": "2027-01-15T09:00:00.000Z",
        "credentialSubject": {
            "id": format!("{URI}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": "suspension",
            "ttl": 300_000,
            "encodedList": null,
        },
        "proof": {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "created": "2027-01-15T08:00:00Z",
            "verificationMethod": "did:idem:test:publisher#node-1",
            "proofPurpose": "assertionMethod",
            "proofValue": null,
        },
    });
    assert_eq!(document, expected);
}

#[test]
fn a_message_list_names_its_width_and_each_value() {
    let messages = ["pending".to_owned(), "accepted".to_owned(), "rejected".to_owned()];
    let list = List { messages: &messages, ..list(StatusPurpose::Message, 2, 4, &[0b1110_0100]) };
    let expected = json!([
        { "status": "0x0", "message": "pending" },
        { "status": "0x1", "message": "accepted" },
        { "status": "0x2", "message": "rejected" },
        { "status": "0x3", "message": "undefined" },
    ]);
    let view = Form::CredentialJwt.encode(&list, &publication(), &Key::new()).expect("it encodes");
    let subject = &json(&view)["credentialSubject"];
    assert_eq!((&subject["statusSize"], &subject["statusMessages"]), (&json!(2), &expected));
    let status = w3c::credential_status(&list, URI, 3);
    assert_eq!((&status["statusSize"], &status["statusMessage"]), (&json!(2), &expected));
    assert_eq!(status["statusListIndex"], "3");
    // Entry 0 is the leftmost, and the more significant bit of each entry comes first.
    let encoded = subject["encodedList"].as_str().expect("a text");
    let compressed = registry_core::codec::from_base64url(&encoded[1..]).expect("base64url");
    let bytes = compress::gunzip(&compressed).expect("gzip");
    assert_eq!((bytes.len() as u64, bytes[0]), (STATUS_ENTRIES_MIN * 2 / 8, 0b0001_1011));
}

#[test]
fn the_claims_of_a_token_are_what_the_draft_describes() {
    let publication = Publication {
        window: Window::past(NOW_MS + 1, NOW_MS + 2_001),
        aggregation_uri: Some("https://node.example/status-list-aggregation"),
        ..publication()
    };
    let list = list(StatusPurpose::Suspension, 1, 2, &[0b10]);
    let view = Form::TokenJwt.encode(&list, &publication, &Key::new()).expect("it encodes");
    let mut claims = json(&view);
    let zlib = claims["status_list"]["lst"].take();
    let zlib = registry_core::codec::from_base64url(zlib.as_str().expect("a text"));
    assert_eq!(compress::unzlib(&zlib.expect("base64url")), Ok(vec![0b1000, 0]));
    let expected = json!({
        "sub": URI,
        "iat": NOW_MS / 1_000 + 1,
        "exp": NOW_MS / 1_000 + 3,
        "ttl": 300,
        "status_list": {
            "bits": 2,
            "lst": null,
            "aggregation_uri": "https://node.example/status-list-aggregation",
        },
    });
    assert_eq!(claims, expected);
    let view = Form::TokenCwt.encode(&list, &publication, &Key::new()).expect("it encodes");
    let head = [0xd2, 0x84, 0x58]; // Tag 18, array of 4, the protected header.
    assert_eq!(&view[..3], head);
}

#[test]
fn a_view_speaks_for_no_longer_than_its_list_is_in_force() {
    let list = List {
        valid_from_ms: Some(NOW_MS + 10_000),
        valid_until_ms: Some(NOW_MS + 20_000),
        ..list(StatusPurpose::Revocation, 1, 8, &[0])
    };
    for form in Form::ALL {
        let published =
            read(&form.encode(&list, &publication(), &Key::new()).expect("encodes"), None);
        assert_eq!(published.issued_ms, Some(NOW_MS + 10_000));
        assert_eq!(published.expires_ms, Some(NOW_MS + 20_000));
    }
}
