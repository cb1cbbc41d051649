//! The page on attackers names a test for each of its claims. The names must be those of tests that
//! exist, or the page would promise what nobody checks.

use std::fs;

use super::{assert_none, read, root};

const PAGE: &str = "docs/operations/security.md";

/// Words of a cell that names no test.
const NONE: &str = "No test covers it";

/// Folder of the golden vectors.
const VECTORS: &str = "tests/vectors/";

/// Returns the last cell of each row of the tables whose last column is called `Test`.
fn test_cells(page: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut is_wanted = false;
    for line in page.lines() {
        let last = line.strip_suffix('|').and_then(|row| row.rsplit('|').next()).map(str::trim);
        match last {
            None => is_wanted = false,
            Some("Test") => is_wanted = true,
            Some(cell) if is_wanted && !cell.starts_with("---") => cells.push(cell),
            Some(_) => {}
        }
    }
    cells
}

/// True if the source has a function of this name with the attribute of a test.
fn has_test(source: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        } else if is_test && line.contains(&head) {
            return true;
        } else {
            is_test = false;
        }
    }
    false
}

/// True if the name is that of a golden vector or of a test function, `path::name`.
fn exists(name: &str) -> bool {
    let Some((path, function)) = name.split_once("::") else {
        return name.starts_with(VECTORS) && root().join(name).is_file();
    };
    fs::read_to_string(root().join(path)).is_ok_and(|source| has_test(&source, function))
}

/// Returns what is wrong with the cells in which a page names its tests.
fn findings(page: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for cell in test_cells(page) {
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if names.is_empty() && !cell.starts_with(NONE) {
            findings.push(format!("{PAGE}: {cell:?} names no test and does not say so"));
        }
        let missing = names.into_iter().filter(|name| !exists(name));
        findings.extend(missing.map(|name| format!("{PAGE}: there is no test {name}")));
    }
    findings
}

#[test]
fn every_test_on_the_page_on_attackers_exists() {
    let page = read(PAGE);
    assert!(test_cells(&page).len() > 100, "the page has more claims than that");
    assert_none(findings(&page));
}

#[test]
fn the_check_of_named_tests_finds_what_it_looks_for() {
    let own = "tests/tests/tidy/security.rs";
    let good = format!("`{own}::the_check_of_named_tests_finds_what_it_looks_for`");
    let vector = "`tests/vectors/valid/update_by_control.json`";
    let table = |cell: &str| format!("| Who | Test |\n|---|---|\n| a | {cell} |\n\n| a | b |\n");
    for cell in [good.clone(), format!("{vector}, {good}"), format!("{NONE} yet")] {
        assert_eq!(findings(&table(&cell)), Vec::<String>::new(), "{cell}");
    }
    for cell in [
        "".to_owned(),
        "none".to_owned(),
        format!("`{own}::findings`"),
        format!("`{own}::nobody_wrote_this`"),
        "`tests/tests/tidy/nowhere.rs::every_test`".to_owned(),
        "`tests/vectors/valid/nowhere.json`".to_owned(),
        "`README.md`".to_owned(),
        format!("{good}, `{own}::nobody_wrote_this`"),
    ] {
        assert_eq!(findings(&table(&cell)).len(), 1, "{cell}");
    }
}
