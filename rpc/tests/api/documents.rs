//! Tests that the protocol documents name exactly the methods and codes that the code has.

use std::collections::BTreeSet;

use registry_core::operation::Action;
use rpc::error::NodeCode;
use rpc::view::ViewError;
use serde_json::json;

use crate::common::client::Server;

const JSON_RPC: &str = include_str!("../../../docs/protocol/json-rpc.md");

const STATUS: &str = include_str!("../../../docs/protocol/status.md");

/// Returns the cells of all table rows, trimmed.
fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[tokio::test]
async fn every_method_is_documented_and_every_documented_method_exists() {
    let server = Server::start().await;
    let methods = server.call("rpc_methods", json!([])).await.expect("a list");
    let methods: BTreeSet<String> = serde_json::from_value(methods).expect("names");
    let is_method = |name: &&str| name.contains('_') && !name.contains([' ', '.']);
    let documented: BTreeSet<String> = rows(JSON_RPC)
        .filter_map(|row| row[0].strip_prefix('`')?.strip_suffix('`'))
        .filter(is_method)
        .map(str::to_owned)
        .collect();
    assert_eq!(methods, documented);
}

#[tokio::test]
async fn every_action_that_clients_send_has_its_prepare_method() {
    let server = Server::start().await;
    let methods = server.call("rpc_methods", json!([])).await.expect("a list");
    let methods: Vec<String> = serde_json::from_value(methods).expect("names");
    // This method prepares no operation, only a token to sign.
    let prepares = |name: &&str| name.contains("_prepare") && *name != "status_prepareToken";
    let registered: Vec<&str> = methods.iter().map(String::as_str).filter(prepares).collect();
    let mut declared: Vec<&str> = Action::ALL.iter().filter_map(|facts| facts.prepare).collect();
    declared.sort_unstable();
    assert_eq!(registered, declared);
}

#[test]
fn every_code_of_the_node_is_documented_with_its_remedy() {
    let documented: Vec<_> = rows(JSON_RPC).filter(|row| row[0].starts_with('3')).collect();
    let codes: Vec<_> = NodeCode::ALL
        .iter()
        .map(|code| (code.number().to_string(), format!("`{}`", code.name()), code.hint()))
        .collect();
    let codes: Vec<_> =
        codes.iter().map(|(number, name, hint)| vec![number.as_str(), name, hint]).collect();
    assert_eq!(documented, codes);
}

#[test]
fn every_fault_of_a_token_is_documented_with_its_remedy() {
    let rows = rows(STATUS).filter(|row| row[0].starts_with('3'));
    let documented: Vec<_> = rows.map(|row| (row[0], row[1].trim_matches('`'), row[3])).collect();
    let codes: Vec<_> = ViewError::CODES
        .iter()
        .map(|(number, name, hint)| (number.to_string(), name, hint))
        .collect();
    let codes: Vec<_> =
        codes.iter().map(|(number, name, hint)| (number.as_str(), **name, **hint)).collect();
    assert_eq!(documented, codes);
}
