//! Random questions about the past, and their answers without the members that are named as of the
//! answer's height.

use http::Request;
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use super::history::{ASKED, AUTHORITY, BODY, History, ISSUER, NEWCOMER, RESOURCES, TYPE};
use crate::common::client::with_members;
use crate::common::rights::{Registry, query_of};

/// Members that docs/protocol/records.md names as those of the answer's height.
const OF_THE_HEIGHT: [&str; 7] = [
    "height",
    "nextVersionId",
    "nextUpdate",
    "versions",
    "agenda",
    "time_evaluated",
    "evaluationBasis",
];

/// A question about one moment of the past.
#[derive(Debug, Clone)]
pub(super) struct Question {
    method: &'static str,
    params: Value,
}

/// Name of a question by TRQP, which is no method.
const TRQP: &str = "POST /authorization";

impl Question {
    /// Returns a question about a time up to the newest block.
    pub(super) fn random(history: &mut History) -> Self {
        let at = history.some_time();
        let authority = history.random.pick(&[0, 1, 2, 2, 3, 3, NEWCOMER]);
        let entity = history.random.pick(&[2, 3, 4, 4, 4, 5, NEWCOMER + 1]);
        let resource = history.random.pick(&RESOURCES);
        let right = history.right(authority, entity, resource);
        let degree = history.random.pick(&["degrees/doctor", TYPE]);
        let by_body = history.right(BODY, ISSUER, degree);
        let right = history.random.pick(&[right, by_body]);
        let (who, body) = (history.random.pick(&ASKED), history.random.pick(&[BODY, 3]));
        let (did, body) = (history.registry.dids[who].clone(), history.registry.dids[body].clone());
        let authority_did = history.registry.dids[AUTHORITY].clone();
        let (list, schema) = (history.list.clone(), history.schema.clone());
        let entry = history.random.below(8);
        let at_ms = json!(at.millis());
        let at_it = |params: Value| with_members(params, json!({ "at": at_ms }));
        // Half of the questions that take it ask in the light of what became known until later.
        let later = TimeMs(history.some_time().0.max(at.0)).millis();
        let known = if history.random.below(2) == 0 { json!(later) } else { Value::Null };
        let known = |params: Value| with_members(params, json!({ "at": at_ms, "knownAt": known }));
        let (method, params) = match history.random.below(22) {
            0..=3 => ("trust_authorization", known(right)),
            4 => ("trust_chain", known(right)),
            5 => ("trust_explain", known(right)),
            6 => ("trust_recognition", known(history.right(AUTHORITY, 1, resource))),
            7 => ("trust_roots", at_it(json!({ "did": body }))),
            8 => ("trust_list", at_it(json!({ "authority": did, "limit": 100 }))),
            9..=11 => {
                let whole = TimeMs(at.0 - at.0 % 1_000);
                let options = json!({ "versionTime": whole.to_string() });
                let did = history.random.pick(&[did, history.registry.dids[ISSUER].clone()]);
                ("did_resolve", json!({ "did": did, "resolutionOptions": options }))
            }
            12 => ("agent_verify", known(agent(history))),
            13 => {
                let agent = agent(history)["agent"].clone();
                ("agent_get", at_it(json!({ "agent": agent })))
            }
            14 => ("status_check", at_it(json!({ "list": list, "entry": entry }))),
            15 => ("status_getList", at_it(json!({ "list": list, "array": true }))),
            16 => ("schema_getType", at_it(json!({ "publisher": authority_did, "name": TYPE }))),
            17 => ("schema_get", at_it(json!({ "schema": schema }))),
            18 => ("schema_list", at_it(json!({ "publisher": did }))),
            19 => ("governance_show", at_it(json!({}))),
            20 => {
                let context = json!({ "context": { "time": at.millis() } });
                (TRQP, with_members(query_of(&right), context))
            }
            _ => ("registry_decide", at_it(decision(history, at, entry))),
        };
        Self { method, params }
    }

    /// Asks the question. An error is an answer too.
    pub(super) async fn ask(&self, registry: &Registry) -> Value {
        let mut answer = if self.method == TRQP {
            let request =
                Request::post("/authorization").header("content-type", "application/json");
            registry.server.send(false, request, &self.params.to_string()).await.json()
        } else {
            match registry.server.call(self.method, self.params.clone()).await {
                Ok(answer) => answer,
                Err(error) => json!({ "error": error }),
            }
        };
        let metadata = answer.get_mut("didDocumentMetadata").map(Value::take);
        let mut kept = without_height(answer);
        if let Some(metadata) = metadata {
            kept["didDocumentMetadata"] = without_height(metadata);
        }
        kept
    }

    /// Returns the method, and whether the answer says yes, no or something else.
    pub(super) fn kind(&self, answer: &Value) -> String {
        let verdict = match (&answer["authorized"], &answer["decision"], &answer["error"]) {
            (Value::Bool(true), ..) => "yes",
            (Value::Bool(false), ..) => "no",
            (_, Value::String(decision), _) if decision == "permit" => "yes",
            (_, Value::String(_), _) => "no",
            (.., Value::Null) => "answered",
            _ => "error",
        };
        format!("{} {verdict}", self.method)
    }
}

fn agent(history: &mut History) -> Value {
    let agent = history.random.pick(&[5, 5, 6, NEWCOMER + 1]);
    json!({ "agent": history.registry.dids[agent], "action": "issue", "resource": TYPE })
}

/// Returns a question about a credential that was issued at or before `at`.
fn decision(history: &mut History, at: TimeMs, entry: usize) -> Value {
    let genesis = crate::common::GENESIS_MS;
    let span = usize::try_from(at.0 - genesis).expect("small");
    let issued = TimeMs(genesis + history.random.below(span + 1) as u64);
    let issuer = &history.registry.dids[ISSUER];
    let agent = &history.registry.dids[5];
    let mut question = json!({
        "issuer": issuer,
        "verificationMethod": format!("{issuer}#key-1"),
        "credentialType": TYPE,
        "issuedAt": issued.millis(),
        "status": [{ "list": history.list, "entry": entry }],
        "authority": history.registry.dids[AUTHORITY],
    });
    if history.random.below(3) == 0 {
        question["agent"] = json!(agent);
    }
    question
}

fn without_height(mut answer: Value) -> Value {
    if let Some(members) = answer.as_object_mut() {
        members.retain(|name, _| !OF_THE_HEIGHT.contains(&name.as_str()));
    }
    answer
}
