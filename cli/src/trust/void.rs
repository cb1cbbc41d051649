//! `idem trust revoke` and `derecognise`: end one grant or recognition, or void all of a list.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use clap::Args;
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::id::Did;
use rpc::prepare::trust::{Derecognising, End, Revoking, StepKind};
use serde::Serialize;

use super::import::IN_FLIGHT;
use super::made::{Made, MadeKind, MadeList};
use super::write::print;
use super::{RightArgs, StepArgs};
use crate::author::{Author, AuthorArgs};
use crate::context::Context;
use crate::exit::Failure;
use crate::file::read_input;
use crate::limits::TRUST_FILE_BYTES_MAX;

/// Options of the commands that end a right.
#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    #[command(flatten)]
    author: AuthorArgs,
    /// The authority from which the right comes [default: the DID that signs]
    #[arg(long, value_name = "DID", conflicts_with = "from")]
    authority: Option<Did>,
    #[command(flatten)]
    right: EndedArgs,
    /// Declare for ever that it never was, within 30 days of its making; the control set signs
    #[arg(long)]
    void: bool,
    /// Operation that made what is voided [default: the one that made what stands there now]
    #[arg(long, value_name = "HEX", requires = "void", conflicts_with = "from")]
    operation: Option<Hash>,
    /// Void all grants and recognitions of a list that trust list --by printed; - for standard
    /// input
    #[arg(long, value_name = "FILE", requires = "void",
        conflicts_with_all = ["action", "resource", "entity"])]
    from: Option<PathBuf>,
}

/// Names of the right that ends, unless a list names many.
#[derive(Debug, Args)]
struct EndedArgs {
    /// Action, such as issue
    #[arg(long, value_name = "A", required_unless_present = "from")]
    action: Option<registry_core::names::ActionName>,
    /// Resource, such as degrees/bachelor, or degrees/* for all below
    #[arg(long, value_name = "R", required_unless_present = "from")]
    resource: Option<registry_core::names::Resource>,
    /// Entity: a DID of any method, or another URI
    #[arg(long, value_name = "E", required_unless_present = "from")]
    entity: Option<registry_core::names::EntityId>,
}

pub(super) async fn run<K: StepKind>(args: EndArgs, context: &Context) -> Result<(), Failure> {
    let EndArgs { author, authority, right, void, operation, from } = args;
    if let Some(file) = from {
        let author = Author::open(context, author).await?;
        return all(&author, read(&file)?, context).await;
    }
    let EndedArgs { action: Some(action), resource: Some(resource), entity: Some(entity) } = right
    else {
        return Err(Failure::usage("name --action, --resource and --entity, or --from"));
    };
    let right = RightArgs { action, resource, entity };
    let (author, key) = StepArgs { author, authority, right }.open(context).await?;
    let end = End::<K>::new(author.did().clone(), key.clone(), void, operation);
    print(key, author.write(end).await?, context)
}

fn read(file: &Path) -> Result<MadeList, Failure> {
    let bytes = read_input(file, TRUST_FILE_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let file = file.display();
        Failure::usage(format!("{file} is no list of trust list --by: {error}"))
    })
}

/// Report about all rows of a list.
#[derive(Debug, Serialize)]
struct Report {
    rows: Vec<Row>,
    voided: usize,
    skipped: usize,
    refused: usize,
    /// Rows of which no node said what became of them.
    unknown: usize,
}

/// Outcome of one row, counted from 1.
#[derive(Debug, Serialize)]
struct Row {
    row: usize,
    entity: String,
    action: String,
    resource: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Voids each row of a list. A refused row stops no other row.
async fn all(author: &Author, list: MadeList, context: &Context) -> Result<(), Failure> {
    if list.by != *author.did() {
        let (by, did) = (&list.by, author.did());
        return Err(Failure::usage(format!("the list is of what {by} made; {did} cannot void it")));
    }
    let bar = ProgressBar::new(list.made.len().try_into().unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} voids, {eta} left") {
        bar.set_style(style);
    }
    let stopped: RefCell<Option<Failure>> = RefCell::new(None);
    let send = async |(number, made): (usize, Made)| {
        if stopped.borrow().is_some() {
            let detail = "not sent: the node did not answer for another row".to_owned();
            return row(number, &made, "skipped", None, Some(detail));
        }
        let sent = one(author, number, &made).await;
        bar.inc(1);
        sent.unwrap_or_else(|failure| {
            let detail = failure.to_string();
            stopped.borrow_mut().get_or_insert(failure);
            row(number, &made, "unknown", None, Some(detail))
        })
    };
    let rows = stream::iter((1..).zip(list.made)).map(send).buffered(IN_FLIGHT);
    let rows: Vec<Row> = rows.collect().await;
    bar.finish_and_clear();
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let (voided, skipped) = (count("voided"), count("skipped"));
    let (refused, unknown) = (count("refused"), count("unknown"));
    let all = rows.len();
    let report = Report { rows, voided, skipped, refused, unknown };
    context.print(&report, report.human())?;
    match stopped.into_inner() {
        Some(failure) => Err(failure),
        None if refused == 0 => Ok(()),
        None => Err(Failure::Rows { refused, all }),
    }
}

/// Voids one row. Fails only if no node answers.
async fn one(author: &Author, number: usize, made: &Made) -> Result<Row, Failure> {
    let (did, key, operation) = (author.did().clone(), made.key(), Some(made.operation));
    let sent = match made.kind {
        MadeKind::Grant => author.write(End::<Revoking>::new(did, key, true, operation)).await,
        MadeKind::Recognition => {
            author.write(End::<Derecognising>::new(did, key, true, operation)).await
        }
    };
    match sent {
        Ok(sent) => Ok(row(number, made, "voided", Some(sent.operation), None)),
        Err(failure) if failure.is_passing() => Err(failure),
        Err(Failure::Refused { code, reason, .. })
            if code == i64::from(Code::VoidedAlready.number()) =>
        {
            Ok(row(number, made, "skipped", None, Some(reason)))
        }
        Err(failure) => Ok(row(number, made, "refused", None, Some(failure.to_string()))),
    }
}

fn row(
    number: usize,
    made: &Made,
    outcome: &'static str,
    operation: Option<Hash>,
    detail: Option<String>,
) -> Row {
    let (entity, action) = (made.entity.to_string(), made.action.to_string());
    Row {
        row: number,
        entity,
        action,
        resource: made.resource.to_string(),
        outcome,
        operation,
        detail,
    }
}

impl Report {
    fn human(&self) -> String {
        let Self { rows, voided, skipped, refused, unknown } = self;
        let lines = rows.iter().map(|row| {
            let Row { row, entity, action, resource, outcome, detail, .. } = row;
            let detail = detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
            format!("{row:>5}  {outcome:<8} {entity} {action} {resource}{detail}")
        });
        let total =
            format!("{voided} voided, {skipped} skipped, {refused} refused, {unknown} unknown");
        lines.chain([total]).collect::<Vec<_>>().join("\n")
    }
}
