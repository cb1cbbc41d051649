//! Tests of the `idem` binary without a node: keys, configuration, usage errors and exit codes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const DONE: i32 = 0;
const USAGE: i32 = 2;
const UNREACHABLE: i32 = 3;

/// A directory for the home and all files of one test.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    /// Runs `idem --home HOME …`, without a terminal and with an empty environment.
    fn idem(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idem"));
        command.env_clear().arg("--home").arg(self.path("home")).args(arguments);
        command.stdin(std::process::Stdio::null());
        command.output().expect("idem runs")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Expects this exit code, `reason` on standard error, and nothing on standard output.
fn assert_fails(output: &Output, code: i32, reason: &str) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(reason), "{reason:?} is not in:\n{stderr}");
    assert_eq!(text(&output.stdout), "");
}

/// Returns the answer of a command that must succeed with `--json`: all of standard output.
fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(DONE), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
}

#[test]
fn help_and_version_succeed_and_mistakes_exit_with_2() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["--version"], &["did", "create", "--help"]] {
        let output = place.idem(arguments);
        assert_eq!(output.status.code(), Some(DONE), "{arguments:?}");
        assert!(!output.stdout.is_empty());
    }
    for arguments in [
        &["dance"][..],
        &["did", "create"],
        &["did", "resolve"],
        &["did", "recover", "--keys", "k", "--cancel", "--complete"],
        &["did", "create", "--keys", "k", "--control-threshold", "1"],
        &["did", "create", "--keys", "k", "--suite", "rsa"],
        &["did", "create", "--keys", "k", "--recovery-delay", "soon"],
        &["did", "update", "--keys", "k", "--document", "d", "--did", "did:web:example.org"],
        &["did", "create", "--keys", "k", "--passphrase", "in the open"],
        &["localnet", "start", "--nodes", "0"],
        &["config", "show", "--set", "rpc.listen"],
    ] {
        assert_fails(&place.idem(arguments), USAGE, "error");
    }
}

#[test]
fn no_node_exits_with_3_and_a_bad_url_with_2() {
    let place = Place::new();
    // Port 1 of loopback has no listener on a test machine, since only root can open it.
    let nobody = "http://127.0.0.1:1";
    let did = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
    for arguments in [
        &["--rpc", nobody, "status"][..],
        &["--rpc", nobody, "--json", "did", "resolve", did],
        &["--rpc", nobody, "did", "history", did],
    ] {
        assert_fails(&place.idem(arguments), UNREACHABLE, nobody);
    }
    for url in ["ftp://127.0.0.1", "127.0.0.1:7641", "nonsense"] {
        assert_fails(&place.idem(&["--rpc", url, "status"]), USAGE, "http");
    }
}

#[test]
fn a_create_that_reaches_no_node_leaves_no_key_file() {
    let place = Place::new();
    let keys = place.path("keys.json");
    let arguments =
        ["--rpc", "http://127.0.0.1:1", "did", "create", "--keys", &keys.display().to_string()];
    assert_fails(&place.idem(&arguments), UNREACHABLE, "no node answers");
    assert!(!keys.exists());
}

#[test]
fn init_is_complete_private_and_repeatable() {
    let place = Place::new();
    let passphrase = place.write("passphrase", "correct horse\n");
    let arguments = [
        "--json",
        "init",
        "--role",
        "validator",
        "--rpc-listen",
        "127.0.0.1:7999",
        "--passphrase-file",
        &passphrase,
    ];
    let first = json(&place.idem(&arguments));
    assert_eq!(first["role"], "validator");
    let home = place.path("home");
    for key in ["keys/p2p.json", "keys/validator.json"] {
        assert_eq!(mode(&home.join(key)), 0o600);
    }
    assert_eq!(mode(&home.join("keys")), 0o700);
    let config = std::fs::read_to_string(home.join("config.toml")).expect("a configuration");
    assert!(config.contains("\nlisten = \"127.0.0.1:7999\"\n") && config.contains("\n#level = "));
    let sealed = std::fs::read_to_string(home.join("keys/validator.json")).expect("a key file");
    assert!(sealed.contains("argon2id") && !sealed.contains("secretKeyMultibase"));
    assert_eq!(json(&place.idem(&arguments)), first, "the second run changes nothing");

    assert_fails(&place.idem(&["keys", "show"]), USAGE, "is encrypted");
    let shown = json(&place.idem(&["--json", "keys", "show", "--passphrase-file", &passphrase]));
    assert_eq!(shown["validator"], first["validator"]);
    assert_eq!(shown["peerId"], first["peerId"]);
}

#[test]
fn an_interrupted_init_is_finished_by_the_next() {
    let place = Place::new();
    let first = json(&place.idem(&["--json", "init", "--role", "validator"]));
    std::fs::remove_file(place.path("home/keys/validator.json")).expect("removed");
    std::fs::remove_file(place.path("home/config.toml")).expect("removed");
    let again = json(&place.idem(&["--json", "init", "--role", "validator"]));
    assert_eq!(again["peerId"], first["peerId"]);
    assert_ne!(again["validator"], first["validator"]);
}

#[test]
fn configuration_mistakes_name_file_line_and_remedy() {
    let place = Place::new();
    json(&place.idem(&["--json", "init"]));
    let config = place.write("home/config.toml", "[rpc]\nlistn = \"x\"\nbatch_entries_max = 0\n");
    let output = place.idem(&["config", "check"]);
    assert_fails(&output, USAGE, &format!("{config}:2: unknown key rpc.listn"));
    assert_fails(&output, USAGE, "did you mean rpc.listen?");
    assert_fails(&output, USAGE, &format!("{config}:3: rpc.batch_entries_max must be"));
    assert_fails(&place.idem(&["status"]), USAGE, "rpc.listn");
}

#[test]
fn config_show_tells_where_each_value_came_from() {
    let place = Place::new();
    std::fs::create_dir(place.path("home")).expect("made");
    let config = place.write("home/config.toml", "[log]\nlevel = \"debug\"\n");
    let shown = Command::new(env!("CARGO_BIN_EXE_idem"))
        .env_clear()
        .env("IDEM_RPC__LISTEN", "127.0.0.1:7001")
        .env("IDEM_HOME", place.path("home"))
        .args(["--json", "config", "show", "--set", "rpc.batch_entries_max=5"])
        .output()
        .expect("idem runs");
    let shown = json(&shown);
    for (key, value, source) in [
        ("log.level", Value::from("debug"), format!("{config}:2")),
        ("rpc.listen", "127.0.0.1:7001".into(), "IDEM_RPC__LISTEN".to_owned()),
        ("rpc.batch_entries_max", 5.into(), "flag".to_owned()),
        ("storage.path", "data".into(), "default".to_owned()),
    ] {
        assert_eq!(shown[key]["value"], value, "{key}");
        assert_eq!(shown[key]["source"], source, "{key}");
    }
}

#[test]
fn every_setting_is_documented_with_its_default() {
    let place = Place::new();
    let document = include_str!("../../docs/operations/config.md");
    let shown = json(&place.idem(&["--json", "config", "show"]));
    let shown = shown.as_object().expect("an object");
    assert!(shown.len() > 20);
    for (key, setting) in shown {
        let row = format!("| `{key}` | `{}` | ", setting["value"]);
        assert!(document.contains(&row), "{row:?} is not in config.md");
    }
}

#[test]
fn a_plain_key_file_is_made_with_a_warning_and_mode_0600() {
    let place = Place::new();
    let keys = place.path("keys.json").display().to_string();
    for suite in ["ed25519", "p256", "secp256k1"] {
        let output = place.idem(&["--json", "keys", "new", "--keys", &keys, "--suite", suite]);
        let key = json(&output)["publicKeyMultibase"].as_str().map(str::to_owned);
        assert!(key.expect("a key").starts_with('z'));
        assert_eq!(text(&output.stderr).contains("plain secret keys"), suite == "ed25519");
    }
    assert_eq!(mode(Path::new(&keys)), 0o600);
    let listed = json(&place.idem(&["--json", "keys", "list", "--keys", &keys]));
    assert_eq!(listed["unused"].as_array().map(Vec::len), Some(3));
    assert_eq!(listed["dids"].as_array().map(Vec::len), Some(0));
    assert_fails(&place.idem(&["keys", "show", "--keys", &keys]), USAGE, "holds no DID");
    assert_fails(&place.idem(&["keys", "export", "--keys", &keys]), USAGE, "holds no DID");
}

#[test]
fn a_sealed_key_file_opens_with_its_passphrase_alone() {
    let place = Place::new();
    let keys = place.path("keys.json").display().to_string();
    let right = place.write("right", "correct horse\n");
    let wrong = place.write("wrong", "battery staple\n");
    let empty = place.write("empty", "\n");
    let made = place.idem(&["keys", "new", "--keys", &keys, "--passphrase-file", &right]);
    assert_eq!(made.status.code(), Some(DONE), "{}", text(&made.stderr));
    assert!(!text(&made.stderr).contains("plain"));
    let list = |more: &[&str]| place.idem(&[&["keys", "list", "--keys", &keys], more].concat());
    assert_eq!(list(&["--passphrase-file", &right]).status.code(), Some(DONE));
    assert_fails(&list(&["--passphrase-file", &wrong]), USAGE, "does not open");
    assert_fails(&list(&["--passphrase-file", &empty]), USAGE, "first line is empty");
    assert_fails(&list(&["--passphrase-file", "/nonexistent"]), USAGE, "cannot read");
    assert_fails(&list(&[]), USAGE, "is encrypted");
    // The shell opens the descriptor, as systemd and scripts do.
    let script = format!(
        "exec {} keys list --keys {keys} --passphrase-fd 9 9<{right}",
        env!("CARGO_BIN_EXE_idem")
    );
    let by_descriptor =
        Command::new("/bin/sh").env_clear().env("HOME", "/").args(["-c", &script]).output();
    assert_eq!(by_descriptor.expect("a shell").status.code(), Some(DONE));
}

#[test]
fn key_files_that_others_may_read_are_refused() {
    let place = Place::new();
    let keys = place.path("keys.json").display().to_string();
    assert!(place.idem(&["keys", "new", "--keys", &keys]).status.success());
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let refused = place.idem(&["keys", "list", "--keys", &keys]);
    assert_fails(&refused, USAGE, "has mode 0644, a key file must have 0600");
    assert_fails(&place.idem(&["keys", "list", "--keys", "/nonexistent"]), USAGE, "does not exist");
}
