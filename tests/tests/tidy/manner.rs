//! Style of sources: length of lines and files, words that mark unfinished or hidden work, and
//! comments that say nothing.

use super::{Source, assert_none, read, rust_sources, sources};

const LINE_CHARACTERS_MAX: usize = 100;
const FILE_LINES_MAX: usize = 500;
const SCRIPT_LINES_MAX: usize = 40;

/// Forbidden word, and what to do instead.
const BANNED: [(&str, &str); 13] = [
    ("#[ignore", "mend the test or delete it"),
    ("#[should_panic", "assert on the error"),
    ("TODO", "do it, or open an issue"),
    ("FIXME", "mend it"),
    ("XXX", "say what is meant"),
    ("todo!", "write it"),
    ("unimplemented!", "write it"),
    ("dbg!", "use tracing"),
    ("unbounded_channel", "name a limit"),
    ("mpsc::unbounded", "name a limit"),
    ("verify_batch", "one signature at a time, by verify_strict"),
    ("/root/", "no path of one machine"),
    ("/home/", "no path of one machine"),
];

/// This folder contains the forbidden words.
const TIDY: &str = "tests/tests/tidy/";

fn finding(source: &Source, line: usize, what: &str) -> String {
    format!("{}:{}: {what}", source.path, line + 1)
}

fn findings(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX && !source.is_test() {
        findings.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", source.path));
    }
    for (number, line) in source.text.lines().enumerate() {
        if line.chars().count() > LINE_CHARACTERS_MAX {
            findings.push(finding(source, number, "the line has more than 100 characters"));
        }
        for (word, remedy) in BANNED {
            if line.contains(word) && !source.path.starts_with(TIDY) {
                findings.push(finding(source, number, &format!("{word}: {remedy}")));
            }
        }
        let comment = line.trim_start().strip_prefix("//").map(str::trim);
        if comment.is_some_and(is_banner) {
            findings.push(finding(source, number, "a banner; let modules divide the code"));
        }
        if comment.is_some_and(is_code) {
            findings.push(finding(source, number, "code in a comment; git remembers it"));
        }
    }
    findings
}

/// True if a comment draws a line. Rows of tables in documentation are allowed.
fn is_banner(comment: &str) -> bool {
    let text = comment.trim_start_matches(['/', '!', ' ']);
    !text.starts_with('|')
        && ["----", "====", "****", "####", "~~~~"].iter().any(|line| text.contains(line))
}

/// True if a plain comment ends like a statement or a block, or opens one.
fn is_code(comment: &str) -> bool {
    if comment.starts_with(['/', '!']) {
        return false;
    }
    let statement = comment.ends_with(';')
        && (comment.contains(['=', '(']) || comment.starts_with("use ") || comment == "return;");
    statement || comment.ends_with('{') || comment == "}" || comment.starts_with("#[")
}

#[test]
fn rust_sources_keep_the_house_rules() {
    let sources = rust_sources();
    assert!(sources.len() > 40, "only {} sources found", sources.len());
    assert_none(sources.iter().flat_map(findings).collect());
}

#[test]
fn scripts_are_thin() {
    let mut scripts = sources("scripts", |_| true);
    scripts.extend(sources(".ci", |_| true));
    assert!(scripts.iter().any(|script| script.path == "scripts/test"));
    let long = scripts.iter().filter(|script| script.text.lines().count() > SCRIPT_LINES_MAX);
    let long = long.map(|script| format!("{}: over {SCRIPT_LINES_MAX} lines", script.path));
    let lax = scripts.iter().filter(|script| {
        script.text.starts_with("#!") && !script.text.contains("\nset -euo pipefail\n")
    });
    let lax = lax.map(|script| format!("{}: without set -euo pipefail", script.path));
    assert_none(long.chain(lax).collect());
}

#[test]
fn the_pure_crates_repeat_the_lints_of_the_workspace() {
    let workspace = read("clippy.toml");
    for path in ["registry-core/clippy.toml", "registry-state/clippy.toml", "ordering/clippy.toml"]
    {
        let own = read(path);
        let rules = workspace.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_none(rules.filter(|rule| !own.contains(rule)).map(str::to_owned).collect());
        assert!(own.contains("std::collections::HashMap"), "{path} must ban random order");
    }
}

#[test]
fn the_manner_checks_find_what_they_look_for() {
    let found = |text: &str| findings(&Source::new("node/src/a.rs", text)).len();
    assert_eq!(found(&"é".repeat(100)), 0);
    assert_eq!(found(&"é".repeat(101)), 1);
    assert_eq!(found(&"\n".repeat(500)), 0);
    assert_eq!(found(&"\n".repeat(501)), 1);
    for (word, _) in BANNED {
        assert_eq!(found(word), 1, "{word}");
    }
    for comment in ["// ---- Types ----", "    // ======", "//////// ****"] {
        assert_eq!(found(comment), 1, "{comment}");
    }
    for comment in ["// let a = b;", "// call(x);", "// if a {", "// }", "// #[cfg(test)]"] {
        assert_eq!(found(comment), 1, "{comment}");
    }
    for comment in ["/// |----|", "// Why; and more", "// It is so, since a lock is held;"] {
        assert_eq!(found(comment), 0, "{comment}");
    }
}
