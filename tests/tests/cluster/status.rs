//! Tests of `idem status-list` as scripts call it: written at one node, read at the others.

use std::path::Path;
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::status::StatusPurpose;
use registry_tests::cluster::{Localnet, run, wait_for_height};
use rpc::view::{Form, List, Publication, Signer, Window};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(20);

/// The command line with one network and one key file.
struct Cli<'a> {
    network: &'a Localnet,
    keys: String,
}

impl<'a> Cli<'a> {
    /// Makes a key file with one DID.
    fn new(network: &'a Localnet, name: &str) -> (Self, String) {
        let keys = network.path(name).display().to_string();
        let cli = Self { network, keys };
        let made = cli.network.done(0, &["did", "create", "--keys", &cli.keys]);
        let did = made["did"].as_str().expect("a DID").to_owned();
        (cli, did)
    }

    /// Runs a `status-list` command that writes, with the key file.
    fn write(&self, node: usize, arguments: &[&str]) -> (i32, Value, String) {
        self.network.idem(node, &[&["status-list"], arguments, &["--keys", &self.keys]].concat())
    }

    /// Runs a write that succeeds, and returns when all nodes have the result.
    async fn written(&self, node: usize, arguments: &[&str]) -> Value {
        let (code, json, errors) = self.write(node, arguments);
        assert_eq!(code, 0, "{arguments:?}: {errors}");
        assert!(json["operation"].is_string() && json["list"].is_string(), "{json}");
        let height = json["height"].as_u64().expect("a height");
        wait_for_height(&self.network.clients(), height, LIMIT).await;
        json
    }

    /// Runs a write that must end with `code` and print `words`.
    fn refused(&self, arguments: &[&str], code: i32, words: &str) {
        let (actual, json, errors) = self.write(0, arguments);
        assert_eq!(actual, code, "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
        assert_eq!(json, Value::Null, "standard output of a refusal");
    }

    async fn create(&self, arguments: &[&str]) -> String {
        let json = self.written(0, &[&["create"], arguments].concat()).await;
        let mut members: Vec<_> = json.as_object().expect("an object").keys().collect();
        members.sort();
        assert_eq!(members, ["height", "list", "operation"]);
        json["list"].as_str().expect("an id").to_owned()
    }

    /// Returns the value of an entry, and true if the credential is valid. All nodes must answer
    /// alike.
    fn check(&self, list: &str, entry: u64, at: &[&str]) -> (u64, bool) {
        let entry_text = entry.to_string();
        let check = ["status-list", "check", list, "--entry", &entry_text];
        let mut answers: Vec<_> = (0..self.network.nodes.len())
            .map(|node| {
                let json = self.network.done(node, &[&check, at].concat());
                let mut members: Vec<_> = json.as_object().expect("an object").keys().collect();
                members.sort();
                assert_eq!(members, ["entry", "height", "list", "time", "valid", "value"]);
                assert_eq!((&json["list"], &json["entry"]), (&json!(list), &json!(entry)));
                (json["value"].as_u64().expect("a value"), json["valid"] == true)
            })
            .collect();
        answers.dedup();
        assert_eq!(answers.len(), 1, "nodes differ: {answers:?}");
        answers[0]
    }
}

async fn revokes(cli: &Cli<'_>) {
    let list = cli.create(&["--purpose", "revocation", "--length", "131072"]).await;
    assert_eq!(list.len(), 32);
    let before = cli.network.done(0, &["status-list", "show", &list])["updated"].take();
    let before = before.as_str().expect("a time").to_owned();
    let revoked = cli.written(0, &["revoke", &list, "--entries", "1,5,9-20"]).await;
    assert_eq!(revoked["entries"], 14);
    for (entry, value) in [(0, 0), (1, 1), (5, 1), (8, 0), (9, 1), (20, 1), (21, 0)] {
        assert_eq!(cli.check(&list, entry, &[]), (value, value == 0), "entry {entry}");
    }
    assert_eq!(cli.check(&list, 9, &["--at", &before]), (0, true), "before the revocation");
    cli.written(1, &["revoke", &list, "--entries", "20-21"]).await;
    cli.refused(&["suspend", &list, "--entries", "3"], 2, "is a revocation list");
    cli.refused(&["resume", &list, "--entries", "1"], 2, "is a revocation list");
    cli.refused(&["set", &list, "--entries", "1", "--value", "0"], 1, "2030 STATUS_IRREVERSIBLE");
    cli.refused(&["revoke", &list, "--entries", "131072"], 1, "2028 STATUS_RANGE");
    cli.refused(&["revoke", &list, "--entries", "3-1"], 2, "ends before it begins");
    cli.refused(&["revoke", &"a".repeat(32), "--entries", "1"], 1, "2024 STATUS_NOT_FOUND");
    let shown = cli.network.done(2, &["status-list", "show", &list]);
    assert_eq!((&shown["set"], &shown["version"]), (&json!(15), &json!(3)), "{shown}");

    cli.written(0, &["close", &list]).await;
    cli.refused(&["revoke", &list, "--entries", "30"], 1, "2027 STATUS_CLOSED");
    let history = cli.network.done(3, &["status-list", "history", &list]);
    assert_eq!(history["versions"].as_array().map(Vec::len), Some(4), "{history}");
    let (code, _, errors) = run(&["--rpc", "http://127.0.0.1:1", "status-list", "show", &list]);
    assert_eq!(code, 3, "{errors}");
}

async fn suspends(cli: &Cli<'_>, other: &Cli<'_>, other_did: &str) {
    let delegate = format!("{other_did},entries=0-99,per-hour=3");
    let create = ["--purpose", "suspension", "--length", "500", "--delegate", &delegate];
    let list = cli.create(&create).await;
    cli.written(0, &["suspend", &list, "--entries", "7,8"]).await;
    assert_eq!(cli.check(&list, 7, &[]), (1, false));
    other.written(2, &["resume", &list, "--entries", "7"]).await;
    assert_eq!((cli.check(&list, 7, &[]), cli.check(&list, 8, &[])), ((0, true), (1, false)));
    cli.refused(&["revoke", &list, "--entries", "8"], 2, "is a suspension list");
    other.refused(&["close", &list], 1, "2025 STATUS_NOT_ALLOWED");
    other.refused(&["suspend", &list, "--entries", "99-100"], 1, "2075 STATUS_DELEGATE_RANGE");
    other.refused(&["suspend", &list, "--entries", "0-499"], 1, "2075 STATUS_DELEGATE_RANGE");
    other.refused(&["suspend", &list, "--entries", "0-3"], 1, "2076 STATUS_DELEGATE_QUOTA");
    cli.written(3, &["update", &list, "--valid-until", "2100-01-01T00:00:00Z"]).await;
    let shown = cli.network.done(2, &["status-list", "show", &list]);
    assert_eq!(shown["delegates"][0]["entriesPerHour"], 3, "{shown}");
    cli.written(3, &["update", &list, "--no-delegates"]).await;
    other.refused(&["resume", &list, "--entries", "8"], 1, "2025 STATUS_NOT_ALLOWED");
    let shown = cli.network.done(2, &["status-list", "show", &list]);
    let kept = (&shown["validUntil"], &shown["delegates"]);
    assert_eq!(kept, (&json!("2100-01-01T00:00:00.000Z"), &json!([])), "{shown}");
}

async fn tells_messages(cli: &Cli<'_>) {
    let kind = ["--purpose", "message", "--length", "1000", "--bits", "2"];
    let words = ["pending", "shipped", "delivered", "lost"];
    let messages: Vec<&str> = words.iter().flat_map(|text| ["--message", *text]).collect();
    let list = cli.create(&[&kind[..], &messages].concat()).await;
    let set =
        |value, expect| ["set", &list, "--entries", "4-6", "--value", value, "--expect", expect];
    cli.written(0, &set("2", "0")).await;
    assert_eq!(cli.check(&list, 5, &[]), (2, true));
    cli.refused(&set("3", "0"), 1, "2031 STATUS_UNEXPECTED");
    cli.refused(&set("4", "2"), 1, "2029 STATUS_VALUE");
    cli.refused(&["create", "--purpose", "revocation", "--length", "8", "--bits", "2"], 2, "1019");
}

/// Sets more entries than one operation can change.
async fn takes_many(cli: &Cli<'_>, file: &Path) {
    let list = cli.create(&["--purpose", "revocation", "--length", "1048576"]).await;
    let lines: Vec<String> = (0..40_000).map(|index| (index * 26).to_string()).collect();
    std::fs::write(file, lines.join("\n")).expect("written");
    let path = file.display().to_string();
    let revoked = cli.written(1, &["revoke", &list, "--entries-file", &path]).await;
    assert_eq!(revoked["entries"], 40_000);
    assert_eq!(revoked["operations"].as_array().map(Vec::len), Some(2), "{revoked}");
    let shown = cli.network.done(0, &["status-list", "show", &list]);
    assert_eq!(shown["set"], 40_000);
    assert_eq!(
        (cli.check(&list, 26 * 39_999, &[]), cli.check(&list, 27, &[])),
        ((1, false), (0, true))
    );
}

/// Key of another registry.
struct Elsewhere(SigningKey);

impl Signer for Elsewhere {
    fn issuer(&self) -> &str {
        "did:web:elsewhere.example"
    }

    fn method(&self) -> &str {
        "did:web:elsewhere.example#key-1"
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Returns an IETF token of a suspension list in which entries 2 and 9 to 15 are set.
fn token() -> Vec<u8> {
    let (purpose, array) = (StatusPurpose::Suspension, [0b0000_0100, 0b1111_1110, 0]);
    let (messages, valid_from_ms, valid_until_ms) = (&[], None, None);
    let (bits, length, array) = (1, 24, &array);
    let list = List { purpose, bits, length, array, messages, valid_from_ms, valid_until_ms };
    let uri = "https://elsewhere.example/1";
    let window = Window::current(1_795_000_000_000, 3_600_000);
    let publication = Publication { uri, window, ttl_ms: None, aggregation_uri: None };
    let key = Elsewhere(SigningKey::from_bytes(&[9; 32]));
    Form::TokenCwt.encode(&list, &publication, &key).expect("it encodes")
}

async fn imports(cli: &Cli<'_>, file: &Path) {
    std::fs::write(file, token()).expect("written");
    let path = file.display().to_string();
    cli.refused(&["import", &path], 2, "--purpose");
    cli.refused(&["import", &path, "--purpose", "revocation"], 2, "TOKEN_ENTRY_UNFIT");
    let imported = cli.written(0, &["import", &path, "--purpose", "suspension"]).await;
    let list = imported["list"].as_str().expect("an id").to_owned();
    assert_eq!(imported["entries"], 8, "{imported}");
    for (entry, value) in [(1, 0), (2, 1), (3, 0), (8, 0), (9, 1), (15, 1), (16, 0)] {
        assert_eq!(cli.check(&list, entry, &[]).0, value, "entry {entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_lists_keep_the_outside_contract() {
    let network = Localnet::start(4, 1).await;
    let (cli, _) = Cli::new(&network, "issuer.json");
    let (other, other_did) = Cli::new(&network, "other.json");
    revokes(&cli).await;
    suspends(&cli, &other, &other_did).await;
    tells_messages(&cli).await;
    takes_many(&cli, &network.path("entries")).await;
    imports(&cli, &network.path("token")).await;
    println!("status-list: written at one node, read at {}", network.nodes.len());
}
