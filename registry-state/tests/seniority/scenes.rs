//! Scenes of the model test: what a senior signed, and what its juniors can write meanwhile.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Operation, Role};
use registry_core::record::RecordKey;
use registry_core::status::{Delegate, StatusClose, StatusCreate, StatusPurpose, StatusUpdate};
use registry_core::trust::Conditions;

use crate::support::agent::{self, agent_operation, deep, delegate, seal_for, terms};
use crate::support::governance::{
    approve, governed, governor, governs, heartbeat, proposes, withdraw,
};
use crate::support::ledger::Ledger;
use crate::support::schema::{plain_type, publish_type, withdraw_type};
use crate::support::status::{
    list_of, plain_list, run, runs, seal_by_method, status_create, status_set,
};
use crate::support::trust::{
    Party, change_of, depth, derecognise, grant, parent, recognise, resume, revoke, right, signing,
    suspend,
};
use crate::support::{ed, recover, reveal, roll, salt, seal, seal_body, single, update};

/// Writes an operation against the present state. The number makes it unique.
pub(crate) type Write = Box<dyn Fn(&Ledger, u8) -> Vec<u8>>;

/// A senior's operation that was signed at the start, and juniors who write.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) ledger: Ledger,
    /// Record that the senior's operation writes.
    pub(crate) record: RecordKey,
    pub(crate) senior: Vec<u8>,
    pub(crate) juniors: Vec<(&'static str, Write)>,
    /// Code that refuses the operation if a junior has just done what the senior wants; `None` if
    /// the operation must be applied in any case.
    pub(crate) already: Option<Code>,
}

/// Returns all scenes.
pub(crate) fn scenes() -> Vec<Scene> {
    let all = [dids(), lists(), rights(), recognitions(), agents(), types(), governors()];
    all.into_iter().flatten().collect()
}

fn owner() -> Party {
    Party::new(10)
}

/// Envelope of an operation by the control set of a party.
fn by_control(ledger: &Ledger, party: &Party, number: u8, action: Action) -> Vec<u8> {
    let operation = ledger.operation(&party.did, number, action);
    let role = if operation.action.facts().role == Some(Role::Approval) {
        Role::Approval
    } else {
        Role::Control
    };
    seal_body(operation.body(), role, &[party.key])
}

fn by_method(ledger: &Ledger, party: &Party, number: u8, action: Action) -> Vec<u8> {
    seal_by_method(&ledger.operation(&party.did, number, action), party.key)
}

fn method(party: &Party, action: impl Fn(u8) -> Action + 'static) -> Write {
    let party = party.clone();
    Box::new(move |ledger, number| by_method(ledger, &party, number, action(number)))
}

/// A document that differs with the number.
fn numbered(number: u8) -> Document {
    Document { also_known_as: vec![format!("https://example.org/{number}")], ..signing(ed(10)) }
}

/// An operation of the owner that keys of its sets sign.
fn by_keys(ledger: &Ledger, number: u8, action: Action, key: u8) -> Vec<u8> {
    seal(&ledger.operation(&owner().did, number, action), &[ed(key)])
}

fn dids() -> Vec<Scene> {
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[owner().create]);
    let record = RecordKey::did(&owner().did.suffix);
    let sets = || single(&ed(13), &ed(14), &ed(15));
    let updates = || -> Write {
        Box::new(|ledger, number| by_keys(ledger, number, update(numbered(number)), 10))
    };
    let more = || -> Write {
        Box::new(|ledger, number| by_keys(ledger, number, update(Document::default()), 10))
    };
    let recovers = move || -> Write {
        Box::new(move |ledger, number| {
            let action = recover(single(&ed(13), &ed(14), &ed(15)), numbered(number));
            by_keys(ledger, number, action, 12)
        })
    };
    let cancels = || -> Write {
        Box::new(|ledger, number| by_keys(ledger, number, Action::DidRecoverCancel, 12))
    };
    let scene = |name, ledger: &Ledger, senior, juniors| Scene {
        name,
        ledger: ledger.clone(),
        record: record.clone(),
        senior,
        juniors,
        already: None,
    };
    let all = || vec![("update", updates()), ("other update", more()), ("recover", recovers())];
    let rotates = by_keys(&ledger, 2, roll(reveal(&[ed(11)]), sets()), 11);
    let ends = by_keys(&ledger, 2, Action::DidDeactivate(reveal(&[ed(11)])), 11);
    let begins = by_keys(&ledger, 2, recover(sets(), Document::default()), 12);
    let mut pending = ledger.clone();
    pending.after(1_000, std::slice::from_ref(&begins));
    let stops = by_keys(&pending, 3, Action::DidRecoverCancel, 12);
    let vetoes = by_keys(&pending, 3, roll(reveal(&[ed(11)]), sets()), 11);
    let mut mature = pending.clone();
    mature.after(59_000, &[]).after(59_000, &[]).after(59_000, &[]);
    let completes = ledger_complete(&mature);
    let by_control = || vec![("update", updates()), ("other update", more())];
    vec![
        scene("rotate", &ledger, rotates, all()),
        scene("deactivate", &ledger, ends, all()),
        scene("recover", &ledger, begins, by_control()),
        scene("cancel", &pending, stops, by_control()),
        scene("veto", &pending, vetoes, vec![("update", updates()), ("cancel", cancels())]),
        scene("complete", &mature, completes, by_control()),
    ]
}

fn ledger_complete(ledger: &Ledger) -> Vec<u8> {
    seal(&ledger.operation(&owner().did, 4, Action::DidRecoverComplete), &[])
}

fn lists() -> Vec<Scene> {
    let (issuer, worker) = (owner(), Party::new(20));
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[issuer.create.clone(), worker.create.clone()]);
    let (start, length, entries_per_hour) = (0, 100, 1_000);
    let delegate =
        Delegate { did: worker.did.clone(), start, length, entries_per_hour, valid_until: None };
    let list =
        StatusCreate { delegates: vec![delegate], ..plain_list(StatusPurpose::Suspension, 1, 100) };
    let create = status_create(&issuer.did, 3, list);
    let id = list_of(&create);
    ledger.after(1_000, &[seal_by_method(&create, issuer.key)]);
    let sets = |party: &Party| -> Write {
        let party = party.clone();
        Box::new(move |ledger, number| {
            let changes = runs(&[run(u64::from(number) % 100, 1, number % 2)]);
            let until_ms = ledger.head.time + 600_000;
            seal_by_method(&status_set(&party.did, until_ms, number, id, changes), party.key)
        })
    };
    let removes = StatusUpdate { list: id, valid_until: None, delegates: Vec::new() };
    let removes = by_control(&ledger, &issuer, 5, Action::StatusUpdate(removes));
    let close = Action::StatusClose(StatusClose { list: id });
    let closes = by_control(&ledger, &issuer, 5, close);
    let keeps = move |number: u8| {
        let valid_until = Some(4_000_000_000_000 + u64::from(number));
        Action::StatusUpdate(StatusUpdate { list: id, valid_until, delegates: Vec::new() })
    };
    let record = RecordKey::status(&id);
    let scene = |name, senior, juniors| Scene {
        name,
        ledger: ledger.clone(),
        record: record.clone(),
        senior,
        juniors,
        already: None,
    };
    let both = || vec![("delegate", sets(&worker)), ("method", sets(&issuer))];
    let mut with_update = both();
    with_update.push(("update by a method", method(&issuer, keeps)));
    vec![scene("removal of a delegate", removes, both()), scene("close", closes, with_update)]
}

/// The authority, a body with the right to grant, and the holder of a grant by each.
fn framework() -> (Ledger, Party, Party) {
    let (root, body) = (owner(), Party::new(20));
    let mut ledger = Ledger::new();
    ledger.after(1_000, &[root.create.clone(), body.create.clone()]);
    let key = right(&root.did, "degrees/*", &body.id());
    let grants = by_method(&ledger, &root, 3, grant(&key, None, depth(1)));
    ledger.after(1_000, &[grants]);
    let key = right(&root.did, "degrees/bachelor", "did:web:school.example");
    let below = parent("degrees/*", &root.did);
    let by_body = by_method(&ledger, &body, 3, grant(&key, below, Conditions::default()));
    let by_root = by_method(&ledger, &root, 4, grant(&key, None, Conditions::default()));
    ledger.after(1_000, &[by_body, by_root]);
    (ledger, root, body)
}

fn held() -> TrustKey {
    right(&owner().did, "degrees/bachelor", "did:web:school.example")
}

fn rights() -> Vec<Scene> {
    let (ledger, root, body) = framework();
    let toggles = || -> Write {
        let body = body.clone();
        Box::new(move |ledger, number| {
            let action = if number / 8 % 2 == 0 { suspend(&held()) } else { resume(&held()) };
            by_method(ledger, &body, number, action)
        })
    };
    let others = || ("the other grantor", toggles());
    let own = || {
        vec![
            others(),
            ("suspend by a method", method(&owner(), |_| suspend(&held()))),
            ("resume by a method", method(&owner(), |_| resume(&held()))),
            ("change by a method", method(&owner(), |number| change_of(&held(), terms_of(number)))),
        ]
    };
    let scene = |name, senior, juniors, already| Scene {
        name,
        ledger: ledger.clone(),
        record: RecordKey::grant(&held()),
        senior,
        juniors,
        already,
    };
    let by_root = |number, action| by_control(&ledger, &root, number, action);
    vec![
        scene("revoke a grant", by_root(5, revoke(&held())), own(), Some(Code::TrustStatus)),
        scene("suspend a grant", by_root(5, suspend(&held())), own(), None),
        scene("change a grant", by_root(5, change_of(&held(), terms_of(1))), vec![others()], None),
    ]
}

/// Conditions that differ with the number.
fn terms_of(number: u8) -> Conditions {
    Conditions { evidence: Some(Hash([number; 32])), ..Conditions::default() }
}

fn recognitions() -> Vec<Scene> {
    let root = owner();
    let mut ledger = Ledger::new();
    ledger.after(1_000, std::slice::from_ref(&root.create));
    let key = || right(&owner().did, "degrees/*", "did:web:other.example");
    let first = by_method(&ledger, &root, 3, recognise(&key()));
    ledger.after(1_000, &[first]);
    vec![Scene {
        name: "derecognise",
        record: RecordKey::recognition(&key()),
        senior: by_control(&ledger, &root, 5, derecognise(&key())),
        juniors: vec![
            ("recognise by a method", method(&root, move |_| recognise(&key()))),
            ("derecognise by a method", method(&root, move |_| derecognise(&key()))),
        ],
        ledger,
        already: Some(Code::TrustStatus),
    }]
}

fn agents() -> Vec<Scene> {
    let (top, middle, last) = (owner(), Party::new(20), Party::new(30));
    let mut ledger = Ledger::new();
    let creates = [&top, &middle, &last].map(|party| party.create.clone());
    ledger.after(1_000, &creates);
    let delegated = |ledger: &Ledger, author: &Party, agent: &Party, terms| {
        seal_for(&agent_operation(ledger, &author.did, delegate(terms)), author, agent)
    };
    let first = delegated(&ledger, &top, &middle, deep(&middle, 1));
    ledger.after(1_000, &[first]);
    let second = delegated(&ledger, &middle, &last, terms(&last));
    ledger.after(1_000, &[second]);
    let anew = || -> Write {
        Box::new(|ledger, number| {
            let (middle, last) = (Party::new(20), Party::new(30));
            let operation = agent_operation(ledger, &middle.did, delegate(terms(&last)));
            seal_for(&Operation { salt: salt(number), ..operation }, &middle, &last)
        })
    };
    let juniors = || {
        let last = || Party::new(30);
        vec![
            ("suspend", method(&middle, move |_| agent::suspend(&last()))),
            ("resume", method(&middle, move |_| agent::resume(&last()))),
            ("new terms", anew()),
        ]
    };
    let scene = |name, senior, juniors, already| Scene {
        name,
        ledger: ledger.clone(),
        record: RecordKey::delegation(&last.did),
        senior,
        juniors,
        already,
    };
    let by_top = |action| by_control(&ledger, &top, 5, action);
    let mut resigning = juniors();
    resigning.push(("the agent resigns", method(&last, |_| agent::revoke(&Party::new(30)))));
    vec![
        scene("suspend an agent", by_top(agent::suspend(&last)), juniors(), None),
        scene("revoke an agent", by_top(agent::revoke(&last)), resigning, Some(Code::AgentStatus)),
    ]
}

fn types() -> Vec<Scene> {
    let publisher = owner();
    let mut ledger = Ledger::new();
    ledger.after(1_000, std::slice::from_ref(&publisher.create));
    let first = by_method(&ledger, &publisher, 3, publish_type(plain_type("degree")));
    ledger.after(1_000, &[first]);
    let publishes = |number: u8| {
        let mut next = plain_type("degree");
        next.validity_ms_max = Some(u64::from(number));
        publish_type(next)
    };
    let key = RecordKey::credential_type(&publisher.did, &"degree".parse().expect("a name"));
    vec![Scene {
        name: "withdraw a type",
        record: key,
        senior: by_control(&ledger, &publisher, 5, withdraw_type("degree")),
        juniors: vec![
            ("publish by a method", method(&publisher, publishes)),
            ("withdraw by a method", method(&publisher, |_| withdraw_type("degree"))),
        ],
        ledger,
        already: Some(Code::SchemaStatus),
    }]
}

fn governors() -> Vec<Scene> {
    let parties = [governor(1), governor(2), governor(3)];
    let mut ledger = governed(1, 3, &parties);
    let height = ledger.head.height + 500;
    let (made, id) = proposes(&ledger, &parties[0], 3, heartbeat(9_000), height);
    ledger.after(1_000, &[made]);
    let says = |party: &Party, action: fn(Hash) -> Action| -> Write {
        let party = party.clone();
        Box::new(move |ledger, number| governs(ledger, &party, number, action(id)))
    };
    let juniors = |own: &Party, other: &Party| {
        vec![
            ("approve by a method", says(own, approve)),
            ("withdraw by a method", says(own, withdraw)),
            ("another governor approves", says(other, approve)),
        ]
    };
    let scene = |name, senior, juniors| Scene {
        name,
        ledger: ledger.clone(),
        record: RecordKey::proposal(&id),
        senior,
        juniors,
        already: None,
    };
    let approves = by_control(&ledger, &parties[1], 5, approve(id));
    let withdraws = by_control(&ledger, &parties[0], 5, withdraw(id));
    vec![
        scene("approve", approves, juniors(&parties[1], &parties[2])),
        scene(
            "withdraw an approval",
            withdraws,
            vec![
                ("withdraw by a method", says(&parties[0], withdraw)),
                ("another governor approves", says(&parties[1], approve)),
            ],
        ),
    ]
}
