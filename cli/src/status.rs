//! `idem status`: show what a node is doing.

use clap::Args;
use serde_json::{Map, Value};

use super::context::Context;
use super::exit::Failure;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {}

pub(super) async fn run(_: StatusArgs, context: &Context) -> Result<(), Failure> {
    let status: Map<String, Value> = context.client()?.call("ledger_status", Map::new()).await?;
    context.print_fields(&status)
}
