//! Rules of the repository that no compiler checks: who may import whom, the size and style of
//! sources, documents that must agree with the code, and lowest versions of packages.
//!
//! The environment variable `IDEM_TREE` names another tree to check instead of this repository.

mod documents;
mod floors;
mod imports;
mod limits;
mod lock;
mod manner;
mod mutations;
mod security;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A text file of the repository.
struct Source {
    /// Path relative to the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// True if the file is compiled only for tests. Such files may be longer and import more.
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }
}

fn root() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    env::var_os("IDEM_TREE").map_or_else(own, PathBuf::from)
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns all files below `folder` whose path satisfies `wanted`, without build output and
/// installed packages.
fn sources(folder: &str, wanted: fn(&str) -> bool) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.trim_end_matches('/').to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(root().join(&folder)).expect("a folder of the repository");
        for entry in entries {
            let entry = entry.expect("a readable folder");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type().expect("a readable folder");
            if kind.is_dir() && !["target", ".git", "node_modules"].contains(&name.as_str()) {
                folders.push(path);
            } else if kind.is_file() && wanted(&path) {
                found.push(Source { text: read(&path), path });
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn rust_sources() -> Vec<Source> {
    sources("", |path| path.ends_with(".rs"))
}

/// Fails with all findings at once, so that one run is enough to correct them.
fn assert_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}
