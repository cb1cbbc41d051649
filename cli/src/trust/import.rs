//! `idem trust import`: make grants from the rows of a file. All rows are checked before the first
//! is sent, and a refused row does not stop the others.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, TrustKey};
use registry_core::time::TimeMs;
use registry_core::trust::{Conditions, GrantStatus};
use rpc::prepare::trust::Grant;
use serde_json::json;

use super::report::Report;
use super::rights::{Right, each};
use super::row::{Row, State, Verdict, Wanted};
use super::{issuers, table};
use crate::author::{Author, AuthorArgs, patiently};
use crate::client::object;
use crate::context::Context;
use crate::exit::Failure;
use crate::file::read_input;
use crate::limits::TRUST_FILE_BYTES_MAX;

/// Number of rows in work at once: enough to fill blocks, and far below what a node accepts from
/// one author.
pub(super) const IN_FLIGHT: usize = 16;

/// Action that an import of an issuer list grants unless the command line names another.
const ISSUE: &str = "issue";

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// CSV with columns authority,entity,action,resource,valid_from,valid_until (assurance,
    /// max_depth, evidence, terms, status), or an EBSI list of issuers (JSON); - for standard
    /// input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    author: AuthorArgs,
    /// The authority from which the rights come [default: the DID that signs]
    #[arg(long, value_name = "DID")]
    authority: Option<Did>,
    /// Send rows of other authorities too
    #[arg(long, conflicts_with = "authority")]
    any_authority: bool,
    /// Action to grant to each entry of a list of issuers [default: issue]
    #[arg(long, value_name = "A")]
    action: Option<ActionName>,
}

/// Decides which rows may be sent.
struct Acting {
    did: Did,
    /// Authority whose rows are sent; `None` to send the rows of all authorities.
    authority: Option<Did>,
    /// Time of the newest block in Unix milliseconds.
    now_ms: u64,
}

/// Authority, entity and action whose grants are looked up with one request.
type Group = (Did, EntityId, ActionName);

/// Existing grants of each group, or the verdict if they cannot be looked up.
type Found = BTreeMap<Group, Result<Vec<Right>, Verdict>>;

pub(super) async fn run(args: ImportArgs, context: &Context) -> Result<(), Failure> {
    let ImportArgs { file, author, authority, any_authority, action } = args;
    let bytes = read_input(&file, TRUST_FILE_BYTES_MAX)?;
    let author = Author::open(context, author).await?;
    let authority = authority.unwrap_or_else(|| author.did().clone());
    let mut rows = read(&bytes, &authority, action)?;
    let acting = Acting {
        did: author.did().clone(),
        authority: (!any_authority).then_some(authority),
        now_ms: author.client().chain().await?.time.0,
    };
    sift(&mut rows, &acting);
    let rows = check(rows, &author, &acting).await?;
    let (rows, failure) = send(rows, &author).await;
    let report = Report::new(rows);
    context.print(&report, report.human())?;
    match failure {
        Some(failure) => Err(failure),
        None if report.refused == 0 => Ok(()),
        None => Err(Failure::Rows { refused: report.refused, all: report.rows.len() }),
    }
}

/// Reads the rows of a file. A list of issuers is JSON and starts with a bracket, which no header
/// of a table does.
fn read(bytes: &[u8], authority: &Did, action: Option<ActionName>) -> Result<Vec<Row>, Failure> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.trim_ascii_start().first() {
        Some(b'[' | b'{') => {
            let issue = || ISSUE.parse().map_err(|error| Failure::usage(format!("{error}")));
            issuers::read(bytes, authority, &action.map_or_else(issue, Ok)?)
        }
        _ if action.is_some() => {
            let message = "--action is for lists of issuers; in CSV each row has its own";
            Err(Failure::usage(message))
        }
        _ => table::read(bytes),
    }
}

/// Settles rows that this author does not send: rows of another authority or grantor, rows whose
/// validity has ended, and rows that repeat a right.
fn sift(rows: &mut [Row], acting: &Acting) {
    let mut seen: BTreeMap<TrustKey, (usize, Wanted)> = BTreeMap::new();
    for (number, row) in (1..).zip(rows) {
        let Some(wanted) = row.wanted() else { continue };
        let Wanted { key, conditions, grantor, .. } = wanted;
        let detail = match (&acting.authority, grantor, conditions.valid_until) {
            (Some(authority), ..) if *authority != key.authority => {
                format!("of the authority {}, not of {authority}", key.authority)
            }
            (_, Some(grantor), _) if *grantor != acting.did => {
                format!("granted by {grantor}, not by {}", acting.did)
            }
            (.., Some(end)) if end <= acting.now_ms => {
                format!("its time ended at {}: nobody would have the right", TimeMs(end))
            }
            _ => match seen.get(key) {
                Some((first, other)) => {
                    let verdict = duplicate(*first, other, wanted);
                    row.state = State::Done(verdict);
                    continue;
                }
                None => {
                    seen.insert(key.clone(), (number, wanted.clone()));
                    continue;
                }
            },
        };
        row.state = State::Done(Verdict::skipped(detail));
    }
}

/// Returns the verdict on a row that repeats the right of an earlier row, since a grantor grants a
/// right only once. Rows with other conditions or another parent are refused.
fn duplicate(first: usize, other: &Wanted, wanted: &Wanted) -> Verdict {
    let same = format!("the same right as row {first}");
    let mut differing = differing(&other.conditions, &wanted.conditions);
    if other.parent != wanted.parent {
        differing.push("parent");
    }
    if differing.is_empty() {
        return Verdict::skipped(same);
    }
    let loss = match wanted.conditions.max_depth > other.conditions.max_depth {
        true => "; the right to grant on as deep is lost",
        false => "",
    };
    let names = differing.join(", ");
    Verdict::refused(format!("{same} with other conditions ({names}); not imported{loss}"))
}

/// Returns the names of the columns in which the conditions differ.
fn differing(left: &Conditions, right: &Conditions) -> Vec<&'static str> {
    let columns = [
        ("valid_from", left.valid_from != right.valid_from),
        ("valid_until", left.valid_until != right.valid_until),
        ("assurance", left.assurance != right.assurance),
        ("max_depth", left.max_depth != right.max_depth),
        ("evidence", left.evidence != right.evidence),
        ("terms", left.terms != right.terms),
    ];
    columns.into_iter().filter(|(_, differ)| *differ).map(|(name, _)| name).collect()
}

/// Compares rows with the existing grants, and has the node check the rows that remain.
async fn check(rows: Vec<Row>, author: &Author, acting: &Acting) -> Result<Vec<Row>, Failure> {
    let found = &find(&rows, author).await?;
    let check = async |row: Row| match row.state {
        State::Wanted(wanted) => {
            let state = check_one(*wanted, found, author, acting).await?;
            Ok(Row { state, ..row })
        }
        _ => Ok(row),
    };
    stream::iter(rows).map(check).buffered(IN_FLIGHT).try_collect().await
}

fn group(wanted: &Wanted) -> Group {
    let TrustKey { authority, entity, action, .. } = wanted.key.clone();
    (authority, entity, action)
}

async fn find(rows: &[Row], author: &Author) -> Result<Found, Failure> {
    let groups: BTreeSet<Group> = rows.iter().filter_map(Row::wanted).map(group).collect();
    let find = async |group: Group| {
        let (authority, entity, action) = &group;
        let params = json!({ "authority": authority, "entity": entity, "action": action });
        let mut rights = Vec::new();
        let take = |_, right| {
            rights.push(right);
            Ok(())
        };
        match each(author.client(), object(params), take).await {
            Ok(_) => Ok((group, Ok(rights))),
            Err(failure) => Ok((group, Err(verdict(failure)?))),
        }
    };
    stream::iter(groups).map(find).buffered(IN_FLIGHT).try_collect().await
}

async fn check_one(
    wanted: Wanted,
    found: &Found,
    author: &Author,
    acting: &Acting,
) -> Result<State, Failure> {
    match found.get(&group(&wanted)) {
        Some(Err(verdict)) => return Ok(State::Done(verdict.clone())),
        Some(Ok(rights)) => {
            if let Some(verdict) = standing(&wanted, rights, acting) {
                return Ok(State::Done(verdict));
            }
        }
        None => {}
    }
    let Wanted { key, conditions, parent, .. } = wanted;
    let grant = Grant::new(acting.did.clone(), key, parent, conditions);
    match patiently(async || author.ready(grant.clone()).await).await {
        Ok(ready) => Ok(State::Ready(ready)),
        Err(failure) => Ok(State::Done(verdict(failure)?)),
    }
}

/// Returns the verdict on a row if the author has granted the right already. An import does not
/// grant a revoked right again. It does replace a grant whose validity has ended.
fn standing(wanted: &Wanted, rights: &[Right], acting: &Acting) -> Option<Verdict> {
    let right = rights.iter().find(|right| right.resource == wanted.key.resource)?;
    let grant = right.grants.iter().find(|grant| grant.grantor == acting.did)?;
    let conditions = grant.conditions();
    match grant.status {
        GrantStatus::Revoked => {
            let detail = format!("revoked at {}; `idem trust grant` grants it anew", grant.since);
            Some(Verdict::skipped(detail))
        }
        _ if conditions.valid_until.is_some_and(|end| end <= acting.now_ms) => None,
        status => {
            let suspended = (status == GrantStatus::Suspended).then(|| "suspended".to_owned());
            let differing = differing(&conditions, &wanted.conditions).join(", ");
            let other = (!differing.is_empty()).then(|| {
                format!("with other conditions ({differing}); `idem trust change` replaces them")
            });
            let details: Vec<String> = suspended.into_iter().chain(other).collect();
            let detail = details.join(", and ");
            Some(Verdict::exists(Some(detail.as_str()).filter(|detail| !detail.is_empty())))
        }
    }
}

/// Turns a failure that is about one row into a verdict. Other failures concern the node and end
/// the import.
fn verdict(failure: Failure) -> Result<Verdict, Failure> {
    match failure {
        Failure::Usage { .. } => Ok(failure.into()),
        _ if failure.is_final() => Ok(failure.into()),
        _ => Err(failure),
    }
}

/// Sends the rows that are ready. After a failure that concerns the node, the remaining rows are
/// skipped.
async fn send(rows: Vec<Row>, author: &Author) -> (Vec<Row>, Option<Failure>) {
    let ready = rows.iter().filter(|row| matches!(row.state, State::Ready(_))).count();
    let bar = ProgressBar::new(ready.try_into().unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} grants, {eta} left") {
        bar.set_style(style);
    }
    let stopped: RefCell<Option<Failure>> = RefCell::new(None);
    let send = async |row: Row| {
        let State::Ready(ready) = row.state else { return row };
        if stopped.borrow().is_some() {
            let verdict = Verdict::skipped("not sent: the node did not answer for another row");
            return Row { state: State::Done(verdict), ..row };
        }
        let mut operation = None;
        let sent = async {
            let sealed = author.seal(ready).await?;
            operation = Some(sealed.operation);
            author.deliver(&sealed).await
        };
        let verdict = match sent.await {
            Ok(sent) => Verdict::granted(&sent),
            Err(failure) => verdict(failure).unwrap_or_else(|failure| {
                let verdict = unsettled(operation, &failure);
                stopped.borrow_mut().get_or_insert(failure);
                verdict
            }),
        };
        bar.inc(1);
        Row { state: State::Done(verdict), ..row }
    };
    let rows = stream::iter(rows).map(send).buffered(IN_FLIGHT).collect().await;
    bar.finish_and_clear();
    (rows, stopped.into_inner())
}

/// Returns the verdict on a row after a failure that concerns the node. Its outcome is unknown if
/// the operation was signed, because it may have been sent.
fn unsettled(operation: Option<Hash>, failure: &Failure) -> Verdict {
    match operation {
        Some(operation) => Verdict::unknown(operation, failure),
        None => Verdict::skipped(format!("not sent: {failure}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::trust::row::RowOutcome;

    const A: &str = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";
    const B: &str = "did:idem:local:baaqeayeaudaocajbifqydiob4ibceqt";
    const NOW_MS: u64 = 1_800_000_000_000;

    fn acting(did: &str, authority: Option<&str>) -> Acting {
        let parse = |text: &str| text.parse().expect("a DID");
        Acting { did: parse(did), authority: authority.map(parse), now_ms: NOW_MS }
    }

    /// Reads a table that has a row for each item: authority, resource, end of validity, grantor.
    fn rows(cells: &[[&str; 4]]) -> Vec<Row> {
        let header = "authority,entity,action,resource,valid_until,grantor\n".to_owned();
        let line = |[authority, resource, end, grantor]: &[&str; 4]| {
            format!("{authority},did:web:e.example,issue,{resource},{end},{grantor}\n")
        };
        let text: String = [header].into_iter().chain(cells.iter().map(line)).collect();
        read(text.as_bytes(), &A.parse().expect("a DID"), None).expect("a table")
    }

    fn detail(row: &Row) -> &str {
        match &row.state {
            State::Done(verdict) => verdict.detail.as_deref().unwrap_or_default(),
            _ => "",
        }
    }

    #[test]
    fn what_is_not_for_this_author_or_over_is_left_out() {
        let cells = [
            [A, "a", "", ""],
            [B, "a", "", ""],
            [A, "b", "", B],
            [A, "c", "2027-01-15T08:00:00Z", ""],
            [A, "c", "2027-01-15T08:00:00.001Z", ""],
            [A, "a", "2030-01-01T00:00:00Z", A],
        ];
        let mut of_a = rows(&cells);
        sift(&mut of_a, &acting(A, Some(A)));
        let sent: Vec<bool> = of_a.iter().map(|row| row.wanted().is_some()).collect();
        assert_eq!(sent, [true, false, false, false, true, false]);
        let words = [(1, "of the authority"), (2, "granted by"), (3, "ended"), (5, "row 1")];
        for (index, words) in words {
            assert!(detail(&of_a[index]).contains(words), "{}", detail(&of_a[index]));
        }
        let mut of_b = rows(&cells);
        sift(&mut of_b, &acting(B, None));
        let sent: Vec<bool> = of_b.iter().map(|row| row.wanted().is_some()).collect();
        assert_eq!(sent, [false, true, true, false, false, false], "{of_b:?}");
    }

    #[test]
    fn the_same_right_with_other_conditions_is_no_success() {
        let cells = [
            [A, "a", "2030-01-01T00:00:00Z", ""],
            [A, "a", "2030-01-01T00:00:00Z", A],
            [A, "a", "2031-01-01T00:00:00Z", ""],
        ];
        let mut rows = rows(&cells);
        sift(&mut rows, &acting(A, Some(A)));
        assert_eq!(detail(&rows[1]), "the same right as row 1");
        let other = "the same right as row 1 with other conditions (valid_until); not imported";
        assert_eq!(detail(&rows[2]), other);
        let report = Report::new(rows);
        assert_eq!((report.skipped, report.refused), (1, 1));
    }

    #[test]
    fn the_loss_of_the_right_to_grant_on_is_told() {
        let header = "authority,entity,action,resource,max_depth";
        let line = |depth: &str| format!("{A},did:web:e.example,issue,a,{depth}");
        let text = [header.to_owned(), line(""), line("1")].join("\n");
        let mut rows = read(text.as_bytes(), &A.parse().expect("a DID"), None).expect("a table");
        sift(&mut rows, &acting(A, Some(A)));
        let other = "the same right as row 1 with other conditions (max_depth); not imported; \
            the right to grant on as deep is lost";
        assert_eq!(detail(&rows[1]), other);
    }

    #[test]
    fn a_grant_that_is_there_is_not_granted_again() {
        let rows = rows(&[[A, "a", "2030-01-01T00:00:00Z", ""]]);
        let wanted = rows[0].wanted().expect("a grant");
        let standing = |resource: &str, grantor: &str, status: &str, end: Value| {
            let right = json!({
                "authority": A, "action": "issue", "resource": resource,
                "entity": "did:web:e.example",
                "grants": [{ "grantor": grantor, "status": status, "maxDepth": 0,
                    "since": "2026-01-01T00:00:00Z", "validUntil": end }],
            });
            let rights = [serde_json::from_value(right).expect("a right")];
            standing(wanted, &rights, &acting(A, Some(A)))
        };
        let told = |status: &str, end: Value| {
            standing("a", A, status, end).and_then(|verdict| verdict.detail)
        };
        let standing = |resource: &str, grantor: &str, status: &str, end: Value| {
            standing(resource, grantor, status, end).map(|verdict| verdict.outcome)
        };
        let end = || Value::from("2030-01-01T00:00:00Z");
        assert_eq!(standing("a", A, "active", end()), Some(RowOutcome::Exists));
        assert_eq!(standing("a", A, "suspended", end()), Some(RowOutcome::Exists));
        assert_eq!(standing("a", A, "active", Value::Null), Some(RowOutcome::Exists));
        assert_eq!(standing("a", A, "revoked", end()), Some(RowOutcome::Skipped));
        assert_eq!(standing("a", A, "active", "2026-06-01T00:00:00Z".into()), None);
        assert_eq!(standing("a", B, "active", end()), None);
        assert_eq!(standing("b", A, "active", end()), None);
        assert_eq!(told("active", end()), None);
        assert_eq!(told("suspended", end()).as_deref(), Some("suspended"));
        let other = "with other conditions (valid_until); `idem trust change` replaces them";
        assert_eq!(told("active", Value::Null).as_deref(), Some(other));
        let both = format!("suspended, and {other}");
        assert_eq!(told("suspended", Value::Null), Some(both));
    }

    #[test]
    fn a_grant_that_may_have_been_sent_is_unknown_and_names_its_operation() {
        let failure = Failure::Unreachable { url: "http://a".to_owned(), reason: "b".to_owned() };
        let sent = unsettled(Some(Hash::ZERO), &failure);
        assert_eq!((sent.outcome, sent.operation), (RowOutcome::Unknown, Some(Hash::ZERO)));
        let unsent = unsettled(None, &failure);
        assert_eq!((unsent.outcome, unsent.operation), (RowOutcome::Skipped, None));
        let row = |verdict| Row::new(["entity", "action", "resource"], Err(verdict));
        let report = Report::new(vec![row(sent), row(unsent)]).human();
        assert!(report.ends_with("0 refused, 1 of unknown outcome, 1 skipped"), "{report}");
    }

    #[test]
    fn the_form_of_a_file_is_seen_from_its_first_character() {
        let authority: Did = A.parse().expect("a DID");
        let read = |text: &str, action: Option<&str>| {
            let action = action.map(|action| action.parse().expect("a name"));
            read(text.as_bytes(), &authority, action)
        };
        assert!(read("\u{feff}\n [ ]", Some("verify")).is_ok_and(|rows| rows.is_empty()));
        assert!(read("{\"items\":[]}", None).is_ok());
        assert!(read("authority,entity,action,resource\n", None).is_ok());
        let failure = read("authority,entity,action,resource\n", Some("issue"));
        assert!(failure.is_err_and(|failure| failure.to_string().contains("--action")));
        assert!(read("", None).is_err());
    }
}
