use registry_core::code::Code;
use registry_core::record::Kind;
use registry_core::time::TimeMs;
use registry_state::execution::Genesis;

use super::*;
use crate::Warning;
use crate::limits::GENESIS_BYTES_MAX;

fn json_refusal(json: &str) -> (usize, String) {
    match GenesisFile::parse(json).expect_err("must be refused") {
        GenesisError::Json { line, reason, hint, .. } => (line, reason + &hint),
        other => panic!("{other} is no JSON error"),
    }
}

fn replaced(from: &str, to: &str) -> String {
    let json = file().to_json();
    assert!(json.contains(from), "{from} is not in the file");
    json.replacen(from, to, 1)
}

#[test]
fn a_file_survives_its_json() {
    let mut file = file();
    file.public_url = Some("https://registry.example".to_owned());
    file.operations = vec![create(50, Hash::ZERO)];
    assert_eq!(GenesisFile::parse(&file.to_json()), Ok(file));
}

#[test]
fn the_chain_id_is_the_hash_of_the_canonical_form_and_not_of_the_text() {
    let file = outline().with_validators((1..=4).map(validator).collect()).expect("a genesis");
    let golden = "a42fc3d81545b11c94b314e64883844b21d60894518fb02e5bf51bfc6ef5328a";
    assert_eq!(file.chain_id().to_string(), golden);
    let sorted: serde_json::Value = serde_json::from_str(&file.to_json()).expect("JSON");
    let sorted = sorted.to_string();
    assert!(sorted.starts_with("{\"network\""), "another order of fields, and no spaces");
    assert_eq!(GenesisFile::parse(&sorted).map(|file| file.chain_id()), Ok(file.chain_id()));
}

#[test]
fn every_field_is_under_the_chain_id() {
    let mut ids = std::collections::BTreeSet::from([file().chain_id()]);
    let mut differs = |change: fn(&mut GenesisFile)| {
        let mut changed = file();
        change(&mut changed);
        assert!(ids.insert(changed.chain_id()), "a change left the chain id as it was");
    };
    differs(|file| file.version += 1);
    differs(|file| file.network = "other".parse().expect("a network name"));
    differs(|file| file.time.0 += 1);
    differs(|file| file.public_url = Some("https://registry.example".to_owned()));
    differs(|file| file.parameters.heartbeat_ms += 1);
    differs(|file| file.validators[0].name.push('x'));
    differs(|file| file.validators[0].power += 1);
    differs(|file| file.validators[0].addresses.push("/dns/a.example/tcp/1".to_owned()));
    differs(|file| file.validators.truncate(3));
    differs(|file| file.publishing[0].key = public_key(209));
    differs(|file| file.publishing[0].valid_from = Some(TimeMs(1_000)));
    differs(|file| file.publishing.truncate(3));
    differs(|file| file.operations.push(create(50, Hash::ZERO)));
}

#[test]
fn a_json_error_names_line_rule_and_remedy() {
    let (line, reason) = json_refusal(&replaced("\"heartbeat_ms\"", "\"heartbeat\""));
    assert_eq!(line, 10);
    assert!(reason.contains("unknown field `heartbeat`"), "{reason}");
    assert!(reason.ends_with("did you mean `heartbeat_ms`?"), "{reason}");
    let (line, reason) = json_refusal(&replaced("\"testnet\"", "\"Test\""));
    assert_eq!(line, 3);
    assert!(reason.contains("network \"Test\" must be 2 to 31 of a-z"), "{reason}");
    let (_, reason) = json_refusal(&replaced("00.000Z", "00Z"));
    assert!(reason.contains("three decimals"), "{reason}");
    let (_, reason) = json_refusal(&replaced("  \"version\": 1,\n", ""));
    assert_eq!(reason, "missing field `version`");
    let (_, reason) = json_refusal(&replaced("\"version\": 1,", "\"version\": 1, \"version\": 1,"));
    assert_eq!(reason, "duplicate field `version`");
    let (_, reason) = json_refusal(&replaced("\"open\"", "\"closed\""));
    assert!(reason.contains("expected `open`"), "{reason}");
    let (_, reason) = json_refusal(&(file().to_json() + "{}"));
    assert_eq!(reason, "trailing characters");
    let long = " ".repeat(GENESIS_BYTES_MAX + 1);
    let refused = GenesisFile::parse(&long).expect_err("must be refused");
    let (actual, limit) = (GENESIS_BYTES_MAX + 1, GENESIS_BYTES_MAX);
    assert_eq!(refused, GenesisError::TooLarge { actual, limit });
}

#[test]
fn height_0_holds_the_governance_records_and_the_operations() {
    let mut file = file();
    file.operations = vec![create(50, Hash::ZERO), create(60, Hash::ZERO)];
    let execution = file.execute().expect("a valid genesis");
    let header = &execution.header;
    assert_eq!((header.chain, header.height, header.time), (file.chain_id(), 0, file.time.0));
    let kinds = |kind| execution.changes.entries.iter().filter(|e| e.record.kind == kind).count();
    assert_eq!((kinds(Kind::Governance), kinds(Kind::Did)), (4, 2));
    assert_eq!(execution.receipts.len(), 2);
    let Genesis { validators, parameters, publishing, .. } =
        file.to_registry().expect("a valid genesis");
    assert_eq!(validators.set().map(|set| set.hash()), Ok(header.validators));
    assert_eq!(parameters, file.parameters);
    assert_eq!(publishing.keys, file.publishing);
}

#[test]
fn an_operation_that_does_not_apply_is_refused_with_its_place_and_code() {
    let mut bad_signature = create(60, Hash::ZERO);
    *bad_signature.0.last_mut().expect("not empty") ^= 1;
    for (second, code) in [
        (create(60, Hash([7; 32])), Code::ChainMismatch),
        (create(50, Hash::ZERO), Code::AlreadyApplied),
        (bad_signature, Code::SignatureInvalid),
        (Bytes(vec![0xff]), Code::OperationMalformed),
    ] {
        let mut file = file();
        file.operations = vec![create(50, Hash::ZERO), second];
        let refused = refusal(&file);
        let GenesisError::Operation { index: 1, refusal } = &refused else {
            panic!("{refused} does not name operation 1");
        };
        assert_eq!(refusal.code, code);
        assert!(refused.to_string().ends_with(code.hint()));
    }
}

#[test]
fn warnings_name_what_only_a_test_network_should_do() {
    assert_eq!(file().warnings(), []);
    let mut careless = outline().with_validators(vec![validator(1)]).expect("a valid genesis");
    careless.parameters.recovery_delay_ms_min = 1_000;
    careless.parameters.notice_ms_min = 1_000;
    careless.public_url = Some("http://127.0.0.1:7641".to_owned());
    assert_eq!(careless.check(), Ok(()));
    assert_eq!(
        careless.warnings(),
        [
            Warning::RecoveryDelay { actual_ms: 1_000, usual_ms_min: 86_400_000 },
            Warning::Notice { actual_ms: 1_000, usual_ms_min: 600_000 },
            Warning::NoFaultTolerated { names: vec!["node-1".to_owned()] },
            Warning::PublicUrl { url: "http://127.0.0.1:7641".to_owned() },
        ]
    );
    let mut uneven = file();
    uneven.validators[2].power = 2;
    let names = vec![uneven.validators[2].name.clone()];
    assert_eq!(uneven.warnings(), [Warning::NoFaultTolerated { names }]);
}
