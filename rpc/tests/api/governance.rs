//! Tests of governance: the network's rules now and in the past, and proposals that are made,
//! approved, take effect or are cancelled.

use crate::common::BLOCK_MS;
use crate::common::client::with_members;
use crate::common::genesis::{self, entry, publishing};
use crate::common::people::{Person, sign};
use crate::common::rights::Registry;
use ed25519_dalek::SigningKey;
use registry_core::code::Code;
use registry_core::codec::FixedBytes;
use registry_core::governance::{
    Change, Edits, Governors, Parameters, ValidatorEntry, ValidatorReady,
};
use registry_core::operation::{Action, Guard, Operation, Role};
use rpc::service::Reader as _;
use serde_json::{Value, json};

/// Number of heights from the newest block to the first height at which a change can hold that the
/// next block proposes.
const NOTICE: u64 = 11;

/// Seed of a newcomer's key.
const NEWCOMER: u8 = 11;

/// Founds a network of four people. The first three govern it, and two of them must approve.
async fn governed() -> Registry {
    let governed = Registry::founded(4, |genesis, dids| {
        let mut members = dids[..3].to_vec();
        members.sort();
        genesis.governors = Some(Governors { threshold: 2, members });
        // With power 4 a newcomer of power 1 moves less than a third of the power.
        genesis.validators.validators = vec![entry("solo", 1, 4)];
    });
    governed.await
}

fn parameters(heartbeat_ms: u64) -> Parameters {
    Parameters { heartbeat_ms, ..genesis::parameters() }
}

fn heartbeat(heartbeat_ms: u64) -> Value {
    json!(Change::Parameters(parameters(heartbeat_ms)))
}

fn validators(put: Vec<ValidatorEntry>) -> Value {
    json!(Change::Validators(Edits { put, remove: Vec::new() }))
}

fn height(registry: &Registry) -> u64 {
    registry.server.ledger.head().height
}

/// Commits blocks until the newest one has this height.
fn reach(registry: &Registry, wanted: u64) {
    while height(registry) < wanted {
        registry.server.ledger.commit();
    }
}

async fn act(registry: &Registry, author: usize, action: &str, params: Value) -> Value {
    let key = Person::new(u8::try_from(author).expect("small")).control();
    let method = format!("governance_prepare{action}");
    registry.server.perform(&method, registry.by(author, params), &key).await
}

/// Proposes a change as the first governor. Returns the id of the proposal.
async fn propose(registry: &Registry, change: Value, height: u64) -> Value {
    act(registry, 0, "Propose", json!({ "change": change, "height": height })).await["proposal"]
        .take()
}

/// Proposes a change that the second governor approves. Returns the id of the proposal.
async fn approved(registry: &Registry, change: Value, height: u64) -> Value {
    let id = propose(registry, change, height).await;
    act(registry, 1, "Approve", json!({ "proposal": id })).await;
    id
}

async fn ask(registry: &Registry, method: &str, params: Value) -> Value {
    registry.server.call(&format!("governance_{method}"), params).await.expect("an answer")
}

async fn proposal(registry: &Registry, id: &Value) -> Value {
    ask(registry, "getProposal", json!({ "proposal": id })).await
}

/// Returns the name of a refusal and the field at fault.
async fn fault(registry: &Registry, method: &str, params: Value) -> (String, String) {
    registry.server.fault(&format!("governance_{method}"), params).await
}

#[tokio::test]
async fn what_genesis_says_is_shown() {
    let registry = governed().await;
    let head = registry.server.ledger.commit();
    let shown = ask(&registry, "show", json!({})).await;
    let mut governors = registry.dids[..3].to_vec();
    governors.sort();
    let expected = json!({
        "governors": { "threshold": 2, "members": governors },
        "version": 1,
        "parameters": parameters(Parameters::default().heartbeat_ms),
        "validators": [entry("solo", 1, 4)],
        "publishing": publishing(),
        "agenda": [],
        "height": head.height,
        "time": "2023-11-14T22:13:21.500Z",
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_network_without_governors_names_none_and_takes_no_proposal() {
    let registry = Registry::with(1).await;
    let shown = ask(&registry, "show", json!({})).await;
    assert_eq!((shown.get("governors"), &shown["version"]), (None, &json!(1)));
    let params = registry.by(0, json!({ "change": { "version": 2 } }));
    let refused = fault(&registry, "preparePropose", params).await;
    assert_eq!(refused, ("GOVERNANCE_NONE".to_owned(), "author".to_owned()));
    let listed = ask(&registry, "list", json!({})).await;
    assert_eq!((&listed["proposals"], listed.get("next")), (&json!([]), None));
}

#[tokio::test]
async fn a_proposal_is_shown_at_each_step_and_as_it_was_then() {
    let registry = governed().await;
    let from = height(&registry) + NOTICE;
    let id = propose(&registry, heartbeat(20_000), from).await;
    let mut past: Vec<Value> = Vec::new();
    let steps = [
        (None, "open", vec![0]),
        (Some((1, "Approve")), "approved", vec![0, 1]),
        (Some((1, "Withdraw")), "open", vec![0]),
        (Some((2, "Approve")), "approved", vec![0, 2]),
    ];
    for (step, status, approvals) in steps {
        if let Some((author, action)) = step {
            act(&registry, author, action, json!({ "proposal": id })).await;
        }
        let shown = proposal(&registry, &id).await;
        let by: Vec<&str> = governors_of(&shown);
        let expected: Vec<&str> = approvals.iter().map(|at| registry.dids[*at].as_str()).collect();
        assert_eq!((&shown["status"], by), (&json!(status), expected));
        assert_eq!(shown["version"], past.len() + 1);
        let waits = json!([{
            "activationHeight": from,
            "notBefore": shown["notBefore"],
            "proposal": id,
        }]);
        let agenda = ask(&registry, "show", json!({})).await["agenda"].take();
        assert_eq!(agenda, if status == "approved" { waits } else { json!([]) });
        past.push(shown);
    }
    let first = &past[0];
    assert_eq!((&first["proposal"], &first["proposer"]), (&id, &json!(registry.dids[0])));
    assert_eq!((&first["change"], &first["threshold"]), (&heartbeat(20_000), &json!(2)));
    assert_eq!((&first["activationHeight"], &first["newcomers"]), (&json!(from), &json!([])));
    assert_eq!((&first["proposed"], first.get("cancelledFor")), (&first["time"], None));
    assert_eq!(first["approvals"][0]["time"], first["time"]);
    assert_eq!(past[3]["approvals"][1]["time"], past[3]["time"]);

    takes_effect(&registry, &id, from).await;
    for then in past {
        let at = json!({ "proposal": id, "at": then["time"] });
        let height = json!({ "height": height(&registry) });
        let again = ask(&registry, "getProposal", at).await;
        assert_eq!(again, with_members(then, height), "as of the newest block");
    }
    let before = json!({ "proposal": id, "at": "2023-11-14T22:13:20.000Z" });
    let refused = fault(&registry, "getProposal", before).await;
    assert_eq!(refused, ("PROPOSAL_NOT_FOUND".to_owned(), "proposal".to_owned()));
}

fn governors_of(shown: &Value) -> Vec<&str> {
    let approvals = shown["approvals"].as_array().expect("approvals").iter();
    approvals.map(|approval| approval["governor"].as_str().expect("a DID")).collect()
}

/// Checks that an approved change holds from its height on, because the block before that height
/// writes it.
async fn takes_effect(registry: &Registry, id: &Value, from: u64) {
    let heartbeat_ms = async |at: Option<&Value>| {
        let params = at.map_or(json!({}), |at| json!({ "at": at }));
        let shown = ask(registry, "show", params).await;
        (shown["parameters"]["heartbeat_ms"].clone(), shown["agenda"].clone())
    };
    reach(registry, from - 2);
    let waits = proposal(registry, id).await;
    assert_eq!(waits["status"], "approved");
    assert_eq!(heartbeat_ms(None).await.0, 15_000);
    reach(registry, from - 1);
    let holds = proposal(registry, id).await;
    assert_eq!((&holds["status"], &holds["version"]), (&json!("active"), &json!(5)));
    assert_eq!(heartbeat_ms(None).await, (json!(20_000), json!([])));
    let (then, agenda) = heartbeat_ms(Some(&waits["time"])).await;
    assert_eq!(then, 15_000, "the parameters of that time");
    assert_eq!(agenda, json!([]), "what waits now, whatever the time asked about");
    assert_eq!(heartbeat_ms(Some(&holds["time"])).await.0, 20_000);
}

#[tokio::test]
async fn a_proposal_without_its_governors_is_cancelled_for_the_rule_that_it_breaks() {
    let registry = governed().await;
    let from = height(&registry) + NOTICE;
    let id = approved(&registry, heartbeat(20_000), from).await;
    registry.deactivate(1).await;
    reach(&registry, from - 1);
    let shown = proposal(&registry, &id).await;
    let code = json!(Code::ThresholdNotMet.number());
    assert_eq!((&shown["status"], &shown["cancelledFor"]), (&json!("cancelled"), &code));
    assert_eq!(governors_of(&shown), [registry.dids[0].as_str(), registry.dids[1].as_str()]);
    let rules = ask(&registry, "show", json!({})).await;
    assert_eq!(
        (&rules["agenda"], &rules["parameters"]["heartbeat_ms"]),
        (&json!([]), &json!(15_000))
    );
    let listed = ask(&registry, "list", json!({})).await;
    assert_eq!(listed["proposals"][0]["cancelledFor"], code);
}

/// Submits a readiness announcement for a protocol version, which the validator key of this seed
/// signs. It refers to the block of `height`.
async fn ready(registry: &Registry, id: &Value, height: u64, (seed, version): (u8, u64)) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let ValidatorEntry { key: named, peer, .. } = entry("second", seed, 1);
    let proposal = serde_json::from_value(id.clone()).expect("an id");
    let block = registry.server.ledger.block(height).expect("a store").expect("a block");
    let header = block.header;
    let ready = ValidatorReady { proposal, key: named, peer, version, header };
    let action = Action::ValidatorReady(Box::new(ready));
    let (chain, salt) = (registry.server.ledger.chain(), FixedBytes([0; 16]));
    let (author, endorser, guard, until) = (None, None, Guard::Absent, None);
    let operation = Operation { chain, author, endorser, guard, until, salt, action };
    let envelope = sign(operation.body(), Role::Author, &key);
    registry.server.submit(&envelope).await.expect("applied");
}

#[tokio::test]
async fn a_newcomer_is_named_says_that_it_is_ready_and_joins() {
    let registry = governed().await;
    let known = height(&registry);
    let from = known + NOTICE;
    let id = approved(&registry, validators(vec![entry("second", NEWCOMER, 1)]), from).await;
    let silent = proposal(&registry, &id).await;
    assert_eq!(silent["newcomers"], json!([{ "name": "second" }]));
    ready(&registry, &id, known, (NEWCOMER, 1)).await;
    let said = proposal(&registry, &id).await;
    assert_eq!(said["newcomers"], json!([{ "name": "second", "readyAt": said["time"] }]));
    let then = json!({ "proposal": id, "at": silent["time"] });
    assert_eq!(ask(&registry, "getProposal", then).await["newcomers"], silent["newcomers"]);
    reach(&registry, from - 1);
    let shown = proposal(&registry, &id).await;
    assert_eq!((&shown["status"], &shown["newcomers"]), (&json!("active"), &json!([])));
    let mut entries = vec![entry("solo", 1, 4), entry("second", NEWCOMER, 1)];
    entries.sort_by_key(|entry| entry.key);
    let now = ask(&registry, "show", json!({})).await;
    assert_eq!(now["validators"], json!(entries), "ascending by key");
    let then = ask(&registry, "show", json!({ "at": said["time"] })).await;
    assert_eq!(then["validators"], json!([entry("solo", 1, 4)]));
}

#[tokio::test]
async fn a_proposal_of_a_version_shows_which_validators_announced_it() {
    let registry = governed().await;
    let known = height(&registry);
    let id = approved(&registry, json!({ "version": 2 }), known + 100).await;
    let silent = proposal(&registry, &id).await;
    assert_eq!(silent["validators"], json!([{ "name": "solo" }]));
    ready(&registry, &id, known, (1, 2)).await;
    let said = proposal(&registry, &id).await;
    assert_eq!(said["validators"], json!([{ "name": "solo", "readyAt": said["time"] }]));
    let other = propose(&registry, heartbeat(20_000), known + 100).await;
    assert_eq!(proposal(&registry, &other).await.get("validators"), None);
}

#[tokio::test]
async fn a_newcomer_that_is_not_there_is_waited_for_in_vain() {
    let registry = governed().await;
    let from = height(&registry) + NOTICE;
    let id = approved(&registry, validators(vec![entry("second", NEWCOMER, 1)]), from).await;
    reach(&registry, from - 1);
    let shown = proposal(&registry, &id).await;
    let code = json!(Code::ValidatorNotReady.number());
    assert_eq!((&shown["status"], &shown["cancelledFor"]), (&json!("cancelled"), &code));
    assert_eq!(shown["newcomers"], json!([{ "name": "second" }]));
    let rules = ask(&registry, "show", json!({})).await;
    assert_eq!(rules["validators"], json!([entry("solo", 1, 4)]));
}

#[tokio::test]
async fn all_proposals_are_listed_page_by_page() {
    let registry = governed().await;
    let from = height(&registry) + 100;
    let mut made = Vec::new();
    for number in 0..5 {
        let id = propose(&registry, heartbeat(20_000 + number), from + number).await;
        made.push(id.as_str().expect("an id").to_owned());
    }
    made.sort();
    let ids = |page: &Value| -> Vec<String> {
        let proposals = page["proposals"].as_array().expect("proposals").iter();
        proposals.map(|item| item["proposal"].as_str().expect("an id").to_owned()).collect()
    };
    let mut found = Vec::new();
    let mut params = json!({ "limit": 2 });
    for (next, expected) in [(Some(1), 2), (Some(3), 2), (None, 1)] {
        let page = ask(&registry, "list", params.clone()).await;
        let next = next.map(|at: usize| json!(made[at]));
        assert_eq!((page.get("next"), ids(&page).len()), (next.as_ref(), expected));
        assert_eq!(page["height"], height(&registry));
        found.extend(ids(&page));
        params["after"] = page["next"].clone();
    }
    assert_eq!(found, made, "by id, each once");
    let whole = ask(&registry, "list", json!({ "limit": 5 })).await;
    assert_eq!((ids(&whole), whole.get("next")), (made.clone(), None));
    let beyond = ask(&registry, "list", json!({ "after": made[4] })).await;
    assert_eq!(ids(&beyond), Vec::<String>::new());

    act(&registry, 1, "Approve", json!({ "proposal": made[2] })).await;
    let newest = ask(&registry, "list", json!({ "after": made[1], "limit": 1 })).await;
    let alone = proposal(&registry, &json!(made[2])).await;
    for (member, listed) in newest["proposals"][0].as_object().expect("a proposal") {
        assert_eq!(listed, &alone[member], "{member}");
    }
    assert_eq!(newest["proposals"][0]["status"], "approved");
    for limit in [0, 101] {
        let refused = fault(&registry, "list", json!({ "limit": limit })).await;
        assert_eq!(refused, ("INVALID_PARAMS".to_owned(), "limit".to_owned()));
    }
}

#[tokio::test]
async fn preparing_says_what_it_is_about_who_signs_and_what_it_does() {
    let registry = governed().await;
    let prepare = async |action: &str, params: Value| {
        ask(&registry, &format!("prepare{action}"), registry.by(0, params)).await
    };
    let prepared = prepare("Propose", json!({ "change": { "version": 2 } })).await;
    assert_eq!(prepared["proposal"], prepared["operation"]);
    let requests = prepared["signatures"].as_array().expect("requests");
    for request in requests {
        assert_eq!((&request["role"], &request["threshold"]), (&json!("approval"), &json!(1)));
        assert_eq!(request["of"], json!(registry.dids[0]));
    }
    let kinds = ["method", "key"]
        .map(|kind| requests.iter().any(|request| request["members"][0].get(kind).is_some()));
    assert_eq!((requests.len(), kinds), (2, [true, true]), "a method, or the control set");
    let explained = |prepared: &Value| prepared["explanation"].as_str().expect("text").to_owned();
    let default = height(&registry) + 100;
    let words = format!(
        "Proposes protocol version 2, to hold from height {default} on, but no sooner than 1000 ms \
         after the proposal."
    );
    assert!(explained(&prepared).starts_with(&words), "{}", explained(&prepared));
    let governors = json!({ "threshold": 1, "members": [registry.dids[3]] });
    for (change, words) in [
        (heartbeat(20_000), "other parameters"),
        (validators(vec![entry("second", NEWCOMER, 1)]), "puts second with power 1"),
        (json!({ "publishing": { "remove": ["node-1"] } }), "removes node-1"),
        (json!({ "governors": governors }), "1 of 1 must approve"),
    ] {
        let prepared = prepare("Propose", json!({ "change": change })).await;
        assert!(explained(&prepared).contains(words), "{}", explained(&prepared));
    }
    let id = propose(&registry, heartbeat(20_000), default).await;
    let params = registry.by(1, json!({ "proposal": id }));
    let prepared = ask(&registry, "prepareApprove", params).await;
    assert_eq!(prepared["proposal"], id);
    assert_ne!(prepared["operation"], id);
    let name = id.as_str().expect("an id");
    assert!(explained(&prepared).starts_with(&format!("Approves proposal {name}.")));
    let prepared = prepare("Withdraw", json!({ "proposal": id })).await;
    assert!(explained(&prepared).contains("Takes back"), "{}", explained(&prepared));
}

#[tokio::test]
async fn only_the_control_set_is_asked_for_what_methods_cannot_say() {
    let registry = governed().await;
    let id = propose(&registry, heartbeat(20_000), height(&registry) + NOTICE).await;
    let params = registry.by(0, json!({ "proposal": id }));
    let prepared = ask(&registry, "prepareWithdraw", params.clone()).await;
    let requests = prepared["signatures"].as_array().expect("requests");
    assert_eq!((requests.len(), requests[0]["members"][0].get("method")), (1, None));
    let explanation = prepared["explanation"].as_str().expect("text");
    assert!(explanation.contains("by its control set alone"), "{explanation}");

    act(&registry, 0, "Withdraw", json!({ "proposal": id })).await;
    let shown = proposal(&registry, &id).await;
    let said = json!({ "governor": registry.dids[0], "time": shown["time"], "byControl": true });
    assert_eq!((&shown["approvals"], &shown["withdrawn"]), (&json!([]), &json!([said])));
    let found = fault(&registry, "prepareApprove", params).await;
    assert_eq!(found, ("APPROVAL_FINAL".to_owned(), "proposal".to_owned()));
}

#[tokio::test]
async fn preparing_refuses_what_the_rules_would() {
    let registry = governed().await;
    let soon = height(&registry) + NOTICE;
    let decided = approved(&registry, heartbeat(20_000), soon).await;
    reach(&registry, soon - 1);
    let far = height(&registry) + 100;
    let id = propose(&registry, heartbeat(30_000), far).await;
    let unknown = json!({ "proposal": "ab".repeat(32) });
    let of = |id: &Value| json!({ "proposal": id });
    let change = |change: Value| json!({ "change": change });
    let near = json!({ "change": heartbeat(30_000), "height": height(&registry) + NOTICE - 1 });
    let many = validators(vec![entry("second", NEWCOMER, 4)]);
    for (author, action, params, name, field) in [
        (3, "Propose", change(heartbeat(30_000)), "NOT_GOVERNOR", "author"),
        (3, "Approve", of(&id), "NOT_GOVERNOR", "author"),
        (0, "Approve", of(&id), "APPROVED_ALREADY", "proposal"),
        (1, "Withdraw", of(&id), "NOT_APPROVED", "proposal"),
        (2, "Approve", of(&decided), "PROPOSAL_CLOSED", "proposal"),
        (0, "Approve", unknown.clone(), "PROPOSAL_NOT_FOUND", "proposal"),
        (0, "Withdraw", unknown, "PROPOSAL_NOT_FOUND", "proposal"),
        (0, "Propose", near, "ACTIVATION_HEIGHT", "height"),
        (0, "Propose", change(heartbeat(20_000)), "GOVERNANCE_RESULT", "change"),
        (0, "Propose", change(heartbeat(1)), "GOVERNANCE_CHANGE", "change"),
        (0, "Propose", change(json!({ "validators": {} })), "GOVERNANCE_CHANGE", "change"),
        (0, "Propose", change(many), "POWER_MOVED", "change"),
        (0, "Propose", change(json!({ "version": "2" })), "INVALID_PARAMS", "change/version"),
    ] {
        let params = registry.by(author, params);
        let found = fault(&registry, &format!("prepare{action}"), params.clone()).await;
        assert_eq!(found, (name.to_owned(), field.to_owned()), "{action} {params}");
    }
}

#[tokio::test]
async fn a_question_out_of_form_is_told_which_member_is_wrong() {
    let registry = governed().await;
    let id = propose(&registry, heartbeat(20_000), height(&registry) + NOTICE).await;
    let short = "ab".repeat(31);
    for (method, params, name, field) in [
        ("getProposal", json!({ "proposal": "ab".repeat(32) }), "PROPOSAL_NOT_FOUND", "proposal"),
        ("getProposal", json!({ "proposal": "a proposal" }), "INVALID_PARAMS", "proposal"),
        ("getProposal", json!({ "proposal": short }), "INVALID_PARAMS", "proposal"),
        ("getProposal", json!({ "proposal": id, "at": "now" }), "INVALID_PARAMS", "at"),
        ("getProposal", json!({}), "INVALID_PARAMS", "params"),
        ("list", json!({ "after": "x" }), "INVALID_PARAMS", "after"),
        ("list", json!({ "limit": -1 }), "INVALID_PARAMS", "limit"),
        ("show", json!({ "minHeight": "1" }), "INVALID_PARAMS", "minHeight"),
        ("show", json!({ "at": "2023-11-14T22:13:19.999Z" }), "INVALID_PARAMS", "at"),
        ("show", json!({ "at": "2033-11-14T22:13:20Z" }), "FUTURE_TIME", ""),
        ("prepareApprove", json!({ "author": 1, "proposal": id }), "INVALID_PARAMS", "author"),
    ] {
        let found = fault(&registry, method, params.clone()).await;
        assert_eq!(found, (name.to_owned(), field.to_owned()), "{method} {params}");
    }
    let odd = registry.server.call("governance_getProposal", json!({ "proposal": "a proposal" }));
    let message = odd.await.expect_err("refused").message().to_owned();
    let expected = "INVALID_PARAMS: proposal: \"a proposal\" is not lower-case hex";
    assert!(message.starts_with(expected), "{message}");
}

#[tokio::test]
async fn an_answer_waits_for_its_height() {
    let registry = governed().await;
    let id = propose(&registry, heartbeat(20_000), height(&registry) + NOTICE).await;
    for (method, params) in
        [("show", json!({})), ("list", json!({})), ("getProposal", json!({ "proposal": id }))]
    {
        let (ledger, wanted) = (&registry.server.ledger, height(&registry) + 1);
        let params = with_members(params, json!({ "minHeight": wanted }));
        let asking = ask(&registry, method, params);
        let committing = async {
            while ledger.readers() == 0 {
                tokio::task::yield_now().await;
            }
            ledger.commit_after(BLOCK_MS)
        };
        let (answer, head) = tokio::join!(asking, committing);
        assert_eq!((&answer["height"], head.height), (&json!(wanted), wanted), "{method}");
    }
}
