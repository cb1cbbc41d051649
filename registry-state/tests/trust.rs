//! Compares the registry's answers about rights, and the grants that it permits, with a plain loop
//! over the history at random times. What was applied is sent again in every later block.

#[path = "trust/histories.rs"]
mod histories;
#[path = "trust/oracle.rs"]
mod oracle;
#[path = "trust/refusals.rs"]
mod refusals;
#[path = "trust/roots.rs"]
mod roots;
mod support;
#[path = "trust/voids.rs"]
mod voids;

use std::collections::BTreeMap;

use registry_core::limits::TRUST_ENDED_KEPT_MS;
use registry_core::names::TrustKey;
use registry_core::operation::Action;
use registry_core::record::{Entry, RecordKey};
use registry_core::trust::{
    Answer, Asked, Broken, Chain, Conditions, Grants, Reason, Recognised, ask, ask_recognition,
};
use registry_state::state::StateView as _;

use histories::{ENTITIES, History, RANKS, key, party, who};
use oracle::{LEVELS, RESOURCES, Verdict, What, Who, World, covers};
use support::ledger::Ledger;
use support::network;
use support::trust::{Moment, Party, grant, parent, right};

/// Number of histories. Each has a seed of its own, which a failure prints.
const HISTORIES: u64 = 100;

/// Number of moments in each history.
const MOMENTS: usize = 40;

/// Number of questions at each moment.
const QUESTIONS: usize = 8;

/// Returns the answer in the form that the oracle uses.
fn verdict(answer: &Answer) -> Verdict {
    let Some(Chain { links, broken, valid_from, valid_until, assurance }) = &answer.chain else {
        return Verdict::Nothing;
    };
    assert_eq!(answer.is_authorised(), broken.is_none());
    match broken {
        None => Verdict::Yes {
            links: links.len(),
            from: *valid_from,
            until: *valid_until,
            assurance: assurance.map_or(0, |level| level as usize + 1),
        },
        Some(Broken { link, reason, since, mender }) => Verdict::No {
            link: *link,
            reason: *reason,
            since: *since,
            mender: mender.as_ref().map(who),
        },
    }
}

/// Returns the name of a reason without its numbers.
fn name(reason: &Reason) -> String {
    let text = format!("{reason:?}");
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

/// Number of times that each kind of answer was given.
#[derive(Default)]
struct Counts(BTreeMap<String, u32>);

impl Counts {
    fn count(&mut self, name: String) {
        *self.0.entry(name).or_default() += 1;
    }
}

/// Returns a right to ask about. Half of these rights were granted at some time.
fn some_right(history: &mut History, world: &World) -> (What, Who) {
    let (what, entity) = (history.below(RESOURCES.len()), history.below(ENTITIES));
    match world.held.get(history.below(2 * world.held.len() + 1)) {
        Some(held) => (if covers(held.what, what) { what } else { held.what }, held.entity),
        None => (what, entity),
    }
}

fn ask_once(history: &mut History, time_ms: u64, world: &World, seed: u64, counts: &mut Counts) {
    let (what, entity) = some_right(history, world);
    let through = if history.below(3) == 0 { Some(history.below(5)) } else { None };
    let minimum = history.below(2) * history.below(LEVELS.len());
    let key = key(what, entity);
    let view = Moment { entries: &history.entries, time_ms };
    let through_did = through.map(|who| &party(who).did);
    let asked = Asked {
        network: &network(),
        key: &key,
        through: through_did,
        minimum: LEVELS[minimum],
        time_ms,
    };
    let actual = ask(&view, &asked).expect("a sound store");
    let expected = world.ask(what, entity, (through, minimum), &RANKS);
    let question = format!("seed {seed} at {time_ms}: {asked:?}");
    assert_eq!(verdict(&actual), expected, "{question}");
    match &expected {
        Verdict::Nothing => counts.count("Nothing".to_owned()),
        Verdict::Yes { links, .. } => counts.count(format!("Yes by {links}")),
        Verdict::No { reason, .. } => counts.count(name(reason)),
    }
    let Recognised { recognition, broken } = ask_recognition(&view, &asked).expect("a store");
    let expected = world.ask_recognition(what, entity);
    let actual = match (broken, recognition) {
        (Some(fault), _) => Err(fault),
        (None, found) => Ok(found.map(|found| (found.valid_from, found.valid_until))),
    };
    let expected = expected.map(|terms| terms.map(|terms| (terms.from, terms.until)));
    assert_eq!(actual, expected, "recognition, {question}");
    match expected {
        Ok(found) => counts.count(format!("recognised: {}", found.is_some())),
        Err((reason, _)) => counts.count(format!("recognised: {}", name(&reason))),
    }
}

fn compare(seeds: std::ops::Range<u64>) {
    let mut counts = Counts::default();
    let (mut applied, mut refused, mut late, mut again_in_block) = (0, 0, 0, 0);
    for seed in seeds {
        let mut history = History::new(seed);
        (applied, refused) = (applied + history.events.len(), refused + history.refused.len());
        (late, again_in_block) = (late + history.late, again_in_block + history.again_in_block);
        for code in &history.refused {
            counts.count(code.name().to_owned());
        }
        for (code, count) in &history.applied.codes {
            *counts.0.entry(format!("again {}", code.name())).or_default() += count;
        }
        for _ in 0..MOMENTS {
            let time_ms = history.some_time();
            let world = World::at(&history.events, &RANKS, time_ms);
            for _ in 0..QUESTIONS {
                ask_once(&mut history, time_ms, &world, seed, &mut counts);
            }
        }
    }
    // A comparison that hardly ever answers, or always gives the same answer, would show nothing.
    let counts = counts.0;
    let summary = format!("{applied} applied, {refused} refused, {late} late: {counts:?}");
    assert!(applied > refused && refused > 100 && late > 50, "{summary}");
    assert!(again_in_block > 50, "{again_in_block} wrote a record again, {summary}");
    for (answer, least) in [
        ("Yes by 1", 200),
        ("Yes by 2", 100),
        ("Yes by 3", 20),
        ("Nothing", 100),
        ("AuthorityUnknown", 10),
        ("AuthorityDeactivated", 10),
        ("ParentGone", 5),
        ("Suspended", 50),
        ("Revoked", 20),
        ("NotYetValid", 20),
        ("Expired", 50),
        ("TooDeep", 5),
        ("EntityDeactivated", 20),
        ("AssuranceTooLow", 30),
        ("recognised: true", 100),
        ("recognised: Revoked", 5),
        ("recognised: NotYetValid", 5),
        ("recognised: Expired", 5),
        ("recognised: EntityDeactivated", 5),
        ("GUARD_STALE", 20),
        ("ALREADY_EXISTS", 2),
        ("UNTIL_PASSED", 10),
        ("DID_DEACTIVATED", 20),
        ("TRUST_EXISTS", 20),
        ("TRUST_NOT_FOUND", 5),
        ("TRUST_PARENT_NOT_FOUND", 10),
        ("TRUST_PARENT_NOT_LIVE", 20),
        ("TRUST_CYCLE", 10),
        ("TRUST_DEPTH", 10),
        ("TRUST_BEYOND_PARENT", 10),
        ("TRUST_STATUS", 10),
        ("TRUST_FULL", 1),
        ("again ALREADY_APPLIED", 1_000),
        ("again GUARD_STALE", 1_000),
        ("again TRUST_STATUS", 1_000),
        ("again UNTIL_PASSED", 1_000),
    ] {
        assert!(counts.get(answer) >= Some(&least), "{answer} is rare: {counts:?}");
    }
}

#[test]
fn answers_at_any_time_are_those_of_the_history_in_the_first_histories() {
    compare(0..HISTORIES / 2);
}

#[test]
fn answers_at_any_time_are_those_of_the_history_in_the_other_histories() {
    compare(HISTORIES / 2..HISTORIES);
}

#[test]
fn an_authority_of_another_network_is_unknown() {
    let history = History::new(0);
    let time_ms = history.events[0].time_ms;
    let mut key = key(0, 1);
    key.authority.network = "other".parse().expect("a name");
    let view = Moment { entries: &history.entries, time_ms };
    let (through, minimum) = (None, None);
    let asked = Asked { network: &network(), key: &key, through, minimum, time_ms };
    let unknown = Some((Reason::AuthorityUnknown, None));
    let chain = ask(&view, &asked).expect("a sound store").chain.expect("a chain that is broken");
    assert_eq!(chain.broken.map(|broken| (broken.reason, broken.since)), unknown);
    assert_eq!(ask_recognition(&view, &asked).expect("a sound store").broken, unknown);
}

#[test]
fn a_chain_has_eight_grants_at_most() {
    let parties: Vec<Party> = (0..9).map(|number| Party::new(100 + 3 * number)).collect();
    let creates: Vec<_> = parties.iter().map(|party| party.create.clone()).collect();
    let (mut ledger, mut entries) = (Ledger::new(), Vec::new());
    let mut block = |envelopes: &dyn Fn(&Ledger) -> Vec<Vec<u8>>| {
        let time_ms = ledger.head.time + 1_000;
        let execution = ledger.attempt(time_ms, &envelopes(&ledger)).expect("it applies");
        entries.extend(execution.changes.entries.iter().cloned());
        ledger.state.commit(&execution.changes);
        ledger.head = execution.header;
        time_ms
    };
    let mut time_ms = block(&|_| creates.clone());
    let key = |entity: &Party| right(&parties[0].did, "t", &entity.id());
    for (place, pair) in parties.windows(2).enumerate() {
        let above = place.checked_sub(1).and_then(|above| parent("t", &parties[above].did));
        let max_depth = u8::try_from(7 - place).ok().filter(|depth| *depth > 0);
        let conditions = Conditions { max_depth, ..Conditions::default() };
        let action = grant(&key(&pair[1]), above, conditions);
        time_ms = block(&|ledger| vec![pair[0].signs(ledger, action.clone())]);
    }
    let (network, key) = (network(), key(&parties[8]));
    let view = Moment { entries: &entries, time_ms };
    let (through, minimum) = (Some(&parties[0].did), None);
    let asked = Asked { network: &network, key: &key, through, minimum, time_ms };
    let answer = ask(&view, &asked).expect("a sound store");
    assert_eq!(answer.chain.map(|chain| (chain.links.len(), chain.is_live())), Some((8, true)));
}

/// Blocks of a ledger, with all record versions that they wrote.
struct Written {
    ledger: Ledger,
    entries: Vec<Entry>,
}

impl Written {
    fn block(&mut self, time_ms: u64, envelopes: &dyn Fn(&Ledger) -> Vec<Vec<u8>>) {
        let execution = self.ledger.attempt(time_ms, &envelopes(&self.ledger)).expect("it applies");
        self.entries.extend(execution.changes.entries.iter().cloned());
        self.ledger.state.commit(&execution.changes);
        self.ledger.head = execution.header;
    }

    fn then(&mut self, party: &Party, action: &Action) {
        let time_ms = self.ledger.head.time + 1_000;
        self.block(time_ms, &|ledger| vec![party.signs(ledger, action.clone())]);
    }

    /// Returns the answers about a right at some times, as the records up to each time give them.
    fn answers(&self, key: &TrustKey, times: &[u64]) -> Vec<Answer> {
        let answer = |time_ms: &u64| {
            let view = Moment { entries: &self.entries, time_ms: *time_ms };
            let (network, through, minimum) = (network(), None, None);
            let asked = Asked { network: &network, key, through, minimum, time_ms: *time_ms };
            ask(&view, &asked).expect("a sound store")
        };
        times.iter().map(answer).collect()
    }
}

#[test]
fn a_grant_that_gives_way_leaves_the_answers_about_the_past() {
    let parties: Vec<Party> = (0..6).map(|number| Party::new(100 + 3 * number)).collect();
    let (authority, bodies, issuer) = (&parties[0], &parties[1..5], &parties[5]);
    let mut written = Written { ledger: Ledger::new(), entries: Vec::new() };
    let start = written.ledger.head.time;
    let creates: Vec<_> = parties.iter().map(|party| party.create.clone()).collect();
    written.block(start + 1_000, &|_| creates.clone());
    let end = start + 60_000;
    for (place, body) in bodies.iter().enumerate() {
        let valid_until = (place == 1).then_some(end);
        let conditions = Conditions { valid_until, max_depth: Some(1), ..Conditions::default() };
        written.then(authority, &grant(&right(&authority.did, "t", &body.id()), None, conditions));
    }
    let key = right(&authority.did, "t", &issuer.id());
    let licence = |terms| grant(&key, parent("t", &authority.did), terms);
    written.then(&bodies[1], &licence(Conditions::default()));
    // Only the chain by the second body ever counts, since the others begin in a far future.
    let later = Conditions { valid_from: Some(u64::pow(10, 14)), ..Conditions::default() };
    written.then(&bodies[0], &licence(later.clone()));
    written.then(&bodies[2], &licence(later.clone()));
    let granted = written.ledger.head.time;
    let free = end + TRUST_ENDED_KEPT_MS;
    let times = [granted, end - 1, end, free - 1];
    let before = written.answers(&key, &times);
    let live: Vec<bool> = before.iter().map(Answer::is_authorised).collect();
    assert_eq!(live, [true, true, false, false]);
    // The grant is signed less than 30 days before it is sent.
    written.block(free - 1_000, &|_| Vec::new());
    written.block(free, &|ledger| vec![bodies[3].signs(ledger, licence(later.clone()))]);
    let head = written.ledger.state.head(&RecordKey::grant(&key)).expect("a sound store");
    let grants: Grants = head.expect("a record").value().expect("grants");
    assert_eq!(grants.slots.len(), 3);
    assert_eq!(grants.by(&bodies[1].did), None, "it gave way");
    assert_eq!(written.answers(&key, &times), before);
}
