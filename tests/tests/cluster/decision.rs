//! Tests of the decision over the seeded framework by the command line: permitted at first, then
//! denied with one fault at a time.

use registry_core::time::TimeMs;
use registry_tests::cluster::{Localnet, check_equal_chains};
use serde_json::{Value, json};

use super::trust::{Party, Right};

/// An entry of the seeded list that is not set.
const ENTRY: u64 = 5;

/// The seeded network, and the question about its credential.
struct Seeded {
    network: Localnet,
    question: Value,
}

fn with(question: &Value, change: &Value) -> Value {
    let mut question = question.clone();
    for (name, value) in change.as_object().expect("an object") {
        question[name] = value.clone();
    }
    question
}

impl Seeded {
    async fn start() -> Self {
        let network = Localnet::start(4, 0).await;
        let seed = &network.description["seed"];
        let issuer = seed["issuer"].as_str().expect("a DID");
        let question = json!({
            "issuer": issuer,
            "verificationMethod": format!("{issuer}#key-1"),
            "credentialType": seed["credential_type"],
            "issuedAt": seed["issued_at"],
            "status": [{ "list": seed["status_list"], "entry": ENTRY }],
            "authority": seed["authority"],
            "agent": seed["agent"],
            "minimumAssurance": "low",
        });
        Self { network, question }
    }

    fn seed(&self, name: &str) -> &str {
        self.network.description["seed"][name].as_str().expect("a text")
    }

    fn keys(&self, name: &str) -> String {
        self.network.path(&format!("keys/{name}.json")).display().to_string()
    }

    /// Asks for a decision by the command line and returns the answer. The question is in a file.
    fn decide(&self, change: &Value) -> Value {
        let file = self.network.path("question.json");
        std::fs::write(&file, with(&self.question, change).to_string()).expect("written");
        let file = file.display().to_string();
        let answer = self.network.done(1, &["trust", "decide", "--file", &file]);
        let members: Vec<_> = answer.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["decision", "height", "steps", "time"]);
        answer
    }

    /// Returns the names of the steps that fail if the question is changed like this.
    fn failing(&self, change: &Value) -> Vec<String> {
        let answer = self.decide(change);
        let steps = answer["steps"].as_array().expect("steps");
        let failing = steps.iter().filter(|step| step["ok"] == false);
        let failing: Vec<_> =
            failing.map(|step| step["step"].as_str().expect("a name").to_owned()).collect();
        assert_eq!(answer["decision"] == "permit", failing.is_empty(), "{answer}");
        failing
    }

    /// Runs a command at the first node, and waits until all nodes have the result.
    async fn act(&self, arguments: &[&str]) -> Value {
        let written = self.network.done(0, arguments);
        super::trust::settled(&self.network, &written).await;
        written
    }

    /// Changes the status of a seeded grant, as its grantor.
    async fn step(&self, command: &str, grantor: &str, entity: &str) {
        let (authority, kind) = (self.seed("authority"), self.seed("credential_type"));
        let keys = self.keys(grantor);
        let right = Right { authority, resource: kind, entity }.arguments();
        self.act(&[&["trust", command, "--keys", &keys][..], &right].concat()).await;
    }

    /// Returns the time of the newest block that a question sees.
    fn now(&self) -> Value {
        self.decide(&json!({}))["time"].clone()
    }

    /// Returns the change that makes the credential issued now.
    fn issued_now(&self) -> Value {
        json!({ "issuedAt": self.now() })
    }
}

fn check_answer(seeded: &Seeded) {
    let answer = seeded.decide(&json!({}));
    assert_eq!(answer["decision"], "permit", "{answer}");
    let steps: Vec<_> = answer["steps"].as_array().expect("steps").iter().collect();
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().expect("a name")).collect();
    let all = ["issuer", "key", "type", "authorization", "assurance", "status", "agent"];
    assert_eq!(names, all);
    assert!(steps.iter().all(|step| step["finding"].as_str().is_some_and(|text| text.len() > 20)));
    assert!(seeded.failing(&json!({ "agent": null })).is_empty());
    assert!(seeded.failing(&json!({ "minimumAssurance": "substantial" })).is_empty());
}

/// Checks the answers to other questions.
async fn check_questions(seeded: &Seeded, stranger: &Party<'_>) {
    let of = |did: &str| {
        let method = format!("{did}#key-1");
        json!({ "issuer": did, "verificationMethod": method, "agent": null, "status": null })
    };
    let revoked = of(seeded.seed("revoked_issuer"));
    // The revoked issuer has no status list.
    assert_eq!(seeded.failing(&revoked), ["status"]);
    let late = with(&revoked, &json!({ "issuedAt": seeded.seed("revoked_at") }));
    assert_eq!(seeded.failing(&late), ["authorization", "status"]);

    let never = of(&stranger.did);
    let issued_now = with(&never, &seeded.issued_now());
    assert_eq!(seeded.failing(&issued_now), ["authorization", "assurance", "status"]);
    let before = seeded.now();
    let (authority, kind) = (seeded.seed("authority"), seeded.seed("credential_type"));
    let right = Right { authority, resource: kind, entity: &stranger.did }.arguments();
    let keys = seeded.keys("accreditor-1");
    let grant = ["trust", "grant", "--keys", &keys, "--assurance", "low"];
    seeded.act(&[&grant[..], &right].concat()).await;
    assert_eq!(seeded.failing(&with(&never, &seeded.issued_now())), ["status"]);
    let early = with(&never, &json!({ "issuedAt": before }));
    let answer = seeded.decide(&early);
    assert_eq!(answer["steps"][3]["ok"], false, "accredited later than issued: {answer}");

    assert_eq!(seeded.failing(&json!({ "minimumAssurance": "high" })), ["assurance"]);
    for schema in ["a".repeat(32), "https://schemas.example/degree".to_owned()] {
        assert_eq!(seeded.failing(&json!({ "schema": schema })), ["type"]);
    }
}

/// Checks how changed records change the answers. Most changes are undone again.
async fn check_records(seeded: &Seeded) {
    let (issuer, principal) = (seeded.seed("issuer"), seeded.seed("principal"));
    seeded.step("suspend", "accreditor-1", issuer).await;
    let during = seeded.issued_now();
    seeded.step("resume", "accreditor-1", issuer).await;
    assert_eq!(seeded.failing(&with(&during, &json!({ "agent": null }))), ["authorization"]);
    assert!(seeded.failing(&json!({})).is_empty());
    assert!(seeded.failing(&seeded.issued_now()).is_empty());

    seeded.step("suspend", "issuer", principal).await;
    assert_eq!(seeded.failing(&json!({})), ["agent"]);
    seeded.step("resume", "issuer", principal).await;
    let (agent, keys) = (seeded.seed("agent"), seeded.keys("principal"));
    seeded.act(&["agent", "suspend", agent, "--keys", &keys]).await;
    assert_eq!(seeded.failing(&json!({})), ["agent"]);
    assert_eq!(seeded.failing(&seeded.issued_now()), ["agent"]);
    seeded.act(&["agent", "resume", agent, "--keys", &keys]).await;
    assert!(seeded.failing(&json!({})).is_empty());

    let (list, keys) = (seeded.seed("status_list"), seeded.keys("issuer"));
    let entry = ENTRY.to_string();
    seeded.act(&["status-list", "revoke", list, "--keys", &keys, "--entries", &entry]).await;
    assert_eq!(seeded.failing(&json!({})), ["status"]);
    let other = json!({ "status": [{ "list": list, "entry": ENTRY + 1 }] });
    assert!(seeded.failing(&other).is_empty());

    let empty = seeded.network.path("empty.json");
    std::fs::write(&empty, "{}").expect("written");
    let empty = empty.display().to_string();
    seeded.act(&["did", "rotate", "--keys", &keys, "--document", &empty]).await;
    assert!(seeded.failing(&other).is_empty(), "the key was good when it signed");
    assert_eq!(seeded.failing(&with(&other, &seeded.issued_now())), ["key"]);
}

/// Checks questions that have no answer.
fn check_forms(seeded: &Seeded) {
    let file = seeded.network.path("question.json").display().to_string();
    let command = ["trust", "decide", "--file", &file];
    let before = TimeMs(1_600_000_000_000).to_string();
    let question = with(&seeded.question, &json!({ "at": before }));
    std::fs::write(&file, question.to_string()).expect("written");
    let (code, _, errors) = seeded.network.idem(0, &command);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains(seeded.seed("issued_at")) && errors.contains("2020-"), "{errors}");
    std::fs::write(&file, "[]").expect("written");
    assert_eq!(seeded.network.idem(0, &command).0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_that_is_wrong_denies_the_seeded_credential() {
    let seeded = Seeded::start().await;
    let stranger = Party::new(&seeded.network, "stranger.json");
    let height = seeded.network.nodes[0].client.height().await.expect("a height");
    super::trust::settled(&seeded.network, &json!({ "height": height })).await;
    check_answer(&seeded);
    check_questions(&seeded, &stranger).await;
    check_records(&seeded).await;
    check_forms(&seeded);
    let limit = std::time::Duration::from_secs(20);
    let height = check_equal_chains(&seeded.network.clients(), limit).await;
    println!("decision: one credential asked about up to height {height}");
}
