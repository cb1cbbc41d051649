//! Commands that ask about rights.

use clap::Args;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId};
use registry_core::time::TimeMs;
use serde_json::{Map, Value, json};

use super::{RightArgs, made};
use crate::client::given;
use crate::context::Context;
use crate::exit::Failure;
use crate::time::time_ms;

#[derive(Debug, Args)]
pub(crate) struct QuestionArgs {
    /// The authority
    #[arg(long, value_name = "DID")]
    authority: Did,
    #[command(flatten)]
    right: RightArgs,
    /// The time to ask about: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Show rights under this authority
    #[arg(long, value_name = "DID", required_unless_present_any = ["entity", "by"])]
    authority: Option<Did>,
    /// Show all that this DID granted and recognised since --since, under its own authority and
    /// under others, also if it was replaced; trust revoke --void --from takes the output
    #[arg(long, value_name = "DID", requires = "since",
        conflicts_with_all = ["authority", "entity", "action", "limit", "after", "at"])]
    by: Option<Did>,
    /// Show only what was granted or recognised since then: RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time_ms)]
    since: Option<u64>,
    /// Show rights of this entity
    #[arg(long, value_name = "E")]
    entity: Option<EntityId>,
    /// Show rights to this action
    #[arg(long, value_name = "A", requires = "authority")]
    action: Option<ActionName>,
    /// The time at which to show them: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Largest number of rights to show, up to 100
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Value of next in the previous page, to continue there
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RootsArgs {
    /// The DID that granted
    #[arg(long, value_name = "DID")]
    did: Did,
    /// The time at which to show them: RFC 3339, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

async fn ask(
    args: QuestionArgs,
    method: &str,
    context: &Context,
) -> Result<Map<String, Value>, Failure> {
    let QuestionArgs { authority, right: RightArgs { action, resource, entity }, at } = args;
    let params = given(json!({
        "authority": authority,
        "action": action,
        "resource": resource,
        "entity": entity,
        "at": at,
    }));
    context.client()?.call(method, params).await
}

pub(super) async fn check(args: QuestionArgs, context: &Context) -> Result<(), Failure> {
    context.print_fields(&ask(args, "trust_authorization", context).await?)
}

pub(super) async fn recognised(args: QuestionArgs, context: &Context) -> Result<(), Failure> {
    context.print_fields(&ask(args, "trust_recognition", context).await?)
}

pub(super) async fn explain(args: QuestionArgs, context: &Context) -> Result<(), Failure> {
    let answer = ask(args, "trust_explain", context).await?;
    context.print(&answer, explanation(&answer))
}

fn explanation(answer: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = answer.get("explanation").map(text).into_iter().collect();
    let steps = answer.get("steps").and_then(Value::as_array);
    lines.extend(steps.into_iter().flatten().map(|step| {
        let mark = if step["ok"] == true { "ok     " } else { "broken " };
        format!("  {mark}{}", text(&step["finding"]))
    }));
    lines.extend(answer.get("mender").map(|did| format!("{} can mend it", text(did))));
    lines.join("\n")
}

pub(super) async fn chain(args: QuestionArgs, context: &Context) -> Result<(), Failure> {
    context.print_value(&Value::Object(ask(args, "trust_chain", context).await?))
}

pub(super) async fn roots(args: RootsArgs, context: &Context) -> Result<(), Failure> {
    let RootsArgs { did, at } = args;
    let params = given(json!({ "did": did, "at": at }));
    let roots: Value = context.client()?.call("trust_roots", params).await?;
    context.print_value(&roots)
}

pub(super) async fn list(args: ListArgs, context: &Context) -> Result<(), Failure> {
    let ListArgs { authority, entity, action, at, limit, after, by, since } = args;
    if let (Some(by), Some(since_ms)) = (&by, since) {
        return made::list(by, since_ms, context).await;
    }
    let params = given(json!({
        "authority": authority,
        "entity": entity,
        "action": action,
        "at": at,
        "since": since.map(|since_ms| TimeMs(since_ms).millis()),
        "limit": limit,
        "after": after,
    }));
    let page: Value = context.client()?.call("trust_list", params).await?;
    context.print_value(&page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::object;

    #[test]
    fn an_explanation_names_the_broken_link_and_who_mends_it() {
        let answer = object(json!({
            "explanation": "E may not",
            "steps": [
                { "finding": "A granted", "ok": true },
                { "finding": "suspended", "ok": false },
            ],
            "mender": "did:idem:local:a",
        }));
        let lines = "E may not\n  ok     A granted\n  broken suspended\n\
                     did:idem:local:a can mend it";
        assert_eq!(explanation(&answer), lines);
    }
}
