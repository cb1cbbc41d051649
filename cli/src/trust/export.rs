//! `idem trust export`: write all grants of an authority.

use clap::{Args, ValueEnum};
use registry_core::id::Did;
use registry_core::names::ActionName;
use serde_json::{Value, json};

use super::rights::{AsOf, each};
use super::table::Table;
use crate::client::given;
use crate::context::Context;
use crate::exit::Failure;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The authority
    #[arg(long, value_name = "DID")]
    authority: Did,
    /// Export only rights to this action
    #[arg(long, value_name = "A")]
    action: Option<ActionName>,
    /// Output format: CSV, which import reads, or JSON [default: csv; json with --json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The time at which to show them: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Json,
}

pub(super) async fn run(args: ExportArgs, context: &Context) -> Result<(), Failure> {
    let ExportArgs { authority, action, format, at } = args;
    let client = context.client()?;
    let params = given(json!({ "authority": authority, "action": action, "at": at }));
    let default = if context.json { Format::Json } else { Format::Csv };
    match format.unwrap_or(default) {
        Format::Csv => {
            let mut table = Table::new()?;
            each(&client, params, |_, right| table.add(&right)).await?;
            context.print_text(&table.text()?)
        }
        Format::Json => {
            let mut rights: Vec<Value> = Vec::new();
            let take = |shown, _| {
                rights.push(shown);
                Ok(())
            };
            let AsOf { height, time } = each(&client, params, take).await?;
            context.print_value(&json!({
                "authority": authority,
                "rights": rights,
                "height": height,
                "time": time,
            }))
        }
    }
}
