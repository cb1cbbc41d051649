//! Checks that the snapshots are complete: each registered method has a recorded call that
//! succeeds, and each route in the sources has a recorded request.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::book::Book;
use super::request;
use crate::common::client::Server;

/// Methods that are available only over a WebSocket. The file of the subscription covers them.
const BY_MESSAGE: [&str; 2] = ["ledger_subscribeBlocks", "ledger_unsubscribeBlocks"];

pub(super) async fn check(books: &[Book]) {
    let mut called: BTreeSet<String> = BY_MESSAGE.map(str::to_owned).into();
    let (mut methods, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for entry in books.iter().flat_map(|book| &book.entries) {
        let request = request(entry);
        if let Some(method) = request["method"].as_str() {
            methods.insert(method.to_owned());
            if entry.succeeds() {
                called.insert(method.to_owned());
            }
        }
        if let Some(line) = request["http"].as_str() {
            let target = line.split_once(' ').expect("a method and a path").1;
            paths.insert(target.split('?').next().unwrap_or_default().to_owned());
        }
    }
    let server = Server::start().await;
    let registered = server.call("rpc_methods", json!([])).await.expect("a list");
    let registered = registered.as_array().expect("a list").iter();
    let registered = registered.map(Value::as_str).map(|name| name.expect("a name"));
    let missing: Vec<&str> =
        registered.filter(|name| !called.contains(*name) || !methods.contains(*name)).collect();
    assert!(missing.is_empty(), "methods without a recorded call that succeeds: {missing:?}");
    let routes = routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(routes.len() > 10, "the sources have routes: {routes:?}");
    let is_asked = |route: &&String| paths.iter().any(|path| matches(route, path));
    let missing: Vec<&String> = routes.iter().filter(|route| !is_asked(route)).collect();
    assert!(missing.is_empty(), "routes without a recorded request: {missing:?}");
}

/// Returns the paths that appear as string literals in calls of `route`, in all sources of the
/// folder.
fn routes(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(routes(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a readable file");
        for call in text.split(".route(").skip(1) {
            let call = call.trim_start().trim_start_matches("&format!(");
            let path = call.strip_prefix('"').and_then(|call| call.split('"').next());
            found.extend(path.map(str::to_owned));
        }
    }
    found
}

/// True if a path belongs to a route. `{name}` matches one segment, and `{*name}` all the rest.
fn matches(route: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in route.split('/') {
        match segments.next() {
            _ if wanted.starts_with("{*") => return true,
            Some(segment) if wanted == segment || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}
