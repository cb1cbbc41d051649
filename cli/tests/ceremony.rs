//! Tests of how networks of several operators begin: `idem genesis`, `idem testnet`, and `idem
//! init` with the files that these made.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const DONE: i32 = 0;
const USAGE: i32 = 2;
const TIME: &str = "2026-11-21T08:00:00.000Z";

/// A directory with the homes and files of one test.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a text file")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// Runs `idem` in this directory, without a terminal and with an empty environment.
    fn idem(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idem"));
        command.env_clear().current_dir(self.0.path()).args(arguments);
        command.stdin(std::process::Stdio::null());
        command.output().expect("idem runs")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.idem(&[&["--json"], arguments].concat());
        assert_eq!(output.status.code(), Some(DONE), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
    }

    /// Expects that the command exits with 2, writes `reason` to standard error, and nothing to
    /// standard output.
    fn refused(&self, arguments: &[&str], reason: &str) {
        let output = self.idem(arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(USAGE), "{stderr}");
        assert!(stderr.contains(reason), "{reason:?} is not in:\n{stderr}");
        assert_eq!(text(&output.stdout), "");
    }

    /// Makes the home of an operator, and its entry in the file NAME.json.
    fn operator(&self, name: &str) {
        self.json(&["--home", name, "init", "--role", "validator"]);
        let entry = self.idem(&entry_of(name));
        assert_eq!(entry.status.code(), Some(DONE), "{}", text(&entry.stderr));
        self.write(&format!("{name}.json"), &text(&entry.stdout));
    }

    /// Makes the entries of four operators and builds `genesis.json` from them.
    fn ceremony(&self) -> Value {
        for name in ["ada", "ben", "cyn", "dan"] {
            self.operator(name);
        }
        self.json(&build(&["ada.json", "ben.json", "cyn.json", "dan.json"]))
    }
}

fn entry_of(name: &str) -> [&str; 10] {
    let address = "/dns/node.example.org/tcp/7640";
    let network = "testnet";
    let name_flag = "--name";
    [
        "--home",
        name,
        "genesis",
        "entry",
        "--network",
        network,
        name_flag,
        name,
        "--address",
        address,
    ]
}

fn build<'a>(entries: &[&'a str]) -> Vec<&'a str> {
    let head = ["genesis", "build", "--network", "testnet", "--time", TIME];
    [&head[..], entries].concat()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn names(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home).expect("a directory");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn any_order_of_entries_builds_the_same_bytes_and_chain_id() {
    let place = Place::new();
    let built = place.ceremony();
    assert_eq!(built["network"], "testnet");
    assert_eq!(built["time"], TIME);
    assert_eq!(built["validators"].as_array().map(Vec::len), Some(4));
    assert_eq!(built["warnings"], Value::Array(Vec::new()));
    let other = ["dan.json", "ben.json", "ada.json", "cyn.json", "--out", "other.json"];
    let again = place.json(&build(&other));
    assert_eq!(again["chain_id"], built["chain_id"]);
    assert_eq!(place.text("genesis.json"), place.text("other.json"));

    let hash = place.json(&["genesis", "hash", "genesis.json"]);
    assert_eq!(hash["chain_id"], built["chain_id"]);
    let plain = text(&place.idem(&["genesis", "hash", "other.json"]).stdout);
    assert_eq!(built["chain_id"], plain.trim());
    assert_eq!(place.json(&["genesis", "check", "genesis.json"]), built);

    let time = "2026-11-21T08:00:00.001Z";
    let later = ["genesis", "build", "--network", "testnet", "--time", time, "--out", "later.json"];
    let entries = ["ada.json", "ben.json", "cyn.json", "dan.json"];
    let later = place.json(&[&later[..], &entries].concat());
    assert_ne!(later["chain_id"], built["chain_id"]);
}

#[test]
fn a_wrong_entry_is_refused_by_name() {
    let place = Place::new();
    place.operator("ada");
    place.operator("ben");
    let entry = place.text("ben.json");
    place.write("stronger.json", &entry.replace("\"power\": 1", "\"power\": 9"));
    place.refused(&build(&["ada.json", "stronger.json"]), "stronger.json: entry of ben: ");
    let key = place.json(&["--home", "ada", "keys", "show"])["publishing"].clone();
    let mut other: Value = serde_json::from_str(&entry).expect("JSON");
    other["publishing"]["key"] = key;
    place.write("swapped.json", &other.to_string());
    place.refused(&build(&["ada.json", "swapped.json"]), "swapped.json: entry of ben: ");
    std::fs::remove_file(place.path("ada/keys/publishing.json")).expect("removed");
    place.refused(&entry_of("ada"), "run `idem init` again");
    place.write("misspelt.json", &entry.replace("\"power\"", "\"powr\""));
    place.refused(&build(&["misspelt.json"]), "did you mean `power`?");
    place.refused(&build(&["ada.json", "ben.json", "ada.json"]), "which ada has already");
    place.refused(&build(&["ada.json", "nobody.json"]), "cannot read nobody.json");
    let other = ["genesis", "build", "--network", "other", "ada.json"];
    place.refused(&other, "entry of ada: network is testnet, it must be other");
    assert!(!place.path("genesis.json").exists(), "a refused build writes nothing");
}

/// Returns name and key of each publishing key that a genesis lists.
fn listed(genesis: &Value) -> Vec<(&str, &str)> {
    let keys = genesis["publishing"].as_array().expect("a list");
    keys.iter()
        .filter_map(|entry| Some((entry["name"].as_str()?, entry["key"].as_str()?)))
        .collect()
}

#[test]
fn a_ceremony_lists_the_publishing_keys_of_validators_and_of_named_followers() {
    let place = Place::new();
    let built = place.ceremony();
    let of_home = |home: &str| {
        let shown = place.json(&["--home", home, "keys", "show"]);
        shown["publishing"].as_str().expect("a key").to_owned()
    };
    let validators = ["ada", "ben", "cyn", "dan"].map(|name| (name, of_home(name)));
    let expected: Vec<_> = validators.iter().map(|(name, key)| (*name, key.as_str())).collect();
    assert_eq!(listed(&built), expected);

    let made = place.json(&["--home", "fay", "init"]);
    assert_eq!(made["publishing"], of_home("fay"));
    let entries = ["ada.json", "ben.json", "cyn.json", "dan.json"];
    let fay = format!("bob={}", of_home("fay"));
    let more = [&build(&entries)[..], &["--publishing", &fay, "--out", "more.json"]].concat();
    let more = place.json(&more);
    let names: Vec<_> = listed(&more).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ada", "ben", "bob", "cyn", "dan"]);
    assert_ne!(more["chain_id"], built["chain_id"]);

    let twice = format!("fay={}", of_home("ada"));
    let refused = [&build(&entries)[..], &["--publishing", &twice, "--out", "twice.json"]].concat();
    place.refused(&refused, "publishing: the key of fay is listed for ada too");
    let peer = text(&place.idem(&["--home", "fay", "keys", "show"]).stdout);
    assert!(peer.contains("publishing z6Mk"), "{peer}");
    place.refused(&[&build(&entries)[..], &["--publishing", "fay"]].concat(), "give NAME=KEY");
}

#[test]
fn an_entry_needs_a_validator_key_and_a_sound_address() {
    let place = Place::new();
    place.refused(&entry_of("nobody"), "make it with `idem init`");
    place.operator("ada");
    let mut entry = entry_of("ada");
    entry[9] = "node.example.org:7640";
    place.refused(&entry, "validator.addresses[0] is \"node.example.org:7640\"");
    let to_file = [&entry_of("ada")[..], &["--out", "ada.json"]].concat();
    place.refused(&to_file, "ada.json exists already");
}

#[test]
fn parameters_and_public_url_are_part_of_the_chain() {
    let place = Place::new();
    let usual = place.ceremony();
    let file: Value = serde_json::from_str(&place.text("genesis.json")).expect("JSON");
    let build = |name: &str, more: &[&str]| {
        place.json(
            &[
                &build(&["ada.json", "ben.json", "cyn.json", "dan.json"])[..],
                &["--out", name],
                more,
            ]
            .concat(),
        )
    };
    place.write("usual-parameters.json", &file["parameters"].to_string());
    let same = build("a.json", &["--parameters", "usual-parameters.json"]);
    assert_eq!(same["chain_id"], usual["chain_id"]);
    let mut quick = file["parameters"].clone();
    quick["recovery_delay_ms_min"] = 3_000.into();
    place.write("quick.json", &quick.to_string());
    let quick = build("b.json", &["--parameters", "quick.json"]);
    assert_ne!(quick["chain_id"], usual["chain_id"]);
    assert!(quick["warnings"][0].as_str().is_some_and(|warning| warning.contains("recovery")));
    let public = build("c.json", &["--public-url", "https://registry.example.org"]);
    assert_ne!(public["chain_id"], usual["chain_id"]);

    place.write("wrong.json", "{\"heartbeat\": 15000}");
    let wrong =
        ["genesis", "build", "--network", "testnet", "--parameters", "wrong.json", "ada.json"];
    place.refused(&wrong, "wrong.json: line 1, column 12: unknown field `heartbeat`");
}

#[test]
fn the_documented_parameters_are_the_usual_ones() {
    let place = Place::new();
    place.ceremony();
    let file: Value = serde_json::from_str(&place.text("genesis.json")).expect("JSON");
    let document = include_str!("../../docs/operations/ceremony.md");
    let block = document.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    let documented: Value = serde_json::from_str(block.expect("a JSON block")).expect("JSON");
    assert_eq!(documented, file["parameters"]);
}

#[test]
fn init_checks_the_genesis_and_never_replaces_one() {
    let place = Place::new();
    let built = place.ceremony();
    let init = |home, genesis| ["--home", home, "init", "--genesis", genesis];
    let ada = place.json(&init("ada", "genesis.json"));
    assert_eq!(ada["chain_id"], built["chain_id"]);
    assert_eq!(place.text("ada/genesis.json"), place.text("genesis.json"));
    assert_eq!(place.json(&init("ada", "genesis.json")), ada, "the second run changes nothing");

    place.write("bad.json", &place.text("genesis.json").replace("\"power\": 1", "\"power\": 0"));
    place.refused(&init("eve", "bad.json"), "bad.json: ");
    assert!(!place.path("eve").exists(), "nothing is made for a genesis that is none");
    place.refused(&["genesis", "check", "bad.json"], "bad.json: ");
    place.refused(&["genesis", "hash", "bad.json"], "bad.json: ");

    let other = ["genesis", "build", "--network", "testnet", "ada.json", "--out", "other.json"];
    place.json(&other);
    place.refused(&init("ada", "other.json"), "holds another genesis");
    assert_eq!(place.text("ada/genesis.json"), place.text("genesis.json"));
    place.refused(&build(&["ada.json"]), "genesis.json exists already");

    let outsider = ["--home", "eve", "init", "--role", "validator", "--genesis", "genesis.json"];
    let outsider = place.idem(&outsider);
    assert_eq!(outsider.status.code(), Some(DONE));
    assert!(text(&outsider.stdout).contains("follows until governance admits it"));
}

#[test]
fn a_testnet_has_a_home_for_each_host() {
    let place = Place::new();
    let made = place.json(&[
        "testnet",
        "--dir",
        "net",
        "--validator",
        "one.example.org",
        "--validator",
        "192.0.2.2",
        "--validator",
        "2001:db8::3",
        "--follower",
        "four.example.org",
        "--p2p-port",
        "7777",
    ]);
    let checked = place.json(&["genesis", "check", "net/genesis.json"]);
    assert_eq!(made["chain_id"], checked["chain_id"]);
    assert_eq!(
        names(&place.path("net")),
        ["follower-1", "genesis.json", "keys", "validator-1", "validator-2", "validator-3"]
    );
    let mut founders = names(&place.path("net/keys"));
    founders.retain(|name| !name.starts_with('.'));
    assert_eq!(founders, ["governor-1.json", "governor-2.json", "governor-3.json"]);
    let names: Vec<_> = listed(&checked).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["follower-1", "validator-1", "validator-2", "validator-3"]);
    let addresses =
        ["/dns/one.example.org/tcp/7777", "/ip4/192.0.2.2/tcp/7777", "/ip6/2001:db8::3/tcp/7777"];
    let nodes = made["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 4);
    for node in nodes {
        let home = node["home"].as_str().expect("a home");
        let role = node["role"].as_str().expect("a role");
        assert_eq!(place.json(&["--home", home, "config", "check"])["exists"], true);
        let shown = place.json(&["--home", home, "config", "show"]);
        assert_eq!(shown["node.role"]["value"], role);
        let peers = shown["p2p.peers"]["value"].as_array().expect("peers");
        let others: Vec<_> = addresses.iter().filter(|address| node["p2p"] != **address).collect();
        assert_eq!(peers.len(), others.len());
        for address in others {
            let starts = |peer: &Value| peer.as_str().is_some_and(|peer| peer.starts_with(address));
            assert!(peers.iter().any(starts), "{address} is not among the peers of {home}");
        }
        assert_eq!(
            std::fs::read_to_string(Path::new(home).join("genesis.json")).expect("a genesis"),
            place.text("net/genesis.json")
        );
        let floor = Path::new(home).join("keys/height-floor");
        assert_eq!(floor.exists(), role == "validator");
        let again = place.json(&["--home", home, "init", "--genesis", "net/genesis.json"]);
        assert_eq!(again["role"], role);
        assert_eq!(again["chain_id"], made["chain_id"]);
    }
}

#[test]
fn a_testnet_is_made_whole_or_not_at_all_and_never_replaced() {
    let place = Place::new();
    place.refused(&["testnet", "--dir", "net", "--validator", "a", "--validator", "a"], "twice");
    place.refused(&["testnet", "--dir", "net", "--validator", "a b"], "host name");
    assert!(!place.path("net").exists());
    place.refused(&["testnet", "--dir", "net", "--validator", "a_b"], "/dns/a_b/tcp/7640");
    assert_eq!(names(&place.path("net")), Vec::<String>::new());

    place.write("passphrase", "correct horse\n");
    let sealed = ["--passphrase-file", "passphrase"];
    place.json(&[&["testnet", "--dir", "net", "--validator", "a"][..], &sealed].concat());
    assert!(!place.text("net/validator-1/keys/validator.json").contains("secretKeyMultibase"));
    let genesis = place.text("net/genesis.json");
    place.refused(&["testnet", "--dir", "net", "--validator", "b"], "exists already");
    std::fs::remove_file(place.path("net/genesis.json")).expect("removed");
    place.refused(&["testnet", "--dir", "net", "--validator", "b"], "keys exists already");
    std::fs::rename(place.path("net/keys"), place.path("kept")).expect("moved");
    place.refused(&["testnet", "--dir", "net", "--validator", "b"], "validator-1 exists already");
    assert_eq!(place.text("net/validator-1/genesis.json"), genesis);
}
