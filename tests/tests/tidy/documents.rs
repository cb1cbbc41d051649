//! Documents that must agree with the code and with each other.

use std::collections::BTreeSet;

use registry_core::code::Code;
use registry_core::operation::Action;

use super::{Source, assert_none, read, root, sources};

fn markdown() -> Vec<Source> {
    sources("", |path| path.ends_with(".md"))
}

/// Returns number, name and remedy of each row of the table of codes.
fn listed_codes(text: &str) -> BTreeSet<(u16, &str, &str)> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let number = cells.next()?.parse().ok()?;
        let (name, _meaning, remedy) = (cells.next()?, cells.next()?, cells.next()?);
        Some((number, name.trim_matches('`'), remedy))
    });
    rows.collect()
}

/// Returns the contexts of hashes between two of the quotes.
fn contexts(text: &str, quote: char) -> BTreeSet<&str> {
    text.split(quote).filter(|part| part.starts_with("idem 2026 v1 ")).collect()
}

/// Returns the actions in the list of stops.
fn listed_stops(text: &str) -> BTreeSet<&str> {
    let list = text.split("The stops are:\n\n").nth(1).unwrap_or_default();
    let list = list.split("\n\n").next().unwrap_or_default();
    list.split('`').skip(1).step_by(2).collect()
}

/// Returns the targets of relative links, without their fragments.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter_map(|target| target.split('#').next());
    files.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

#[test]
fn the_documented_codes_are_the_codes() {
    let codes = Code::ALL.iter().map(|code| (code.number(), code.name(), code.hint())).collect();
    assert_eq!(listed_codes(&read("docs/protocol/codes.md")), codes);
}

#[test]
fn the_documented_contexts_are_the_contexts() {
    let (page, code) = (read("docs/protocol/encoding.md"), read("registry-core/src/crypto/mod.rs"));
    assert_eq!(contexts(&page, '`'), contexts(&code, '"'));
}

#[test]
fn the_documented_stops_are_the_stops() {
    let stops = Action::ALL.iter().filter(|facts| facts.is_stop).map(|facts| facts.name).collect();
    assert_eq!(listed_stops(&read("docs/protocol/endorsement.md")), stops);
}

#[test]
fn every_decision_is_linked_from_the_architecture() {
    let architecture = read("docs/architecture.md");
    let linked = links(&architecture);
    let decisions = sources("docs/adr", |path| path.ends_with(".md"));
    assert!(!decisions.is_empty());
    let names = decisions.iter().filter_map(|decision| decision.path.strip_prefix("docs/"));
    assert_none(names.filter(|name| !linked.contains(name)).map(str::to_owned).collect());
}

#[test]
fn no_relative_link_is_broken() {
    let mut broken = Vec::new();
    for document in markdown() {
        let folder = document.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&document.text) {
            if !root().join(folder).join(link).exists() {
                broken.push(format!("{}: {link}", document.path));
            }
        }
    }
    assert_none(broken);
}

#[test]
fn the_document_checks_find_what_they_look_for() {
    let text = "| 1001 | `A_NAME` | x | y |\n|---|---|\nno row | 1 |";
    assert_eq!(listed_codes(text), BTreeSet::from([(1001, "A_NAME", "y")]));
    let (page, code) = ("| `idem 2026 v1 a b` |", "A => \"idem 2026 v1 a b\", B => \"c\"");
    assert_eq!(contexts(page, '`'), BTreeSet::from(["idem 2026 v1 a b"]));
    assert_eq!(contexts(code, '"'), contexts(page, '`'));
    let text = "The stops are:\n\n- `a`, `b`\n- `c`\n\nNot `d`.";
    assert_eq!(listed_stops(text), BTreeSet::from(["a", "b", "c"]));
    let text = "[a](adr/1.md#b) and [c](https://example.org/d) and [e](#f) and [g](h)";
    assert_eq!(links(text), ["adr/1.md", "h"]);
}
