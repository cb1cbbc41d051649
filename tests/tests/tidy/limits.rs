//! The limits that the protocol pages state are those of the code. The sentences are made from the
//! constants and must stand on the pages, whatever their line breaks.

use registry_core::cost::{BLOCK_COST_MAX_MIN, COST_PER_MS, EXPIRED, OPERATION_COST_MAX};
use registry_core::limits::{
    BLOCK_BYTES_MAX, BLOCK_FIRST_VERSIONS_MAX, BLOCK_OPERATIONS_MAX, BLOCK_RESERVED_DIVISOR,
    BLOCK_STATUS_BYTES_MAX, CONTROL_MEMBERS_MAX, DAY_MS, DID_MARKS_MAX, DID_MARKS_SENIOR_MAX,
    EXPIRED_PER_BLOCK_MAX, OPERATION_BYTES_MAX, PRIORITY_OPERATIONS_PER_DAY, RECOVERY_DELAY_MS_MAX,
    SIGNATURES_MAX, STATUS_DELEGATES_MAX, STATUS_ENTRIES_MAX, STATUS_RUNS_MAX,
    STATUS_SET_BYTES_MAX, TRUST_CHAIN_MAX, TRUST_GRANTS_MAX, TRUST_ROOTS_MAX,
};
use registry_core::operation::Action;

use super::{assert_none, read};

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;

/// Returns the number with a comma before each group of three digits, as the pages write it.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the text with one space in place of each run of white space.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cost(units: u64) -> String {
    grouped(usize::try_from(units).expect("a small number"))
}

/// Returns the table of weights as the page writes it.
fn weights() -> String {
    use registry_core::cost::{
        ARRAY_LEAF, ARRAY_LEAF_BYTES, ARRAY_ROW, ARRAY_ROW_LEAVES, CHANGES, ED25519, ENTRIES,
        ENVELOPE_BYTES, KEY, LEAF, OPERATION, P256, READ, READ_BYTES, REWRITE, SCHEDULE, SECP256K1,
        VERSION_DIGIT, WRITE, WRITE_BYTES,
    };
    let (entries, schedule) = (cost(ENTRIES), cost(SCHEDULE));
    [
        format!("| each operation | {OPERATION} |"),
        format!("| its envelope | 1 for each {ENVELOPE_BYTES} bytes |"),
        format!(
            "| each signature | {ED25519} (Ed25519), {P256} (P-256), {SECP256K1} (secp256k1) |"
        ),
        format!("| each public key that it brings, in sets, in a document or revealed | {KEY} |"),
        format!(
            "| `status_set`: its changes | 1 for each {CHANGES} runs or indexes, and 1 for each \
             {entries} entries that they name, rounded down |"
        ),
        format!(
            "| `governance_propose`, `governance_approve`, `governance_withdraw` | {schedule} |"
        ),
        format!("| each read | {READ}, and 1 for each {READ_BYTES} bytes that it gives |"),
        format!(
            "| each record that it writes first in the block | {WRITE}, {VERSION_DIGIT} for each \
             binary digit of the new version number, and 1 for each {WRITE_BYTES} bytes written |"
        ),
        format!(
            "| each record that the block has written before | {REWRITE}, and 1 for each \
             {WRITE_BYTES} bytes written |"
        ),
        format!("| each transient leaf that it sets | {LEAF} |"),
        format!(
            "| an array that the block opens | {ARRAY_LEAF} for each leaf of {ARRAY_LEAF_BYTES} \
             bytes; for each row {ARRAY_ROW}, and 1 for each {ARRAY_ROW_LEAVES} leaves, rounded \
             down |"
        ),
    ]
    .join(" ")
}

/// Returns pages with sentences that must stand on them.
fn stated() -> Vec<(&'static str, String)> {
    let ordinary = |limit: usize| grouped(limit - limit / BLOCK_RESERVED_DIVISOR);
    let days = RECOVERY_DELAY_MS_MAX / DAY_MS;
    vec![
        (
            "state.md",
            format!(
                "at most {} operations, {} MiB of envelopes and {} operations that write the \
                 first version of a record",
                grouped(BLOCK_OPERATIONS_MAX),
                BLOCK_BYTES_MAX / MIB,
                grouped(BLOCK_FIRST_VERSIONS_MAX)
            ),
        ),
        (
            "state.md",
            format!(
                "at most {} operations and {} bytes.",
                ordinary(BLOCK_OPERATIONS_MAX),
                ordinary(BLOCK_BYTES_MAX)
            ),
        ),
        ("state.md", format!("at most {} MiB together", BLOCK_STATUS_BYTES_MAX / MIB)),
        ("state.md", format!("No operation costs more than {} units", cost(OPERATION_COST_MAX))),
        (
            "state.md",
            format!(
                "`block_cost_max` is at least {}, which is room for ten of the dearest \
                 operations, and at most {COST_PER_MS} · `timeout_propose_ms` / 4",
                cost(BLOCK_COST_MAX_MIN)
            ),
        ),
        ("state.md", weights()),
        ("state.md", format!("at most one for each {EXPIRED} units of `block_cost_max`")),
        ("state.md", format!("at most {} of them", grouped(EXPIRED_PER_BLOCK_MAX))),
        ("operations.md", format!("decodes at most {} KiB", OPERATION_BYTES_MAX / KIB)),
        ("operations.md", format!("There are 1 to {SIGNATURES_MAX} signatures")),
        ("operations.md", format!("A set has 1 to {CONTROL_MEMBERS_MAX} members or commitments")),
        ("operations.md", format!("`delay_ms` is at most {days} days")),
        (
            "operations.md",
            format!(
                "at most {PRIORITY_OPERATIONS_PER_DAY} operations of `did_rotate` and \
                 `did_deactivate` together, and at most {PRIORITY_OPERATIONS_PER_DAY} of"
            ),
        ),
        (
            "operations.md",
            format!("| {SIGNATURES_MAX} · {CONTROL_MEMBERS_MAX} · {CONTROL_MEMBERS_MAX} |"),
        ),
        ("operations.md", format!("the list would have more than {DID_MARKS_MAX} marks")),
        ("operations.md", format!("`marks` has at most {DID_MARKS_MAX} entries")),
        ("operations.md", format!("{DID_MARKS_SENIOR_MAX} marks in all")),
        ("status.md", format!("at most {} runs", grouped(STATUS_RUNS_MAX))),
        ("status.md", format!("at most {} scattered entries", grouped(STATUS_ENTRIES_MAX))),
        ("status.md", format!("`status_set` has at most {} KiB", STATUS_SET_BYTES_MAX / KIB)),
        ("status.md", format!("entries_per_hour, valid_until?}}`, at most {STATUS_DELEGATES_MAX}")),
        ("status.md", format!("at most {} MiB together", BLOCK_STATUS_BYTES_MAX / MIB)),
        ("trust.md", format!("1 to {TRUST_GRANTS_MAX} grants")),
        ("trust.md", format!("It has at most {TRUST_CHAIN_MAX} grants")),
        ("trust.md", format!("has at most {TRUST_ROOTS_MAX} entries")),
    ]
}

/// Returns the bytes that rule O2 allows the action, read from the table on the page.
fn allowed(page: &str, action: &str) -> Option<usize> {
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.trim().strip_prefix('|')?.split('|').map(str::trim);
        let (actions, bytes) = (cells.next()?, cells.next()?);
        let (bytes, kib) = bytes.split_once(" (")?;
        let bytes: usize = bytes.replace(',', "").parse().ok()?;
        (kib == format!("{} KiB)", bytes / KIB)).then_some((actions, bytes))
    });
    let rows: Vec<(&str, usize)> = rows.collect();
    let named = |name: &str| rows.iter().find(|(actions, _)| actions.contains(name));
    let family = match action.split('_').next()? {
        "trust" | "agent" => "trust and agent actions",
        "credential" => "credential types",
        "governance" if action != "governance_propose" => "governance actions other than",
        _ => "all others",
    };
    named(&format!("`{action}`"))
        .filter(|_| action != "governance_propose")
        .or_else(|| named(family))
        .map(|(_, bytes)| *bytes)
}

#[test]
fn the_documented_limits_are_the_limits() {
    let mut missing = Vec::new();
    for (page, sentence) in stated() {
        let path = format!("docs/protocol/{page}");
        if !flat(&read(&path)).contains(&flat(&sentence)) {
            missing.push(format!("{path} does not say {sentence:?}"));
        }
    }
    let operations = read("docs/protocol/operations.md");
    for facts in Action::ALL {
        let (name, bytes_max) = (facts.name, facts.bytes_max);
        match allowed(&operations, name) {
            Some(bytes) if bytes == bytes_max => {}
            found => missing.push(format!("O2 allows {name} {found:?} bytes, not {bytes_max}")),
        }
    }
    assert_none(missing);
}

#[test]
fn the_limit_checks_find_what_they_look_for() {
    assert_eq!([0, 999, 1_000, 1_887_437].map(grouped), ["0", "999", "1,000", "1,887,437"]);
    assert_eq!(flat("a\n  b c"), "a b c");
    let page = "  | `status_set` | 65,536 (64 KiB) |\n  | all others | 1,024 (1 KiB) |";
    assert_eq!(allowed(page, "status_set"), Some(65_536));
    assert_eq!(allowed(page, "did_create"), Some(1_024));
    assert_eq!(allowed("| all others | 1,025 (2 KiB) |", "did_create"), None);
}
