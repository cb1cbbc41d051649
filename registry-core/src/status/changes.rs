//! Changes that a `status_set` makes to the entries of a list: runs, or scattered entries of one
//! value (docs/protocol/status.md, section "Actions").

use serde::{Deserialize, Serialize};

use super::leb128;
use crate::code::{Code, Refusal};
use crate::codec::Bytes;
use crate::limits::{STATUS_ENTRIES_MAX, STATUS_RUNS_MAX};

/// Changes of the entries by one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryChanges {
    /// Runs of neighbouring entries, each with a value of its own; ascending and not overlapping.
    Runs(Vec<Run>),
    /// Entries anywhere in the list that all get the same value.
    Entries(Scattered),
}

/// A run of neighbouring entries that get the same value. Its encoding is a list of its numbers,
/// which keeps it short: thousands of runs must fit one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct Run {
    /// Index of the first entry.
    pub start: u64,
    /// Number of entries, at least 1.
    pub length: u64,
    /// New value of the entries.
    pub value: u8,
    /// Value that each entry must have before the change; `None` if any value is accepted.
    pub expect: Option<u8>,
}

impl From<Run> for Vec<u64> {
    fn from(Run { start, length, value, expect }: Run) -> Self {
        let numbers = [start, length, u64::from(value)].into_iter();
        numbers.chain(expect.map(u64::from)).collect()
    }
}

impl TryFrom<Vec<u64>> for Run {
    type Error = &'static str;

    fn try_from(numbers: Vec<u64>) -> Result<Self, Self::Error> {
        let (start, length, value, expect) = match numbers[..] {
            [start, length, value] => (start, length, value, None),
            [start, length, value, expect] => (start, length, value, Some(expect)),
            _ => return Err("a run is [start, length, value] or [start, length, value, expect]"),
        };
        let byte = |number| u8::try_from(number).map_err(|_| "values of entries are below 256");
        Ok(Self { start, length, value: byte(value)?, expect: expect.map(byte).transpose()? })
    }
}

impl Run {
    /// Returns the index after the last entry; `None` if it does not fit 64 bits.
    pub fn end(&self) -> Option<u64> {
        self.start.checked_add(self.length)
    }
}

/// Scattered entries that get the same value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scattered {
    /// New value of the entries.
    pub value: u8,
    /// LEB128 numbers: the first index, and for each further one its distance to the one before,
    /// minus 1.
    pub indexes: Bytes,
}

impl Scattered {
    /// Makes the change of `indexes` to one value. Returns `None` if the indexes do not ascend
    /// strictly or do not fit 32 bits.
    pub fn new(value: u8, indexes: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut next = 0u64;
        for index in indexes {
            let distance = index.checked_sub(next)?;
            leb128::write(&mut bytes, u32::try_from(distance).ok()?);
            next = index.checked_add(1)?;
        }
        Some(Self { value, indexes: Bytes(bytes) })
    }

    /// Returns the indexes, ascending, up to the first that is badly encoded.
    pub fn indexes(&self) -> impl Iterator<Item = u64> {
        let mut next = 0u64;
        let mut rest = &self.indexes.0[..];
        std::iter::from_fn(move || {
            let (distance, behind) = leb128::read(rest)?;
            let index = next.checked_add(u64::from(distance))?;
            (next, rest) = (index.checked_add(1)?, behind);
            Some(index)
        })
    }

    /// Returns the number of indexes; `None` if one is badly encoded.
    fn count(&self) -> Option<usize> {
        let mut rest = &self.indexes.0[..];
        let mut count = 0usize;
        while !rest.is_empty() {
            (_, rest) = leb128::read(rest)?;
            count = count.saturating_add(1);
        }
        Some(count)
    }
}

impl EntryChanges {
    /// Returns all changes as runs, in ascending order.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        let (runs, scattered) = match self {
            Self::Runs(runs) => (&runs[..], None),
            Self::Entries(scattered) => (&[][..], Some(scattered)),
        };
        let single = |scattered: &Scattered| {
            let value = scattered.value;
            move |start| Run { start, length: 1, value, expect: None }
        };
        let scattered = scattered.into_iter();
        let scattered = scattered.flat_map(move |all| all.indexes().map(single(all)));
        runs.iter().copied().chain(scattered)
    }

    /// Returns the number of entries that the changes name, whatever values the entries have.
    pub fn count(&self) -> u64 {
        self.runs().fold(0, |count, run| count.saturating_add(run.length))
    }

    /// Checks the form of the changes, which needs no state. Fails with `STATUS_CHANGES`.
    pub fn check(&self) -> Result<(), Refusal> {
        let refusal = |field: &str, detail: String| {
            Err(Refusal::new(Code::StatusChanges, format!("changes/{field}"), detail))
        };
        match self {
            Self::Runs(runs) if runs.is_empty() || runs.len() > STATUS_RUNS_MAX => {
                refusal("runs", format!("{} runs, 1 to {STATUS_RUNS_MAX} allowed", runs.len()))
            }
            Self::Runs(runs) => {
                let mut behind = 0;
                for (index, run) in runs.iter().enumerate() {
                    match run.end() {
                        Some(end) if run.length > 0 && run.start >= behind => behind = end,
                        _ => {
                            let detail = "runs hold entries, ascend and do not overlap";
                            return refusal(&format!("runs/{index}"), detail.to_owned());
                        }
                    }
                }
                Ok(())
            }
            Self::Entries(scattered) => match scattered.count() {
                Some(count) if (1..=STATUS_ENTRIES_MAX).contains(&count) => Ok(()),
                Some(count) => {
                    let detail = format!("{count} indexes, 1 to {STATUS_ENTRIES_MAX} allowed");
                    refusal("entries/indexes", detail)
                }
                None => {
                    let detail = "the indexes must be LEB128 numbers without superfluous bytes";
                    refusal("entries/indexes", detail.to_owned())
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattered_indexes_come_back() {
        let indexes = [0, 1, 2, 130, 131, 8_388_607];
        let scattered = Scattered::new(1, indexes).expect("ascending");
        assert_eq!(scattered.indexes.0, [0, 0, 0, 127, 0, 0xfb, 0xfe, 0xff, 0x03]);
        assert_eq!(scattered.indexes().collect::<Vec<_>>(), indexes);
        assert_eq!(scattered.count(), Some(6));
        assert_eq!(Scattered::new(1, [2, 2]), None);
        assert_eq!(Scattered::new(1, [2, 1]), None);
        let runs: Vec<Run> = EntryChanges::Entries(scattered).runs().collect();
        assert_eq!(runs.len(), 6);
        assert_eq!(runs[3], Run { start: 130, length: 1, value: 1, expect: None });
    }
}
