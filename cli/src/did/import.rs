//! `idem did import`: create DIDs from plain W3C DID documents. Each document is imported as a
//! whole or not at all.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keys::Parts;
use registry_core::did::DidCreate;
use registry_core::operation::Action;
use serde::Serialize;
use serde_json::Value;

use super::document::held;
use super::sets::{NewKeys, SetsArgs};
use super::writer::{DidWritten, Ready, Unsigned, Writer};
use super::{Failure, SignerArgs, roles};
use crate::context::Context;
use crate::file::read_text;
use crate::import::{Imported, import, read_documents};
use crate::limits::DOCUMENT_FILE_BYTES_MAX;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    signer: SignerArgs,
    /// JSON files, each a DID document or an array of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    sets: SetsArgs,
}

/// Position of a document in the input.
#[derive(Debug, Clone, Serialize)]
struct Place {
    file: PathBuf,
    index: usize,
    /// Member `id` of the document, if it has one.
    id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Taken {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    written: DidWritten,
    /// Parts of the document that the import left out or changed.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Refused {
    #[serde(flatten)]
    place: Place,
    refusals: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Reason {
    path: String,
    rule: String,
    reason: String,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    imported: Vec<Taken>,
    refused: Vec<Refused>,
}

/// Imports the documents that can be imported and reports the others. If a document breaks a rule,
/// the command fails with bad input, but the report on standard output is still complete.
pub(super) async fn run(args: ImportArgs, context: &Context) -> Result<(), Failure> {
    let mut documents = Vec::new();
    for file in &args.files {
        documents.extend(read(file)?);
    }
    let mut writer = Writer::open_or_new(context, &args.signer).await?;
    let mut report = Report::default();
    let result = import_all(&args.sets, documents, &mut writer, &mut report).await;
    context.print(&report, human(&report))?;
    result?;
    match report.refused.len() {
        0 => Ok(()),
        refused => {
            let all = report.imported.len().saturating_add(refused);
            Err(Failure::usage(format!("{refused} of {all} documents were refused")))
        }
    }
}

fn read(file: &Path) -> Result<Vec<(Place, Value)>, Failure> {
    let documents = read_documents(&read_text(file, DOCUMENT_FILE_BYTES_MAX)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    let place = |(index, document): (usize, Value)| {
        let id = document["id"].as_str().map(str::to_owned);
        (Place { file: file.to_owned(), index, id }, document)
    };
    Ok(documents.into_iter().enumerate().map(place).collect())
}

/// Imports the documents in order and adds each outcome to `report`. Stops at the first failure
/// that is not about a single document.
async fn import_all(
    sets: &SetsArgs,
    documents: Vec<(Place, Value)>,
    writer: &mut Writer,
    report: &mut Report,
) -> Result<(), Failure> {
    let bar = ProgressBar::new(documents.len().try_into().unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} documents, {eta} left") {
        bar.set_style(style);
    }
    for (place, document) in documents {
        match import(&document) {
            Ok(imported) => match create(sets, &imported, writer).await {
                Ok(written) => {
                    report.imported.push(Taken { place, written, notes: imported.notes });
                }
                Err(failure) => {
                    let refusals = vec![by_ledger(failure)?];
                    report.refused.push(Refused { place, refusals });
                }
            },
            Err(error) => {
                let reason = |refusal: &crate::import::ImportRefusal| Reason {
                    path: refusal.path.clone(),
                    rule: refusal.rule.name().to_owned(),
                    reason: refusal.rule.to_string(),
                };
                let refusals = error.refusals.iter().map(reason).collect();
                report.refused.push(Refused { place, refusals });
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Turns a refusal by the ledger into a reason for the report. Any other failure is returned as it
/// is, because it is not about the document.
fn by_ledger(failure: Failure) -> Result<Reason, Failure> {
    let is_final = failure.is_final();
    match failure {
        Failure::Refused { name, reason, .. } if is_final => {
            Ok(Reason { path: String::new(), rule: name, reason })
        }
        other => Err(other),
    }
}

async fn create(
    sets: &SetsArgs,
    imported: &Imported,
    writer: &mut Writer,
) -> Result<DidWritten, Failure> {
    let mut new = NewKeys::new(sets.suite());
    let (sets, next) = sets.create(&mut new)?;
    let document = imported.document.clone();
    let signers = writer.choose(sets.control.threshold, &sets.control.members, &new).await?;
    let current = Some(roles(&sets, next, held(&document, writer, &new)));
    let parts = Parts { current, recovering: None };
    let action = Action::DidCreate(Box::new(DidCreate { sets, document }));
    let operation = writer.operation(None, Ready::creating(action))?;
    writer.send(Unsigned { operation, signers, new, parts }).await
}

fn human(report: &Report) -> String {
    let name = |place: &Place| {
        let id = place.id.as_deref().unwrap_or("no id");
        format!("{}[{}] {id}", place.file.display(), place.index)
    };
    let mut lines = Vec::new();
    for taken in &report.imported {
        lines.push(format!("{} → {}", name(&taken.place), taken.written.did));
        lines.extend(taken.notes.iter().map(|note| format!("    {note}")));
    }
    for refused in &report.refused {
        lines.push(format!("{} refused", name(&refused.place)));
        lines.extend(
            refused
                .refusals
                .iter()
                .map(|Reason { path, rule, reason }| format!("    {path}: {rule}: {reason}")),
        );
    }
    lines.join("\n")
}
