//! Random histories of DIDs. Most deeds are sensible, and many times are near a boundary.

use std::sync::LazyLock;

use registry_core::code::Code;
use registry_core::codec;
use registry_core::did::document::{Jwk, KeyCodec, KeyMaterial, Multikey, VerificationMethod};
use registry_core::did::{
    DidRecover, DidState, Document, KeySet, Mark, Marks, Member, PendingRecovery, Recovery, Reveal,
    Sets,
};
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Operation, operation_id};
use registry_core::record::{Entry, PartId, RecordKey};
use registry_core::time::TimeMs;
use registry_state::state::ApplyError;

use crate::life::{
    Deed, Group, Life, Marked, Moment, No, Power, Sight, Signer, Who, in_time, live_on, mark_of,
    well_formed,
};
use crate::support::draft::{Applied, Draft, NOBODY};
use crate::support::ledger::{GENESIS_MS, Ledger};
use crate::support::random::Random;
use crate::support::status::authored;
use crate::support::{
    DELAY_MS, Key, create, did_member, did_of, ed, k256, key_member, key_set, next_set_of,
    recover_with, rotate_with, seal, seal_by, update,
};

const DIDS: usize = 3;
const KEYS: u64 = 11;
const HALT_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;

/// One operation that is tried at one time.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) did: usize,
    deed: Deed,
    signers: Vec<Signer>,
    number: u8,
    /// Number of operations on the DID since its signer saw it.
    pub(crate) behind: usize,
    seen: Sight,
    guard: Guard,
    until: Option<u64>,
    /// True if it waited for this block.
    pub(crate) was_put_off: bool,
}

pub(crate) struct History {
    random: Random,
    ledger: Ledger,
    now: Moment,
    pub(crate) draft: Draft,
    pub(crate) dids: Vec<Did>,
    pub(crate) lives: Vec<Life>,
    /// What each DID was after each operation on it, in the registry and in the model.
    sights: Vec<Vec<(Entry, Sight)>>,
    pub(crate) applied: Applied,
    /// An attempt that waits for the next block, and the same one when that block has come.
    put_off: Option<Attempt>,
    returns: Option<Attempt>,
    number: u8,
    /// DID that most attempts of the block are about.
    focus: usize,
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
    let also_known_as = vec![format!("did:web:a{number}")];
    let revoked = mark_of(number).map(|(key, time_ms)| {
        let mut method = VerificationMethod::new("k".parse().expect("a name"), point(key, number));
        method.revoked = Some(TimeMs(time_ms));
        method
    });
    let verification_method = revoked.into_iter().collect();
    Document { also_known_as, verification_method, ..Document::default() }
}

/// Returns a key that documents mark, in one of its two forms.
fn point(key: u8, number: u32) -> KeyMaterial {
    if number.is_multiple_of(2) {
        return KeyMaterial::Multikey(Multikey::new(KeyCodec::SlhDsa128s, &[key; 32]));
    }
    let public = codec::base64url(&[key; 32]);
    let members = [("kty", "AKP"), ("alg", "SLH-DSA-SHA2-128s"), ("pub", public.as_str())];
    let members = members.map(|(name, value)| (name.to_owned(), value.to_owned()));
    KeyMaterial::JsonWebKey(Jwk(members.into()))
}

fn real_marks(marks: &Marked) -> Marks {
    let mark = |(key, time_ms): (&u8, &u64)| Mark::of(&point(*key, 0), TimeMs(*time_ms));
    marks.iter().flat_map(mark).collect()
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
            marks: waiting.marks.as_ref().map(real_marks),
        },
    });
    DidState {
        sets: real_sets(&life.power, dids),
        document: real_document(life.power.document),
        pending,
        recover_from_live_ms: life.recover_from_ms,
        marks: real_marks(&life.marks),
    }
}

fn real_action(deed: &Deed, dids: &[Did]) -> Action {
    match deed {
        Deed::Update { document } => update(real_document(*document)),
        Deed::Rotate { revealed, power, keeps_document, marks } => {
            let (reveal, sets) = (real_reveal(revealed, dids), real_sets(power, dids));
            let document = (!keeps_document).then(|| real_document(power.document));
            rotate_with(reveal, sets, document, marks.as_ref().map(real_marks))
        }
        Deed::Recover { power, marks } => {
            let (sets, document) = (real_sets(power, dids), real_document(power.document));
            recover_with(sets, document, marks.as_ref().map(real_marks))
        }
        Deed::Cancel => Action::DidRecoverCancel,
        Deed::Complete => Action::DidRecoverComplete,
        Deed::Deactivate { revealed } => Action::DidDeactivate(real_reveal(revealed, dids)),
    }
}

/// Returns the guard of a deed, computed as docs/protocol/operations.md says which parts it names.
fn real_guard(deed: &Deed, (entry, sight): &(Entry, Sight)) -> Guard {
    let parts: &[PartId] = match deed {
        Deed::Update { .. } => &[PartId::CONTROL, PartId::DOCUMENT],
        Deed::Rotate { .. } | Deed::Deactivate { .. } => &[PartId::CONTROL],
        Deed::Recover { .. } => &[PartId::CONTROL, PartId::RECOVERY],
        Deed::Cancel | Deed::Complete => return Guard::Operation(sight.pending.unwrap_or(NOBODY)),
    };
    Guard::of_parts(entry, parts.iter().copied())
}

impl History {
    pub(crate) fn new(mut random: Random) -> Self {
        let narrow = random.one_in(4);
        let time_ms = GENESIS_MS + 1_000;
        let mut history = Self {
            random,
            ledger: Ledger::new(),
            now: Moment { time_ms, live_ms: time_ms },
            draft: Draft::new(time_ms),
            dids: Vec::new(),
            lives: Vec::new(),
            sights: Vec::new(),
            applied: Applied::default(),
            put_off: None,
            returns: None,
            number: 0,
            focus: 0,
            narrow,
        };
        for own in 0..DIDS {
            history.create(own);
        }
        history
    }

    /// Registers a DID. Often its document is replaced in the same block, which a new DID permits.
    fn create(&mut self, own: usize) {
        self.number += 1;
        let power = self.power(own, 0);
        let sets = real_sets(&power, &[]);
        let operation = create(sets, real_document(power.document), self.number);
        let keys: Vec<Key> = keys_of(&power.control).map(key).collect();
        self.dids.push(did_of(&operation));
        self.draft.add(&self.ledger, seal(&operation, &keys)).expect("a new DID");
        self.lives.push(Life::new(power));
        self.sights.push(Vec::new());
        self.note(own);
        if self.random.one_in(2) {
            let update = Deed::Update { document: 1_000 };
            let signers = self.lives[own].power.control.clone();
            let signers = keys_of(&signers).map(|key| (None, key)).collect();
            let attempt = self.attempt(own, update, signers);
            let expected = self.model_result(&attempt);
            assert_eq!(self.apply(&attempt), expected, "{attempt:?}");
        }
    }

    pub(crate) fn blocks(&self) -> usize {
        if self.narrow { 14 } else { 6 }
    }

    /// Begins a block. The one before is kept.
    pub(crate) fn begin(&mut self) {
        let focus = if self.narrow { 0 } else { self.random.below(DIDS as u64) as usize };
        let gap_ms = self.gap_ms(focus);
        let live_gap_ms = if gap_ms <= HALT_MS { gap_ms } else { 0 };
        let Moment { time_ms, live_ms } = self.now;
        self.now = Moment { time_ms: time_ms + gap_ms, live_ms: live_ms + live_gap_ms };
        (self.draft, self.focus) = (Draft::new(self.now.time_ms), focus);
        self.returns = self.put_off.take();
    }

    /// Keeps the block, and sends everything again that was ever applied.
    pub(crate) fn end(&mut self) {
        let draft = std::mem::take(&mut self.draft);
        draft.commit(&mut self.ledger, &mut self.applied, usize::MAX);
    }

    pub(crate) fn attempts(&mut self) -> u64 {
        1 + self.random.below(if self.narrow { 2 } else { 3 })
    }

    pub(crate) fn entry(&self, did: usize) -> Entry {
        let key = RecordKey::did(&self.dids[did].suffix);
        self.draft.entry(&self.ledger, &key).expect("registered")
    }

    /// Remembers what a DID is now.
    fn note(&mut self, did: usize) {
        let sight = (self.entry(did), self.lives[did].sight());
        self.sights[did].push(sight);
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
        if let Some(attempt) = self.returns.take() {
            return attempt;
        }
        let elsewhere = !self.narrow && self.random.one_in(4);
        let did = if elsewhere { self.random.below(DIDS as u64) as usize } else { self.focus };
        let (deed, signers) = self.deed(did);
        self.attempt(did, deed, signers)
    }

    fn deed(&mut self, did: usize) -> (Deed, Vec<Signer>) {
        let recovery = self.lives[did].power.recovery.clone();
        let recovery = recovery.map_or_else(|| self.group(did, DIDS), |(group, _)| group);
        let is_rotated = self.lives[did].has_new_sets(self.now);
        let kind = match self.narrow {
            _ if is_rotated && self.random.one_in(2) => 0,
            true => 2 + self.random.below(4),
            false => self.random.below(9),
        };
        match kind {
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
                let (keeps_document, marks) = (self.random.one_in(2), self.marks());
                (Deed::Rotate { revealed, power, keeps_document, marks }, self.signers(&group))
            }
            4 => self.recover(did, &recovery),
            5 => (Deed::Cancel, self.signers(&recovery)),
            6 if self.random.one_in(2) => {
                let revealed = self.revealed(did);
                let group = Group { needed: 1, members: revealed.clone() };
                (Deed::Deactivate { revealed }, self.signers(&group))
            }
            6 | 7 => (Deed::Complete, Vec::new()),
            _ => self.recover(did, &recovery),
        }
    }

    fn recover(&mut self, did: usize, group: &Group) -> (Deed, Vec<Signer>) {
        let (power, marks) = (self.power(did, DIDS), self.marks());
        (Deed::Recover { power, marks }, self.signers(group))
    }

    /// Returns a list of marked keys that a senior gives, or none.
    fn marks(&mut self) -> Option<Marked> {
        if !self.random.one_in(3) {
            return None;
        }
        let count = self.random.below(3);
        Some((0..count).map(|key| (key as u8, self.random.below(7) * 1_000)).collect())
    }

    /// Signs a deed, sometimes after a look at the DID before its last operations.
    fn attempt(&mut self, did: usize, deed: Deed, signers: Vec<Signer>) -> Attempt {
        self.number = self.number.wrapping_add(1);
        let known = self.sights[did].len() - 1;
        let late = if self.random.one_in(4) { 1 + self.random.below(3) as usize } else { 0 };
        let behind = late.min(known);
        let sight = &self.sights[did][known - behind];
        let (guard, seen) = (real_guard(&deed, sight), sight.1);
        let until = self.random.one_in(10).then(|| {
            let far_ms = 30 * DAY_MS;
            let ahead = self.random.pick(&[0, 1_000, far_ms - 1, far_ms, far_ms + 1, 9 * far_ms]);
            self.now.time_ms + ahead - self.random.below(2)
        });
        let (number, was_put_off) = (self.number, false);
        Attempt { did, deed, signers, number, behind, seen, guard, until, was_put_off }
    }

    /// Returns a gap between blocks in milliseconds. It often ends at a boundary of live time, of
    /// maturity or of a day.
    fn gap_ms(&mut self, did: usize) -> u64 {
        let life = &self.lives[did];
        let ends = [life.waiting.as_ref().map(|waiting| waiting.matures_ms), life.recover_from_ms];
        let left = ends.into_iter().flatten().max().unwrap_or(0).saturating_sub(self.now.live_ms);
        if (2..=HALT_MS).contains(&left) && !self.random.one_in(4) {
            return left - self.random.below(2);
        }
        let to_midnight = DAY_MS - self.now.time_ms % DAY_MS;
        if self.random.one_in(if self.narrow { 30 } else { 10 }) {
            return to_midnight - self.random.below(2).min(to_midnight - 1);
        }
        self.random.pick(&[1, 1_000, 30_000, HALT_MS - 1, HALT_MS, HALT_MS, HALT_MS + 1])
    }

    fn operation(&self, attempt: &Attempt) -> Operation {
        let Attempt { did, guard, number, until, .. } = attempt;
        let action = real_action(&attempt.deed, &self.dids);
        Operation { until: *until, ..authored(&self.dids[*did], *guard, *number, action) }
    }

    fn outcome(&self, attempt: &Attempt) -> Result<Life, No> {
        let Attempt { did, deed, signers, seen, until, .. } = attempt;
        if signers.is_empty() && !matches!(deed, Deed::Complete) {
            return Err(Code::SignatureCount.into());
        }
        well_formed(*did, deed, signers)?;
        in_time(deed, *until, self.now)?;
        self.lives[*did].is_as_seen(deed, seen)?;
        let mut life = live_on(&self.lives, *did, deed, signers, self.now)?;
        if let (Deed::Recover { .. }, Some(waiting)) = (deed, &mut life.waiting) {
            waiting.operation = operation_id(&self.operation(attempt).body());
        }
        Ok(life)
    }

    /// Returns the verdict of the model.
    pub(crate) fn model_result(&self, attempt: &Attempt) -> Result<(), No> {
        self.outcome(attempt).map(|_| ())
    }

    /// Returns the verdict of the rules. If rules and model both allow the deed, the model applies
    /// it too.
    pub(crate) fn apply(&mut self, attempt: &Attempt) -> Result<(), No> {
        let signers = attempt.signers.iter();
        let signers = signers.map(|(of, number)| (of.map(|did| &self.dids[did]), key(*number)));
        let envelope = seal_by(&self.operation(attempt), signers);
        let outcome = self.outcome(attempt);
        match self.draft.add(&self.ledger, envelope) {
            Err(ApplyError::Refused(refusal)) => return Err(No::Refused(refusal.code)),
            Err(ApplyError::Full) => {
                self.put_off = Some(Attempt { was_put_off: true, ..attempt.clone() });
                return Err(No::Waits);
            }
            Err(error) => panic!("{error}"),
            Ok(_) => {}
        }
        if let Ok(life) = outcome {
            self.lives[attempt.did] = life;
            self.note(attempt.did);
        }
        Ok(())
    }
}

fn keys_of(group: &Group) -> impl Iterator<Item = u8> {
    group.members.iter().filter_map(|who| match who {
        Who::Key(number) => Some(*number),
        Who::Did(_) => None,
    })
}
