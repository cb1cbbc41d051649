//! Snapshot tests of every method and route, with valid and invalid requests, over one fixed
//! ledger. The files in `rpc/tests/snapshots` hold the expected answers, so that a change of any
//! answer is noticed.
//!
//! By default the tests compare each answer. With `UPDATE_SNAPSHOTS=1` they write the files anew.

mod agents;
mod book;
mod coverage;
mod decide;
mod did;
mod endorsed;
mod governance;
mod http_lists;
mod http_others;
mod identifiers;
mod ledger;
mod limits;
mod protocol;
mod schemas;
mod status;
mod story;
mod sweep;
mod tokens;
mod trust;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use book::{Book, Entry};
use serde_json::Value;
pub(crate) use world::envelope;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

fn file(name: &str) -> PathBuf {
    folder().join(format!("{name}.json"))
}

/// Records all files. The calls that time out waiting for a height run beside all others.
async fn record() -> Vec<Book> {
    let (late, mut books) = tokio::join!(ledger::late_heights(), record_in_turn());
    books.push(late);
    books
}

async fn record_in_turn() -> Vec<Book> {
    vec![
        did::record().await,
        did::prepare().await,
        status::record().await,
        status::prepare().await,
        tokens::record().await,
        trust::record().await,
        trust::prepare().await,
        agents::record().await,
        schemas::record().await,
        governance::record().await,
        decide::record().await,
        ledger::record().await,
        ledger::subscription().await,
        protocol::record().await,
        endorsed::record().await,
        identifiers::record().await,
        http_lists::record().await,
        http_others::record().await,
        limits::record().await,
    ]
}

fn write(books: &[Book]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder())?;
    for entry in std::fs::read_dir(folder())? {
        std::fs::remove_file(entry?.path())?;
    }
    for book in books {
        std::fs::write(file(book.file), book.text())?;
    }
    Ok(())
}

/// Returns the entries in the text of a file by their names, each as text.
fn entries(text: &str) -> BTreeMap<String, String> {
    let entries: Vec<Entry> = serde_json::from_str(text).expect("a file of entries");
    let pretty = |entry: &Entry| serde_json::to_string_pretty(entry).expect("JSON");
    entries.iter().map(|entry| (entry.name.clone(), pretty(entry))).collect()
}

/// Returns the differences between a file and the present answers, entry by entry.
fn differences(book: &Book) -> Vec<String> {
    let expected = std::fs::read_to_string(file(book.file)).unwrap_or_else(|_| "[]".to_owned());
    let actual = book.text();
    if expected == actual {
        return Vec::new();
    }
    let (expected, actual) = (entries(&expected), entries(&actual));
    let names: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
    let differing = names.into_iter().filter(|name| expected.get(*name) != actual.get(*name));
    let shown = |entries: &BTreeMap<String, String>, name| {
        entries.get(name).map_or_else(|| "nothing".to_owned(), String::clone)
    };
    let mut found: Vec<String> = differing
        .map(|name| {
            let (expected, actual) = (shown(&expected, name), shown(&actual, name));
            format!("{}: {name}\nexpected {expected}\nactual {actual}", book.file)
        })
        .collect();
    if found.is_empty() {
        found.push(format!("{}: the entries stand in another order or form", book.file));
    }
    found
}

#[tokio::test]
async fn every_answer_is_as_recorded() {
    let books = record().await;
    coverage::check(&books).await;
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        write(&books).expect("the folder of snapshots is writable");
    }
    let known: BTreeSet<PathBuf> = books.iter().map(|book| file(book.file)).collect();
    let found = std::fs::read_dir(folder()).expect("the folder of snapshots");
    let found: BTreeSet<PathBuf> =
        found.map(|entry| entry.expect("a readable folder").path()).collect();
    assert_eq!(found, known, "rpc/tests/snapshots holds other files than are recorded");
    let differing: Vec<String> = books.iter().flat_map(differences).collect();
    let count = differing.len();
    assert!(count == 0, "{count} answers changed:\n\n{}", differing.join("\n\n"));
}

/// Returns the request of an entry.
fn request(entry: &Entry) -> Value {
    serde_json::from_str(entry.request.get()).expect("JSON")
}
