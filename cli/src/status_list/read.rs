//! Commands that read status lists from a node.

use clap::Args;
use registry_core::id::{Did, ListId};
use registry_core::status::StatusPurpose;
use registry_core::time::TimeMs;
use rpc::prepare::status::DelegateParam;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client::{Client, given, object};
use crate::context::Context;
use crate::exit::Failure;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The list
    list: ListId,
    /// The entry, from 0
    #[arg(long, value_name = "N")]
    entry: u64,
    /// The time for which to check: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The list
    list: ListId,
    /// The time at which to show it: RFC 3339, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "version_id")]
    at: Option<String>,
    /// The version to show, from 1
    #[arg(long, value_name = "N")]
    version_id: Option<u64>,
    /// Show all entries too: base64url of the packed array, entry 0 in the lowest bits
    #[arg(long)]
    array: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The list
    list: ListId,
    /// First version to list
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// Largest number of versions to list
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// Properties of a list that an issuer needs before it writes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    pub(super) purpose: StatusPurpose,
    pub(super) length: u64,
    pub(super) issuer: Did,
    pub(super) version: u64,
    #[serde(default)]
    pub(super) valid_until: Option<TimeMs>,
    pub(super) delegates: Vec<DelegateParam>,
}

/// State of one entry, with the members that scripts rely on.
#[derive(Debug, Serialize, Deserialize)]
struct Checked {
    list: ListId,
    entry: u64,
    value: u8,
    valid: bool,
    height: u64,
    time: String,
}

impl Known {
    pub(super) async fn load(client: &Client, list: &ListId) -> Result<Self, Failure> {
        client.call("status_getList", object(json!({ "list": list }))).await
    }
}

pub(super) async fn check(args: CheckArgs, context: &Context) -> Result<(), Failure> {
    let CheckArgs { list, entry, at } = args;
    let params = given(json!({ "list": list, "entry": entry, "at": at }));
    let checked: Checked = context.client()?.call("status_check", params).await?;
    let Checked { value, valid, height, time, .. } = &checked;
    let judgement = if *valid { "valid" } else { "not valid" };
    let human = format!("entry {entry} is {value}: {judgement}, at {time} (height {height})");
    context.print(&checked, human)
}

pub(super) async fn show(args: ShowArgs, context: &Context) -> Result<(), Failure> {
    let ShowArgs { list, at, version_id, array } = args;
    let array = array.then_some(true);
    let params = given(json!({ "list": list, "at": at, "versionId": version_id, "array": array }));
    let shown: Map<String, Value> = context.client()?.call("status_getList", params).await?;
    context.print_fields(&shown)
}

pub(super) async fn history(args: HistoryArgs, context: &Context) -> Result<(), Failure> {
    let HistoryArgs { list, from, limit } = args;
    let params = given(json!({ "list": list, "from": from, "limit": limit }));
    let history: Value = context.client()?.call("status_history", params).await?;
    context.print_value(&history)
}
