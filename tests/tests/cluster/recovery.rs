//! Tests of recovery by the command line, with the shortest delay of a localnet.

use std::time::Duration;

use registry_tests::cluster::{Localnet, run, wait};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

/// The command line with one node and one key file.
struct Shell {
    rpc: String,
    keys: String,
}

impl Shell {
    fn did(&self, command: &str, options: &[&str]) -> (i32, Value, String) {
        let head = ["--rpc", &self.rpc, "--json", "did", command, "--keys", &self.keys];
        run(&[&head, options].concat())
    }

    fn done(&self, command: &str, options: &[&str]) -> Value {
        let (code, json, errors) = self.did(command, options);
        assert_eq!(code, 0, "{command} {options:?}: {errors}");
        json
    }

    fn refused(&self, command: &str, options: &[&str], name: &str) {
        let (code, _, errors) = self.did(command, options);
        assert!(code == 1 && errors.contains(name), "{command} {options:?}: {code}: {errors}");
        println!("{command} {options:?}: {}", errors.lines().next().unwrap_or_default().trim());
    }

    fn create(&self) -> String {
        let made = self.done("create", &["--recovery", "--recovery-delay", "3s"]);
        made["did"].as_str().expect("a DID").to_owned()
    }

    fn pending(&self, did: &str) -> Value {
        let (code, mut json, errors) = run(&["--rpc", &self.rpc, "--json", "did", "resolve", did]);
        assert_eq!(code, 0, "{errors}");
        json["didDocumentMetadata"]["pendingRecovery"].take()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_matures_and_another_is_vetoed() {
    let network = Localnet::start(4, 0).await;
    let rpc = network.description["nodes"][0]["rpc"].as_str().expect("a URL").to_owned();
    let keys = network.path("keys.json").display().to_string();
    let shell = Shell { rpc, keys };

    let did = shell.create();
    assert!(shell.pending(&did).is_null());
    let recover = shell.done("recover", &["--did", &did]);
    let pending = shell.pending(&did);
    println!("pendingRecovery: {pending}");
    for field in ["startedAt", "maturesAt", "operation", "newControlHash"] {
        assert!(pending[field].is_string(), "{field}: {pending}");
    }
    assert_eq!(pending["operation"], recover["operation"]);
    shell.refused("recover", &["--did", &did, "--complete"], "RECOVERY_NOT_MATURE");
    shell.refused("recover", &["--did", &did], "RECOVERY_PENDING");
    wait("the recovery matures", LIMIT, || async {
        let (code, _, errors) = shell.did("recover", &["--did", &did, "--complete"]);
        assert!(code == 0 || errors.contains("RECOVERY_NOT_MATURE"), "{errors}");
        (code == 0).then_some(())
    })
    .await;
    assert!(shell.pending(&did).is_null());
    shell.done("rotate", &["--did", &did]);

    let vetoed = shell.create();
    shell.done("recover", &["--did", &vetoed]);
    shell.done("rotate", &["--did", &vetoed]);
    assert!(shell.pending(&vetoed).is_null());
    shell.refused("recover", &["--did", &vetoed, "--complete"], "RECOVERY_NOT_PENDING");
    shell.refused("recover", &["--did", &vetoed], "RECOVERY_TOO_SOON");
    println!("recovery: {did} completed, {vetoed} vetoed");
}
