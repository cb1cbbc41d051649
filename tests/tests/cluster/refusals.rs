//! Tests of the ledger's refusals over JSON-RPC.

use std::time::Duration;

use registry_tests::cluster::{CallError, Localnet, check_equal_chains, wait_for_height};
use serde_json::json;

use crate::cases::{Case, cases};

const LIMIT: Duration = Duration::from_secs(20);

/// Checks that every node refuses every case with its code.
pub(crate) async fn check_refused(network: &Localnet, cases: Vec<Case>) {
    let height = network.nodes[0].client.height().await.expect("a height");
    wait_for_height(&network.clients(), height, LIMIT).await;
    for case in cases {
        for node in &network.nodes {
            let answer = node.client.submit(&case.signed.envelope).await;
            let Err(CallError::Refused { code, name, message }) = answer else {
                panic!("{} was not refused by {}: {answer:?}", case.what, node.name);
            };
            let expected = (i64::from(case.code.number()), case.code.name());
            assert_eq!((code, name.as_str()), expected, "{}: {message}", case.what);
            if node.name == network.nodes[0].name {
                println!("{}: {code} {message}", case.what);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_own_code() {
    let network = Localnet::start(4, 0).await;
    let chain = network.chain();
    let cases = cases(&network.nodes[0].client, &chain).await;
    check_refused(&network, cases).await;
    let did = format!("did:idem:{}:UPPER", chain.network);
    let resolved = network.nodes[0].client.call("did_resolve", json!({ "did": did })).await;
    let error = resolved.expect("a resolution result")["didResolutionMetadata"]["error"].take();
    println!("resolution of a malformed DID: {error}");
    assert!(error.to_string().contains("INVALID_DID"), "{error}");
    check_equal_chains(&network.clients(), LIMIT).await;
}
