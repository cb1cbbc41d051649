//! Commands that read DIDs from a node.

use clap::Args;
use serde_json::{Map, Value, json};

use super::Failure;
use crate::client::object;
use crate::context::Context;

#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// The DID
    #[arg(value_name = "DID")]
    did: String,
    /// The version to show, from 1
    #[arg(long, value_name = "N", conflicts_with = "version_time")]
    version_id: Option<String>,
    /// The time at which to show it: RFC 3339 in whole seconds, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "T")]
    version_time: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The DID
    #[arg(value_name = "DID")]
    did: String,
}

/// Prints the complete W3C resolution result, also if it contains an error, and then fails with
/// that error.
pub(super) async fn resolve(args: ResolveArgs, context: &Context) -> Result<(), Failure> {
    let mut options = Map::new();
    if let Some(version) = args.version_id {
        options.insert("versionId".to_owned(), version.into());
    }
    if let Some(time) = args.version_time {
        options.insert("versionTime".to_owned(), time.into());
    }
    let params = object(json!({ "did": args.did, "resolutionOptions": options }));
    let result: Value = context.client()?.call("did_resolve", params).await?;
    context.print_value(&result)?;
    match resolution_error(&result, &args.did) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

pub(super) async fn history(args: HistoryArgs, context: &Context) -> Result<(), Failure> {
    let params = object(json!({ "did": args.did }));
    let history: Value = context.client()?.call("did_history", params).await?;
    context.print_value(&history)
}

/// Returns the error in the resolution metadata (W3C DID Resolution section 10), if there is one.
fn resolution_error(result: &Value, did: &str) -> Option<Failure> {
    let error = result.pointer("/didResolutionMetadata/error").filter(|error| !error.is_null())?;
    let kind = error["type"].as_str().or(error.as_str()).unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let detail = error["detail"].as_str().or(error["title"].as_str()).unwrap_or_default();
    let text = format!("{kind}: {did}: {detail}");
    let text = text.trim_end_matches([':', ' ']);
    Some(match kind {
        "INVALID_DID" | "INVALID_DID_URL" | "INVALID_OPTIONS" | "METHOD_NOT_SUPPORTED" => {
            Failure::usage(text)
        }
        _ => Failure::NotFound { what: text.to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn exit_code(error: Value) -> Option<u8> {
        let result = json!({ "didResolutionMetadata": { "error": error } });
        resolution_error(&result, "did:idem:x:y").map(|failure| failure.exit_code())
    }

    #[test]
    fn resolution_errors_have_exit_codes() {
        let error = |kind: &str| json!({ "type": format!("https://www.w3.org/ns/did#{kind}") });
        assert_eq!(exit_code(error("NOT_FOUND")), Some(exit::REFUSED));
        assert_eq!(exit_code(error("INVALID_DID")), Some(exit::USAGE));
        assert_eq!(exit_code("INVALID_OPTIONS".into()), Some(exit::USAGE));
        assert_eq!(exit_code(Value::Null), None);
        assert!(resolution_error(&json!({ "didResolutionMetadata": {} }), "x").is_none());
    }
}
