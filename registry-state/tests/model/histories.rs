//! Random histories of DIDs. Most deeds are sensible, and many times are near a boundary.

use std::sync::LazyLock;

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::{
    DidRecover, DidState, DidValue, Document, KeySet, Member, PendingRecovery, Recovery, Reveal,
    Sets,
};
use registry_core::id::Did;
use registry_core::operation::{Action, Operation, operation_id};
use registry_core::record::value_from;

use crate::life::{Deed, Group, Life, Moment, Power, Signer, Who, live_on, well_formed};
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::random::Random;
use crate::support::{
    DELAY_MS, Key, change, create, did_member, did_of, ed, k256, key_member, key_set, next_set_of,
    recover, rotate, seal, seal_by, update,
};

const DIDS: usize = 3;
const KEYS: u64 = 11;
const HALT_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;

/// One operation that is tried at one time.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    did: usize,
    deed: Deed,
    signers: Vec<Signer>,
    gap_ms: u64,
    number: u8,
    /// Number of versions by which the guard is behind the newest version.
    behind: usize,
}

pub(crate) struct History {
    random: Random,
    ledger: Ledger,
    live_ms: u64,
    pub(crate) dids: Vec<Did>,
    pub(crate) lives: Vec<Life>,
    heads: Vec<Vec<Hash>>,
    number: u8,
    /// True for histories with one DID, actions with priority and the right signers, so that quotas
    /// are reached.
    narrow: bool,
}

fn key(number: u8) -> Key {
    let seed = 10 + number;
    // Ed25519 is the fastest of the three suites. One key of another suite keeps the suites mixed.
    if number == 10 { k256(seed) } else { ed(seed) }
}

/// Members are derived only once, since deriving a public key costs more than all else here.
static KEY_MEMBERS: LazyLock<Vec<Member>> =
    LazyLock::new(|| (0..KEYS as u8).map(|number| key_member(&key(number))).collect());

fn member(who: Who, dids: &[Did]) -> Member {
    match who {
        Who::Key(number) => KEY_MEMBERS[usize::from(number)].clone(),
        Who::Did(did) => did_member(&dids[did]),
    }
}

fn members(group: &[Who], dids: &[Did]) -> Vec<Member> {
    group.iter().map(|who| member(*who, dids)).collect()
}

fn real_set(group: &Group, dids: &[Did]) -> KeySet {
    key_set(group.needed, members(&group.members, dids))
}

fn real_sets(power: &Power, dids: &[Did]) -> Sets {
    let recovery = power.recovery.as_ref();
    Sets {
        control: real_set(&power.control, dids),
        next: next_set_of(power.next.needed, &keys_of(&power.next).map(key).collect::<Vec<_>>()),
        recovery: recovery
            .map(|(group, delay_ms)| Recovery { keys: real_set(group, dids), delay_ms: *delay_ms }),
    }
}

fn real_document(number: u32) -> Document {
    Document { also_known_as: vec![format!("did:web:a{number}")], ..Document::default() }
}

fn real_reveal(revealed: &[Who], dids: &[Did]) -> Reveal {
    let mut revealed = members(revealed, dids);
    revealed.sort();
    Reveal { revealed }
}

pub(crate) fn real_state(life: &Life, dids: &[Did]) -> DidState {
    let pending = life.waiting.as_ref().map(|waiting| PendingRecovery {
        started_ms: waiting.started_ms,
        matures_live_ms: waiting.matures_ms,
        operation: waiting.operation,
        recover: DidRecover {
            sets: real_sets(&waiting.power, dids),
            document: real_document(waiting.power.document),
        },
    });
    DidState {
        sets: real_sets(&life.power, dids),
        document: real_document(life.power.document),
        pending,
        recover_from_live_ms: life.recover_from_ms,
    }
}

fn real_action(deed: &Deed, dids: &[Did]) -> Action {
    match deed {
        Deed::Update { document } => update(real_document(*document)),
        Deed::Rotate { revealed, power } => rotate(
            real_reveal(revealed, dids),
            real_sets(power, dids),
            real_document(power.document),
        ),
        Deed::Recover { power } => recover(real_sets(power, dids), real_document(power.document)),
        Deed::Cancel => Action::DidRecoverCancel,
        Deed::Complete => Action::DidRecoverComplete,
        Deed::Deactivate { revealed } => Action::DidDeactivate(real_reveal(revealed, dids)),
    }
}

impl History {
    pub(crate) fn new(mut random: Random) -> Self {
        let narrow = random.one_in(4);
        let (dids, lives, heads) = Default::default();
        let ledger = Ledger::new();
        let mut history =
            Self { random, ledger, live_ms: GENESIS_MS, dids, lives, heads, number: 0, narrow };
        let mut envelopes = Vec::new();
        for number in 0..DIDS as u8 {
            let power = history.power(usize::from(number), 0);
            let sets = real_sets(&power, &[]);
            let operation = create(sets, real_document(power.document), number);
            let keys: Vec<Key> = keys_of(&power.control).map(key).collect();
            envelopes.push(seal(&operation, &keys));
            history.dids.push(did_of(&operation));
            history.lives.push(Life::new(power));
        }
        history.ledger.after(1_000, &envelopes);
        history.live_ms += 1_000;
        let ledger = &history.ledger;
        history.heads = history.dids.iter().map(|did| vec![ledger.previous(did)]).collect();
        history
    }

    pub(crate) fn steps(&self) -> usize {
        if self.narrow { 20 } else { 8 }
    }

    pub(crate) fn value(&self, did: usize) -> DidValue {
        let entry = self.ledger.entry(&self.dids[did]).expect("registered");
        value_from::<DidValue>(&entry.value.0).expect("a DID value")
    }

    /// Returns a group for DID `own` with at most two of the first `dids` DIDs among its members.
    /// It rarely names `own`.
    fn group(&mut self, own: usize, dids: usize) -> Group {
        let mut members: Vec<Who> =
            (0..=self.random.below(3)).map(|_| Who::Key(self.random.below(KEYS) as u8)).collect();
        if dids > 0 && self.random.one_in(2) {
            let count = 1 + self.random.below(2);
            members.extend((0..count).map(|_| Who::Did(self.random.below(dids as u64) as usize)));
        }
        if !self.random.one_in(20) {
            members.retain(|who| *who != Who::Did(own));
        }
        members.sort();
        members.dedup();
        let needed = 1 + self.random.below(members.len() as u64) as u8;
        Group { needed, members }
    }

    fn power(&mut self, own: usize, dids: usize) -> Power {
        let (control, next) = (self.group(own, dids), self.group(own, 0));
        let recovery = (!self.random.one_in(5)).then(|| {
            let group = self.group(own, dids);
            (group, DELAY_MS + self.random.below(2))
        });
        Power { control, next, recovery, document: self.random.below(1_000) as u32 }
    }

    /// Returns signers for `group`. Most often they are enough, and each is of the group. A key
    /// that several members share signs for one of them.
    fn signers(&mut self, group: &Group) -> Vec<Signer> {
        let mut signers: Vec<Signer> = Vec::new();
        for who in &group.members {
            match who {
                Who::Key(number) => signers.push((None, *number)),
                Who::Did(did) => {
                    let keys = keys_of(&self.lives[*did].power.control);
                    signers.extend(keys.map(|key| (Some(*did), key)));
                }
            }
        }
        let strays = if self.narrow { 40 } else { 8 };
        if !self.random.one_in(strays) {
            signers.sort_by_key(|(_, key)| *key);
            signers.dedup_by_key(|(_, key)| *key);
        }
        if self.random.one_in(strays) {
            let of = self.random.below(2 * DIDS as u64) as usize;
            signers.push((Some(of).filter(|of| *of < DIDS), self.random.below(KEYS) as u8));
        }
        if self.random.one_in(strays) {
            signers.remove(self.random.below(signers.len() as u64) as usize);
        }
        signers.sort();
        signers.dedup();
        signers
    }

    fn revealed(&mut self, did: usize) -> Vec<Who> {
        let mut revealed = self.lives[did].power.next.members.clone();
        if self.random.one_in(12) {
            revealed.push(Who::Key(self.random.below(KEYS) as u8));
        }
        if self.random.one_in(40) {
            revealed.push(Who::Did(self.random.below(DIDS as u64) as usize));
        }
        revealed.sort();
        revealed.dedup();
        revealed
    }

    pub(crate) fn next_attempt(&mut self) -> Attempt {
        let did = if self.narrow { 0 } else { self.random.below(DIDS as u64) as usize };
        let recovery = self.lives[did].power.recovery.clone();
        let recovery = recovery.map_or_else(|| self.group(did, DIDS), |(group, _)| group);
        let kind = if self.narrow { 2 + self.random.below(4) } else { self.random.below(9) };
        let (deed, signers) = match kind {
            0 | 1 => {
                let group = self.lives[did].power.control.clone();
                let document = self.random.below(1_000) as u32;
                (Deed::Update { document }, self.signers(&group))
            }
            2 | 3 => {
                let (revealed, mut power) = (self.revealed(did), self.power(did, DIDS));
                if self.narrow {
                    power.next = self.lives[did].power.next.clone();
                    power.recovery = self.lives[did].power.recovery.clone();
                }
                let group = Group { needed: 1, members: revealed.clone() };
                (Deed::Rotate { revealed, power }, self.signers(&group))
            }
            4 => (Deed::Recover { power: self.power(did, DIDS) }, self.signers(&recovery)),
            5 => (Deed::Cancel, self.signers(&recovery)),
            6 if self.random.one_in(2) => {
                let revealed = self.revealed(did);
                let group = Group { needed: 1, members: revealed.clone() };
                (Deed::Deactivate { revealed }, self.signers(&group))
            }
            6 | 7 => (Deed::Complete, Vec::new()),
            _ => (Deed::Recover { power: self.power(did, DIDS) }, self.signers(&recovery)),
        };
        self.number = self.number.wrapping_add(1);
        let behind = usize::from(self.random.one_in(12));
        Attempt { did, deed, signers, gap_ms: self.gap_ms(did), number: self.number, behind }
    }

    /// Returns a gap between blocks in milliseconds. It often ends at a boundary of live time, of
    /// maturity or of a day.
    fn gap_ms(&mut self, did: usize) -> u64 {
        let life = &self.lives[did];
        let ends = [life.waiting.as_ref().map(|waiting| waiting.matures_ms), life.recover_from_ms];
        let left = ends.into_iter().flatten().max().unwrap_or(0).saturating_sub(self.live_ms);
        if (2..=HALT_MS).contains(&left) && !self.random.one_in(4) {
            return left - self.random.below(2);
        }
        let to_midnight = DAY_MS - self.ledger.head.time % DAY_MS;
        if self.random.one_in(if self.narrow { 30 } else { 10 }) {
            return to_midnight - self.random.below(2).min(to_midnight - 1);
        }
        self.random.pick(&[1, 1_000, 30_000, HALT_MS - 1, HALT_MS, HALT_MS, HALT_MS + 1])
    }

    fn moment(&self, gap_ms: u64) -> Moment {
        let live_gap_ms = if gap_ms <= HALT_MS { gap_ms } else { 0 };
        Moment { time_ms: self.ledger.head.time + gap_ms, live_ms: self.live_ms + live_gap_ms }
    }

    fn operation(&self, attempt: &Attempt) -> Operation {
        let heads = &self.heads[attempt.did];
        let guard = heads[heads.len().saturating_sub(1 + attempt.behind)];
        let action = real_action(&attempt.deed, &self.dids);
        change(&self.dids[attempt.did], guard, attempt.number, action)
    }

    fn outcome(&self, attempt: &Attempt) -> Result<Life, Code> {
        if attempt.signers.is_empty() && !matches!(attempt.deed, Deed::Complete) {
            return Err(Code::SignatureCount);
        }
        well_formed(attempt.did, &attempt.deed, &attempt.signers)?;
        if attempt.behind > 0 && self.heads[attempt.did].len() > 1 {
            return Err(Code::GuardStale);
        }
        let now = self.moment(attempt.gap_ms);
        let mut life = live_on(&self.lives, attempt.did, &attempt.deed, &attempt.signers, now)?;
        if let (Deed::Recover { .. }, Some(waiting)) = (&attempt.deed, &mut life.waiting) {
            waiting.operation = operation_id(&self.operation(attempt).body());
        }
        Ok(life)
    }

    /// Returns the verdict of the model.
    pub(crate) fn model_result(&self, attempt: &Attempt) -> Result<(), Code> {
        self.outcome(attempt).map(|_| ())
    }

    /// Returns the verdict of the rules. Time passes in either case. If rules and model both
    /// allow the deed, the model applies it too.
    pub(crate) fn apply(&mut self, attempt: &Attempt) -> Result<(), Code> {
        let signers = attempt.signers.iter();
        let signers = signers.map(|(of, number)| (of.map(|did| &self.dids[did]), key(*number)));
        let envelope = seal_by(&self.operation(attempt), signers);
        let (moment, outcome) = (self.moment(attempt.gap_ms), self.outcome(attempt));
        let result = self.ledger.block(moment.time_ms, &[envelope]).map_err(|refusal| refusal.code);
        if result.is_err() {
            self.ledger.block(moment.time_ms, &[]).expect("an empty block applies");
        } else if let Ok(life) = outcome {
            self.lives[attempt.did] = life;
            self.heads[attempt.did].push(self.ledger.previous(&self.dids[attempt.did]));
        }
        self.live_ms = moment.live_ms;
        result
    }
}

fn keys_of(group: &Group) -> impl Iterator<Item = u8> {
    group.members.iter().filter_map(|who| match who {
        Who::Key(number) => Some(*number),
        Who::Did(_) => None,
    })
}
