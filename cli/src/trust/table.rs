//! Reads and writes rights as CSV (RFC 4180): a header, then a row for each grant.

use csv::{ByteRecord, ReaderBuilder, Trim};
use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::limits::URI_BYTES_MAX;
use registry_core::names::TrustKey;
use registry_core::time::TimeMs;
use registry_core::trust::{Assurance, Conditions, GrantStatus};
use rpc::prepare::trust::ParentParam;

use super::rights::{Listed, Right};
use super::row::{Row, Verdict, Wanted, name, shown};
use crate::exit::Failure;
use crate::time::time_ms;

/// All columns, in the order in which they are written. The first four are required.
const COLUMNS: [&str; 15] = [
    "authority",
    "entity",
    "action",
    "resource",
    "valid_from",
    "valid_until",
    "assurance",
    "max_depth",
    "evidence",
    "terms",
    "grantor",
    "parent_resource",
    "parent_grantor",
    "status",
    "since",
];

const REQUIRED: usize = 4;

/// Names that TRQP gives to some columns.
const TRQP_NAMES: [(&str, &str); 2] = [("authority_id", "authority"), ("entity_id", "entity")];

/// Largest length of a cell in bytes. The longest valid cell is the URI of terms.
const CELL_BYTES_MAX: usize = URI_BYTES_MAX;

/// Columns of a file, in the order of the file.
struct Header(Vec<&'static str>);

/// One row of a file, with access to its cells by column. Empty cells count as absent.
struct Cells<'r> {
    header: &'r Header,
    record: &'r ByteRecord,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Row>, Failure> {
    let mut reader =
        ReaderBuilder::new().flexible(true).trim(Trim::All).has_headers(true).from_reader(bytes);
    let unreadable = |error: csv::Error| Failure::usage(format!("not CSV: {error}"));
    let header = Header::read(reader.byte_headers().map_err(unreadable)?)?;
    let row = |record: Result<ByteRecord, csv::Error>| {
        let record = record.map_err(unreadable)?;
        let cells = Cells { header: &header, record: &record };
        let text = |column| cells.text(column).ok().flatten().unwrap_or_default();
        Ok(Row::new(["entity", "action", "resource"].map(text), cells.read()))
    };
    reader.byte_records().map(row).collect()
}

impl Header {
    fn read(record: &ByteRecord) -> Result<Self, Failure> {
        let remedy = format!("the first line names columns: of {}", COLUMNS.join(","));
        let wrong = |message| Failure::usage_with(message, remedy.clone());
        let mut columns: Vec<&'static str> = Vec::new();
        for cell in record {
            let text = String::from_utf8_lossy(cell).to_ascii_lowercase();
            let alias = TRQP_NAMES.into_iter().find(|(trqp, _)| *trqp == text);
            let own = alias.map_or(text.as_str(), |(_, own)| own);
            let known = COLUMNS.into_iter().find(|column| *column == own);
            let column =
                known.ok_or_else(|| wrong(format!("unknown column {:?}", shown(&text))))?;
            if columns.contains(&column) {
                return Err(wrong(format!("column {column} is there twice")));
            }
            columns.push(column);
        }
        match COLUMNS.iter().take(REQUIRED).find(|column| !columns.contains(column)) {
            Some(missing) => Err(wrong(format!("column {missing} is missing"))),
            None => Ok(Self(columns)),
        }
    }
}

impl<'r> Cells<'r> {
    fn text(&self, column: &'static str) -> Result<Option<&'r str>, Verdict> {
        let at = self.header.0.iter().position(|other| *other == column);
        let Some(cell) = at.and_then(|at| self.record.get(at)) else { return Ok(None) };
        let Ok(text) = std::str::from_utf8(cell) else {
            return Err(Verdict::refused(format!("{column} is not UTF-8")));
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn required(&self, column: &'static str) -> Result<&'r str, Verdict> {
        self.text(column)?.ok_or_else(|| Verdict::refused(format!("{column} is empty")))
    }

    fn read(&self) -> Result<Wanted, Verdict> {
        self.check_form()?;
        let key = TrustKey {
            authority: name("authority", self.required("authority")?)?,
            action: name("action", self.required("action")?)?,
            resource: name("resource", self.required("resource")?)?,
            entity: name("entity", self.required("entity")?)?,
        };
        let conditions = self.conditions()?;
        let grantor = match self.text("grantor")? {
            Some(text) => Some(name("grantor", text)?),
            // If the file has the column grantor, an empty cell means that the authority grants.
            None => self.header.0.contains(&"grantor").then(|| key.authority.clone()),
        };
        let parent = match (self.text("parent_resource")?, self.text("parent_grantor")?) {
            (Some(resource), grantor) => {
                let authority = || Ok(key.authority.clone());
                let named = |text| name("parent_grantor", text);
                let resource = name("parent_resource", resource)?;
                let grantor = grantor.map_or_else(authority, named)?;
                Some(ParentParam { resource, grantor, made: None })
            }
            (None, None) => None,
            (None, Some(_)) => {
                let detail = "parent_grantor is there without parent_resource";
                return Err(Verdict::refused(detail));
            }
        };
        match self.text("status")? {
            None | Some("active") => Ok(Wanted { key, conditions, parent, grantor }),
            Some(status @ ("suspended" | "revoked")) => {
                Err(Verdict::skipped(format!("{status} in the file")))
            }
            Some(other) => Err(Verdict::refused(format!(
                "status {:?} must be active, suspended or revoked",
                shown(other)
            ))),
        }
    }

    /// Refuses rows with too few or too many cells, with a cell that is too long, or with a cell of
    /// several lines. The last is usually the result of a quote that is not closed.
    fn check_form(&self) -> Result<(), Verdict> {
        let (actual, expected) = (self.record.len(), self.header.0.len());
        if let Some(column) = self.header.0.iter().zip(self.record).find_map(|(column, cell)| {
            cell.iter().any(|byte| b"\r\n".contains(byte)).then_some(column)
        }) {
            let detail = format!("{column} has several lines: is a quote not closed?");
            return Err(Verdict::refused(detail));
        }
        if actual != expected {
            let detail = format!("{actual} cells, the header has {expected}");
            return Err(Verdict::refused(detail));
        }
        let long = self.header.0.iter().zip(self.record);
        match long.map(|(column, cell)| (column, cell.len())).find(|(_, len)| *len > CELL_BYTES_MAX)
        {
            Some((column, length)) => Err(Verdict::refused(format!(
                "{column} has {length} bytes, at most {CELL_BYTES_MAX} are allowed"
            ))),
            None => Ok(()),
        }
    }

    fn conditions(&self) -> Result<Conditions, Verdict> {
        let level = |text: &str| {
            let wrong = || format!("{text:?} must be low, substantial or high");
            Assurance::from_name(text).ok_or_else(wrong)
        };
        let depth = |text: &str| {
            text.parse().map_err(|_| format!("{text:?} must be 1 to 7, or 0 for none"))
        };
        let hash = |text: &str| text.parse::<Hash>().map_err(|error| error.to_string());
        Ok(Conditions {
            valid_from: self.condition("valid_from", time_ms)?,
            valid_until: self.condition("valid_until", time_ms)?,
            assurance: self.condition("assurance", level)?,
            max_depth: self.condition("max_depth", depth)?.filter(|depth| *depth > 0),
            evidence: self.condition("evidence", hash)?,
            terms: self.text("terms")?.map(str::to_owned),
        })
    }

    fn condition<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Verdict> {
        let wrong = |detail| Verdict::refused_by(Code::TrustConditions, column, detail);
        self.text(column)?.map(read).transpose().map_err(wrong)
    }
}

/// Writes rights as CSV, which [`read`] can read again.
pub(super) struct Table(csv::Writer<Vec<u8>>);

impl Table {
    /// Makes a table that has only the header.
    pub(super) fn new() -> Result<Self, Failure> {
        let mut table = Self(csv::Writer::from_writer(Vec::new()));
        table.write(&COLUMNS)?;
        Ok(table)
    }

    /// Adds a row for each grant of a right.
    pub(super) fn add(&mut self, right: &Right) -> Result<(), Failure> {
        right.grants.iter().try_for_each(|grant| self.write(&cells(right, grant)))
    }

    pub(super) fn text(self) -> Result<String, Failure> {
        let bytes = self.0.into_inner().map_err(|error| Failure::usage(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| Failure::usage(error.to_string()))
    }

    fn write<T: AsRef<[u8]>>(&mut self, cells: &[T; COLUMNS.len()]) -> Result<(), Failure> {
        self.0.write_record(cells).map_err(|error| Failure::usage(error.to_string()))
    }
}

fn cells(right: &Right, grant: &Listed) -> [String; COLUMNS.len()] {
    fn text(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let conditions = grant.conditions();
    let (resource, grantor) = match &grant.parent {
        Some(parent) => (Some(&parent.resource), Some(&parent.grantor)),
        None => (None, None),
    };
    // Rows name the authority only in its own column, so that a user can replace it there.
    let other = |grantor: &&Did| **grantor != right.authority;
    let by = Some(&grant.grantor).filter(other);
    [
        right.authority.to_string(),
        right.entity.to_string(),
        right.action.to_string(),
        right.resource.to_string(),
        text(conditions.valid_from.map(TimeMs)),
        text(conditions.valid_until.map(TimeMs)),
        text(conditions.assurance.map(Assurance::name)),
        text(conditions.max_depth),
        text(conditions.evidence),
        text(conditions.terms),
        text(by),
        text(resource),
        text(grantor.filter(other)),
        GrantStatus::name(grant.status).to_owned(),
        grant.since.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::trust::row::{RowOutcome, State};

    const A: &str = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
    const MADE: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";
    const B: &str = "did:idem:local:baaqeayeaudaocajbifqydiob4ibceqt";
    const C: &str = "did:idem:local:caaqeayeaudaocajbifqydiob4ibceqt";
    const D: &str = "did:idem:local:daaqeayeaudaocajbifqydiob4ibceqt";

    fn rows(text: &str) -> Vec<Row> {
        read(text.as_bytes()).expect("a table")
    }

    fn wanted(row: &Row) -> &Wanted {
        row.wanted().unwrap_or_else(|| panic!("{row:?}"))
    }

    /// Returns outcome, code and detail of a row that asks for no grant.
    fn verdict(row: &Row) -> (RowOutcome, Option<i64>, &str) {
        match &row.state {
            State::Done(Verdict { outcome, code, detail, .. }) => {
                (*outcome, *code, detail.as_deref().unwrap_or_default())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Returns the only row of a table that has the four required columns and the given ones.
    fn with(columns: &str, cells: &str) -> Row {
        let text = format!(
            "authority,entity,action,resource,{columns}\n{A},did:web:e.example,issue,r,{cells}\n"
        );
        let mut rows = rows(&text);
        assert_eq!(rows.len(), 1, "{text}");
        rows.remove(0)
    }

    #[test]
    fn columns_stand_in_any_order() {
        let text = format!(
            "\u{feff}Resource, action ,entity,valid_until,authority,max_depth,assurance\r\n\
             \"a/b\",issue,did:web:e.example,2027-01-01T00:00:00Z,{A},2,high\r\n\
             \r\n\
             a/*,\"issue\", https://e.example/x ,,{A},0,\r\n"
        );
        let rows = rows(&text);
        assert_eq!(rows.len(), 2, "{rows:?}");
        let first = wanted(&rows[0]);
        assert_eq!(first.key.resource.to_string(), "a/b");
        assert_eq!((first.key.authority.to_string(), &first.grantor), (A.to_owned(), &None));
        assert_eq!(first.conditions.valid_until, Some(1_798_761_600_000));
        assert_eq!(first.conditions.assurance, Some(Assurance::High));
        assert_eq!(first.conditions.max_depth, Some(2));
        let second = wanted(&rows[1]);
        assert_eq!(second.key.entity.to_string(), "https://e.example/x");
        assert_eq!(second.conditions, Conditions::default());
        assert_eq!(rows[1].entity, "https://e.example/x");
    }

    #[test]
    fn trqp_names_of_columns_are_read_too() {
        let text =
            format!("entity_id,Authority_ID,action,resource\ndid:web:x.example,{A},issue,a\n");
        let rows = rows(&text);
        let first = wanted(&rows[0]);
        assert_eq!(first.key.authority.to_string(), A);
        assert_eq!(first.key.entity.to_string(), "did:web:x.example");
    }

    #[test]
    fn a_wrong_header_is_refused_as_a_whole() {
        for (text, words) in [
            ("authority,authority_id,entity,action", "authority is there twice"),
            ("", "authority is missing"),
            ("authority,entity,action", "resource is missing"),
            ("authority,entity,action,resource,Entity", "entity is there twice"),
            ("authority;entity;action;resource", "unknown column"),
            ("authority,entity,action,resource,valid_untill", "valid_untill"),
            ("authority,entity,action,resource,", "unknown column"),
        ] {
            let failure = read(text.as_bytes()).expect_err(text);
            assert!(failure.to_string().contains(words), "{text:?}: {failure}");
        }
        let huge = "x".repeat(1 << 20);
        let failure = read(huge.as_bytes()).expect_err("no column");
        assert!(failure.to_string().len() < 2_000);
    }

    #[test]
    fn wrong_cells_are_named_and_spoil_their_row_alone() {
        for (columns, cells, code, words) in [
            ("valid_from", "tomorrow", Some(1024), "valid_from"),
            ("valid_from", "2026-02-30T00:00:00Z", Some(1024), "valid_from"),
            ("valid_until", "2026-01-01", Some(1024), "valid_until"),
            ("valid_until", "2026-01-01T00:00:00+02:00", Some(1024), "valid_until"),
            ("max_depth", "-1", Some(1024), "max_depth"),
            ("max_depth", "256", Some(1024), "max_depth"),
            ("assurance", "High", Some(1024), "assurance"),
            ("evidence", "abcd", Some(1024), "evidence"),
            ("grantor", "did:web:x", Some(1018), "grantor"),
            ("parent_grantor", A, None, "without parent_resource"),
            ("status", "dead", None, "status"),
            ("valid_from", "", None, ""),
        ] {
            let row = with(columns, cells);
            if words.is_empty() {
                assert_eq!(wanted(&row).conditions, Conditions::default());
                continue;
            }
            let (outcome, actual, detail) = verdict(&row);
            assert_eq!((outcome, actual), (RowOutcome::Refused, code), "{columns} {cells}");
            assert!(detail.contains(words), "{columns} {cells}: {detail}");
        }
        let text = format!(
            "authority,entity,action,resource\n\
             {A},not a uri,issue,r\n\
             did:web:x,did:web:e.example,issue,r\n\
             {A},did:web:e.example,is sue,r\n\
             {A},did:web:e.example,issue,a*b\n\
             {A},did:web:e.example,issue\n\
             {A},did:web:e.example,issue,r,r\n\
             ,did:web:e.example,issue,r\n\
             {A},did:web:e.example,issue,r\n"
        );
        let rows = rows(&text);
        assert_eq!(rows.len(), 8);
        for row in &rows[..4] {
            assert_eq!(verdict(row).1, Some(1018), "{row:?}");
        }
        for (row, words) in rows[4..7].iter().zip(["3 cells", "5 cells", "authority is empty"]) {
            let (outcome, _, detail) = verdict(row);
            assert!(outcome == RowOutcome::Refused && detail.contains(words), "{detail}");
        }
        wanted(&rows[7]);
    }

    #[test]
    fn quotes_and_great_cells_are_survived() {
        let good = format!("{A},did:web:e.example,issue,r");
        let header = "authority,entity,action,resource";
        let open = rows(&format!("{header}\n{A},did:web:e.example,issue,\"r\n{good}\n{good}\n"));
        assert_eq!(open.len(), 1, "an open quote takes all that follows");
        assert!(verdict(&open[0]).2.contains("quote"), "{open:?}");
        let inner = rows(&format!("{header}\n{A},did:web:e.example,issue,\"r\"\"s\"\n{good}\n"));
        assert_eq!(verdict(&inner[0]).1, Some(1018), "a quote is no character of a resource");
        wanted(&inner[1]);
        let huge = "r".repeat(4 << 20);
        let long = rows(&format!("{header}\n{A},did:web:e.example,issue,{huge}\n{good}\n"));
        assert!(verdict(&long[0]).2.contains("4194304 bytes"), "{}", verdict(&long[0]).2);
        assert!(long[0].resource.len() < 300);
        wanted(&long[1]);
        let mut bytes = format!("{header}\n{good}\n{A},did:web:e.example,issue,").into_bytes();
        bytes.extend(b"\xff\xfe\n");
        let binary = read(&bytes).expect("a table");
        wanted(&binary[0]);
        assert!(verdict(&binary[1]).2.contains("UTF-8"));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let terms = "https://t.example/a,b'c";
        let since = "2026-01-01T00:00:00Z";
        let right: Right = serde_json::from_value(json!({
            "authority": A, "action": "issue", "resource": "a/,=x/*", "entity": "did:web:e.example",
            "grants": [
                {
                    "grantor": A, "status": "active", "since": "2026-01-01T00:00:00.070Z",
                    "validFrom": "2026-01-01T00:00:00.000Z",
                    "validUntil": "2027-01-01T00:00:00.005Z",
                    "assurance": "low", "maxDepth": 3, "mayDelegate": true,
                    "evidence": "ab".repeat(32), "terms": terms,
                },
                {
                    "grantor": B, "status": "active", "since": "2026-01-01T00:00:00.000Z",
                    "parent": { "resource": "a/*", "grantor": A, "made": MADE }, "maxDepth": 0,
                },
                { "grantor": B, "status": "revoked", "since": since, "maxDepth": 0 },
                { "grantor": B, "status": "suspended", "since": since, "maxDepth": 0 },
            ],
        }))
        .expect("a right");
        let mut table = Table::new().expect("a table");
        table.add(&right).expect("added");
        let text = table.text().expect("text");
        assert_eq!(text.lines().count(), 5, "{text}");
        let rows = rows(&text);
        let [own, other] = [&rows[0], &rows[1]].map(wanted);
        assert_eq!(own.conditions, right.grants[0].conditions());
        assert_eq!(own.conditions.terms.as_deref(), Some(terms));
        assert_eq!(own.key.resource, right.resource);
        assert_eq!((&own.grantor, &own.parent), (&Some(right.authority.clone()), &None));
        assert_eq!(other.grantor.as_ref(), Some(&right.grants[1].grantor));
        let parent = right.grants[1].parent.clone().map(ParentParam::from);
        let unfound = parent.map(|parent| ParentParam { made: None, ..parent });
        assert_eq!(other.parent, unfound, "the import finds the operation that made the parent");
        assert_eq!(other.conditions, Conditions::default());
        for (row, status) in rows[2..].iter().zip(["revoked", "suspended"]) {
            let (outcome, _, detail) = verdict(row);
            assert!(outcome == RowOutcome::Skipped && detail.starts_with(status), "{detail}");
        }
    }

    #[test]
    fn a_table_is_read_again_for_another_authority() {
        let right: Right = serde_json::from_value(json!({
            "authority": A, "action": "issue", "resource": "a/x", "entity": "did:web:e.example",
            "grants": [
                {
                    "grantor": B, "status": "active", "since": "2026-01-01T00:00:00Z",
                    "parent": { "resource": "a/*", "grantor": A, "made": MADE }, "maxDepth": 0,
                },
                {
                    "grantor": C, "status": "active", "since": "2026-01-01T00:00:00Z",
                    "parent": { "resource": "a/x", "grantor": B, "made": MADE }, "maxDepth": 0,
                },
            ],
        }))
        .expect("a right");
        let mut table = Table::new().expect("a table");
        table.add(&right).expect("added");
        let text = table.text().expect("text");
        assert_eq!(text.matches(A).count(), 2, "in the first column alone: {text}");
        for authority in [A, D] {
            let rows = rows(&text.replace(A, authority));
            let parents = rows.iter().map(|row| wanted(row).parent.as_ref().expect("a parent"));
            let grantors: Vec<_> = parents.map(|parent| parent.grantor.to_string()).collect();
            assert_eq!(grantors, [authority, B]);
        }
    }
}
