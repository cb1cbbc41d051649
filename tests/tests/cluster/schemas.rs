//! Tests of `idem schema` as scripts call it: published at one node, read and listed at another,
//! withdrawn.

use http::StatusCode;
use registry_tests::cluster::Localnet;
use serde_json::{Value, json};

use super::trust::{Party, settled};

const CONTENT: &str =
    r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","maximum":1.50}"#;
const NAME: &str = "degrees/bachelor";

/// Writes as the publisher at node 0, and returns when all nodes have the result.
async fn written(publisher: &Party<'_>, line: &[&str]) -> Value {
    let keys = ["--keys", &publisher.keys];
    let made = publisher.network.done(0, &[&["schema"], line, &keys].concat());
    settled(publisher.network, &made).await;
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_and_types_are_published_listed_and_withdrawn() {
    let network = Localnet::start(4, 0).await;
    let publisher = Party::new(&network, "publisher.json");
    let file = network.path("schema.json");
    std::fs::write(&file, format!("{CONTENT}\n")).expect("a file");
    let file = file.display().to_string();
    let made = written(&publisher, &["publish", &file, "--type", NAME]).await;
    let id = made["schema"].as_str().expect("an id");
    let shown = network.done(1, &["schema", "show", id]);
    assert_eq!((&shown["publisher"], &shown["status"]), (&json!(publisher.did), &json!("active")));
    let served = network.clients()[1].get(&format!("/schemas/{id}"), "*/*").await;
    assert_eq!(served, Ok((StatusCode::OK, CONTENT.into())));

    let purposes = ["--status-purpose", "suspension", "--status-purpose", "revocation"];
    let terms = ["--validity-max", "365d", "--format", "vc+jwt"];
    let head = ["type", "publish", NAME, "--schema", id];
    written(&publisher, &[&head[..], &terms, &purposes].concat()).await;
    let show = ["schema", "type", "show", NAME, "--publisher", &publisher.did];
    let shown = network.done(1, &show);
    assert_eq!(shown["validityMsMax"], 31_536_000_000_u64);
    assert_eq!(shown["statusPurposes"], json!(["revocation", "suspension"]));
    assert_eq!((&shown["schema"], &shown["formats"]), (&json!(id), &json!(["vc+jwt"])));
    let listed = network.done(1, &["schema", "list", &publisher.did]);
    let items = listed["items"].as_array().expect("items");
    let ids: Vec<_> =
        items.iter().map(|item| [&item["schema"]["id"], &item["type"]["name"]]).collect();
    assert_eq!(ids, [[&json!(id), &Value::Null], [&Value::Null, &json!(NAME)]]);

    let space = " ".repeat(65_536 - CONTENT.len());
    let largest = CONTENT.replacen('{', &format!("{{{space}"), 1);
    std::fs::write(network.path("largest.json"), &largest).expect("a file");
    let path = network.path("largest.json").display().to_string();
    let made = written(&publisher, &["publish", &path, "--supersedes", id]).await;
    let served = format!("/schemas/{}", made["schema"].as_str().expect("an id"));
    let served = network.clients()[1].get(&served, "*/*").await;
    assert_eq!(served, Ok((StatusCode::OK, largest.into())));

    let (code, _, errors) =
        network.idem(0, &["schema", "publish", &file, "--keys", &publisher.keys]);
    assert_ne!(code, 0);
    assert!(errors.contains("ALREADY_EXISTS"), "{errors}");
    written(&publisher, &["withdraw", id]).await;
    written(&publisher, &["type", "withdraw", NAME]).await;
    assert_eq!(network.done(1, &["schema", "show", id])["status"], "withdrawn");
    assert_eq!(network.done(1, &show)["status"], "withdrawn");
}
