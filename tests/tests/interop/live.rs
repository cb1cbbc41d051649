//! Tests that other libraries read what a node serves over HTTP.

use std::collections::BTreeSet;
use std::time::Duration;

use registry_core::crypto::Suite;
use registry_core::id::ListId;
use registry_core::status::{EntryChanges, Run, StatusPurpose};
use registry_tests::cluster::{Client, Localnet, Signed, Wallet};
use rpc::view::{Form, Standard};

use crate::{check, check_libraries, entries, judged};

const LENGTH: u64 = 1_000;
const WAIT: Duration = Duration::from_secs(20);

async fn commit(node: &Client, signed: &Signed) {
    node.submit_and_wait(&signed.envelope, WAIT).await.expect("a valid write");
}

/// Makes a list with the given entries.
async fn publish(node: &Client, issuer: &Wallet, purpose: StatusPurpose, values: &[u8]) -> ListId {
    let bits = if purpose == StatusPurpose::Message { 4 } else { 1 };
    let (list, create) = issuer.status_create(purpose, bits, LENGTH, Vec::new());
    commit(node, &create).await;
    let run = |(start, value)| Run { start, length: 1, value, expect: None };
    let runs = EntryChanges::Runs((0..).zip(values.iter().copied()).map(run).collect());
    let until_ms = node.head_time_ms().await + 600_000;
    commit(node, &issuer.status_set(list, runs, until_ms)).await;
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn other_libraries_read_what_a_node_serves() {
    let network = Localnet::start(1, 0).await;
    let (node, chain) = (&network.nodes[0], network.chain());
    let rpc = network.description["nodes"][0]["rpc"].as_str().expect("a URL");
    let key = network.genesis.publishing[0].key.to_string();
    let mut issuer = Wallet::new(&chain, Suite::Ed25519, 1);
    commit(&node.client, &issuer.create()).await;
    let mut libraries = BTreeSet::new();
    let kinds = [
        (StatusPurpose::Revocation, 1, 1),
        (StatusPurpose::Suspension, 1, 2),
        (StatusPurpose::Message, 4, 1),
    ];
    for (purpose, bits, ietf_value) in kinds {
        let values = entries(bits);
        let list = publish(&node.client, &issuer, purpose, &values).await;
        for form in Form::ALL {
            let (path, factor) = match form.standard() {
                Standard::W3c => ("status-lists", 1),
                Standard::Ietf => ("token-status-lists", ietf_value),
            };
            let url = format!("{rpc}/{path}/{list}");
            let Some(judgement) = judged(form, &url, &key, bits) else { return };
            let expected = |entry: u64| u64::from(values[entry as usize] * factor);
            libraries.append(&mut check(&judgement, expected));
            println!("{url} as {}: accepted and read", form.media_type());
        }
    }
    check_libraries(&libraries);
}
