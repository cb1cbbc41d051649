//! Compares decisions on credentials with a plain loop over the history, at random times. The
//! registry's answer about a right must agree with both.

#[path = "decision/altered.rs"]
mod altered;
#[path = "decision/histories.rs"]
mod histories;
#[path = "decision/oracle.rs"]
mod oracle;
#[path = "decision/parts.rs"]
mod parts;
#[path = "decision/replaced.rs"]
mod replaced;
mod support;
#[path = "decision/theft.rs"]
mod theft;
#[path = "decision/voids.rs"]
mod voids;

use std::collections::BTreeMap;

use registry_core::decision::{
    Decision, DecisionError, DecisionQuery, DecisionView, Moments, StatusEntry, decide,
};
use registry_core::limits::DECISION_STATUS_ENTRIES_MAX;
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};
use registry_core::trust::{self, Assurance, ask};
use registry_state::state::StateView as _;

use histories::{ENTRY, History, TYPE, list, party, right_of, schema_id};
use oracle::{AGENT, AUTHORITY, Asked, ISSUER, STEPS, World, verdicts};
use support::network;
use support::trust::Moment;

/// Number of histories. Each has a seed of its own, which a failure prints.
const HISTORIES: u64 = 50;

/// Number of times of issuance in each history, which makes 1,000 in all.
const TIMES: usize = 20;

/// Number of moments of decision for each time of issuance.
const MOMENTS: usize = 6;

/// The records at one moment, together with the arrays of lists.
struct Now<'h> {
    moment: Moment<'h>,
    history: &'h History,
}

impl RecordView for Now<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        self.moment.entry(key)
    }

    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError> {
        let is =
            |entry: &&Entry| entry.record.version == number && entry.record.record_key() == *key;
        Ok(self.moment.entries.iter().find(is).cloned())
    }
}

impl DecisionView for Now<'_> {
    fn status_value(&self, list: &Entry, entry: u64) -> Result<Option<u8>, StoreError> {
        Ok(self.history.ledger.state.status_array(list)?.get(entry))
    }
}

fn question(asked: Asked, issued_at_ms: u64, at_ms: u64) -> DecisionQuery {
    let status = StatusEntry { list: list().to_string(), entry: ENTRY };
    DecisionQuery {
        issuer: party(ISSUER).id(),
        verification_method: format!("{}#sign-1", party(ISSUER).id()),
        credential_type: (!asked.by_schema).then(|| TYPE.to_owned()),
        schema: asked.by_schema.then(|| schema_id().to_string()),
        issued_at_ms,
        status: Vec::from_iter(asked.with_status.then_some(status)),
        authority: party(AUTHORITY).id(),
        agent: asked.with_agent.then(|| party(AGENT).id()),
        minimum_assurance: asked.minimum,
        at_ms,
    }
}

fn view_at(history: &History, time_ms: u64) -> Now<'_> {
    Now { moment: Moment { entries: &history.entries, time_ms }, history }
}

fn answer(history: &History, question: &DecisionQuery) -> Result<Decision, DecisionError> {
    let then = view_at(history, question.issued_at_ms);
    let now = view_at(history, question.at_ms);
    decide(&network(), Moments { then: &then, now: &now }, question)
}

/// Returns whether the issuer's chain is live at issuance, by the query that rule DE4 makes.
fn has_right(history: &History, time_ms: u64) -> bool {
    let view = Moment { entries: &history.entries, time_ms };
    let (through, minimum) = (None, None);
    let (network, key) = (network(), right_of(ISSUER));
    let asked = trust::Asked { network: &network, key: &key, through, minimum, time_ms };
    ask(&view, &asked).expect("a sound store").is_authorised()
}

fn compare_once(history: &mut History, issued_ms: u64, counts: &mut BTreeMap<String, u32>) {
    let (one, other) = (history.some_time(), history.some_time());
    let at_ms = if history.below(8) == 0 { one } else { one.max(other).max(issued_ms) };
    let levels = [None, None, Some(Assurance::Substantial), Some(Assurance::High)];
    let asked = Asked {
        by_schema: history.below(4) == 0,
        with_status: history.below(6) > 0,
        with_agent: history.below(2) == 0,
        minimum: levels[history.below(4) as usize],
    };
    let question = question(asked, issued_ms, at_ms);
    let decided = answer(history, &question);
    if at_ms < issued_ms {
        let error = decided.expect_err("a credential of the future").to_string();
        let times = [issued_ms, at_ms].map(|time| registry_core::time::TimeMs(time).millis());
        assert!(times.iter().all(|time| error.contains(time)), "{error}");
        return *counts.entry("of the future".to_owned()).or_default() += 1;
    }
    let decision = decided.expect("a sound store");
    let worlds = [issued_ms, at_ms].map(|time_ms| World::at(&history.events, time_ms));
    let expected = verdicts(&worlds[0], &worlds[1], issued_ms, asked);
    let actual: Vec<_> = decision.steps.iter().map(|step| (step.name, step.ok)).collect();
    let expected: Vec<_> = STEPS.into_iter().zip(expected).collect();
    assert_eq!(actual, expected, "{question:?}\n{:#?}\n{:?}", decision.steps, history.events);
    let permit = expected.iter().all(|(_, ok)| *ok);
    assert_eq!((decision.is_permit(), decision.failing().is_none()), (permit, permit));
    let failing: Vec<_> = expected.iter().filter(|(_, ok)| !ok).collect();
    let word = match failing[..] {
        [] => "permit".to_owned(),
        [(name, _)] => name.name().to_owned(),
        _ => "several".to_owned(),
    };
    *counts.entry(word).or_default() += 1;
}

#[test]
fn a_thousand_times_of_issuance_are_decided_as_the_history_says() {
    let mut counts = BTreeMap::new();
    for seed in 0..HISTORIES {
        let mut history = History::new(seed);
        for _ in 0..TIMES {
            let issued_ms = history.some_time();
            let expected = World::at(&history.events, issued_ms).has_right(ISSUER);
            assert_eq!(has_right(&history, issued_ms), expected, "seed {seed} at {issued_ms}");
            for _ in 0..MOMENTS {
                compare_once(&mut history, issued_ms, &mut counts);
            }
        }
    }
    // A comparison that hardly ever permits, or always denies for the same reason, would show
    // nothing.
    for step in STEPS {
        let alone = counts.get(step.name()).copied().unwrap_or_default();
        assert!(alone >= 5, "{} fails alone {alone} times: {counts:?}", step.name());
    }
    for word in ["permit", "several", "of the future"] {
        assert!(counts.get(word) >= Some(&50), "{word} is rare: {counts:?}");
    }
}

/// Returns a history, and a query about it whose decision is `permit`.
fn permitted() -> (History, DecisionQuery) {
    let mut history = History::new(1);
    let (by_schema, minimum) = (false, Some(Assurance::Substantial));
    let asked = Asked { by_schema, with_status: true, with_agent: true, minimum };
    for _ in 0..1_000 {
        let time_ms = history.some_time();
        let question = question(asked, time_ms, time_ms);
        if answer(&history, &question).expect("a sound store").is_permit() {
            return (history, question);
        }
    }
    panic!("nothing is permitted at any of the times");
}

#[test]
fn one_thing_that_is_wrong_is_named() {
    let (history, right) = permitted();
    let [issuer, agent] = [ISSUER, AGENT].map(|who| party(who).id());
    let text = |text: &str| text.to_owned();
    let listed = |list: &str, entry| vec![StatusEntry { list: list.to_owned(), entry }];
    let (list, schema) = (list().to_string(), schema_id().to_string());
    let with = |change: &dyn Fn(&mut DecisionQuery)| {
        let mut question = right.clone();
        change(&mut question);
        let decision = answer(&history, &question).expect("an answer");
        let failing = decision.steps.iter().filter(|step| !step.ok);
        failing.map(|step| (step.name.name(), step.finding.clone())).collect::<Vec<_>>()
    };
    let first = |change: &dyn Fn(&mut DecisionQuery), step: &str, words: &str| {
        let failing = with(change);
        let (name, finding) = failing.first().expect("a step that fails");
        assert_eq!(*name, step, "{failing:?}");
        assert!(finding.contains(words), "{words}: {finding}");
    };
    first(&|q| q.issuer = text("did:web:a.example"), "issuer", "no DID of this network");
    first(&|q| q.issuer = agent.replace("local", "other"), "issuer", "no DID of this network");
    first(&|q| q.issuer = agent.clone(), "key", "no method of the issuer");
    for (method, words) in [
        (text("#sign-1"), "no verification method"),
        (format!("{agent}#key-1"), "no method of the issuer"),
        (format!("{issuer}#sign-9"), "has no method"),
        (format!("{issuer}#key-1"), "was no assertionMethod"),
    ] {
        first(&|q| q.verification_method = method.clone(), "key", words);
    }
    for name in ["degrees/master", "degrees/*", "no such name"] {
        first(&|q| q.credential_type = Some(text(name)), "type", "had no credential type");
    }
    first(&|q| q.schema = Some(list.clone()), "type", "unknown");
    first(&|q| q.schema = Some(text("https://a.example/schema")), "type", "unknown");
    assert!(with(&|q| q.schema = Some(schema.clone())).is_empty());
    first(&|q| q.authority = agent.clone(), "type", "had no credential type");
    first(&|q| q.authority = text("somebody"), "type", "had no credential type");
    let high = Some(Assurance::High);
    first(&|q| q.minimum_assurance = high, "assurance", "state substantial, high is required");
    first(&|q| q.status.clear(), "status", "none is given");
    first(&|q| q.status = listed(&schema, ENTRY), "status", "there is no status list");
    first(&|q| q.status = listed("5", ENTRY), "status", "there is no status list");
    // The array consists of whole bytes, so it is longer than the list.
    first(&|q| q.status = listed(&list, 62), "status", "has 62 entries");
    first(&|q| q.status.extend(listed("5", ENTRY)), "status", "there is no status list 5");
    first(&|q| q.agent = Some(issuer.clone()), "agent", "was no agent");
    first(&|q| q.agent = Some(text("did:web:a.example")), "agent", "no DID of this network");
    let nothing = DecisionQuery { credential_type: None, ..right.clone() };
    let error = answer(&history, &nothing);
    assert!(error.expect_err("no type").to_string().contains("credentialType and schema"));
    let status = vec![right.status[0].clone(); DECISION_STATUS_ENTRIES_MAX + 1];
    let error = answer(&history, &DecisionQuery { status, ..right });
    assert!(error.expect_err("too many").to_string().contains("9 entries of status, at most 8"));
}
