//! Golden vectors: `tests/vectors/{valid,invalid}/*.json` at the root of the repository.
//!
//! Without an environment variable, the tests read each file and execute its case. With
//! `UPDATE_VECTORS=1` they write all files anew. Commit changed vectors separately.

mod case_agents;
mod case_authors;
mod case_blocks;
mod case_cost;
mod case_documents;
mod case_encodings;
mod case_endorsement;
mod case_governance;
mod case_guards;
mod case_juniors;
mod case_marks;
mod case_members;
mod case_operations;
mod case_recoveries;
mod case_schemas;
mod case_sets;
mod case_signatures;
mod case_status;
mod case_trust;
mod case_values;
mod case_voids;
mod catalogue;
mod format;
mod menu;
mod read;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use catalogue::Catalogue;
use format::{BlockCase, Body, Expect, OperationCase, Vector};
use registry_core::code::Code;
use registry_core::codec::{Bytes, decode};
use registry_core::operation::{Action, SignedOperation};
use support::ledger::Ledger;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name)
}

fn write(vectors: &Catalogue) -> std::io::Result<()> {
    for (name, files) in [("valid", &vectors.valid), ("invalid", &vectors.invalid)] {
        let folder = folder(name);
        std::fs::create_dir_all(&folder)?;
        for entry in std::fs::read_dir(&folder)? {
            std::fs::remove_file(entry?.path())?;
        }
        for (rule, vector) in files {
            let text = serde_json::to_string_pretty(vector)? + "\n";
            std::fs::write(folder.join(format!("{rule}.json")), text)?;
        }
    }
    Ok(())
}

fn read_folder(name: &str) -> BTreeMap<String, Vector> {
    let entries = std::fs::read_dir(folder(name)).expect("the vector folder");
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a readable folder").path();
        let rule = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert_eq!(path.extension().and_then(|name| name.to_str()), Some("json"), "{rule}");
        let text = std::fs::read_to_string(&path).expect("a readable file");
        (rule.clone(), serde_json::from_str(&text).unwrap_or_else(|e| panic!("{rule}: {e}")))
    };
    entries.map(file).collect()
}

fn names(vectors: &BTreeMap<String, Vector>) -> BTreeSet<&str> {
    vectors.keys().map(String::as_str).collect()
}

#[test]
fn every_file_has_the_outcome_that_it_names() {
    let generated = Catalogue::whole();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        write(&generated).expect("the vector folder is writable");
    }
    let mut wrong = Vec::new();
    for (folder, known) in [("valid", &generated.valid), ("invalid", &generated.invalid)] {
        let files = read_folder(folder);
        assert_eq!(names(&files), names(known), "tests/vectors/{folder} is not the known set");
        for (rule, vector) in &files {
            let outcome = read::outcome(vector);
            if outcome != vector.body {
                wrong.push(format!("{folder}/{rule}: {}", short(&outcome)));
            }
            assert_eq!(read::is_valid(&vector.body), folder == "valid", "{folder}/{rule}");
            assert_eq!(Some(vector), known.get(rule), "{folder}/{rule} is not what is generated");
        }
    }
    assert!(wrong.is_empty(), "other outcomes than the files say: {wrong:#?}");
}

/// Returns a short form of the outcome, without its setup.
fn short(outcome: &Body) -> String {
    match outcome {
        Body::Operation(case) => format!("{:?}", case.expect),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_code_has_an_invalid_vector() {
    let refused: BTreeSet<u16> = read_folder("invalid")
        .values()
        .filter_map(|vector| match &vector.body {
            Body::Operation(case) => match &case.expect {
                Expect::Refused(refused) => Some(refused.code),
                Expect::Applied(_) | Expect::Waits => None,
            },
            _ => None,
        })
        .collect();
    // These codes cancel a change and refuse no operation; the valid vectors of effects show them.
    let cancelling = [Code::ValidatorNotReady, Code::VersionNotReady];
    let refusing = Code::ALL.iter().filter(|code| !cancelling.contains(code));
    for code in refusing {
        assert!(refused.contains(&code.number()), "no invalid vector for {code}");
    }
}

/// Returns the cases of operations that apply.
fn applied() -> Vec<(String, OperationCase)> {
    let files = read_folder("valid").into_iter();
    let cases = files.filter_map(|(rule, vector)| match vector.body {
        Body::Operation(case) => Some((rule, *case)),
        _ => None,
    });
    cases.collect()
}

fn code_of(case: OperationCase) -> Option<u16> {
    let body = Body::Operation(Box::new(case));
    match read::outcome(&Vector { rule: String::new(), body }) {
        Body::Operation(case) => match case.expect {
            Expect::Refused(refused) => Some(refused.code),
            Expect::Applied(_) | Expect::Waits => None,
        },
        _ => None,
    }
}

/// Returns the codes with which an operation that was just applied is refused. The guards of the
/// first four actions do not tell a copy of the operation from another one, so the rules refuse it.
fn codes_of_copy(bytes: &Bytes) -> &'static [Code] {
    let checked = Ledger::check(&bytes.0).expect("a valid operation");
    match checked.operation().action {
        Action::StatusClose(_) => &[Code::StatusClosed],
        Action::TrustRevoke(ref end) if !end.void => &[Code::TrustStatus],
        Action::GovernanceApprove(_) => &[Code::ApprovedAlready, Code::ProposalClosed],
        Action::GovernanceWithdraw(_) => {
            &[Code::NotApproved, Code::ApprovalFinal, Code::ProposalClosed]
        }
        _ => &[Code::AlreadyApplied],
    }
}

fn is_refused_with(case: OperationCase, codes: &[Code]) -> bool {
    let code = code_of(case);
    codes.iter().any(|expected| code == Some(expected.number()))
}

#[test]
fn nothing_that_applies_applies_again_or_elsewhere() {
    for (rule, case) in applied() {
        let mut elsewhere = OperationCase { genesis: None, blocks: vec![], ..case.clone() };
        elsewhere.chain.0[0] ^= 1;
        let refused = code_of(elsewhere);
        assert_eq!(refused, Some(Code::ChainMismatch.number()), "{rule} on another chain");
        let mut twice = case.clone();
        twice.case.before.push(case.case.operation.clone());
        let codes = codes_of_copy(&case.case.operation);
        assert!(is_refused_with(twice, codes), "{rule} in one block");
        let mut later = case.clone();
        let time_ms = case.case.time_ms.expect("a case with state has a time");
        let mut operations = std::mem::take(&mut later.case.before);
        operations.push(case.case.operation.clone());
        later.blocks.push(BlockCase { time_ms, operations });
        later.case.time_ms = Some(time_ms + 1);
        // Something that is valid until this very moment is too late, applied or not.
        let passed = ["until_now", "until_now_on_update"].contains(&rule.as_str());
        // Who may write is asked before what the operation says.
        let ended = rule == "endorser_before_its_right_ends";
        let codes = match (passed, ended) {
            (true, _) => &[Code::UntilPassed],
            (_, true) => &[Code::EndorserNotGranted],
            (false, false) => codes,
        };
        assert!(is_refused_with(later, codes), "{rule} a block later");
    }
}

#[test]
fn a_signature_less_is_refused_unless_more_signed_than_needed() {
    let more_than_needed = ["signatures_more_than_threshold", "author_by_two_methods"];
    for (rule, case) in applied() {
        let bytes = &case.case.operation.0;
        let whole: SignedOperation = decode(bytes, bytes.len()).expect("applies");
        for place in 0..whole.signatures.len() {
            let mut stripped = whole.clone();
            stripped.signatures.remove(place);
            let mut stripped_case = case.clone();
            stripped_case.case.operation = Bytes(stripped.bytes());
            let accepted = code_of(stripped_case).is_none();
            assert_eq!(accepted, more_than_needed.contains(&rule.as_str()), "{rule} {place}");
        }
    }
}

#[test]
fn there_are_at_least_40_valid_and_100_invalid_vectors() {
    assert!(read_folder("valid").len() >= 40);
    assert!(read_folder("invalid").len() >= 100);
}

/// Returns the name of an action as it is spelled in a body.
fn tag(action: &Action) -> String {
    match serde_json::to_value(action).expect("an action") {
        serde_json::Value::String(name) => name,
        serde_json::Value::Object(members) => members.keys().next().expect("a tag").clone(),
        other => panic!("{other}"),
    }
}

#[test]
fn every_action_has_a_valid_vector_and_its_name() {
    let mut seen = BTreeSet::new();
    for vector in read_folder("valid").into_values() {
        let Body::Operation(case) = vector.body else { continue };
        let checked = Ledger::check(&case.case.operation.0).expect("a valid operation");
        let action = &checked.operation().action;
        assert_eq!(action.facts().name, tag(action), "the name is what bodies write");
        seen.insert(tag(action));
    }
    let missing = Action::ALL.iter().filter(|facts| !seen.contains(facts.name));
    assert_eq!(missing.count(), 0, "actions without a valid vector");
}
