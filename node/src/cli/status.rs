//! `idem status`: what a node is doing.

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use super::exit::Failure;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {}

pub(super) async fn run(_: StatusArgs, context: &Context) -> Result<(), Failure> {
    let status: Map<String, Value> = context.client()?.call("ledger_status", Map::new()).await?;
    let width = status.keys().map(String::len).max().unwrap_or_default();
    let lines: Vec<String> = status
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name:width$}  {text}"),
            other => format!("{name:width$}  {other}"),
        })
        .collect();
    context.print(&status, lines.join("\n"))
}
