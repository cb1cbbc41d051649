//! Tests of issuers' own tokens at a real node: published by the command line, served verbatim, and
//! kept over a kill.

use std::path::Path;

use registry_core::codec;
use registry_core::crypto::Suite;
use registry_core::status::StatusPurpose;
use registry_tests::cluster::{Client, Localnet, Wallet, run};
use rpc::view::Form;
use rpc::view::token::Token;
use serde_json::{Value, json};

use crate::cases::commit;

/// A list at the network's first node, and the command line for it.
struct List<'a> {
    network: &'a Localnet,
    id: String,
}

impl List<'_> {
    fn node(&self) -> &Client {
        &self.network.nodes[0].client
    }

    fn publish(&self, arguments: &[&str]) -> (i32, Value, String) {
        let url = self.network.description["nodes"][0]["rpc"].as_str().expect("a URL");
        let publish = ["--rpc", url, "--json", "status-list", "publish", &self.id];
        run(&[&publish, arguments].concat())
    }

    /// Publishes a token and returns the version of the list that it shows.
    fn published(&self, arguments: &[&str]) -> u64 {
        let (code, json, errors) = self.publish(arguments);
        assert_eq!(code, 0, "{arguments:?}: {errors}");
        let mut members: Vec<_> = json.as_object().expect("an object").keys().collect();
        members.sort();
        assert_eq!(members, ["expires", "form", "issued", "list", "version"]);
        json["version"].as_u64().expect("a number")
    }

    async fn get(&self, form: Form, query: &str) -> Vec<u8> {
        let path = format!("/status-lists/{}{query}", self.id);
        let (status, body) = self.node().get(&path, form.media_type()).await.expect("answered");
        assert_eq!(status.as_u16(), 200, "{}", String::from_utf8_lossy(&body));
        body.to_vec()
    }

    /// Returns the method that signed the served token.
    async fn signer(&self, form: Form, query: &str) -> String {
        let token = Token::parse(&self.get(form, query).await).expect("a status list");
        token.method().expect("a method").to_owned()
    }
}

/// Publishes tokens with the keys of a DID that the command line made, in each given form. Returns
/// the served tokens.
async fn publishes_with_keys(network: &Localnet, suite: &str, forms: &[Form]) -> Vec<Vec<u8>> {
    let keys = network.path(suite).display().to_string();
    let url = network.description["nodes"][0]["rpc"].as_str().expect("a URL");
    let done = |arguments: &[&str]| {
        let (code, json, errors) = run(&[&["--rpc", url, "--json"], arguments].concat());
        assert_eq!(code, 0, "{arguments:?}: {errors}");
        json
    };
    let made = done(&["did", "create", "--keys", &keys, "--suite", suite]);
    let method = format!("{}#key-1", made["did"].as_str().expect("a DID"));
    let create = ["status-list", "create", "--keys", &keys, "--purpose", "suspension"];
    let created = done(&[&create[..], &["--length", "1000"]].concat());
    let id = created["list"].as_str().expect("an id").to_owned();
    let list = List { network, id };
    done(&["status-list", "suspend", &list.id, "--keys", &keys, "--entries", "5"]);
    let mut served = Vec::new();
    for (form, name) in forms.iter().zip(["key-1", "#key-1", &method, "key-1"]) {
        let arguments = ["--keys", &keys, "--method", name, "--form", form.name()];
        assert_eq!(list.published(&arguments), 2);
        assert_eq!(list.signer(*form, "").await, method, "{form:?}");
        assert_ne!(list.signer(*form, "?view=ledger").await, method);
        served.push(list.get(*form, "").await);
    }
    let (code, _, errors) = list.publish(&["--keys", &keys, "--method", "key-2"]);
    assert_eq!(code, 2, "{errors}");
    let (code, _, errors) = list.publish(&[]);
    assert_eq!(code, 2, "{errors}");
    served
}

/// Makes a token that another program signs, and writes it to a file.
async fn signed_elsewhere(list: &List<'_>, wallet: &Wallet, file: &Path) -> Vec<u8> {
    let method = format!("{}#key-1", wallet.did());
    let params = json!({ "list": list.id, "form": "vc", "method": method, "expiresIn": 86_400 });
    let prepared = list.node().call("status_prepareToken", params).await.expect("prepared");
    let bytes = |name: &str| codec::from_base64url(prepared[name].as_str().expect("a text"));
    let signature = wallet.control[0].sign_token(&bytes("message").expect("base64url"));
    let unsigned = bytes("unsigned").expect("base64url");
    let token = Form::Credential.assemble(&unsigned, &signature).expect("a token");
    std::fs::write(file, &token).expect("written");
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuers_token_is_served_verbatim_and_outlives_a_kill() {
    let mut network = Localnet::start(4, 0).await;
    let by_ed25519 = publishes_with_keys(&network, "ed25519", &Form::ALL).await;
    let by_p256 = publishes_with_keys(&network, "p256", &Form::ALL[1..]).await;
    assert_eq!((by_ed25519.len(), by_p256.len()), (4, 3));

    let mut wallet = Wallet::new(&network.chain(), Suite::Ed25519, 1);
    commit(&network.nodes[0].client, &wallet.create()).await;
    let (id, create) = wallet.status_create(StatusPurpose::Revocation, 1, 131_072, Vec::new());
    commit(&network.nodes[0].client, &create).await;
    let (id, file) = (id.to_string(), network.path("token.json"));
    let list = List { network: &network, id: id.clone() };
    let token = signed_elsewhere(&list, &wallet, &file).await;
    let path = file.display().to_string();
    assert_eq!(list.published(&["--token", &path]), 1);
    assert_eq!(list.get(Form::Credential, "").await, token);
    let own = list.get(Form::Credential, "?view=ledger").await;
    assert_ne!(own, token);
    std::fs::write(&file, &own).expect("written");
    let (code, _, errors) = list.publish(&["--token", &path]);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("3121 TOKEN_ISSUER"), "{errors}");

    network.nodes[0].kill();
    network.nodes[0].restart().await;
    let list = List { network: &network, id };
    assert_eq!(list.get(Form::Credential, "").await, token, "after kill -9 and a new start");
    println!("issuers' tokens: 7 by the command line, 1 from a file, served over a kill");
}
