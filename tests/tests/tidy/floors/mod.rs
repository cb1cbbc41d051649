//! Checks the floors of the workspace: a folder imports only from lower floors, and files form no
//! circle. There is an arrow from a file to every file of which it names an item, by `use` or by a
//! path, and re-exports are followed. Imports from the modules below a module and calls of methods
//! make no arrow.

mod graph;
mod mentions;
mod modules;
mod planted;
mod variants;

use std::collections::{BTreeMap, BTreeSet};

use crate::{assert_none, sources};
use graph::{Arrow, Arrows, circles};
use modules::House;

/// The floors of each crate from the lowest up. Each line lists folders that must not import each
/// other. A folder is a module of the crate's root with everything below it. `a/b` is a folder that
/// has another floor than the rest of `a`. An arrow must lead to a lower floor or stay in its
/// folder. `lib.rs` and `main.rs` are the roof, which may import everything and which nothing may
/// import.
const FLOORS: [(&str, &[&str]); 8] = [
    (
        "registry-core",
        &[
            "span",
            "code codec limits",
            "crypto",
            "cost time uri text",
            "id mmr certificate",
            "names",
            "record",
            "did status",
            "trust",
            "schema",
            "block",
            "agent governance index",
            "operation decision",
        ],
    ),
    (
        "registry-state",
        &[
            "state",
            "rules/checked rules/window rules/signatures rules/actors",
            "rules/author rules/governors",
            "rules/request",
            "rules/void",
            "rules/agent rules/did rules/endorsement rules/governance rules/schema rules/status \
             rules/trust",
            "rules/activation rules/roots",
            "rules/dispatch",
            "rules/stateless",
            "rules",
            "execution",
        ],
    ),
    (
        "ordering",
        &[
            "durable limits proposer timeouts",
            "config context message",
            "certificates future guard wal",
            "convert",
            "evidence",
            "output",
            "effects",
            "state",
            "replay step",
        ],
    ),
    ("genesis", &["limits", "error", "rules", "file", "ceremony"]),
    ("keys", &["error home limits", "file secret", "vault", "node_keys user"]),
    (
        "rpc",
        &[
            "bucket clock coding limits metrics party",
            "config json prepare view",
            "service uris",
            "error",
            "guard reads",
            "endorsement",
            "preparer",
            "did governance schema status trust",
            "agent decide ledger",
            "services",
            "http json_rpc",
            "server",
        ],
    ),
    (
        "node",
        &[
            "floor limits net",
            "config identity mempool store wire",
            "sync",
            "driver",
            "shell",
            "service",
            "run",
        ],
    ),
    (
        "idem",
        &[
            "exit import limits time",
            "client file passphrase",
            "context",
            "config did status",
            "ceremony keys prepare",
            "author",
            "agent founders genesis operation start status_list trust",
            "governance homes schema",
            "init localnet testnet",
        ],
    ),
];

/// The folder of `lib.rs` and `main.rs`.
const ROOF: &str = "the roof";

/// Returns the folder of a file: the longest of `folders` that contains it, or its module in the
/// root.
fn folder<'a>(path: &'a str, folders: impl Iterator<Item = &'a str>) -> &'a str {
    let (_, below) = path.split_once("/src/").unwrap_or_default();
    if ["lib.rs", "main.rs"].contains(&below) || below.starts_with("bin/") {
        return ROOF;
    }
    let module = below.trim_end_matches(".rs").trim_end_matches("/mod");
    let holds = |folder: &&str| {
        module.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let found = folders.filter(holds).max_by_key(|folder| folder.len());
    found.unwrap_or(module.split('/').next().unwrap_or_default())
}

/// The floors of one crate as a report, and the violations found.
struct Survey {
    report: String,
    findings: Vec<String>,
}

fn survey(house: &House, arrows: &Arrows, name: &str, floors: &[&str]) -> Survey {
    let floors: Vec<Vec<&str>> = floors.iter().map(|floor| floor.split(' ').collect()).collect();
    let listed = || floors.iter().flatten().copied();
    let is_ours = |file: usize| house.packages[house.files[file].package].name == name;
    let folder_of = |file: usize| folder(&house.files[file].path, listed());
    let height = |folder: &str| {
        let roof = (folder == ROOF).then_some(floors.len());
        roof.or_else(|| floors.iter().position(|floor| floor.contains(&folder)))
    };
    let files = (0..house.files.len()).filter(|file| is_ours(*file));
    let folders: BTreeSet<&str> = files.map(folder_of).collect();
    let homeless = folders.iter().filter(|folder| height(folder).is_none());
    let mut findings: Vec<String> =
        homeless.map(|folder| format!("{name}: the folder {folder} has no floor")).collect();
    let stale = listed().filter(|folder| !folders.contains(folder));
    findings.extend(stale.map(|folder| format!("{name}: there is no folder {folder}")));
    let mut between = BTreeSet::new();
    for (Arrow { from, to, item }, line) in arrows {
        let (upper, lower) = (folder_of(*from), folder_of(*to));
        if !is_ours(*from) || !is_ours(*to) || upper == lower {
            continue;
        }
        between.insert((upper, lower));
        if height(upper).zip(height(lower)).is_some_and(|(upper, lower)| upper <= lower) {
            let (from, to) = (&house.files[*from].path, &house.files[*to].path);
            findings.push(format!("{from}:{line}: {upper} must not know {lower}: {item} of {to}"));
        }
    }
    let mut report = format!("{name}: {} arrows between its folders\n", between.len());
    for (height, floor) in floors.iter().enumerate() {
        report += &format!("{height:4}  {}\n", floor.join("  "));
    }
    Survey { report, findings }
}

/// Describes every circle of files, with a shortest way around as an example.
fn circle_findings(house: &House, arrows: &Arrows) -> Vec<String> {
    let path = |file: usize| house.files[file].path.as_str();
    let circles = circles(arrows).into_iter().map(|circle| {
        let files: Vec<&str> = circle.files.iter().map(|file| path(*file)).collect();
        let steps =
            circle.example.iter().map(|(file, item)| format!("{} → {item} → ", path(*file)));
        let (start, _) = circle.example[0];
        let example: String = steps.chain([path(start).to_owned()]).collect();
        format!("a circle of {} files: {}\n    {example}", files.len(), files.join(" "))
    });
    circles.collect()
}

/// Reads the crates of the workspace.
fn house() -> House {
    House::new(&sources("", |path| path.ends_with(".rs") || path.ends_with("/Cargo.toml")))
}

#[test]
fn files_form_no_circle() {
    let house = house();
    assert!(house.files.len() > 100, "only {} files found", house.files.len());
    assert_none(circle_findings(&house, &house.arrows()));
}

#[test]
fn every_folder_stands_on_its_floor() {
    let house = house();
    let arrows = house.arrows();
    let floors: BTreeMap<&str, &[&str]> = FLOORS.into();
    let unknown = house.packages.iter().filter(|package| !floors.contains_key(&*package.name));
    let mut findings: Vec<String> =
        unknown.map(|package| format!("{}: the crate has no floors", package.name)).collect();
    for (name, floors) in FLOORS {
        let survey = survey(&house, &arrows, name, floors);
        println!("{}", survey.report);
        findings.extend(survey.findings);
    }
    assert_none(findings);
}

#[test]
fn only_the_tables_ask_for_a_variant() {
    assert_none(variants::questions(&house()));
}
