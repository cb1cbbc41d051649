//! Checks of what must be the same on all nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Acknowledged, Client, wait};

/// Waits until all nodes have reached `height`.
pub async fn wait_for_height(nodes: &[Client], height: u64, limit: Duration) {
    for node in nodes {
        wait(&format!("height {height} at every node"), limit, || async {
            (node.height().await.ok()? >= height).then_some(())
        })
        .await;
    }
}

/// Waits until all nodes have reached the greatest height of any of them, and returns that height.
async fn level(nodes: &[Client], limit: Duration) -> u64 {
    let mut height = 0;
    for node in nodes {
        height = height.max(node.height().await.expect("a node that answers"));
    }
    wait_for_height(nodes, height, limit).await;
    height
}

async fn identity(node: Client, height: u64) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    for height in 0..=height {
        let block = node.call("ledger_getBlock", json!({ "height": height })).await;
        let block = block.unwrap_or_else(|error| panic!("block {height}: {error:?}"));
        let text = |value: &Value| value.as_str().expect("a hash").to_owned();
        blocks.push((text(&block["hash"]), text(&block["header"]["state_root"])));
    }
    blocks
}

/// Checks that block hash and state root are the same on every node at every height. Returns the
/// height.
pub async fn check_equal_chains(nodes: &[Client], limit: Duration) -> u64 {
    let height = level(nodes, limit).await;
    let reads: Vec<_> =
        nodes.iter().map(|node| tokio::spawn(identity(node.clone(), height))).collect();
    let mut first: Option<Vec<_>> = None;
    for read in reads {
        let blocks = read.await.expect("a chain");
        let first = first.get_or_insert_with(|| blocks.clone());
        for (height, (one, other)) in first.iter().zip(&blocks).enumerate() {
            assert_eq!(one, other, "height {height} differs");
        }
    }
    height
}

async fn documents(node: Client, writes: BTreeMap<(String, u64), ()>) -> Vec<Vec<u8>> {
    let mut documents = Vec::new();
    for (did, version) in writes.into_keys() {
        let document = node.document(&did, Some(version)).await;
        let document = document.unwrap_or_else(|error| panic!("{did} {version}: {error}"));
        assert!(!document.is_empty(), "{did} {version} is empty");
        documents.push(document.to_vec());
    }
    documents
}

/// Checks that every acknowledged write is on every node: the version in its receipt resolves to
/// the same bytes everywhere, and the receipt is the one that the client got.
pub async fn check_acknowledged(nodes: &[Client], writes: &[Acknowledged]) {
    let versions: BTreeMap<_, _> =
        writes.iter().map(|write| ((write.did.clone(), write.receipt.version), ())).collect();
    assert_eq!(versions.len(), writes.len(), "two receipts for one version");
    let reads = nodes.iter().map(|node| tokio::spawn(documents(node.clone(), versions.clone())));
    let reads: Vec<_> = reads.collect();
    let mut first: Option<Vec<_>> = None;
    for read in reads {
        let documents = read.await.expect("documents");
        let first = first.get_or_insert_with(|| documents.clone());
        assert_eq!(*first, documents, "documents differ");
    }
    for (number, write) in writes.iter().enumerate() {
        let node = &nodes[number % nodes.len()];
        let params = json!({ "operation": write.receipt.operation });
        let answer = node.call("ledger_getReceipt", params).await.expect("an answer");
        let receipt = serde_json::to_value(&write.receipt).expect("JSON");
        assert_eq!(answer["receipt"], receipt, "the receipt of {} changed", write.did);
    }
}
