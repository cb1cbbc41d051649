//! `idem trust list --by`: all that a DID granted and recognised since a time, for a look at a
//! theft.

use std::collections::BTreeSet;

use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource, TrustKey};
use registry_core::time::TimeMs;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::rights::each_shown;
use crate::author::patiently;
use crate::client::{Client, object};
use crate::context::Context;
use crate::exit::Failure;

/// A grant or recognition that a DID made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) kind: MadeKind,
    pub(super) authority: Did,
    pub(super) action: ActionName,
    pub(super) resource: Resource,
    pub(super) entity: EntityId,
    /// Operation that made it. A void names it.
    pub(super) operation: Hash,
    /// Time at which it was made.
    pub(super) made: TimeMs,
    status: String,
    /// Time at which it was voided, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) voided_at: Option<TimeMs>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MadeKind {
    Grant,
    Recognition,
}

impl Made {
    pub(super) fn key(&self) -> TrustKey {
        let Self { authority, action, resource, entity, .. } = self.clone();
        TrustKey { authority, action, resource, entity }
    }
}

/// Output of the list, which `idem trust revoke --void --from` reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MadeList {
    pub(super) by: Did,
    since: TimeMs,
    pub(super) made: Vec<Made>,
}

pub(super) async fn list(by: &Did, since_ms: u64, context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let since = TimeMs(since_ms).millis();
    let mut made = Vec::new();
    for authority in authorities(&client, by, &since).await? {
        let params = json!({ "authority": authority, "grantor": by, "since": since });
        let take = |shown: Value| {
            rows(&shown, &mut made).map_err(|error| client.unreadable("trust_list", error))
        };
        each_shown(&client, object(params), take).await?;
    }
    made.sort_by_key(|row: &Made| (row.made.0, row.operation.0));
    let list = MadeList { by: by.clone(), since: TimeMs(since_ms), made };
    context.print_value(
        &serde_json::to_value(&list)
            .map_err(|error| Failure::usage(format!("the list cannot be written: {error}")))?,
    )
}

/// Returns the DID itself and its roots, now and at the time since which is asked.
async fn authorities(client: &Client, by: &Did, since: &str) -> Result<BTreeSet<Did>, Failure> {
    let mut all = BTreeSet::from([by.clone()]);
    for params in [json!({ "did": by }), json!({ "did": by, "at": since })] {
        let asked: Result<Map<String, Value>, Failure> =
            patiently(async || client.call("trust_roots", object(params.clone())).await).await;
        let answer = match asked {
            Ok(answer) => answer,
            // A DID that was registered since then had no roots before.
            Err(_) if params.get("at").is_some() => continue,
            Err(failure) => return Err(failure),
        };
        let roots = answer.get("roots").and_then(Value::as_array).into_iter().flatten();
        let roots = roots.map(|root| serde_json::from_value(root["authority"].clone()));
        for root in roots {
            all.insert(root.map_err(|error| client.unreadable("trust_roots", error))?);
        }
    }
    Ok(all)
}

/// Adds the grants, or the recognition, of a right as a node shows it.
fn rows(shown: &Value, made: &mut Vec<Made>) -> Result<(), serde_json::Error> {
    let mut add = |kind, of: &Value, time: &str| {
        let row = json!({
            "kind": kind,
            "authority": shown["authority"],
            "action": shown["action"],
            "resource": shown["resource"],
            "entity": shown["entity"],
            "operation": of["operation"],
            "made": of[time],
            "status": of["status"],
            "voidedAt": of["voidedAt"],
        });
        made.push(serde_json::from_value(row)?);
        Ok(())
    };
    for grant in shown["grants"].as_array().into_iter().flatten() {
        add("grant", grant, "granted")?;
    }
    match shown.get("recognition") {
        Some(recognition) => add("recognition", recognition, "recognised"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_and_recognitions_of_a_page_become_rows() {
        let did = "did:idem:local:abcdefghijklmnopqrstuvwxyz234567";
        let operation = "00".repeat(32);
        let right = |of: Value| {
            let mut right = json!({
                "authority": did, "action": "issue", "resource": "a", "entity": "did:web:b.example",
            });
            right.as_object_mut().expect("an object").extend(object(of));
            right
        };
        let time = "2026-11-21T08:00:00.000Z";
        let grant = json!({ "operation": operation, "granted": time, "status": "revoked",
            "voidedAt": time });
        let recognition = json!({ "operation": operation, "recognised": time, "status": "active" });
        let mut made = Vec::new();
        for shown in
            [right(json!({ "grants": [grant] })), right(json!({ "recognition": recognition }))]
        {
            rows(&shown, &mut made).expect("rows");
        }
        let seen: Vec<_> = made.iter().map(|row| (row.kind, row.voided_at.is_some())).collect();
        assert_eq!(seen, [(MadeKind::Grant, true), (MadeKind::Recognition, false)]);
    }
}
