//! Report of an import.

use serde::Serialize;

use super::row::{Row, RowOutcome, State, Verdict};

/// A row with its verdict.
#[derive(Debug, Serialize)]
pub(super) struct Reported {
    row: usize,
    entity: String,
    action: String,
    resource: String,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What became of the rows of an import, and how many had each outcome.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) rows: Vec<Reported>,
    granted: usize,
    exists: usize,
    pub(super) refused: usize,
    unknown: usize,
    pub(super) skipped: usize,
}

impl Report {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        let reported = |(row, Row { entity, action, resource, state })| {
            let State::Done(verdict) = state else { return None };
            Some(Reported { row, entity, action, resource, verdict })
        };
        let rows: Vec<Reported> = (1..).zip(rows).filter_map(reported).collect();
        let count = |outcome| rows.iter().filter(|row| row.verdict.outcome == outcome).count();
        Self {
            granted: count(RowOutcome::Granted),
            exists: count(RowOutcome::Exists),
            refused: count(RowOutcome::Refused),
            unknown: count(RowOutcome::Unknown),
            skipped: count(RowOutcome::Skipped),
            rows,
        }
    }

    pub(super) fn human(&self) -> String {
        let line = |Reported { row, entity, action, resource, verdict }: &Reported| {
            let name = verdict.name.iter().map(|name| format!(": {name}"));
            let detail = verdict.detail.iter().map(|detail| format!(": {detail}"));
            let more: String = name.chain(detail).collect();
            format!("row {row}  {}  {entity} {action} {resource}{more}", verdict.outcome.name())
        };
        let Self { rows, granted, exists, refused, unknown, skipped } = self;
        let rows = rows.iter().map(line);
        let sum = format!(
            "{granted} granted, {exists} there already, {refused} refused, {unknown} of unknown \
             outcome, {skipped} skipped"
        );
        rows.chain([sum]).collect::<Vec<_>>().join("\n")
    }
}
