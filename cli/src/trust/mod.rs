//! `idem trust`: grant rights, ask who has them, import and export them.

mod decide;
mod export;
mod import;
mod issuers;
mod made;
mod read;
mod report;
mod rights;
mod row;
mod table;
mod void;
mod write;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource};
use registry_core::trust::{Assurance, Conditions};
use rpc::prepare::trust::{Derecognising, Resuming, Revoking, Suspending};

use super::author::AuthorArgs;
use super::context::Context;
use super::exit::Failure;
use super::time::time_ms;

#[derive(Debug, Subcommand)]
pub(super) enum TrustCommand {
    /// Grant an entity the right to an action on a resource
    Grant(GrantArgs),
    /// Replace all conditions of a grant
    Change(GrantArgs),
    /// Suspend a grant, and all grants below it, until it is resumed
    Suspend(StepArgs),
    /// Resume a suspended grant
    Resume(StepArgs),
    /// Revoke a grant, and all grants below it; with --void it counts as never made
    Revoke(void::EndArgs),
    /// Recognise another authority
    Recognise(RecogniseArgs),
    /// Withdraw a recognition; with --void it counts as never made
    Derecognise(void::EndArgs),
    /// Remove an authority from those under which questions asked of a DID are searched
    ///
    /// Nothing is revoked. The control set of the DID signs.
    ForgetRoot(ForgetRootArgs),
    /// Tell whether an entity has a right, now or at a past time
    Check(read::QuestionArgs),
    /// Tell whether an authority recognises an entity, now or at a past time
    Recognised(read::QuestionArgs),
    /// Explain in sentences why an entity has a right or not, and who can correct it
    Explain(read::QuestionArgs),
    /// Show the grants from the authority down to the entity
    Chain(read::QuestionArgs),
    /// Tell whether a credential is to be accepted, and what each step of the decision finds
    Decide(decide::DecideArgs),
    /// Show the other authorities under which a DID has granted rights
    Roots(read::RootsArgs),
    /// List rights by authority, by entity, or by both
    List(read::ListArgs),
    /// Import grants from a CSV file or an EBSI list of issuers, and report each row
    ///
    /// The signatures of the credentials in a list of issuers are not checked: whoever imports it
    /// answers for its entries.
    Import(import::ImportArgs),
    /// Write all grants of an authority as CSV, which import reads, or as JSON
    Export(export::ExportArgs),
}

/// Options that name a right and its entity.
#[derive(Debug, Args)]
struct RightArgs {
    /// Action, such as issue
    #[arg(long, value_name = "A")]
    action: ActionName,
    /// Resource, such as degrees/bachelor, or degrees/* for all below
    #[arg(long, value_name = "R")]
    resource: Resource,
    /// Entity: a DID of any method, or another URI
    #[arg(long, value_name = "E")]
    entity: EntityId,
}

#[derive(Debug, Args)]
pub(super) struct StepArgs {
    #[command(flatten)]
    author: AuthorArgs,
    /// The authority from which the right comes [default: the DID that signs]
    #[arg(long, value_name = "DID")]
    authority: Option<Did>,
    #[command(flatten)]
    right: RightArgs,
}

#[derive(Debug, Args)]
pub(super) struct ForgetRootArgs {
    #[command(flatten)]
    author: AuthorArgs,
    /// The authority to remove
    #[arg(long, value_name = "DID")]
    authority: Did,
}

/// Conditions that grants and recognitions have in common.
#[derive(Debug, Args)]
struct TermsArgs {
    /// Start of validity: RFC 3339, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "T", value_parser = time_ms)]
    valid_from: Option<u64>,
    /// End of validity: RFC 3339
    #[arg(long, value_name = "T", value_parser = time_ms)]
    valid_until: Option<u64>,
    /// Hash of the document that serves as evidence: 32 bytes in hex
    #[arg(long, value_name = "HEX")]
    evidence: Option<Hash>,
    /// URI of the terms
    #[arg(long, value_name = "URI")]
    terms: Option<String>,
}

#[derive(Debug, Args)]
struct ConditionsArgs {
    #[command(flatten)]
    terms: TermsArgs,
    /// How sure the grantor is of the entity: low, substantial or high
    #[arg(long, value_name = "L", value_parser = assurance)]
    assurance: Option<Assurance>,
    /// Number of further grants that may follow below, 1 to 7 [default: none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=7))]
    max_depth: Option<u8>,
}

#[derive(Debug, Args)]
pub(super) struct GrantArgs {
    #[command(flatten)]
    step: StepArgs,
    #[command(flatten)]
    conditions: ConditionsArgs,
    /// Resource of the parent grant, by which the author holds the right [default: the present
    /// parent of a grant that is changed; for a new grant, the node finds it]
    #[arg(long, value_name = "R", requires = "parent_grantor")]
    parent_resource: Option<Resource>,
    /// Grantor of the parent grant
    #[arg(long, value_name = "DID", requires = "parent_resource")]
    parent_grantor: Option<Did>,
}

#[derive(Debug, Args)]
pub(super) struct RecogniseArgs {
    #[command(flatten)]
    step: StepArgs,
    #[command(flatten)]
    terms: TermsArgs,
    /// JSON file with a block of the network of which the entity is an authority:
    /// chain, height, header, validators
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

impl From<ConditionsArgs> for Conditions {
    fn from(args: ConditionsArgs) -> Self {
        let ConditionsArgs { terms, assurance, max_depth } = args;
        let TermsArgs { valid_from, valid_until, evidence, terms } = terms;
        Self { valid_from, valid_until, assurance, max_depth, evidence, terms }
    }
}

/// Parses an assurance level, for clap.
pub(super) fn assurance(text: &str) -> Result<Assurance, String> {
    Assurance::from_name(text).ok_or_else(|| format!("{text:?} must be low, substantial or high"))
}

pub(super) async fn run(command: TrustCommand, context: &Context) -> Result<(), Failure> {
    match command {
        TrustCommand::Grant(args) => write::grant(args, context).await,
        TrustCommand::Change(args) => write::change(args, context).await,
        TrustCommand::Suspend(args) => write::step::<Suspending>(args, context).await,
        TrustCommand::Resume(args) => write::step::<Resuming>(args, context).await,
        TrustCommand::Revoke(args) => void::run::<Revoking>(args, context).await,
        TrustCommand::Recognise(args) => write::recognise(args, context).await,
        TrustCommand::Derecognise(args) => void::run::<Derecognising>(args, context).await,
        TrustCommand::ForgetRoot(args) => write::forget_root(args, context).await,
        TrustCommand::Check(args) => read::check(args, context).await,
        TrustCommand::Recognised(args) => read::recognised(args, context).await,
        TrustCommand::Explain(args) => read::explain(args, context).await,
        TrustCommand::Chain(args) => read::chain(args, context).await,
        TrustCommand::Decide(args) => decide::run(args, context).await,
        TrustCommand::Roots(args) => read::roots(args, context).await,
        TrustCommand::List(args) => read::list(args, context).await,
        TrustCommand::Import(args) => import::run(args, context).await,
        TrustCommand::Export(args) => export::run(args, context).await,
    }
}
