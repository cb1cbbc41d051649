//! Tests of a network on which writes need an endorser: a write is refused, endorsed and refused by
//! quota. A rotation needs no endorsement.

use std::time::Duration;

use registry_tests::cluster::{Localnet, check_equal_chains};
use serde_json::{Value, json};

/// Cost in units of what one endorser may vouch for in an hour. The seed of a localnet needs less.
const COST_PER_HOUR: u64 = 10_000;
const LIMIT: Duration = Duration::from_secs(20);

struct Endorsed {
    network: Localnet,
    authority: String,
}

impl Endorsed {
    fn file(&self, name: &str) -> String {
        self.network.path(name).display().to_string()
    }

    /// Runs a command at a node, with the key file of that name.
    fn run(
        &self,
        node: usize,
        command: &[&str],
        keys: &str,
        more: &[&str],
    ) -> (i32, Value, String) {
        let keys = self.file(keys);
        self.network.idem(node, &[command, &["--keys", &keys, "--no-passphrase"], more].concat())
    }

    fn done(&self, node: usize, command: &[&str], keys: &str, more: &[&str]) -> Value {
        let (code, answer, errors) = self.run(node, command, keys, more);
        assert_eq!(code, 0, "{command:?} {more:?}: {errors}");
        answer
    }

    /// Creates a DID with the endorsement of `endorser`, whose keys are in the file
    /// `endorser_keys`.
    fn create(&self, keys: &str, (endorser, endorser_keys): (&str, &str)) -> (i32, Value, String) {
        let endorser_keys = self.file(endorser_keys);
        let endorsed = ["--endorser", endorser, "--cosigner-keys", &endorser_keys];
        self.run(1, &["did", "create"], keys, &endorsed)
    }

    async fn explain(&self, params: Value) -> Value {
        let client = &self.network.nodes[2].client;
        client.call("trust_explainWrite", params).await.expect("an answer")
    }

    /// Creates an endorser: a DID to which the authority grants the right to write everything.
    fn endorser(&self) -> String {
        let (code, made, errors) =
            self.create("endorser.json", (&self.authority, "keys/registry.json"));
        assert_eq!(code, 0, "{errors}");
        let did = made["did"].as_str().expect("a DID").to_owned();
        let right = ["--action", "registry:write", "--resource", "registry/*", "--entity", &did];
        self.done(0, &["trust", "grant"], "keys/registry.json", &right);
        did
    }
}

/// Returns the line with the reason; warnings come before it.
fn refusal(errors: &str) -> &str {
    errors.lines().find(|line| line.contains("refused")).expect("a refusal")
}

/// Returns the DIDs of those who can endorse, from an answer of `trust_explainWrite`.
fn endorsers(answer: &Value) -> Vec<&str> {
    let listed = answer["endorsers"].as_array().expect("a list").iter();
    listed.map(|endorser| endorser["did"].as_str().expect("a DID")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_write_is_a_right_and_an_endorsers_quota_runs_out() {
    let network = Localnet::start_endorsed(COST_PER_HOUR).await;
    let authority = network.description["authority"].as_str().expect("a DID").to_owned();
    let all = Endorsed { network, authority };
    let endorser = all.endorser();

    let (code, _, errors) = all.run(3, &["did", "create"], "stranger.json", &[]);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("2064 ENDORSEMENT_NEEDED") && errors.contains(&endorser), "{errors}");
    println!("a stranger: {}", refusal(&errors));
    let explained = all.explain(json!({ "operation": "did_create" })).await;
    assert_eq!((&explained["allowed"], &explained["policy"]), (&json!(false), &json!("endorsed")));
    assert_eq!(endorsers(&explained), [&*endorser, &*all.authority]);

    let (code, made, errors) = all.create("stranger.json", (&endorser, "endorser.json"));
    assert_eq!(code, 0, "endorsed: {errors}");
    let stranger = made["did"].as_str().expect("a DID").to_owned();
    let own = all.explain(json!({ "operation": "status_create", "did": endorser })).await;
    assert_eq!(
        (&own["allowed"], &own["own"]["costPerHour"]),
        (&json!(true), &json!(COST_PER_HOUR))
    );
    co_signed(&all, &stranger, &endorser);
    used_up(&all, &endorser).await;
    control_goes_on(&all, &stranger, &endorser).await;

    let (code, _, errors) = all.run(0, &["did", "rotate"], "stranger.json", &[]);
    assert_eq!(code, 0, "a rotate needs nobody: {errors}");
    let free = all.explain(json!({ "operation": "did_rotate", "did": stranger })).await;
    assert_eq!(free["allowed"], true, "{free}");
    check_equal_chains(&all.network.clients(), LIMIT).await;
}

/// Prepares an operation at one node, signs it as two parties at another, and submits it at a
/// third.
fn co_signed(all: &Endorsed, stranger: &str, endorser: &str) {
    let file = all.file("list.json");
    let params = json!({ "author": stranger, "purpose": "revocation", "bits": 1, "length": 100 });
    let params = params.to_string();
    let prepare = ["operation", "prepare", "status_prepareCreate", "--params", &params, &file];
    let (code, _, errors) = all.network.idem(0, &prepare);
    assert!(code == 1 && errors.contains("ENDORSEMENT_NEEDED"), "unendorsed: {errors}");
    all.network.done(0, &[&prepare[..], &["--endorser", endorser]].concat());
    let signed =
        |keys: &str, did: &str| all.done(1, &["operation", "sign", &file], keys, &["--did", did]);
    signed("stranger.json", stranger);
    let (code, _, errors) = all.network.idem(3, &["operation", "submit", &file]);
    assert!(errors.contains("1036 ENDORSER_MISSING"), "half signed ({code}): {errors}");
    let shown = signed("endorser.json", endorser);
    let roles: Vec<&str> = shown["signatures"]
        .as_array()
        .expect("signatures")
        .iter()
        .map(|one| one["role"].as_str().expect("a role"))
        .collect();
    assert_eq!(roles, ["author", "endorser"]);
    all.network.done(3, &["operation", "submit", &file]);
}

/// Writes until the quota of the endorser is used up. If the hour ends meanwhile, the quota refills
/// once.
async fn used_up(all: &Endorsed, endorser: &str) {
    // Each create costs more than a hundredth of the quota.
    for number in 0..=200 {
        let keys = format!("other-{number}.json");
        let (code, _, errors) = all.create(&keys, (endorser, "endorser.json"));
        if code == 0 {
            continue;
        }
        assert!(errors.contains("2066 ENDORSER_QUOTA"), "{errors}");
        assert!(errors.contains("(its quota refills at 20"), "it says when: {errors}");
        let own = all.explain(json!({ "operation": "did_create", "did": endorser })).await;
        if own["allowed"] == true {
            // The hour has ended since then.
            continue;
        }
        println!("after {number}: {}", refusal(&errors));
        assert_eq!(own["allowed"], false);
        assert!(own["own"]["used"].as_u64() >= Some(COST_PER_HOUR), "{own}");
        return;
    }
    panic!("{COST_PER_HOUR} an hour did not run out");
}

/// Checks that the control set of the endorser signs while the quota of its methods is used up.
async fn control_goes_on(all: &Endorsed, stranger: &str, endorser: &str) {
    let before = all.explain(json!({ "operation": "trust_grant", "did": endorser })).await;
    let right = ["--action", "issue", "--resource", "degrees", "--entity", stranger];
    let by_control = [&right[..], &["--by-control"]].concat();
    let made = all.done(1, &["trust", "grant"], "endorser.json", &by_control);
    let height = &made["height"];
    let params = json!({ "operation": "trust_grant", "did": endorser, "minHeight": height });
    let after = all.explain(params).await;
    let refilled = before["own"]["refillsAt"] != after["own"]["refillsAt"];
    assert!(refilled || after["own"]["usedByControl"].as_u64() > Some(0), "{before} {after}");
}
