//! Model of a DID's life: which signers may do what, and when.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::code::Code;

/// Milliseconds of a day, followed by the number of actions that a set may take on one day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const ACTIONS_A_DAY: u32 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Key(u8),
    Did(usize),
}

/// A group that acts if `needed` of its `members` sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) needed: u8,
    pub(crate) members: Vec<Who>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Power {
    pub(crate) control: Group,
    /// The model knows this set in the clear; the rules know only hashes of its keys.
    pub(crate) next: Group,
    pub(crate) recovery: Option<(Group, u64)>,
    pub(crate) document: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) started_ms: u64,
    pub(crate) matures_ms: u64,
    pub(crate) power: Power,
    pub(crate) marks: Option<Marked>,
    pub(crate) operation: registry_core::crypto::Hash,
}

/// Keys that are marked, with the times from which they do not count.
pub(crate) type Marked = BTreeMap<u8, u64>;

/// Returns the key that a document marks, with the time; `None` if it marks none.
pub(crate) fn mark_of(document: u32) -> Option<(u8, u64)> {
    let (key, second) = (document / 3 % 5, document / 15 % 7);
    document.is_multiple_of(3).then_some((key as u8, u64::from(second) * 1_000))
}

/// Number of deeds so far that wrote each part of a DID; 0 for a part that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Numbers {
    pub(crate) control: u64,
    pub(crate) recovery: u64,
    pub(crate) document: u64,
    pub(crate) marks: u64,
}

/// What somebody saw of a DID before signing a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) numbers: Numbers,
    /// Operation that began the pending recovery.
    pub(crate) pending: Option<registry_core::crypto::Hash>,
}

/// Reason why a deed does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum No {
    Refused(Code),
    /// It is put off until the next block.
    Waits,
}

impl From<Code> for No {
    fn from(code: Code) -> Self {
        Self::Refused(code)
    }
}

/// State of one DID in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) power: Power,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) recover_from_ms: Option<u64>,
    pub(crate) deactivated: bool,
    pub(crate) marks: Marked,
    pub(crate) numbers: Numbers,
    /// Time of the last block that changed the sets of a DID which existed before it.
    control_since_ms: Option<u64>,
    /// Number of actions so far by day. The flag is true for actions of the recovery set.
    pub(crate) actions: BTreeMap<(u64, bool), u32>,
}

#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Update {
        document: u32,
    },
    /// The document of the new power counts only if the present one does not stay.
    Rotate {
        revealed: Vec<Who>,
        power: Power,
        keeps_document: bool,
        marks: Option<Marked>,
    },
    Recover {
        power: Power,
        marks: Option<Marked>,
    },
    Cancel,
    Complete,
    Deactivate {
        revealed: Vec<Who>,
    },
}

/// Block time and live time at which a deed is tried, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) time_ms: u64,
    pub(crate) live_ms: u64,
}

/// A key that signs, and the member DID for which it signs; `None` if it is itself a member.
pub(crate) type Signer = (Option<usize>, u8);

/// Checks that `signers` may act for `group`: each is a member or signs for one, and enough members
/// have enough signers.
fn authorised(lives: &[Life], group: &Group, signers: &[Signer]) -> Result<(), Code> {
    let control = |did: usize| Some(&lives[did].power.control).filter(|_| !lives[did].deactivated);
    for (of, key) in signers {
        let (member, holds) = match of {
            None => (Who::Key(*key), true),
            Some(did) => {
                let keys = control(*did).map(|control| &control.members);
                (Who::Did(*did), keys.is_some_and(|keys| keys.contains(&Who::Key(*key))))
            }
        };
        if !holds || !group.members.contains(&member) {
            return Err(Code::SignerNotMember);
        }
    }
    let signed = |who: &&Who| match who {
        Who::Key(key) => signers.contains(&(None, *key)),
        Who::Did(did) => {
            let given = signers.iter().filter(|(of, _)| *of == Some(*did)).count();
            control(*did).is_some_and(|control| given >= usize::from(control.needed))
        }
    };
    let count = group.members.iter().filter(signed).count();
    if count >= usize::from(group.needed) { Ok(()) } else { Err(Code::ThresholdNotMet) }
}

/// Checks that enough members of each new set can sign: keys, and DIDs that are not deactivated and
/// have enough keys in control.
fn are_in_reach(lives: &[Life], power: &Power) -> Result<(), Code> {
    let signs = |who: &&Who| match who {
        Who::Key(_) => true,
        Who::Did(did) => {
            let Group { needed, members } = &lives[*did].power.control;
            let keys = members.iter().filter(|who| matches!(who, Who::Key(_))).count();
            !lives[*did].deactivated && keys >= usize::from(*needed)
        }
    };
    let recovery = power.recovery.iter().map(|(group, _)| group);
    for group in std::iter::once(&power.control).chain(recovery) {
        if group.members.iter().filter(signs).count() < usize::from(group.needed) {
            return Err(Code::SetUnreachable);
        }
    }
    Ok(())
}

/// Checks that the sets of a DID do not name the DID itself.
fn names_others(did: usize, power: &Power) -> Result<(), Code> {
    let recovery = power.recovery.iter().flat_map(|(group, _)| &group.members);
    let mut members = power.control.members.iter().chain(recovery);
    if members.any(|who| *who == Who::Did(did)) { Err(Code::ControlInvalid) } else { Ok(()) }
}

/// Checks the rules of a deed that need no state.
pub(crate) fn well_formed(did: usize, deed: &Deed, signers: &[Signer]) -> Result<(), Code> {
    let (revealed, power) = match deed {
        Deed::Rotate { revealed, power, .. } => (Some(revealed), Some(power)),
        Deed::Deactivate { revealed } => (Some(revealed), None),
        Deed::Recover { power, .. } => (None, Some(power)),
        Deed::Update { .. } | Deed::Cancel | Deed::Complete => (None, None),
    };
    if revealed.is_some() && signers.iter().any(|(of, _)| of.is_some()) {
        return Err(Code::SignatureRole);
    }
    let keys: BTreeSet<u8> = signers.iter().map(|(_, key)| *key).collect();
    if keys.len() < signers.len() {
        return Err(Code::SignatureOrder);
    }
    if revealed.into_iter().flatten().any(|who| matches!(who, Who::Did(_))) {
        return Err(Code::RevealNotKey);
    }
    power.map_or(Ok(()), |power| names_others(did, power))
}

impl Life {
    pub(crate) fn new(power: Power) -> Self {
        let document = power.document;
        let mut life = Self {
            power,
            waiting: None,
            recover_from_ms: None,
            deactivated: false,
            marks: Marked::new(),
            numbers: Numbers { control: 1, recovery: 0, document: 1, marks: 0 },
            control_since_ms: None,
            actions: BTreeMap::new(),
        };
        life.marks_keys(None, Some(document));
        life
    }

    /// Replaces the marked keys by those that are given, and adds that of a new document.
    fn marks_keys(&mut self, given: Option<&Marked>, document: Option<u32>) {
        let mut marks = given.unwrap_or(&self.marks).clone();
        if let Some((key, time)) = document.and_then(mark_of) {
            let earliest = marks.get(&key).map_or(time, |before| time.min(*before));
            marks.insert(key, earliest);
        }
        self.numbers.marks += u64::from(marks != self.marks);
        self.marks = marks;
    }

    pub(crate) fn sight(&self) -> Sight {
        let pending = self.waiting.as_ref().map(|waiting| waiting.operation);
        Sight { numbers: self.numbers, pending }
    }

    /// Checks that nothing which the deed depends on was written since its signer saw the DID.
    pub(crate) fn is_as_seen(&self, deed: &Deed, seen: &Sight) -> Result<(), Code> {
        let (now, then) = (self.numbers, seen.numbers);
        let same = match deed {
            Deed::Update { .. } => (now.control, now.document) == (then.control, then.document),
            Deed::Rotate { .. } | Deed::Deactivate { .. } => now.control == then.control,
            Deed::Recover { .. } => (now.control, now.recovery) == (then.control, then.recovery),
            // Without a pending recovery there is nothing to compare, and other rules refuse.
            Deed::Cancel | Deed::Complete => {
                self.waiting.is_none() || self.sight().pending == seen.pending
            }
        };
        if same { Ok(()) } else { Err(Code::GuardStale) }
    }

    /// Ends a pending recovery, if there is one, and returns true if there was.
    fn ends_recovery(&mut self) -> bool {
        let was = self.waiting.take().is_some();
        self.numbers.recovery += u64::from(was);
        was
    }

    /// True if the block of this moment has changed the sets of a DID which existed before it.
    pub(crate) fn has_new_sets(&self, now: Moment) -> bool {
        self.control_since_ms == Some(now.time_ms)
    }

    fn replaces_sets(&mut self, now: Moment) {
        self.numbers.control += 1;
        self.control_since_ms = Some(now.time_ms);
    }

    fn is_mature(&self, now: Moment) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| now.live_ms >= waiting.matures_ms)
    }
}

fn by_next(
    lives: &[Life],
    did: usize,
    now: Moment,
    revealed: &[Who],
    signers: &[Signer],
) -> Result<(), Code> {
    let life = &lives[did];
    let completes = life.waiting.as_ref().is_some_and(|it| are_in_reach(lives, &it.power).is_ok());
    if life.is_mature(now) && completes {
        return Err(Code::RecoveryMature);
    }
    if !revealed.iter().all(|who| life.power.next.members.contains(who)) {
        return Err(Code::NextNotCommitted);
    }
    let group = Group { needed: life.power.next.needed, members: revealed.to_vec() };
    authorised(lives, &group, signers)
}

fn by_recovery(lives: &[Life], did: usize, signers: &[Signer]) -> Result<u64, Code> {
    let recovery = lives[did].power.recovery.as_ref();
    let (group, delay_ms) = recovery.ok_or(Code::RecoveryNotConfigured)?;
    authorised(lives, group, signers).map(|()| *delay_ms)
}

/// Checks the last block time that a deed names. Only an update must not name one far ahead.
pub(crate) fn in_time(deed: &Deed, until: Option<u64>, now: Moment) -> Result<(), Code> {
    let Some(until) = until else { return Ok(()) };
    let is_bounded = matches!(deed, Deed::Update { .. });
    if now.time_ms > until {
        return Err(Code::UntilPassed);
    }
    let is_far = until > now.time_ms + 30 * DAY_MS;
    if is_bounded && is_far { Err(Code::UntilTooFar) } else { Ok(()) }
}

/// Counts the deed among those of its day.
fn counted(life: &mut Life, deed: &Deed, now: Moment) -> Result<(), Code> {
    let of_recovery = match deed {
        Deed::Rotate { .. } | Deed::Deactivate { .. } => false,
        Deed::Recover { .. } | Deed::Cancel => true,
        Deed::Update { .. } | Deed::Complete => return Ok(()),
    };
    let used = life.actions.entry((now.time_ms / DAY_MS, of_recovery)).or_insert(0);
    if *used == ACTIONS_A_DAY {
        return Err(Code::QuotaExceeded);
    }
    *used += 1;
    Ok(())
}

/// Checks that a recovery may begin now, and that its sets can be used.
fn may_begin(lives: &[Life], life: &Life, power: &Power, now: Moment) -> Result<(), Code> {
    if life.waiting.is_some() {
        return Err(Code::RecoveryPending);
    }
    if life.recover_from_ms.is_some_and(|from_ms| now.live_ms < from_ms) {
        return Err(Code::RecoveryTooSoon);
    }
    are_in_reach(lives, power)
}

/// Puts a mature recovery into effect.
fn complete(lives: &[Life], life: &mut Life, now: Moment) -> Result<(), Code> {
    let waiting = life.waiting.clone().ok_or(Code::RecoveryNotPending)?;
    if now.live_ms < waiting.matures_ms {
        return Err(Code::RecoveryNotMature);
    }
    are_in_reach(lives, &waiting.power)?;
    life.ends_recovery();
    life.replaces_sets(now);
    life.numbers.document += 1;
    life.marks_keys(waiting.marks.as_ref(), Some(waiting.power.document));
    life.power = waiting.power;
    life.recover_from_ms = None;
    Ok(())
}

/// Returns the DID after the deed, or the reason why it does not happen.
pub(crate) fn live_on(
    lives: &[Life],
    did: usize,
    deed: &Deed,
    signers: &[Signer],
    now: Moment,
) -> Result<Life, No> {
    let mut life = lives[did].clone();
    if life.deactivated {
        return Err(Code::DidDeactivated.into());
    }
    counted(&mut life, deed, now)?;
    match deed {
        Deed::Update { document } => {
            authorised(lives, &life.power.control, signers)?;
            if life.has_new_sets(now) {
                return Err(No::Waits);
            }
            life.power.document = *document;
            life.numbers.document += 1;
            life.marks_keys(None, Some(*document));
        }
        Deed::Rotate { revealed, power, keeps_document, marks } => {
            by_next(lives, did, now, revealed, signers)?;
            are_in_reach(lives, power)?;
            if life.ends_recovery() {
                let delay_ms = life.power.recovery.as_ref().map_or(0, |(_, delay_ms)| *delay_ms);
                life.recover_from_ms = Some(now.live_ms + delay_ms);
            }
            let document = if *keeps_document { life.power.document } else { power.document };
            life.numbers.document += u64::from(!keeps_document);
            life.marks_keys(marks.as_ref(), (!keeps_document).then_some(document));
            life.power = Power { document, ..power.clone() };
            life.replaces_sets(now);
        }
        Deed::Deactivate { revealed } => {
            by_next(lives, did, now, revealed, signers)?;
            life.deactivated = true;
            (life.waiting, life.recover_from_ms) = (None, None);
            life.replaces_sets(now);
            life.numbers = Numbers { control: life.numbers.control, ..Numbers::default() };
        }
        Deed::Recover { power, marks } => {
            let delay_ms = by_recovery(lives, did, signers)?;
            may_begin(lives, &life, power, now)?;
            life.recover_from_ms = None;
            life.numbers.recovery += 1;
            life.waiting = Some(Waiting {
                started_ms: now.time_ms,
                matures_ms: now.live_ms + delay_ms,
                power: power.clone(),
                marks: marks.clone(),
                operation: registry_core::crypto::Hash::ZERO,
            });
        }
        Deed::Cancel => {
            if life.power.recovery.is_none() {
                return Err(Code::RecoveryNotConfigured.into());
            }
            if !life.ends_recovery() {
                return Err(Code::RecoveryNotPending.into());
            }
            by_recovery(lives, did, signers)?;
        }
        Deed::Complete => complete(lives, &mut life, now)?,
    }
    Ok(life)
}
