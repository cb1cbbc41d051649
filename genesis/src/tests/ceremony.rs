use registry_core::governance::GovernanceError;
use registry_core::time::TimeMs;

use super::*;

#[test]
fn any_order_of_entries_builds_the_same_file() {
    let expected = file();
    for order in [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 4, 2]] {
        let entries = order.map(entry);
        assert_eq!(outline().build(&entries), Ok(expected.clone()));
    }
    let keys: Vec<_> = expected.validators.iter().map(|entry| entry.key).collect();
    assert!(keys.is_sorted());
}

#[test]
fn an_entry_survives_its_json() {
    assert_eq!(Entry::parse(&entry(1).to_json()), Ok(entry(1)));
}

#[test]
fn a_tampered_entry_is_refused() {
    let tamperings: [fn(&mut Entry); 8] = [
        |entry| entry.network = "other".parse().expect("a network name"),
        |entry| {
            entry.validator.name = "mallory".to_owned();
            entry.publishing.name = "mallory".parse().expect("a fragment");
        },
        |entry| entry.validator.key = validator(9).key,
        |entry| entry.validator.power = 1_000,
        |entry| entry.validator.peer = validator(9).peer,
        |entry| entry.publishing.key = publishing(9).key,
        |entry| entry.publishing.valid_until = Some(TimeMs(2_000)),
        |entry| entry.validator.addresses = vec!["/ip4/198.51.100.1/tcp/7640".to_owned()],
    ];
    for tamper in tamperings {
        let mut tampered = entry(1);
        tamper(&mut tampered);
        let refused = Entry::parse(&tampered.to_json()).expect_err("must be refused");
        assert!(matches!(refused, GenesisError::Entry { .. }), "{refused}");
        assert!(outline().build(&[tampered]).is_err());
    }
}

#[test]
fn an_entry_proves_its_key_for_its_purpose_only() {
    let mut vote_like = entry(1);
    let other_purpose = registry_core::crypto::Hash::of(
        registry_core::crypto::Purpose::Vote,
        &[&Entry::message(&vote_like.network, &vote_like.validator, &vote_like.publishing)],
    );
    vote_like.signature = FixedBytes(signing_key(1).sign(&other_purpose.0).to_bytes());
    assert!(vote_like.check().is_err());
}

#[test]
fn an_entry_with_a_broken_rule_is_refused_before_its_signature() {
    let mut wrong = entry(1);
    wrong.validator.addresses.clear();
    let refused = wrong.check().expect_err("must be refused").to_string();
    assert!(refused.starts_with("validator.addresses is 0 addresses"), "{refused}");
}

#[test]
fn an_entry_lists_the_publishing_key_under_the_validators_name() {
    let refused = |change: fn(&mut Entry)| {
        let mut wrong = entry(1);
        change(&mut wrong);
        wrong.check().expect_err("must be refused").to_string()
    };
    assert_eq!(
        refused(|entry| entry.publishing.name = publishing(2).name),
        "publishing.name is node-2, it must be node-1, the validator's name"
    );
    let own_use = "it must be a key of its own: node-1 votes or speaks to its peers with this one";
    for used in [
        refused(|entry| entry.publishing.key = public_key(1)),
        refused(|entry| entry.publishing.key = public_key(101)),
    ] {
        assert!(used.starts_with("publishing.key is z6Mk") && used.ends_with(own_use), "{used}");
    }
    let weak = PublicKey::new(Suite::Ed25519, &[0; 32]);
    let mut wrong = entry(1);
    wrong.publishing.key = weak.expect("the right length");
    assert!(matches!(wrong.check(), Err(GenesisError::Rule(GovernanceError::Publishing(_)))));
}

#[test]
fn the_outline_lists_nodes_without_an_entry() {
    let outline = Outline { publishing: vec![publishing(7), publishing(0)], ..outline() };
    let built = outline.build(&[entry(4), entry(1), entry(3), entry(2)]).expect("a genesis");
    let names: Vec<_> = built.publishing.iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["node-0", "node-1", "node-2", "node-3", "node-4", "node-7"]);
    let outline = Outline { publishing: vec![publishing(1)], ..self::outline() };
    let refused = outline.build(&[entry(1)]).expect_err("one name twice");
    assert!(matches!(refused, GenesisError::Rule(GovernanceError::Publishing(_))), "{refused}");
}

#[test]
fn an_entry_for_another_network_is_refused() {
    let refused = outline().build(&[entry(1), entry_for("other", 2)]).expect_err("refused");
    let expected = "entry of node-2: network is other, it must be testnet";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn the_same_operator_twice_is_refused() {
    let refused = outline().build(&[entry(1), entry(2), entry(1)]).expect_err("refused");
    assert!(matches!(refused, GenesisError::Rule(GovernanceError::Duplicate { .. })), "{refused}");
}

#[test]
fn an_outline_has_the_usual_parameters_and_survives_its_json() {
    let json = crate::file::to_json(&outline());
    assert_eq!(Outline::parse(&json), Ok(outline()));
    assert_eq!(outline().parameters, registry_core::governance::Parameters::default());
}
