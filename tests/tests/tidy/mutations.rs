//! The deliberate bugs of `tests/mutations` fit the code that they change, and name their tests.

use std::process::Command;

use super::root;

#[test]
fn every_deliberate_bug_applies_and_names_its_tests() {
    let dir = root().join("tests/mutations");
    let mut wrong = Vec::new();
    for file in std::fs::read_dir(&dir).expect("tests/mutations") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        if !text.lines().any(|line| line.starts_with("Test: ")) {
            wrong.push(format!("{}: no line \"Test: ARGUMENTS\"", path.display()));
        }
        let mut apply = Command::new("git");
        let apply = apply.args(["apply", "--check"]).arg(&path).current_dir(root());
        let applied = apply.output().expect("git runs");
        if !applied.status.success() {
            let errors = String::from_utf8_lossy(&applied.stderr);
            wrong.push(format!("{} does not apply: {errors}", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "mend the patch in the commit that changes its code:\n{}",
        wrong.join("\n")
    );
}
