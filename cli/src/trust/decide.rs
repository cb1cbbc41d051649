//! `idem trust decide`: decide whether a credential is to be accepted.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use crate::client::given;
use crate::context::Context;
use crate::exit::Failure;
use crate::file::read_input;

/// Upper bound of the question in bytes. It exceeds the longest names together.
const QUESTION_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// JSON object with issuer, verificationMethod, credentialType or schema, issuedAt, authority,
    /// and if they apply status {list, entry}, agent, minimumAssurance, at; - for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn run(args: DecideArgs, context: &Context) -> Result<(), Failure> {
    let bytes = read_input(&args.file, QUESTION_BYTES_MAX)?;
    let question: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("{}: {error}", args.file.display());
        Failure::usage_with(message, "give a JSON object with the members that --help names")
    })?;
    let answer = context.client()?.call("registry_decide", given(question)).await?;
    context.print(&answer, human(&answer))
}

fn human(answer: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = answer.get("decision").map(text).into_iter().collect();
    let steps = answer.get("steps").and_then(Value::as_array);
    lines.extend(steps.into_iter().flatten().map(|step| {
        let mark = if step["ok"] == true { "ok   " } else { "fails" };
        format!("  {mark}  {:<13}  {}", text(&step["step"]), text(&step["finding"]))
    }));
    if let (Some(height), Some(time)) = (answer.get("height"), answer.get("time")) {
        lines.push(format!("at height {height}, {}", text(time)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::object;
    use serde_json::json;

    #[test]
    fn people_see_each_step() {
        let answer = object(json!({
            "decision": "deny",
            "steps": [
                { "step": "issuer", "finding": "was active", "ok": true },
                { "step": "status", "finding": "is set", "ok": false },
            ],
            "height": 7,
            "time": "2026-11-21T08:00:00.000Z",
        }));
        let lines = "deny\n  ok     issuer         was active\n  fails  status         is set\n\
                     at height 7, 2026-11-21T08:00:00.000Z";
        assert_eq!(human(&answer), lines);
    }
}
