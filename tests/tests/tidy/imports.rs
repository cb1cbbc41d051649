//! The import table of the workspace: direct dependencies, and words that the code of pure crates
//! must not contain.

use std::process::Command;

use serde_json::Value;

use super::{Source, assert_none, rust_sources};

/// Each crate with the crates of the workspace that it may depend on. No crate depends on
/// `registry-tests`.
const OURS: [(&str, &[&str]); 9] = [
    ("registry-core", &[]),
    ("registry-state", &["registry-core"]),
    ("ordering", &["registry-core"]),
    ("genesis", &["registry-core", "registry-state"]),
    ("keys", &["registry-core"]),
    ("rpc", &["registry-core", "registry-state", "genesis"]),
    ("node", &["registry-core", "registry-state", "ordering", "genesis", "keys", "rpc"]),
    ("idem", &["registry-core", "registry-state", "genesis", "keys", "rpc", "node"]),
    (
        "registry-tests",
        &["registry-core", "registry-state", "ordering", "genesis", "keys", "rpc", "node", "idem"],
    ),
];

/// Crate that owns the state tree. No other crate may depend on `jmt`.
const TREE_OWNER: &str = "registry-state";

/// Crates without I/O, clock or randomness.
const PURE: [&str; 4] = ["registry-core", "registry-state", "ordering", "genesis"];

/// Packages on which a pure crate must not depend, by prefix of their name.
const IMPURE_PACKAGES: [&str; 9] =
    ["tokio", "libp2p", "rocksdb", "jsonrpsee", "rand", "getrandom", "axum", "hyper", "async-"];

/// Words that the code of a pure crate must not contain.
const IMPURE_WORDS: [&str; 21] = [
    "tokio",
    "libp2p",
    "rocksdb",
    "jsonrpsee",
    "rand",
    "getrandom",
    "async",
    "await",
    "HashMap",
    "HashSet",
    "SystemTime",
    "Instant",
    "f32",
    "f64",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::io",
    "std::process",
    "println",
];

/// Packages that `rpc` must not depend on, because it reaches them only through its traits.
const RPC_PACKAGES: [&str; 2] = ["rocksdb", "libp2p"];

/// Modules of `registry-core` that `ordering` may import; `limits` has only constants.
const ORDERING_MODULES: [&str; 4] = ["certificate", "codec", "crypto", "limits"];

/// Returns the names of all packages and of their dependencies, as cargo reads them from the
/// manifests.
fn dependencies() -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(super::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let names = |package: &Value| -> Vec<String> {
        package["dependencies"].as_array().expect("a list").iter().map(name).collect()
    };
    packages.iter().map(|package| (name(package), names(package))).collect()
}

fn forbidden_dependencies(package: &str, dependencies: &[String]) -> Vec<String> {
    let Some((_, allowed)) = OURS.iter().find(|(name, _)| *name == package) else {
        return vec![format!("{package} is not in the import table")];
    };
    let is_ours = |name: &str| OURS.iter().any(|(ours, _)| *ours == name);
    let starts = |name: &str, prefixes: &[&str]| prefixes.iter().any(|p| name.starts_with(p));
    let forbidden = dependencies.iter().filter(|name| {
        is_ours(name) && !allowed.contains(&name.as_str())
            || PURE.contains(&package) && starts(name, &IMPURE_PACKAGES)
            || package == "rpc" && starts(name, &RPC_PACKAGES)
            || package != TREE_OWNER && *name == "jmt"
    });
    forbidden.map(|name| format!("{package} must not depend on {name}")).collect()
}

/// Returns a line of code without its comment. A `//` inside a string ends the line too early,
/// which can only hide the rest of that string.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// True if `text` contains `word` without a letter, digit or underscore next to it.
fn has_word(text: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(part) && !after.starts_with(part)
    })
}

fn impure_words(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let code = code(line);
        for word in IMPURE_WORDS {
            let module = word.strip_prefix("std::").filter(|_| code.contains("std::{"));
            if has_word(code, word) || module.is_some_and(|module| has_word(code, module)) {
                let place = format!("{}:{}", source.path, number + 1);
                findings.push(format!("{place}: {word} has no place in a pure crate"));
            }
        }
    }
    findings
}

fn foreign_modules(source: &Source) -> Vec<String> {
    let modules = source.text.split("registry_core::").skip(1).map(|rest| {
        rest.split(|character: char| !character.is_alphanumeric() && character != '_').next()
    });
    let foreign = modules.flatten().filter(|module| !ORDERING_MODULES.contains(module));
    foreign.map(|module| format!("{}: registry_core::{module}", source.path)).collect()
}

#[test]
fn direct_dependencies_follow_the_import_table() {
    let packages = dependencies();
    assert_eq!(packages.len(), OURS.len(), "a crate is missing in the table or the workspace");
    let forbidden = packages.iter().flat_map(|(name, names)| forbidden_dependencies(name, names));
    assert_none(forbidden.collect());
}

#[test]
fn pure_crates_say_nothing_impure() {
    let sources = rust_sources();
    let is_pure = |source: &&Source| {
        PURE.iter().any(|name| source.path.starts_with(&format!("{name}/src/")))
            && !source.is_test()
    };
    assert_none(sources.iter().filter(is_pure).flat_map(impure_words).collect());
}

#[test]
fn ordering_knows_values_and_never_dids() {
    let sources = rust_sources();
    let ordering = sources.iter().filter(|source| source.path.starts_with("ordering/src/"));
    assert_none(ordering.flat_map(foreign_modules).collect());
}

#[test]
fn the_import_checks_find_what_they_look_for() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let found = forbidden_dependencies("registry-core", &names(&["ordering", "tokio", "serde"]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(forbidden_dependencies("rpc", &names(&["libp2p-core", "node", "tokio"])).len(), 2);
    assert_eq!(forbidden_dependencies("node", &names(&["registry-tests"])).len(), 1);
    assert_eq!(forbidden_dependencies("stranger", &[]).len(), 1);
    assert_eq!(forbidden_dependencies("registry-core", &names(&["jmt"])).len(), 1);
    assert_eq!(
        forbidden_dependencies("registry-state", &names(&["jmt", "registry-core"])).len(),
        0
    );
    let impure = |text: &str| impure_words(&Source::new("registry-core/src/a.rs", text)).len();
    assert_eq!(impure("use std::fs::File;"), 1);
    assert_eq!(impure("use std::{fmt, fs};"), 1);
    assert_eq!(impure("let m: HashMap<u8, f64>;"), 2);
    assert_eq!(impure("// tokio and HashMap\nlet operand = 1; let std_fs = 2;"), 0);
    let foreign = |text: &str| foreign_modules(&Source::new("ordering/src/a.rs", text)).len();
    assert_eq!(foreign("use registry_core::did::Did;"), 1);
    assert_eq!(foreign("use registry_core::{crypto, did};"), 1);
    assert_eq!(foreign("use registry_core::crypto::Hash;"), 0);
}
