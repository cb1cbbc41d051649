//! Sends 10,000 generated queries to the two routes of TRQP. Each request and answer must conform
//! to the standard's schemas, and JSON-RPC must answer the same question alike.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use crate::common::client::with_members;
use crate::common::rights::{Registry, query_of};
use boon::{Compiler, SchemaIndex, Schemas};
use proptest::option;
use proptest::prelude::{Just, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use registry_core::time::TimeMs;
use serde_json::{Value, json};

const QUERIES: usize = 10_000;
const OPERATIONS: usize = 200;
const PEOPLE: u8 = 10;
const RESOURCES: [&str; 8] =
    ["*", "a/*", "a/b/*", "a/b/c", "a/b", "b/c", "https://types.example/Degree", "c"];

/// A JSON schema of the standard.
struct Schema(Schemas, SchemaIndex);

impl Schema {
    fn named(folder: &std::path::Path, name: &str) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        let text = fs::read_to_string(folder.join(format!("trqp_{name}.schema.json")));
        let schema = serde_json::from_str(&text.expect(name)).expect("JSON");
        let uri = format!("https://trqp.example/{name}");
        compiler.add_resource(&uri, schema).expect("a resource");
        let index = compiler.compile(&uri, &mut schemas).expect("a schema");
        Self(schemas, index)
    }

    fn allows(&self, value: &Value) -> bool {
        self.0.validate(value, self.1).is_ok()
    }

    fn assert(&self, value: &Value) {
        if let Err(error) = self.0.validate(value, self.1) {
            panic!("{value}: {error}");
        }
    }
}

/// Returns the folder with the standard's schemas. If they are not on this machine, prints that the
/// test is skipped and returns `None`.
fn schemas() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let root = std::env::var_os("IDEM_VECTORS").map_or_else(|| default.into(), PathBuf::from);
    let folder = root.join("trqp-v2");
    if folder.is_dir() {
        return Some(folder);
    }
    // Written directly to standard error, because the output of passing tests is hidden.
    let skipped = b"SKIPPED: no trqp-v2 in IDEM_VECTORS or ../shared/vectors\n";
    std::io::stderr().write_all(skipped).expect("standard error is open");
    None
}

fn sample<T>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).expect("a value").current()
}

/// Generates an operation on rights: author, action and parameters.
fn attempt(registry: &Registry) -> impl Strategy<Value = (usize, &'static str, Value)> + use<> {
    let people = 0..usize::from(PEOPLE);
    let action = prop_oneof![
        5 => Just("Grant"),
        2 => Just("Recognise"),
        3 => Just("Suspend"),
        4 => select(vec!["Resume", "Revoke", "Change", "Derecognise"]),
    ];
    // There are three authorities. They are the authors in half of the cases, and any person is in
    // the others.
    let author = option::weighted(0.5, people.clone());
    let right = (0..3_usize, people, select(&RESOURCES[..]));
    let from = option::weighted(0.3, select(vec!["2023-11-14T22:14:30Z", "2023-11-14T22:16:30Z"]));
    let until = option::weighted(0.3, select(vec!["2023-11-14T22:15:30Z", "2024-01-01T00:00:00Z"]));
    let assurance = option::of(select(vec!["low", "substantial", "high"]));
    let conditions = (from, until, assurance, option::weighted(0.7, 1_u8..4));
    let dids = registry.dids.clone();
    (action, author, right, conditions).prop_map(move |(action, author, right, conditions)| {
        let (authority, entity, resource) = right;
        let right = json!({
            "authority": dids[authority], "entity": dids[entity], "action": "issue",
            "resource": resource,
        });
        let (from, until, assurance, depth) = conditions;
        let window = json!({ "validFrom": from, "validUntil": until });
        let conditions = json!({ "assurance": assurance, "maxDepth": depth });
        let params = match action {
            "Grant" | "Change" => with_members(with_members(right, window), conditions),
            "Recognise" => with_members(right, window),
            _ => right,
        };
        (author.unwrap_or(authority), action, params)
    })
}

/// Returns a registry with a history, and the rights in it. Attempts that the rules refuse are left
/// out.
async fn history(runner: &mut TestRunner) -> (Registry, Vec<Value>) {
    let registry = Registry::with(PEOPLE).await;
    let (strategy, mut rights) = (attempt(&registry), Vec::new());
    while rights.len() < OPERATIONS {
        let (author, action, params) = sample(runner, &strategy);
        let prepare = format!("trust_prepare{action}");
        let allowed = registry.server.call(&prepare, registry.by(author, params.clone())).await;
        let Ok(prepared) = allowed else { continue };
        registry.act(author, action, params).await;
        rights.push(prepared["right"].clone());
    }
    registry.deactivate(9).await;
    registry.deactivate(2).await;
    (registry, rights)
}

/// A question: true if it is about an authorization, the right as JSON-RPC names it, the time, and
/// the context of TRQP.
type Question = (bool, Value, Option<String>, Value);

fn question(registry: &Registry, rights: Vec<Value>) -> impl Strategy<Value = Question> + use<> {
    let head_ms = registry.server.ledger.head().time_ms;
    let mut entities = registry.dids.clone();
    entities.extend(["did:web:issuer.example", "", "nobody \u{1f600}"].map(str::to_owned));
    let asked = ["a/b/d", "a/x", "d", "a/b/c/d/e/f/g", "not a resource", "\"", ""];
    let resources = [&RESOURCES[..], &asked].concat();
    let names = (select(entities), select(vec!["issue", "verify", "is sue"]), select(resources));
    let authority = select(registry.dids.clone());
    let other = (authority.clone(), names).prop_map(|(authority, (entity, action, resource))| {
        json!({
            "authority": authority, "entity": entity, "action": action, "resource": resource,
        })
    });
    let under_another = (select(rights.clone()), authority)
        .prop_map(|(right, authority)| with_members(right, json!({ "authority": authority })));
    let right = prop_oneof![3 => select(rights), 1 => under_another, 1 => other];
    let time_ms = head_ms - 300_000..=head_ms + 2_000;
    let time = option::weighted(0.7, time_ms.prop_map(|time_ms| TimeMs(time_ms).to_string()));
    let text = || option::weighted(0.3, any::<String>());
    (any::<bool>(), right, time, text(), text()).prop_map(
        |(authorizes, right, time, locator, profile)| {
            let mut context = json!({});
            for (name, text) in [("time", time.clone()), ("locator", locator), ("profile", profile)]
            {
                if let Some(text) = text {
                    context[name] = json!(text);
                }
            }
            (authorizes, right, time, context)
        },
    )
}

#[tokio::test]
async fn ten_thousand_queries_keep_the_schemas_and_agree_with_json_rpc() {
    let Some(folder) = schemas() else { return };
    let [ask_authorization, authorization, ask_recognition, recognition] = [
        "authorization_request",
        "authorization_response",
        "recognition_request",
        "recognition_response",
    ]
    .map(|name| Schema::named(&folder, name));
    let mut runner = TestRunner::deterministic();
    let (registry, rights) = history(&mut runner).await;
    let strategy = question(&registry, rights);
    let mut seen: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for _ in 0..QUERIES {
        let (authorizes, right, time, context) = sample(&mut runner, &strategy);
        let mut query = query_of(&right);
        if context != json!({}) {
            query["context"] = context;
        }
        let (route, method, verdict, request, response) = match authorizes {
            true => (
                "/authorization",
                "authorization",
                "authorized",
                &ask_authorization,
                &authorization,
            ),
            false => ("/recognition", "recognition", "recognized", &ask_recognition, &recognition),
        };
        request.assert(&query);
        let answer = registry.query(route, &query).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let shown = answer.json();
        response.assert(&shown);
        let params = with_members(right.clone(), json!({ "at": time }));
        let same = registry.ask(method, params).await;
        for name in [
            verdict,
            "status",
            "validFrom",
            "validUntil",
            "suspendedAt",
            "revokedAt",
            "assurance",
            "action",
            "resource",
        ] {
            assert_eq!(shown.get(name), same.get(name), "{name} of {query}");
        }
        assert_eq!(
            (&shown["authority_id"], &shown["entity_id"]),
            (&same["authority"], &same["entity"])
        );
        assert_eq!(shown.get("time_requested"), time.map(|time| json!(time)).as_ref());
        assert_eq!(answer.header("x-ledger-height"), same["height"].to_string());
        assert_eq!(shown[verdict], shown["status"] == "active");
        let status = shown["status"].as_str().expect("a status").to_owned();
        *seen.entry((authorizes, status)).or_default() += 1;
    }
    for (authorizes, statuses) in [
        (true, &["active", "expired", "pending", "revoked", "suspended", "unknown"][..]),
        (false, &["active", "expired", "pending", "revoked", "unknown"]),
    ] {
        for status in statuses {
            let count = seen.get(&(authorizes, (*status).to_owned())).copied().unwrap_or(0);
            assert!(count >= 20, "{status} was answered {count} times: {seen:?}");
        }
    }
}

#[test]
fn the_schemas_refuse_what_breaks_them() {
    let Some(folder) = schemas() else { return };
    let ids = json!({ "entity_id": "a", "authority_id": "b", "action": "c", "resource": "d" });
    for (kind, verdict) in [("authorization", "authorized"), ("recognition", "recognized")] {
        let [request, response] = ["request", "response"]
            .map(|direction| Schema::named(&folder, &format!("{kind}_{direction}")));
        let time = |time: &str| with_members(ids.clone(), json!({ "context": { "time": time } }));
        assert!(request.allows(&ids) && request.allows(&time("2023-11-14T22:13:29Z")));
        assert!(!request.allows(&time("yesterday")), "formats are asserted");
        assert!(!request.allows(&json!({ "entity_id": "a" })));
        let good = json!({ verdict: true, "time_evaluated": "2023-11-14T22:13:29Z" });
        let good = with_members(ids.clone(), good);
        assert!(response.allows(&good));
        for wrong in [
            json!({ verdict: "yes" }),
            json!({ "time_evaluated": "now" }),
            json!({ "time_requested": "" }),
            json!({ "context": { "profile": 1 } }),
        ] {
            assert!(!response.allows(&with_members(good.clone(), wrong)));
        }
    }
}
