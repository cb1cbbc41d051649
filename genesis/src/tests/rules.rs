//! These tests try each rule on both sides of its boundary.

use registry_core::certificate::ValidatorSetError;
use registry_core::governance::{
    EndorsedWrites, GOVERNORS, GovernanceError, Governors, PublishingError, WritePolicy,
};
use registry_core::id::{Did, Suffix};
use registry_core::limits::{BLOCK_OPERATIONS_MAX, RECOVERY_DELAY_MS_MAX, VALIDATOR_POWER_MAX};
use registry_core::time::TimeMs;

use super::*;
use crate::limits::TIME_MS_END;

fn accepted(change: impl FnOnce(&mut GenesisFile)) {
    let mut file = file();
    change(&mut file);
    assert_eq!(file.check(), Ok(()));
}

/// Asserts that the changed file is refused with an error about `path`.
fn refused(path: &str, change: impl FnOnce(&mut GenesisFile)) {
    let mut file = file();
    change(&mut file);
    let error = refusal(&file);
    match &error {
        GenesisError::Rule(
            GovernanceError::Value { path: actual, .. }
            | GovernanceError::Duplicate { path: actual, .. },
        ) => assert_eq!(actual, path, "{error}"),
        other => panic!("{other} does not name {path}"),
    }
}

#[test]
fn version_is_the_one_this_build_speaks() {
    accepted(|file| file.version = 1);
    refused("version", |file| file.version = 2);
}

#[test]
fn time_can_be_written() {
    accepted(|file| file.time = TimeMs(TIME_MS_END - 1));
    refused("time", |file| file.time = TimeMs(TIME_MS_END));
}

#[test]
fn public_url_is_a_plain_prefix() {
    for url in
        ["https://registry.example", "https://registry.example/idem", "http://127.0.0.1:7641"]
    {
        accepted(|file| file.public_url = Some(url.to_owned()));
    }
    for url in [
        "https://registry.example/",
        "https://Registry.example",
        "https://registry.example:443",
        "https://user@registry.example",
        "https://registry.example?x",
        "https://registry.example#x",
        "https://registry.example/a/../b",
        "ftp://registry.example",
        "registry.example",
        "",
    ] {
        refused("public_url", |file| file.public_url = Some(url.to_owned()));
    }
    let long = format!("https://registry.example/{}", "a".repeat(512));
    refused("public_url", |file| file.public_url = Some(long));
}

#[test]
fn parameters_are_within_their_bounds() {
    accepted(|file| file.parameters.recovery_delay_ms_min = 1_000);
    accepted(|file| file.parameters.recovery_delay_ms_min = RECOVERY_DELAY_MS_MAX);
    let path = "parameters.recovery_delay_ms_min";
    refused(path, |file| file.parameters.recovery_delay_ms_min = 999);
    refused(path, |file| file.parameters.recovery_delay_ms_min = RECOVERY_DELAY_MS_MAX + 1);

    accepted(|file| file.parameters.notice_ms_min = 1_000);
    accepted(|file| file.parameters.notice_ms_min = 30 * 86_400_000);
    refused("parameters.notice_ms_min", |file| file.parameters.notice_ms_min = 999);
    refused("parameters.notice_ms_min", |file| {
        file.parameters.notice_ms_min = 30 * 86_400_000 + 1;
    });

    accepted(|file| file.parameters.block_interval_ms_min = 10);
    accepted(|file| file.parameters.block_interval_ms_min = file.parameters.heartbeat_ms);
    let path = "parameters.block_interval_ms_min";
    refused(path, |file| file.parameters.block_interval_ms_min = 9);
    refused(path, |file| file.parameters.block_interval_ms_min = 30_001);

    accepted(|file| file.parameters.heartbeat_ms = 30_000);
    accepted(|file| file.parameters.heartbeat_ms = file.parameters.block_interval_ms_min);
    refused("parameters.heartbeat_ms", |file| file.parameters.heartbeat_ms = 30_001);
    refused("parameters.heartbeat_ms", |file| file.parameters.heartbeat_ms = 99);
}

#[test]
fn timeouts_are_within_their_bounds() {
    accepted(|file| file.parameters.timeout_ms_max = 60_000);
    refused("parameters.timeout_ms_max", |file| file.parameters.timeout_ms_max = 60_001);
    accepted(|file| file.parameters.timeout_ms_max = 4_000);
    refused("parameters.timeout_ms_max", |file| file.parameters.timeout_ms_max = 3_999);

    accepted(|file| file.parameters.timeout_propose_ms = 5_000);
    accepted(|file| {
        file.parameters.timeout_propose_ms = 787;
        file.parameters.block_cost_max = 118_000;
    });
    accepted(|file| file.parameters.timeout_prevote_ms = 100);
    accepted(|file| file.parameters.timeout_precommit_ms = 100);
    accepted(|file| file.parameters.timeout_step_ms = 100);
    refused("parameters.timeout_propose_ms", |file| file.parameters.timeout_propose_ms = 5_001);
    refused("parameters.timeout_propose_ms", |file| file.parameters.timeout_propose_ms = 786);
    refused("parameters.timeout_prevote_ms", |file| file.parameters.timeout_prevote_ms = 99);
    refused("parameters.timeout_precommit_ms", |file| file.parameters.timeout_precommit_ms = 99);
    refused("parameters.timeout_step_ms", |file| file.parameters.timeout_step_ms = 99);
}

#[test]
fn the_budget_of_a_block_is_within_its_bounds() {
    let path = "parameters.block_cost_max";
    accepted(|file| file.parameters.block_cost_max = 118_000);
    accepted(|file| file.parameters.block_cost_max = 150_000);
    refused(path, |file| file.parameters.block_cost_max = 117_999);
    refused(path, |file| file.parameters.block_cost_max = 150_001);
    refused(path, |file| file.parameters.timeout_propose_ms = 999);
}

#[test]
fn an_idle_network_that_loses_two_rounds_does_not_count_as_halted() {
    let rounds = |file: &mut GenesisFile, propose_ms, vote_ms| {
        file.parameters.timeout_ms_max = 60_000;
        file.parameters.timeout_propose_ms = propose_ms;
        file.parameters.timeout_prevote_ms = vote_ms;
        file.parameters.timeout_precommit_ms = vote_ms;
    };
    accepted(|file| rounds(file, 12_499, 5_000));
    refused("parameters.heartbeat_ms", |file| rounds(file, 12_500, 5_000));
    accepted(|file| {
        rounds(file, 5_000, 4_999);
        file.parameters.heartbeat_ms = 30_000;
    });
    refused("parameters.heartbeat_ms", |file| {
        rounds(file, 5_000, 5_000);
        file.parameters.heartbeat_ms = 30_000;
    });
    refused("parameters.heartbeat_ms", |file| rounds(file, 30_000, 100));
}

#[test]
fn a_name_is_a_host_name() {
    accepted(|file| file.validators[0].name = "a".repeat(63));
    for name in ["", "-a", "a-", "A", "a_b", "a.b", "ä"] {
        refused("validators[0].name", |file| file.validators[0].name = name.to_owned());
    }
    refused("validators[0].name", |file| file.validators[0].name = "a".repeat(64));
}

#[test]
fn a_peer_id_is_that_of_an_ed25519_key_of_its_own() {
    let own = file().validators[0].key;
    for peer in [
        "",
        "12D3KooW",
        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
        &peer_id(&[0; 32]),
        &peer_id(&own.0),
    ] {
        refused("validators[0].peer", |file| file.validators[0].peer = peer.to_owned());
    }
}

#[test]
fn addresses_are_tcp_in_normal_spelling() {
    for address in [
        "/ip4/192.0.2.1/tcp/1",
        "/ip6/2001:db8::1/tcp/65535",
        "/dns/node.registry.example/tcp/7640",
        "/dns4/localhost/tcp/7640",
        "/dns6/localhost/tcp/7640",
    ] {
        accepted(|file| file.validators[0].addresses = vec![address.to_owned()]);
    }
    let with_peer = format!("/ip4/192.0.2.1/tcp/7640/p2p/{}", validator(1).peer);
    for address in [
        "192.0.2.1:7640",
        "/ip4/192.0.2.1",
        "/ip4/192.0.2.256/tcp/7640",
        "/ip4/192.0.2.1/udp/7640",
        "/ip4/192.0.2.1/tcp/0",
        "/ip4/192.0.2.1/tcp/07640",
        "/ip4/192.0.2.1/tcp/+7640",
        "/ip4/192.0.2.1/tcp/65536",
        "/ip6/2001:DB8::1/tcp/7640",
        "/ip6/2001:db8:0::1/tcp/7640",
        "/dns/-a/tcp/7640",
        "/dns//tcp/7640",
        &with_peer,
    ] {
        let path = "validators[0].addresses[0]";
        refused(path, |file| file.validators[0].addresses = vec![address.to_owned()]);
    }
    let some = |count| vec!["/ip4/192.0.2.1/tcp/7640".to_owned(); count];
    accepted(|file| file.validators[0].addresses = some(4));
    refused("validators[0].addresses", |file| file.validators[0].addresses = some(5));
    refused("validators[0].addresses", |file| file.validators[0].addresses.clear());
}

#[test]
fn name_key_and_peer_belong_to_one_validator() {
    refused("validators[2].name", |file| {
        file.validators[2].name = file.validators[0].name.clone();
    });
    refused("validators[2].key", |file| file.validators[2].key = file.validators[0].key);
    refused("validators[2].peer", |file| {
        file.validators[2].peer = file.validators[0].peer.clone();
    });
}

#[test]
fn validators_are_a_validator_set() {
    let set_refusal = |change: fn(&mut GenesisFile)| {
        let mut file = file();
        change(&mut file);
        match refusal(&file) {
            GenesisError::Rule(GovernanceError::Validators(error)) => error,
            other => panic!("{other} is not about the set"),
        }
    };
    accepted(|file| file.validators[0].power = VALIDATOR_POWER_MAX);
    accepted(|file| file.validators.truncate(1));
    let order = set_refusal(|file| file.validators.swap(0, 1));
    assert!(matches!(order, ValidatorSetError::Order { .. }));
    let none = set_refusal(|file| file.validators.clear());
    assert!(matches!(none, ValidatorSetError::Count { actual: 0 }));
    let zero = set_refusal(|file| file.validators[0].power = 0);
    assert!(matches!(zero, ValidatorSetError::Power { power: 0, .. }));
    let power = set_refusal(|file| file.validators[0].power = VALIDATOR_POWER_MAX + 1);
    assert!(matches!(power, ValidatorSetError::Power { .. }));
    let weak = set_refusal(|file| file.validators[0].key = ValidatorKey([0; 32]));
    assert!(matches!(weak, ValidatorSetError::Key { .. }));
}

#[test]
fn the_validator_record_stays_small_enough_to_be_read_back() {
    let many = |address: &str| {
        let validators = (1..=100).map(|n| {
            let addresses = vec![address.to_owned(); 4];
            ValidatorEntry { addresses, ..validator(n) }
        });
        outline().with_validators(validators.collect())
    };
    assert!(many("/ip4/192.0.2.1/tcp/7640").is_ok());
    let label = "a".repeat(60);
    let long = format!("/dns/{label}.{label}.{label}.{label}/tcp/7640");
    let error = many(&long).expect_err("must be refused");
    assert_eq!(error.to_string().split(' ').next(), Some("validators"), "{error}");
}

#[test]
fn governors_are_dids_of_the_network_that_its_operations_create() {
    let mut governed = file();
    governed.operations = vec![create(50, Hash::ZERO), create(60, Hash::ZERO)];
    let executed = governed.execute().expect("a valid genesis");
    let dids = executed.receipts.iter().map(|receipt| receipt.key.0.clone());
    let did = |suffix: Vec<u8>| {
        let suffix = Suffix(suffix.try_into().expect("20 bytes"));
        Did { network: governed.network.clone(), suffix }
    };
    let mut members: Vec<Did> = dids.map(did).collect();
    members.sort();
    let without = governed.chain_id();
    governed.governors = Some(Governors { threshold: 2, members });
    let executed = governed.execute().expect("a valid genesis");
    let key = registry_core::governance::key(GOVERNORS);
    let entry = executed.changes.entry(&key).expect("the record of governors");
    let recorded = entry.part_value(registry_core::record::PartId::WHOLE);
    assert_eq!(recorded.ok(), governed.governors);
    assert_ne!(governed.chain_id(), without);
    assert_eq!(GenesisFile::parse(&governed.to_json()).as_ref(), Ok(&governed));

    let refused = |path: &str, change: fn(&mut Governors)| {
        let mut file = governed.clone();
        change(file.governors.as_mut().expect("governors"));
        let words = refusal(&file).to_string();
        assert!(words.starts_with(path), "{words} does not name {path}");
    };
    refused("governors.threshold is 3, it must be between 1 and 2", |of| of.threshold = 3);
    refused("governors.threshold", |of| of.threshold = 0);
    refused("governors.members is 0 DIDs", |of| of.members.clear());
    refused("governors.members[1]", |of| of.members.swap(0, 1));
    refused("governors is did:idem:testnet:aaaa", |of| {
        of.members[0] = "did:idem:testnet:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".parse().expect("one");
    });
}

#[test]
fn the_authority_of_endorsed_writes_is_created_by_the_operations() {
    let mut endorsed = file();
    endorsed.operations = vec![create(50, Hash::ZERO)];
    let executed = endorsed.execute().expect("a valid genesis");
    let suffix = executed.receipts[0].key.0.clone();
    let suffix = Suffix(suffix.try_into().expect("20 bytes"));
    let authority = Did { network: endorsed.network.clone(), suffix };
    let with = |authority: &Did, cost_per_hour| {
        let policy = EndorsedWrites { authority: authority.clone(), cost_per_hour };
        let mut file = endorsed.clone();
        file.parameters.write_policy = WritePolicy::Endorsed(policy);
        file
    };
    assert!(with(&authority, 1).execute().is_ok());
    let other = |text: &str| text.parse::<Did>().expect("a DID");
    for (path, file) in [
        ("cost_per_hour", with(&authority, 0)),
        ("cost_per_hour", with(&authority, 10_000_000_001)),
        ("authority", with(&other("did:idem:testnet:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 1)),
        ("authority", with(&Did { network: "other".parse().expect("one"), ..authority }, 1)),
    ] {
        let words = refusal(&file).to_string();
        let path = format!("parameters.write_policy.endorsed.{path} is ");
        assert!(words.starts_with(&path), "{words} does not name {path}");
    }
}

#[test]
fn publishing_keys_are_a_list_by_name_and_have_no_other_use() {
    accepted(|file| file.publishing.clear());
    accepted(|file| file.publishing.push(publishing(9)));
    let mut file = file();
    file.publishing.swap(0, 1);
    let error = refusal(&file);
    let GenesisError::Rule(GovernanceError::Publishing(order)) = &error else { panic!("{error}") };
    assert!(matches!(order, PublishingError::Order { .. }), "{error}");
    assert!(error.to_string().starts_with("publishing: node-1 is out of order"), "{error}");
    for used in [3, 103] {
        refused("publishing[1].key", |file| file.publishing[1].key = public_key(used));
    }
}

#[test]
fn operations_fit_a_block() {
    accepted(|file| file.operations = vec![create(50, Hash::ZERO)]);
    refused("operations", |file| file.operations = vec![Bytes(vec![]); BLOCK_OPERATIONS_MAX + 1]);
    refused("operations", |file| file.operations = vec![Bytes(vec![0; 1 << 20]); 3]);
}
