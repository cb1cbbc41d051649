//! Tests of the command line's output that scripts rely on.

use std::io::Read as _;
use std::time::Duration;

use http::StatusCode;
use registry_core::id::{Did, ListId};
use registry_tests::cluster::{Localnet, command, run};
use serde_json::{Value, json};

/// Makes a pipe whose writing end every child of this process inherits until it is dropped.
fn inherited_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    rustix::io::fcntl_setfd(&writer, rustix::io::FdFlags::empty()).expect("a descriptor");
    (reader, writer)
}

fn check_description(network: &Localnet) {
    let text = std::fs::read_to_string(network.path("localnet.json")).expect("localnet.json");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(file, network.description, "standard output and localnet.json differ");
    assert_eq!(file["network"], network.genesis.network.to_string());
    assert_eq!(file["chain_id"], network.genesis.chain_id().to_string());
    let nodes = file["nodes"].as_array().expect("a list");
    let roles: Vec<_> = nodes.iter().filter_map(|node| node["role"].as_str()).collect();
    assert_eq!(roles, ["validator", "validator", "validator", "validator", "follower"]);
    for node in nodes {
        let mut fields: Vec<_> = node.as_object().expect("an object").keys().collect();
        fields.sort();
        assert_eq!(fields, ["admin", "home", "name", "pid", "role", "rpc"]);
    }
}

/// Checks that the network's own DID is the same at every node and lists all of them, and that each
/// node names its own method.
async fn check_publishing_keys(network: &Localnet) {
    let chain = network.chain();
    let did = Did::of_chain(chain.network, &chain.id).to_string();
    let mut documents = Vec::new();
    for node in &network.nodes {
        documents.push(node.client.document(&did, None).await.expect("a document"));
        let status = node.client.status().await.expect("a status");
        assert_eq!(status["publisher"], format!("{did}#{}", node.name), "{status}");
    }
    assert!(documents.iter().all(|document| *document == documents[0]), "{documents:?}");
    let document: Value = serde_json::from_slice(&documents[0]).expect("JSON");
    let mut names: Vec<_> = network.nodes.iter().map(|node| node.name.clone()).collect();
    names.sort();
    let urls: Vec<_> = names.iter().map(|name| Value::from(format!("{did}#{name}"))).collect();
    assert_eq!(urls.len(), 5);
    assert_eq!(document["assertionMethod"], Value::Array(urls.clone()));
    let methods = document["verificationMethod"].as_array().expect("a list");
    assert_eq!(methods.iter().map(|method| method["id"].clone()).collect::<Vec<_>>(), urls);
}

/// Checks that both issuers had their right and one of them lost it, and that all key files exist.
async fn check_rights(network: &Localnet, seed: &Value) {
    let client = &network.nodes[0].client;
    let authorized = async |entity: &Value, at: Option<&Value>| {
        let asked = json!({
            "authority": seed["authority"],
            "entity": entity,
            "action": "issue",
            "resource": seed["credential_type"],
            "at": at,
        });
        let answer = client.call("trust_authorization", asked).await.expect("an answer");
        answer["authorized"] == true
    };
    let (issuer, revoked) = (&seed["issuer"], &seed["revoked_issuer"]);
    let (issued_at, revoked_at) = (&seed["issued_at"], &seed["revoked_at"]);
    for (entity, at, expected) in [
        (issuer, None, true),
        (issuer, Some(issued_at), true),
        (&seed["principal"], Some(issued_at), true),
        (&seed["accreditors"][1], Some(issued_at), true),
        (revoked, Some(issued_at), true),
        (revoked, Some(revoked_at), false),
        (revoked, None, false),
    ] {
        assert_eq!(authorized(entity, at).await, expected, "{entity} {at:?}");
    }
    let names = ["authority", "accreditor-1", "accreditor-2", "revoked-issuer", "principal"];
    for name in names.into_iter().chain(["issuer", "agent"]) {
        assert!(network.path(&format!("keys/{name}.json")).exists(), "{name}");
    }
}

/// Checks that every node serves a status list from the start, and that its issuer's keys work.
async fn check_seed(network: &Localnet) {
    let seed = network.description["seed"].as_object().expect("a seed");
    let mut members: Vec<_> = seed.keys().collect();
    members.sort();
    let expected = [
        "accreditors",
        "agent",
        "authority",
        "credential_type",
        "issued_at",
        "issuer",
        "principal",
        "revoked_at",
        "revoked_issuer",
        "status_list",
    ];
    assert_eq!(members, expected);
    check_rights(network, &Value::Object(seed.clone())).await;
    let list: ListId = seed["status_list"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let first = network.nodes[0].client.list(list, 0).await;
    assert_eq!(first.array.len(), 131_072 / 8);
    assert!(first.array.iter().any(|byte| *byte != 0), "nothing is revoked");
    // All records were written through the first node, so it has all of them.
    let height = network.nodes[0].client.height().await.expect("a height");
    for node in &network.nodes {
        assert_eq!(node.client.list(list, height).await, first);
        let (status, _) =
            node.client.get(&format!("/status-lists/{list}"), "*/*").await.expect("an answer");
        assert_eq!(status, StatusCode::OK, "{}", node.name);
    }
    let rpc = network.description["nodes"][0]["rpc"].as_str().expect("a URL");
    let (keys, list) = (network.path("keys/issuer.json").display().to_string(), list.to_string());
    let revoke = ["--rpc", rpc, "status-list", "revoke", &list, "--keys", &keys, "--entries", "7"];
    let (code, _, errors) = run(&revoke);
    assert_eq!(code, 0, "{errors}");
}

/// Checks that another start of the same network shows the same list and does not write a new one.
fn check_second_start(network: &Localnet, dir: &str) {
    let start = |json: &[&str]| {
        let arguments = [&["localnet", "start", "--detach", "--dir", dir], json].concat();
        let output = command().args(arguments).output().expect("idem runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a text")
    };
    let stop = || {
        let (code, _, errors) = run(&["localnet", "stop", "--dir", dir, "--json"]);
        assert_eq!(code, 0, "{errors}");
    };
    let again: Value = serde_json::from_str(&start(&["--json"])).expect("JSON");
    stop();
    assert_eq!(again["seed"], network.description["seed"]);
    let list = again["seed"]["status_list"].as_str().expect("an id");
    let rpc = again["nodes"][0]["rpc"].as_str().expect("a URL");
    let text = start(&[]);
    let (_, history, errors) = run(&["--rpc", rpc, "--json", "status-list", "history", list]);
    stop();
    assert!(text.contains(&format!("{rpc}/status-lists/{list}")), "{text}");
    assert_eq!(history["versions"].as_array().map(Vec::len), Some(3), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_localnet_keeps_the_outside_contract() {
    let (mut network, (mut reader, writer)) = Localnet::start_after(4, 1, inherited_pipe).await;
    drop(writer);
    let ended = tokio::task::spawn_blocking(move || reader.read_to_end(&mut Vec::new()));
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await;
    ended.expect("no node holds the caller's descriptor").expect("joined").expect("the end");
    check_description(&network);
    for node in &network.nodes {
        assert!(node.runs() && node.client.is_ready().await, "{} is not ready", node.name);
        let logged = std::fs::metadata(node.log()).expect("a log in HOME/log").len();
        assert!(logged > 0, "{} logs nothing to HOME/log", node.name);
        let status = node.client.status().await.expect("a status");
        assert_eq!(status["chainId"], network.description["chain_id"], "{status}");
        assert_eq!(status["network"], network.description["network"], "{status}");
    }
    check_publishing_keys(&network).await;
    check_seed(&network).await;
    network.nodes[1].kill();
    assert!(!network.nodes[1].client.is_ready().await);
    network.nodes[1].restart().await;
    let dir = network.dir.path().display().to_string();
    let (code, json, errors) = run(&["localnet", "stop", "--dir", &dir, "--json"]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(json["stopped"].as_array().map(Vec::len), Some(5), "{json}");
    for node in &network.nodes {
        assert!(!node.runs(), "{} still runs after localnet stop", node.name);
    }
    check_second_start(&network, &dir);
    println!(
        "contract: 5 nodes ready and listed by the network's DID, a restarted one among those that \
         localnet stop ended"
    );
}

/// Changes `localnet.json` to that of an earlier version, without a data format and with fewer
/// members in its seed.
fn make_earlier(dir: &str) {
    let path = format!("{dir}/localnet.json");
    let text = std::fs::read_to_string(&path).expect("localnet.json");
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    file.as_object_mut().expect("an object").remove("data_format").expect("a member");
    file["seed"] = json!({ "issuer": file["seed"]["issuer"] });
    std::fs::write(&path, file.to_string()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_localnet_of_another_version_is_kept() {
    let network = Localnet::start(1, 0).await;
    let dir = network.dir.path().display().to_string();
    make_earlier(&dir);
    let start = |more: &[&str]| {
        let place = ["--dir", &dir, "--nodes", "1", "--followers", "0", "--detach", "--json"];
        run(&[&["localnet", "start"][..], &place, more].concat())
    };
    let (code, _, errors) = start(&["--renew"]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("its nodes run") && errors.contains("localnet stop"), "{errors}");
    let (code, json, errors) = run(&["localnet", "stop", "--dir", &dir, "--json"]);
    assert_eq!((code, &json["stopped"]), (0, &json!(["validator-1"])), "{errors}");
    let (code, _, errors) = start(&[]);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("an earlier layout") && errors.contains("--renew"), "{errors}");
    assert!(network.path("validator-1/data").is_dir(), "a refused start changes nothing");

    let (code, json, errors) = start(&["--renew"]);
    let (stopped, ..) = run(&["localnet", "stop", "--dir", &dir, "--json"]);
    let aside = std::path::PathBuf::from(format!("{dir}.old-1"));
    let kept = aside.join("validator-1/data").is_dir();
    std::fs::remove_dir_all(&aside).expect("the one put aside");
    assert_eq!((code, stopped), (0, 0), "{errors}");
    assert!(kept && errors.contains(&aside.display().to_string()), "{errors}");
    assert_ne!(json["chain_id"], network.description["chain_id"]);
}
