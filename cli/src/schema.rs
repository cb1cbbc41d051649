//! `idem schema`: publish, withdraw and read schemas and credential types.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use registry_core::crypto::Hash;
use registry_core::id::{Did, SchemaId};
use registry_core::limits::SCHEMA_CONTENT_BYTES_MAX;
use registry_core::names::Resource;
use registry_core::status::StatusPurpose;
use registry_core::trust::Assurance;
use rpc::prepare::schema::{Publish, PublishType, Withdraw, WithdrawType};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::author::{Author, AuthorArgs, Sent};
use super::client::given;
use super::context::Context;
use super::exit::Failure;
use super::file::read_input;
use super::status_list::purpose;
use super::time::duration_ms;
use super::trust::assurance;

#[derive(Debug, Subcommand)]
pub(super) enum SchemaCommand {
    /// Publish a JSON Schema; it is named by its content and never changes
    Publish(PublishArgs),
    /// Withdraw a schema for ever; it stays readable
    Withdraw(WithdrawArgs),
    /// Show a schema
    Show(ShowArgs),
    /// List the schemas and credential types of a publisher
    List(ListArgs),
    /// Publish, withdraw and show credential types
    #[command(subcommand)]
    Type(TypeCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum TypeCommand {
    /// Publish a credential type, or its next version, as a whole
    Publish(PublishTypeArgs),
    /// Withdraw a credential type
    Withdraw(WithdrawTypeArgs),
    /// Show a credential type
    Show(ShowTypeArgs),
}

#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    /// JSON Schema file, - for standard input; leading and trailing white space, such as a last
    /// line end, is removed, because the ledger accepts none
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    author: AuthorArgs,
    /// Credential type that the schema describes
    #[arg(long = "type", value_name = "NAME")]
    credential_type: Option<Resource>,
    /// Schema that this one replaces
    #[arg(long, value_name = "ID")]
    supersedes: Option<SchemaId>,
}

#[derive(Debug, Args)]
pub(super) struct WithdrawArgs {
    /// The schema
    #[arg(value_name = "ID")]
    schema: SchemaId,
    #[command(flatten)]
    author: AuthorArgs,
    /// Declare for ever that the schema was never published, within 30 days; the control set signs
    #[arg(long)]
    void: bool,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The schema
    #[arg(value_name = "ID")]
    schema: SchemaId,
    /// The time at which to show it: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The publisher
    #[arg(value_name = "DID")]
    publisher: Did,
    /// Show only schemas, or only types
    #[arg(long, value_parser = ["schema", "type"])]
    kind: Option<String>,
    /// The time at which to show them: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Largest number of items to show, up to 50
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Value of next in the previous page, to continue there
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct PublishTypeArgs {
    /// Name of the type, which is also the resource of grants
    #[arg(value_name = "NAME")]
    name: Resource,
    #[command(flatten)]
    author: AuthorArgs,
    /// Schema that credentials of the type follow
    #[arg(long, value_name = "ID")]
    schema: Option<SchemaId>,
    /// Longest time from issuance to expiry: a number with s, m, h or d [default: no bound]
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    validity_max: Option<u64>,
    /// Purpose of a status list that each credential must be in: revocation or suspension; may be
    /// repeated [default: no list is needed]
    #[arg(long = "status-purpose", value_name = "P", value_parser = purpose)]
    status_purposes: Vec<StatusPurpose>,
    /// Minimum assurance of the issuer's grant: low, substantial or high [default: none]
    #[arg(long, value_name = "A", value_parser = assurance)]
    assurance: Option<Assurance>,
    /// Format in which credentials are issued, such as vc+jwt; may be repeated [default: any]
    #[arg(long = "format", value_name = "F")]
    formats: Vec<String>,
    /// Suite with which credentials are signed, such as ES256; may be repeated [default: any]
    #[arg(long = "suite", value_name = "S")]
    suites: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct WithdrawTypeArgs {
    /// Name of the credential type
    #[arg(value_name = "NAME")]
    name: Resource,
    #[command(flatten)]
    author: AuthorArgs,
    /// Declare for ever that a version was never published, within 30 days; the control set signs
    #[arg(long)]
    void: bool,
    /// Operation that published the version that is voided [default: the present one]
    #[arg(long, value_name = "HEX", requires = "void")]
    operation: Option<Hash>,
}

#[derive(Debug, Args)]
pub(super) struct ShowTypeArgs {
    /// Name of the credential type
    #[arg(value_name = "NAME")]
    name: Resource,
    /// Publisher of the credential type
    #[arg(long, value_name = "DID")]
    publisher: Did,
    /// The time at which to show it: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Answer of a command that published or withdrew a schema.
#[derive(Debug, Serialize)]
struct SchemaWritten {
    schema: SchemaId,
    #[serde(flatten)]
    sent: Sent,
}

/// Answer of a command that published or withdrew a credential type.
#[derive(Debug, Serialize)]
struct TypeWritten {
    publisher: Did,
    name: Resource,
    #[serde(flatten)]
    sent: Sent,
}

pub(super) async fn run(command: SchemaCommand, context: &Context) -> Result<(), Failure> {
    match command {
        SchemaCommand::Publish(args) => publish(args, context).await,
        SchemaCommand::Withdraw(args) => withdraw(args, context).await,
        SchemaCommand::Show(ShowArgs { schema, at }) => {
            let asked = json!({ "schema": schema, "at": at });
            show("schema_get", asked, context).await
        }
        SchemaCommand::List(args) => {
            let ListArgs { publisher, kind, at, limit, cursor } = args;
            let asked = given(json!({
                "publisher": publisher,
                "kind": kind,
                "at": at,
                "limit": limit,
                "cursor": cursor,
            }));
            let page: Value = context.client()?.call("schema_list", asked).await?;
            context.print_value(&page)
        }
        SchemaCommand::Type(TypeCommand::Publish(args)) => publish_type(args, context).await,
        SchemaCommand::Type(TypeCommand::Withdraw(args)) => withdraw_type(args, context).await,
        SchemaCommand::Type(TypeCommand::Show(ShowTypeArgs { name, publisher, at })) => {
            let asked = json!({ "publisher": publisher, "name": name, "at": at });
            show("schema_getType", asked, context).await
        }
    }
}

async fn show(method: &str, asked: Value, context: &Context) -> Result<(), Failure> {
    // The content of a schema is printed exactly as it was published.
    let shown: BTreeMap<String, Box<RawValue>> =
        context.client()?.call(method, given(asked)).await?;
    context.print_fields(&shown)
}

async fn publish(args: PublishArgs, context: &Context) -> Result<(), Failure> {
    let PublishArgs { file, author, credential_type, supersedes } = args;
    // The file may exceed the limit of the content itself by white space around it.
    let bytes_max = u64::try_from(SCHEMA_CONTENT_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(2);
    let text = String::from_utf8(read_input(&file, bytes_max)?)
        .map_err(|error| Failure::usage(format!("{} is not UTF-8: {error}", file.display())))?;
    let content = text.trim().to_owned();
    let author = Author::open(context, author).await?;
    let schema = SchemaId::of_content(author.did(), &content);
    let publish = Publish {
        author: author.did().clone(),
        content,
        credential_type,
        supersedes,
        salt: None,
        endorser: None,
        until: None,
    };
    let sent = author.write(publish).await?;
    print(schema, sent, context)
}

async fn withdraw(args: WithdrawArgs, context: &Context) -> Result<(), Failure> {
    let WithdrawArgs { schema, author, void } = args;
    let author = Author::open(context, author).await?;
    let (did, salt, endorser, until) = (author.did().clone(), None, None, None);
    let withdraw = Withdraw { author: did, schema, void, salt, endorser, until };
    let sent = author.write(withdraw).await?;
    print(schema, sent, context)
}

async fn publish_type(args: PublishTypeArgs, context: &Context) -> Result<(), Failure> {
    let PublishTypeArgs { name, author, schema, validity_max, status_purposes, .. } = args;
    let author = Author::open(context, author).await?;
    let [formats, suites] = [args.formats, args.suites].map(|mut names| {
        names.sort();
        names.dedup();
        names
    });
    let publish = PublishType {
        author: author.did().clone(),
        name: name.clone(),
        schema,
        validity_ms_max: validity_max,
        status_purposes,
        assurance: args.assurance,
        formats,
        suites,
        salt: None,
        endorser: None,
        until: None,
    };
    let sent = author.write(publish).await?;
    print_type(author.did().clone(), name, sent, context)
}

async fn withdraw_type(args: WithdrawTypeArgs, context: &Context) -> Result<(), Failure> {
    let WithdrawTypeArgs { name, author, void, operation } = args;
    let author = Author::open(context, author).await?;
    let (did, salt, endorser, until) = (author.did().clone(), None, None, None);
    let (of, named) = (name.clone(), operation);
    let withdraw =
        WithdrawType { author: did, name: of, void, operation: named, salt, endorser, until };
    let sent = author.write(withdraw).await?;
    print_type(author.did().clone(), name, sent, context)
}

fn print(schema: SchemaId, sent: Sent, context: &Context) -> Result<(), Failure> {
    let Sent { operation, height } = &sent;
    let human = format!("schema     {schema}\noperation  {operation}\nheight     {height}");
    context.print(&SchemaWritten { schema, sent }, human)
}

fn print_type(
    publisher: Did,
    name: Resource,
    sent: Sent,
    context: &Context,
) -> Result<(), Failure> {
    let Sent { operation, height } = &sent;
    let human = format!(
        "publisher  {publisher}\nname       {name}\noperation  {operation}\nheight     {height}"
    );
    context.print(&TypeWritten { publisher, name, sent }, human)
}
