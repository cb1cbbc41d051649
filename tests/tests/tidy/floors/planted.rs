//! Tests of the floor checks, on small workspaces with a planted fault.

use super::modules::House;
use super::variants::questions;
use super::{circle_findings, survey};
use crate::{Source, assert_none};

/// Makes a workspace of the crate `a` and of `registry-core`.
fn house(files: &[(&str, &str)]) -> House {
    let manifests = ["a", "registry-core"].map(|name| {
        Source::new(&format!("{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n"))
    });
    let files = files.iter().map(|(path, text)| Source::new(path, text));
    House::new(&files.chain(manifests).collect::<Vec<_>>())
}

fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let house = house(files);
    let path = |file: usize| house.files[file].path.strip_prefix("a/src/").unwrap_or_default();
    let arrows = house.arrows().into_keys();
    arrows.map(|arrow| format!("{} {} {}", path(arrow.from), path(arrow.to), arrow.item)).collect()
}

#[test]
fn an_arrow_leads_to_the_file_that_defines_the_item() {
    let from = |text: &str| {
        arrows(&[
            ("a/src/lib.rs", "mod low; mod high; pub use low::deep::Item;"),
            ("a/src/low/mod.rs", "pub mod deep; pub use deep::Item; macro_rules! m { () => {} }"),
            ("a/src/low/deep.rs", "pub struct Item; pub enum Sort { One } pub fn call() {}"),
            ("a/src/high.rs", text),
        ])
    };
    for text in [
        "use crate::low::Item;",
        "use crate::low; fn f() { low::Item::new() }",
        "use super::low::{self as x, deep::{self}}; fn f(_: &deep::Item) {}",
        "fn f() -> Vec<crate::Item> { a::Item }",
        "fn f() { print!(\"{}\", crate::low::deep::Item { a: 1 }) }",
        "mod inner { fn f() { use super::super::low::Item; } }",
        "use crate::low::*; fn f(_: Item) {}",
    ] {
        let found = from(text);
        assert!(found.contains(&"high.rs low/deep.rs Item".to_owned()), "{text}: {found:?}");
    }
    let sort = from("use crate::low::deep::Sort::*; fn f() { One }");
    assert_eq!(sort, ["high.rs low/deep.rs Sort"]);
    assert_eq!(from("#[serde(with = \"crate::low::deep\")] struct S;"), ["high.rs low/deep.rs *"]);
    assert_eq!(from("fn f() { crate::low::made_by_a_macro() }").len(), 1);
    assert_eq!(from("use crate::low::*;"), ["high.rs low/mod.rs *"]);
    for text in [
        "use crate::low::deep;",
        "use std::fmt::Write; fn f(low: u8) { low.deep() }",
        "#[cfg(test)] mod tests { use crate::low::Item; }",
        "#[cfg(test)] use crate::low::Item;",
        "struct S; impl S { #[cfg(test)] fn f() -> crate::low::Item {} }",
        "/// See [`crate::low::Item`].\nfn f() {}",
    ] {
        assert_eq!(from(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_planted_circle_of_files_is_found() {
    let found = |low: &str| {
        let house = house(&[
            ("a/src/lib.rs", "mod low; mod mid; mod high; pub use high::High;"),
            ("a/src/low.rs", low),
            ("a/src/mid.rs", "use crate::low::Low; pub struct Mid(Low);"),
            ("a/src/high.rs", "pub struct High(crate::mid::Mid);"),
        ]);
        circle_findings(&house, &house.arrows())
    };
    assert_none(found("pub struct Low;"));
    assert_eq!(
        found("pub struct Low(crate::High);"),
        ["a circle of 3 files: a/src/low.rs a/src/mid.rs a/src/high.rs\n    \
          a/src/low.rs → High → a/src/high.rs → Mid → a/src/mid.rs → Low → a/src/low.rs"]
    );
}

#[test]
fn a_planted_back_arrow_is_found() {
    let found = |low: &str, floors: &[&str]| {
        let house = house(&[
            ("a/src/lib.rs", "mod low; mod high;"),
            ("a/src/low.rs", low),
            ("a/src/high.rs", "pub mod part; use crate::low::Low;"),
            ("a/src/high/part.rs", "pub struct Part;"),
        ]);
        survey(&house, &house.arrows(), "a", floors).findings
    };
    assert_none(found("pub struct Low;", &["low", "high"]));
    assert_none(found("pub struct Low(crate::high::part::Part);", &["high/part", "low", "high"]));
    let back = "\n\npub struct Low(crate::high::part::Part);";
    assert_eq!(
        found(back, &["low", "high"]),
        ["a/src/low.rs:3: low must not know high: Part of a/src/high/part.rs"]
    );
    assert_eq!(found("pub struct Low;", &["low high"]).len(), 1);
    assert_eq!(found("use crate::Root;", &["low", "high"]).len(), 1);
    assert_eq!(found("pub struct Low;", &["low"]), ["a: the folder high has no floor"]);
    assert_eq!(found("pub struct Low;", &["low", "high", "x"]), ["a: there is no folder x"]);
}

#[test]
fn a_planted_question_about_a_variant_is_found() {
    let found = |text: &str| {
        questions(&house(&[
            ("a/src/lib.rs", "enum Action { Two } fn f(a: Action) { if let Action::Two = a {} }"),
            ("registry-core/src/lib.rs", "mod operation; mod rules; pub use operation::Action;"),
            ("registry-core/src/operation.rs", "pub enum Action { One(u8), Two }"),
            ("registry-core/src/rules.rs", &format!("use crate::Action; {text}")),
        ]))
        .len()
    };
    for text in [
        "fn f(a: Action) -> bool { matches!(a, Action::One(_) | Action::Two) }",
        "fn f(a: Action) { assert!(matches!(g(a), Some(Action::Two) if a), \"\") }",
        "fn f(a: Action) { if let Action::One(n) = a {} }",
        "fn f(a: Action) { while let Some(Action::Two) = g() {} }",
        "fn f(a: Action) { let Action::One(n) = a else { return }; }",
        "impl Action { fn f(&self) -> bool { matches!(self, Self::Two) } }",
        "use crate::operation::Action::*; fn f(a: Action) { if let Two = a {} }",
        "fn f(a: Action) { match a { Action::Two => {} _ => {} } }",
        "fn f(a: Action) { match a { Action::Two => {} rest => {} } }",
    ] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in [
        "fn f(a: Action) { match a { Action::One(_) => {} Action::Two => {} } }",
        "fn f(a: u8) { match a { 1 => {} _ => {} } }",
        "fn f(a: Option<Action>) { if let Some(a) = a {} }",
        "#[cfg(test)] mod tests { fn f(a: super::Action) { matches!(a, super::Action::Two) } }",
    ] {
        assert_eq!(found(text), 0, "{text}");
    }
}
