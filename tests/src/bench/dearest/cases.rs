//! The cases: for each action, how its ledger is set up and which operations fill its block.

use anyhow::{Context as _, Result, bail};
use registry_core::did::Document;
use registry_core::id::{Did, ListId};
use registry_core::limits::{STATUS_BITS_MAX, STATUS_RUNS_MAX, TRUST_CHAIN_MAX};
use registry_core::status::keyframe;
use registry_core::time::TimeMs;
use rpc::prepare::Subject;
use serde_json::{Value, json};

use super::super::entries::{ENTRIES, SCATTERED, scattered};
use super::governance;
use super::ground::{Ground, Person, Request, create};
use super::people::{DELAY_MS, Form, document};

/// Prepares a case on the ledger and returns its operations, at most as many as are asked for.
type Make = fn(&mut Ground, Form, usize) -> Result<Vec<Request>>;

/// An action, or an action with something that makes it dear.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Forms of authors with which it is measured.
    pub(super) forms: &'static [Form],
    pub(super) make: Make,
}

const PLAIN: &[Form] = &[Form::Plain];
/// A board reads the most records of others.
const BOTH: &[Form] = &[Form::Plain, Form::Board];
/// What many keys cost does not depend on the action, so few cases need them.
const ALL: &[Form] = &[Form::Plain, Form::Keys, Form::Board];

const fn case(name: &'static str, forms: &'static [Form], make: Make) -> Case {
    Case { name, forms, make }
}

pub(super) const CASES: &[Case] = &[
    case("did_create", ALL, |ground, form, count| creates(ground, form, count, 0)),
    case("did_create, document of 7 KB", PLAIN, |ground, form, count| {
        creates(ground, form, count, LONG)
    }),
    case("did_update", ALL, |ground, form, count| updates(ground, form, count, 460)),
    case("did_update, document of 7 KB", BOTH, |ground, form, count| {
        updates(ground, form, count, LONG)
    }),
    case("did_rotate", ALL, rotates),
    case("did_recover", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        recovers(ground, form, &people)
    }),
    case("did_recover_cancel", BOTH, |ground, form, count| {
        let people = recovering(ground, form, count)?;
        Ok(each(&people, "did_prepareRecoverCancel", |person| json!({ "did": person.did })))
    }),
    case("did_recover_complete", BOTH, |ground, form, count| {
        let people = recovering(ground, form, count)?;
        ground.wait(DELAY_MS)?;
        Ok(each(&people, "did_prepareRecoverComplete", |person| json!({ "did": person.did })))
    }),
    case("did_deactivate", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        let ends = |person: &Person| json!({ "did": person.did, "revealed": person.next });
        Ok(each(&people, "did_prepareDeactivate", ends))
    }),
    case("status_create", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        Ok(each(&people, "status_prepareCreate", |person| list(person, 1 << 17)))
    }),
    case("status_update", BOTH, |ground, form, count| {
        let lists = lists(ground, form, count, 1 << 17)?;
        let update = |(person, list): &(Person, ListId)| {
            let own = json!({ "author": person.did, "list": list });
            with(own, json!({ "validUntil": null, "delegates": [] }))
        };
        Ok(requests(&lists, "status_prepareUpdate", update))
    }),
    case("status_close", BOTH, |ground, form, count| {
        let lists = lists(ground, form, count, 1 << 17)?;
        let close =
            |(person, list): &(Person, ListId)| json!({ "author": person.did, "list": list });
        Ok(requests(&lists, "status_prepareClose", close))
    }),
    case("status_set, one entry of one list", BOTH, |ground, form, count| {
        let lists = lists(ground, form, 1, 1 << 17)?;
        let (person, list) = &lists[0];
        let set = |entry: usize| set(person, list, json!([[entry, 1, 1]]));
        Ok((0..count).map(set).collect())
    }),
    case("status_set, one entry of a list each", BOTH, |ground, form, count| {
        let lists = lists(ground, form, count, 1 << 17)?;
        Ok(lists.iter().map(|(person, list)| set(person, list, json!([[0, 1, 1]]))).collect())
    }),
    case("status_set, 4,096 runs", PLAIN, |ground, form, count| {
        let lists = lists(ground, form, 1, STATUS_BITS_MAX)?;
        let (person, list) = &lists[0];
        Ok((0..count.min(200)).map(|number| set(person, list, many_runs(number as u64))).collect())
    }),
    case("status_set, 30,000 scattered entries", PLAIN, |ground, form, count| {
        let lists = lists(ground, form, 1, ENTRIES)?;
        let (person, list) = &lists[0];
        (0..count.min(34)).map(|number| scatter(person, list, number as u64)).collect()
    }),
    case("status_set, lists of 1 MiB with 63 rows of changes", PLAIN, large_arrays),
    case("trust_grant", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        Ok(each(&people, "trust_prepareGrant", right))
    }),
    case("trust_grant, at the end of a chain", BOTH, chain_end),
    case("trust_change", BOTH, |ground, form, count| {
        let people = granted(ground, form, count)?;
        let change = |person: &Person| with(right(person), json!({ "maxDepth": 1 }));
        Ok(each(&people, "trust_prepareChange", change))
    }),
    case("trust_suspend", BOTH, |ground, form, count| {
        let people = granted(ground, form, count)?;
        Ok(each(&people, "trust_prepareSuspend", right))
    }),
    case("trust_resume", BOTH, |ground, form, count| {
        let people = granted(ground, form, count)?;
        ground.write(each(&people, "trust_prepareSuspend", right))?;
        Ok(each(&people, "trust_prepareResume", right))
    }),
    case("trust_revoke", BOTH, |ground, form, count| {
        let people = granted(ground, form, count)?;
        Ok(each(&people, "trust_prepareRevoke", right))
    }),
    case("trust_revoke, void", BOTH, |ground, form, count| {
        let people = granted(ground, form, count)?;
        let void = |person: &Person| with(right(person), json!({ "void": true }));
        Ok(each(&people, "trust_prepareRevoke", void))
    }),
    case("trust_recognise", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        Ok(each(&people, "trust_prepareRecognise", right))
    }),
    case("trust_derecognise", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        ground.write(each(&people, "trust_prepareRecognise", right))?;
        Ok(each(&people, "trust_prepareDerecognise", right))
    }),
    case("trust_forget_root", PLAIN, forgets),
    case("agent_delegate", BOTH, |ground, form, count| Ok(delegates(ground, form, count)?.1)),
    case("agent_suspend", BOTH, |ground, form, count| {
        delegated(ground, form, count, &["agent_prepareSuspend"])
    }),
    case("agent_resume", BOTH, |ground, form, count| {
        delegated(ground, form, count, &["agent_prepareSuspend", "agent_prepareResume"])
    }),
    case("agent_revoke", BOTH, |ground, form, count| {
        delegated(ground, form, count, &["agent_prepareRevoke"])
    }),
    case("schema_publish", BOTH, |ground, form, count| schemas(ground, form, count, 100)),
    case("schema_publish, 60 KB", PLAIN, |ground, form, count| {
        schemas(ground, form, count.min(100), 60_000)
    }),
    case("schema_withdraw", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        let publish = |person: &Person| schema(person, 0, 100);
        let made = ground.write(each(&people, "schema_preparePublish", publish))?;
        let mut withdrawn = Vec::new();
        for (person, subject) in people.iter().zip(made) {
            let Subject::Schema(schema) = subject else { bail!("no schema was published") };
            let params = json!({ "author": person.did, "schema": schema });
            withdrawn.push(Request::Prepared { method: "schema_prepareWithdraw", params });
        }
        Ok(withdrawn)
    }),
    case("credential_type_publish", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        Ok(each(&people, "schema_preparePublishType", kind))
    }),
    case("credential_type_withdraw", BOTH, |ground, form, count| {
        let people = ground.people(form, count)?;
        ground.write(each(&people, "schema_preparePublishType", kind))?;
        Ok(each(&people, "schema_prepareWithdrawType", kind))
    }),
    // The approvals fill the agenda, which withdrawals empty. A full one takes no proposal.
    case("governance_withdraw", BOTH, |ground, form, _| {
        governance::steps(
            ground,
            form,
            &["governance_prepareApprove", "governance_prepareWithdraw"],
        )
    }),
    case("governance_propose", BOTH, |ground, form, _| governance::proposals(ground, form)),
    case("governance_approve", BOTH, |ground, form, _| {
        governance::steps(ground, form, &["governance_prepareApprove"])
    }),
    case("validator_ready", PLAIN, |ground, _, _| governance::announcements(ground)),
    // From here on the network is endorsed, and the endorser stands at the end of a chain.
    case("did_create, endorsed", PLAIN, |ground, form, count| {
        governance::endorse(ground)?;
        creates(ground, form, count, 0)
    }),
    case("did_update, endorsed", PLAIN, |ground, form, count| {
        governance::endorse(ground)?;
        updates(ground, form, count, 460)
    }),
];

/// Bytes of a long document.
const LONG: usize = 7_360;

/// Returns a request of this method for each person.
fn each(
    people: &[Person],
    method: &'static str,
    params: impl Fn(&Person) -> Value,
) -> Vec<Request> {
    requests(people, method, params)
}

pub(super) fn requests<T>(
    of: &[T],
    method: &'static str,
    params: impl Fn(&T) -> Value,
) -> Vec<Request> {
    of.iter().map(|one| Request::Prepared { method, params: params(one) }).collect()
}

pub(super) fn with(mut params: Value, more: Value) -> Value {
    if let (Some(params), Value::Object(more)) = (params.as_object_mut(), more) {
        params.extend(more);
    }
    params
}

fn creates(ground: &mut Ground, form: Form, count: usize, bytes: usize) -> Result<Vec<Request>> {
    (0..count).map(|_| Ok(create(ground.sets(form)?.0, &document(bytes)))).collect()
}

fn updates(ground: &mut Ground, form: Form, count: usize, bytes: usize) -> Result<Vec<Request>> {
    let people = ground.people(form, count)?;
    let update = |person: &Person| json!({ "did": person.did, "document": document(bytes) });
    Ok(each(&people, "did_prepareUpdate", update))
}

fn rotates(ground: &mut Ground, form: Form, count: usize) -> Result<Vec<Request>> {
    let people = ground.people(form, count)?;
    let rotate = |person: &Person| {
        let sets = ground.sets(form)?.0;
        let params = json!({ "did": person.did, "revealed": person.next, "sets": sets });
        Ok(Request::Prepared { method: "did_prepareRotate", params })
    };
    people.iter().map(rotate).collect()
}

fn recovers(ground: &mut Ground, form: Form, people: &[Person]) -> Result<Vec<Request>> {
    let recover = |person: &Person| {
        let sets = ground.sets(form)?.0;
        let params = json!({ "did": person.did, "sets": sets, "document": Document::default() });
        Ok(Request::Prepared { method: "did_prepareRecover", params })
    };
    people.iter().map(recover).collect()
}

/// Registers DIDs of which each has a pending recovery.
fn recovering(ground: &mut Ground, form: Form, count: usize) -> Result<Vec<Person>> {
    let people = ground.people(form, count)?;
    let begun = recovers(ground, form, &people)?;
    ground.write(begun)?;
    Ok(people)
}

/// Parameters of a new revocation list.
fn list(person: &Person, length: u64) -> Value {
    json!({ "author": person.did, "purpose": "revocation", "bits": 1, "length": length })
}

/// Makes lists, each of an issuer of its own.
fn lists(
    ground: &mut Ground,
    form: Form,
    count: usize,
    length: u64,
) -> Result<Vec<(Person, ListId)>> {
    let people = ground.people(form, count)?;
    let made =
        ground.write(each(&people, "status_prepareCreate", |person| list(person, length)))?;
    let made = people.into_iter().zip(made);
    made.map(|(person, subject)| match subject {
        Subject::List(list) => Ok((person, list)),
        _ => bail!("no list was made"),
    })
    .collect()
}

fn set(person: &Person, list: &ListId, runs: Value) -> Request {
    let params = json!({ "author": person.did, "list": list, "runs": runs });
    Request::Prepared { method: "status_prepareSet", params }
}

/// Sets the entries of one operation of the largest size, spread over the list.
fn scatter(person: &Person, list: &ListId, number: u64) -> Result<Request> {
    let changes = scattered(number * SCATTERED..(number + 1) * SCATTERED)?;
    let entries: Vec<u64> = changes.runs().map(|run| run.start).collect();
    let params = json!({ "author": person.did, "list": list, "entries": entries, "value": 1 });
    Ok(Request::Prepared { method: "status_prepareSet", params })
}

/// Returns as many runs as one operation may have, spread over a list of the largest length.
fn many_runs(number: u64) -> Value {
    let distance = STATUS_BITS_MAX / STATUS_RUNS_MAX as u64;
    let run = |run| json!([run * distance + number, 1, 1]);
    (0..STATUS_RUNS_MAX as u64).map(run).collect()
}

/// Makes lists of the largest length whose arrays are as far from their keyframe as can be, with
/// many entries set, and returns an operation on each.
fn large_arrays(ground: &mut Ground, form: Form, count: usize) -> Result<Vec<Request>> {
    let lists = lists(ground, form, count.min(40), STATUS_BITS_MAX)?;
    let versions = 1..;
    let last = versions.into_iter().find(|version| keyframe(version + 1) > 1);
    let last: u64 = last.context("keyframes repeat")?;
    for version in 2..=last {
        let runs = if version <= 8 { many_runs(version) } else { json!([[version, 1, 1]]) };
        let changes = lists.iter().map(|(person, list)| set(person, list, runs.clone()));
        ground.write(changes.collect())?;
    }
    Ok(lists.iter().map(|(person, list)| set(person, list, json!([[0, 1, 1]]))).collect())
}

/// Parameters that name a right of the person's own, to another entity.
fn right(person: &Person) -> Value {
    json!({
        "author": person.did,
        "action": "issue",
        "resource": "degrees/bachelor",
        "entity": "https://entity.example",
    })
}

/// Registers DIDs of which each has granted a right.
fn granted(ground: &mut Ground, form: Form, count: usize) -> Result<Vec<Person>> {
    let people = ground.people(form, count)?;
    ground.write(each(&people, "trust_prepareGrant", right))?;
    Ok(people)
}

/// Parameters of a grant under the right of an authority, with as many grants allowed beneath it.
fn grant(author: &Did, authority: &Did, entity: &Did, beneath: usize) -> Value {
    json!({
        "author": author,
        "authority": authority,
        "action": "issue",
        "resource": "degrees/*",
        "entity": entity,
        "maxDepth": (beneath > 0).then_some(beneath),
    })
}

/// Makes chains of the greatest length but one, and returns the grant that ends each.
fn chain_end(ground: &mut Ground, form: Form, count: usize) -> Result<Vec<Request>> {
    let above = ground.people(form, TRUST_CHAIN_MAX - 1)?;
    let people = ground.people(Form::Plain, count)?;
    let (authority, last) = (&above[0].did, &above[above.len() - 1].did);
    for (index, link) in above.windows(2).enumerate() {
        let depth = TRUST_CHAIN_MAX - 1 - index;
        let params = grant(&link[0].did, authority, &link[1].did, depth);
        ground.write(vec![Request::Prepared { method: "trust_prepareGrant", params }])?;
    }
    let end = |person: &Person| grant(last, authority, &person.did, 0);
    Ok(each(&people, "trust_prepareGrant", end))
}

/// Makes DIDs that have granted under another authority, and returns the removal of that root.
fn forgets(ground: &mut Ground, form: Form, count: usize) -> Result<Vec<Request>> {
    let authority = ground.people(form, 1)?.remove(0).did;
    let people = ground.people(form, count)?;
    let accredit = |person: &Person| grant(&authority, &authority, &person.did, 1);
    ground.write(each(&people, "trust_prepareGrant", accredit))?;
    let use_it = |person: &Person| {
        let entity = format!("https://{}.example", person.did.suffix);
        with(grant(&person.did, &authority, &authority, 0), json!({ "entity": entity }))
    };
    ground.write(each(&people, "trust_prepareGrant", use_it))?;
    let forget = |person: &Person| json!({ "author": person.did, "authority": authority });
    Ok(each(&people, "trust_prepareForgetRoot", forget))
}

/// Registers principals and agents, and returns the agents' steps and the delegations.
fn delegates(ground: &mut Ground, form: Form, count: usize) -> Result<(Vec<Value>, Vec<Request>)> {
    const YEAR_MS: u64 = 365 * 86_400_000;
    let principals = ground.people(form, count)?;
    let agents = ground.people(Form::Plain, count)?;
    let until = TimeMs(ground.time_ms() + YEAR_MS);
    let pairs = principals.iter().zip(&agents);
    let step =
        |(author, agent): (&Person, &Person)| json!({ "author": author.did, "agent": agent.did });
    let steps: Vec<Value> = pairs.map(step).collect();
    let terms = json!({
        "actions": ["issue"], "resources": ["degrees/*"], "validUntil": until,
    });
    let delegate = |step: &Value| with(step.clone(), terms.clone());
    let delegations = requests(&steps, "agent_prepareDelegate", delegate);
    Ok((steps, delegations))
}

/// Makes delegations, applies all but the last of these steps, and returns the last.
fn delegated(
    ground: &mut Ground,
    form: Form,
    count: usize,
    methods: &[&'static str],
) -> Result<Vec<Request>> {
    let (steps, delegations) = delegates(ground, form, count)?;
    ground.write(delegations)?;
    let (last, before) = methods.split_last().context("a step")?;
    for method in before {
        ground.write(requests(&steps, method, Value::clone))?;
    }
    Ok(requests(&steps, last, Value::clone))
}

/// Parameters of a schema with about this many bytes.
fn schema(person: &Person, number: usize, bytes: usize) -> Value {
    let content = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": number.to_string(),
        "description": "a".repeat(bytes),
    });
    json!({ "author": person.did, "content": content.to_string() })
}

fn schemas(ground: &mut Ground, form: Form, count: usize, bytes: usize) -> Result<Vec<Request>> {
    let people = ground.people(form, count)?;
    Ok(each(&people, "schema_preparePublish", |person| schema(person, 0, bytes)))
}

/// Parameters that name a credential type of the person's own.
fn kind(person: &Person) -> Value {
    json!({ "author": person.did, "name": "degrees/bachelor" })
}
