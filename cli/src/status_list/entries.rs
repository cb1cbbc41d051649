//! Entries of a status list, in the form of the command line and in the form of operations.

use std::path::{Path, PathBuf};

use clap::Args;
use registry_core::codec;
use registry_core::limits::{STATUS_BITS_MAX, STATUS_RUNS_MAX};
use registry_core::status::{EntryChanges, Run, Scattered};

use crate::exit::Failure;
use crate::file::read_input;
use crate::limits::ENTRIES_FILE_BYTES_MAX;

/// Number of scattered entries in one operation. They fit its 64 KiB however they are spread: each
/// takes two bytes, and three if it follows the one before at a distance of 2^14 or more, which at
/// most 512 of 2^23 entries can do.
const SCATTERED_MAX: usize = 30_000;

/// Options that name entries. Exactly one of the two is given.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct EntriesArgs {
    /// Entries and ranges of them, such as 1,5,9-20
    #[arg(long, value_name = "LIST")]
    entries: Option<String>,
    /// File with such entries, separated by commas or white space; - for standard input
    #[arg(long, value_name = "FILE")]
    entries_file: Option<PathBuf>,
}

impl EntriesArgs {
    /// Returns the first and last entry of each stretch. Stretches ascend and do not touch each
    /// other.
    pub(super) fn stretches(&self) -> Result<Vec<(u64, u64)>, Failure> {
        let text = match (&self.entries, &self.entries_file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => read(path)?,
            (None, None) => String::new(),
        };
        let remedy = "name entries and ranges from 0, such as 1,5,9-20";
        stretches(&text).map_err(|message| Failure::usage_with(message, remedy))
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = read_input(path, ENTRIES_FILE_BYTES_MAX)?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("{}: is not UTF-8", path.display())))
}

fn stretches(text: &str) -> Result<Vec<(u64, u64)>, String> {
    let parts = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
    let parts = parts.filter(|part| !part.is_empty());
    let mut all = parts.map(stretch).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() {
        return Err("no entries are named".to_owned());
    }
    all.sort_unstable();
    let mut apart: Vec<(u64, u64)> = Vec::with_capacity(all.len());
    for (first, last) in all {
        match apart.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => apart.push((first, last)),
        }
    }
    Ok(apart)
}

/// Parses an entry or a range of entries. Returns the first and the last entry.
pub(super) fn stretch(part: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| match text.parse() {
        Ok(entry) if entry < STATUS_BITS_MAX => Ok(entry),
        _ => Err(format!("{part:?}: no list has an entry {text:?}")),
    };
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    match (number(first)?, number(last)?) {
        (first, last) if first <= last => Ok((first, last)),
        _ => Err(format!("{part:?}: the range ends before it begins")),
    }
}

/// Makes one run for each stretch, all with the same value.
pub(super) fn runs(stretches: &[(u64, u64)], value: u8, expect: Option<u8>) -> Vec<Run> {
    let run = |&(first, last): &(u64, u64)| Run {
        start: first,
        length: last.saturating_sub(first).saturating_add(1),
        value,
        expect,
    };
    stretches.iter().map(run).collect()
}

/// Returns the number of entries in all runs together.
pub(super) fn count(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.length).sum()
}

/// Divides `runs`, which ascend and do not overlap, into the changes of as few operations as
/// possible. Entries go as runs or as scattered entries, whichever makes fewer operations and then
/// fewer bytes.
pub(super) fn plan(runs: &[Run]) -> Vec<EntryChanges> {
    let by_runs: Vec<_> =
        runs.chunks(STATUS_RUNS_MAX).map(|runs| EntryChanges::Runs(runs.to_vec())).collect();
    // Scattered entries cannot carry expected values.
    if runs.iter().any(|run| run.expect.is_some()) {
        return by_runs;
    }
    // So many scattered entries would need more operations than the runs, so they are not even
    // built.
    let scattered_max = by_runs.len().saturating_mul(SCATTERED_MAX);
    if count(runs) > u64::try_from(scattered_max).unwrap_or(u64::MAX) {
        return by_runs;
    }
    let scattered = scattered(runs);
    let cost = |plan: &[EntryChanges]| {
        let bytes: usize = plan.iter().map(|changes| codec::encode(changes).len()).sum();
        (plan.len(), bytes)
    };
    if cost(&scattered) < cost(&by_runs) { scattered } else { by_runs }
}

fn scattered(runs: &[Run]) -> Vec<EntryChanges> {
    let mut values: Vec<u8> = runs.iter().map(|run| run.value).collect();
    values.sort_unstable();
    values.dedup();
    let mut plan = Vec::new();
    for value in values {
        let same = runs.iter().filter(|run| run.value == value);
        let entries: Vec<u64> = same.flat_map(|run| run.start..run.start + run.length).collect();
        let parts = entries.chunks(SCATTERED_MAX);
        let parts = parts.filter_map(|part| Scattered::new(value, part.iter().copied()));
        plan.extend(parts.map(EntryChanges::Entries));
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use registry_core::limits::STATUS_SET_BYTES_MAX;

    use super::*;

    /// Bytes of an envelope besides the changes, with room for many signatures.
    const ENVELOPE_BYTES: usize = 4_096;

    #[test]
    fn entries_are_sorted_and_joined() {
        assert_eq!(stretches("1,5,9-20"), Ok(vec![(1, 1), (5, 5), (9, 20)]));
        assert_eq!(stretches("9-12\n2 ,3\n\n10-20,0"), Ok(vec![(0, 0), (2, 3), (9, 20)]));
        assert_eq!(stretches("4,4,4-4,5"), Ok(vec![(4, 5)]));
        assert_eq!(stretches("8388607"), Ok(vec![(8_388_607, 8_388_607)]));
    }

    #[test]
    fn wrong_entries_are_named() {
        for (text, part) in [
            ("1,x", "\"x\""),
            ("-1", "\"-1\""),
            ("3-", "\"3-\""),
            ("3-2", "\"3-2\""),
            ("1-2-3", "\"1-2-3\""),
            ("8388608", "\"8388608\""),
            ("18446744073709551616", "\"18446744073709551616\""),
        ] {
            let error = stretches(text).expect_err(text);
            assert!(error.starts_with(part), "{error}");
        }
        assert!(stretches(" ,\n").is_err());
    }

    fn ones(indexes: impl IntoIterator<Item = u64>) -> Vec<Run> {
        let all: Vec<(u64, u64)> = indexes.into_iter().map(|index| (index, index)).collect();
        runs(&all, 1, None)
    }

    #[test]
    fn the_smaller_form_is_taken() {
        let few = plan(&runs(&[(1, 1), (5, 5), (9, 1_000)], 1, None));
        assert!(matches!(&few[..], [EntryChanges::Runs(_)]), "{few:?}");
        let many = plan(&ones((0..8_000).step_by(2)));
        assert!(matches!(&many[..], [EntryChanges::Entries(_)]), "{many:?}");
        let whole = plan(&runs(&[(0, (1 << 23) - 1)], 1, None));
        assert!(matches!(&whole[..], [EntryChanges::Runs(_)]), "{whole:?}");
        let expecting = plan(&runs(&[(1, 1), (5, 5), (9, 9)], 1, Some(0)));
        assert!(matches!(&expecting[..], [EntryChanges::Runs(_)]), "{expecting:?}");
    }

    #[test]
    fn the_worst_spread_fits_the_operation() {
        // As many distances of three bytes as a list has room for, then distances of one byte.
        let far = (0..500).map(|jump| jump * 16_385);
        let near = (0..29_500).map(|step| 8_200_000 + step * 3);
        let spread: Vec<u64> = far.chain(near).collect();
        let even: Vec<u64> = (0..SCATTERED_MAX as u64).map(|index| index * 279).collect();
        for indexes in [spread, even] {
            let plan = plan(&ones(indexes));
            assert!(matches!(&plan[..], [EntryChanges::Entries(_)]));
            assert!(codec::encode(&plan[0]).len() + ENVELOPE_BYTES <= STATUS_SET_BYTES_MAX);
        }
        let far = (0..STATUS_RUNS_MAX as u64).map(|index| Run {
            start: 70_000 + index * 100,
            length: 99,
            value: 255,
            expect: Some(254),
        });
        let plan = plan(&far.collect::<Vec<_>>());
        assert_eq!(plan.len(), 1);
        assert!(codec::encode(&plan[0]).len() + ENVELOPE_BYTES <= STATUS_SET_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn a_plan_changes_each_entry_once_and_no_other(
            gaps in prop::collection::vec((1u64..40, 1u64..12, 1u8..3), 1..6_000),
        ) {
            let mut runs = Vec::new();
            let mut end = 0;
            for (gap, length, value) in gaps {
                runs.push(Run { start: end + gap, length, value, expect: None });
                end += gap + length;
            }
            let plan = plan(&runs);
            let entry = |run: Run| (run.start..run.start + run.length).map(move |e| (e, run.value));
            let expected: Vec<(u64, u8)> = runs.into_iter().flat_map(entry).collect();
            let mut planned: Vec<(u64, u8)> =
                plan.iter().flat_map(EntryChanges::runs).flat_map(entry).collect();
            planned.sort_unstable();
            prop_assert_eq!(planned, expected);
        }
    }
}
