//! The rules of governance written a second time as a plain loop over numbers. Parties, nodes and
//! proposals are indices, and nothing is signed, encoded or hashed. The ids of proposals are given.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::governance::Parameters;

/// Height and id of a proposal, by which changes take effect in order.
type Place = (u64, Hash);

/// Validator key of a node: its first key, or the key that it changes to.
pub(crate) type NodeKey = (u8, bool);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nodes to add or edit with their key and power, and nodes to remove.
    Validators(BTreeMap<u8, (NodeKey, u64)>, BTreeSet<u8>),
    /// Nodes whose publishing keys are added, and nodes whose publishing keys are removed.
    Publishing(BTreeSet<u8>, BTreeSet<u8>),
    Heartbeat(u64),
    Governors(usize, BTreeSet<usize>),
}

impl Wish {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Validators(..) => "validators",
            Self::Publishing(..) => "publishing",
            Self::Heartbeat(_) => "parameters",
            Self::Governors(..) => "governors",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Approved,
    Active,
    Cancelled(Code),
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) wish: Wish,
    pub(crate) height: u64,
    id: Hash,
    /// Live time at which the notice ends.
    due_ms: u64,
    /// What each party last said.
    pub(crate) said: BTreeMap<usize, Said>,
    pub(crate) status: Status,
}

/// What a party last said about a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) is_for: bool,
    /// True if the control set of the party signed, false if a method of its document did.
    pub(crate) by_control: bool,
}

/// Returns what a party has said after this word, or the code of its refusal. A party says yes once
/// and no once, each first by a method and then once more by its control set.
fn say(before: Option<&Said>, word: Said) -> Result<Said, Code> {
    let Some(before) = before else {
        return if word.is_for { Ok(word) } else { Err(Code::NotApproved) };
    };
    match (before.by_control, word.by_control) {
        // The control set takes over what a method said, whatever that was.
        (false, true) => Ok(word),
        // The control set and a method each go from yes to no, and not back.
        (true, true) | (false, false) if before.is_for && !word.is_for => Ok(word),
        _ if before.is_for && word.is_for => Err(Code::ApprovedAlready),
        (_, false) if !before.is_for && !word.is_for => Err(Code::NotApproved),
        _ => Err(Code::ApprovalFinal),
    }
}

#[derive(Debug, Clone)]
struct Word {
    plan: usize,
    live_ms: u64,
    version: u64,
    height: u64,
    /// Number of the key's announcements up to this one.
    number: u64,
}

/// Action of a party or node.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Party, wish, height, and whether the control set signs.
    Propose(usize, Wish, u64, bool),
    /// Party, plan, and what it says.
    Say(usize, usize, Said),
    /// The last field is the number of announcements of the key that its node knew of.
    Ready {
        plan: usize,
        key: NodeKey,
        version: u64,
        is_block_right: bool,
        known: u64,
    },
    Deactivate(usize),
}

/// State of the whole network at the start of a block.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Height of the block under construction.
    pub(crate) height: u64,
    time_ms: u64,
    live_ms: u64,
    notice_ms: u64,
    pub(crate) governors: BTreeSet<usize>,
    pub(crate) threshold: usize,
    /// Deactivated parties.
    gone: BTreeSet<usize>,
    pub(crate) validators: BTreeMap<u8, (NodeKey, u64)>,
    /// Height at whose end the validators last changed.
    moved: Option<u64>,
    pub(crate) publishing: BTreeSet<u8>,
    pub(crate) heartbeat: u64,
    pub(crate) plans: Vec<Plan>,
    /// Number of proposals by party and day, apart for those signed by control.
    proposals: BTreeMap<(usize, bool, u64), u64>,
    words: BTreeMap<NodeKey, Word>,
}

impl World {
    pub(crate) fn new(
        threshold: usize,
        governors: BTreeSet<usize>,
        nodes: std::ops::RangeInclusive<u8>,
        time_ms: u64,
        parameters: &Parameters,
    ) -> Self {
        Self {
            height: 1,
            time_ms,
            live_ms: time_ms,
            notice_ms: parameters.notice_ms_min,
            governors,
            threshold,
            gone: BTreeSet::new(),
            validators: nodes.map(|n| (n, ((n, false), 1))).collect(),
            moved: None,
            publishing: BTreeSet::new(),
            heartbeat: parameters.heartbeat_ms,
            plans: Vec::new(),
            proposals: BTreeMap::new(),
            words: BTreeMap::new(),
        }
    }

    fn is_live(&self, party: usize) -> bool {
        !self.gone.contains(&party)
    }

    fn count_live(&self, of: &BTreeSet<usize>) -> usize {
        of.iter().filter(|party| self.is_live(**party)).count()
    }

    /// Returns the verdict of the rules and applies the deed if they allow it. `id` orders a new
    /// proposal among those of its height.
    pub(crate) fn act(&mut self, deed: &Deed, id: Option<Hash>) -> Result<(), Code> {
        match deed {
            Deed::Propose(by, wish, height, by_control) => {
                self.propose((*by, *by_control), wish, (*height, id.expect("the id of a proposal")))
            }
            Deed::Say(by, plan, word) => self.vote(*by, *plan, *word),
            Deed::Ready { plan, key, version, is_block_right, known } => {
                if *known < self.announcements(*key) {
                    let is_first = *known == 0;
                    return Err(if is_first { Code::AlreadyExists } else { Code::GuardStale });
                }
                self.ready(*plan, *key, *version, *is_block_right)
            }
            Deed::Deactivate(party) => self.deactivate(*party),
        }
    }

    fn check_governor(&self, by: usize) -> Result<(), Code> {
        if !self.is_live(by) {
            return Err(Code::DidDeactivated);
        }
        if self.governors.contains(&by) { Ok(()) } else { Err(Code::NotGovernor) }
    }

    /// Returns how often a validator key has announced itself.
    pub(crate) fn announcements(&self, key: NodeKey) -> u64 {
        self.words.get(&key).map_or(0, |word| word.number)
    }

    fn propose(
        &mut self,
        (by, by_control): (usize, bool),
        wish: &Wish,
        (height, id): Place,
    ) -> Result<(), Code> {
        self.check_governor(by)?;
        if height < self.height + 10 || height > self.height + 1_000_000 {
            return Err(Code::ActivationHeight);
        }
        self.check_schedule(None, wish, (height, id))?;
        let today = self.proposals.entry((by, by_control, self.time_ms / 86_400_000)).or_default();
        if *today == 8 {
            return Err(Code::QuotaExceeded);
        }
        *today += 1;
        let said = BTreeMap::from([(by, Said { is_for: true, by_control })]);
        let status = match self.threshold <= 1 {
            true => Status::Approved,
            false => Status::Open,
        };
        let (wish, due_ms) = (wish.clone(), self.live_ms + self.notice_ms);
        self.plans.push(Plan { wish, height, id, due_ms, said, status });
        Ok(())
    }

    fn vote(&mut self, by: usize, plan: usize, word: Said) -> Result<(), Code> {
        let mut new = self.plans[plan].clone();
        self.check_governor(by)?;
        if !matches!(new.status, Status::Open | Status::Approved) {
            return Err(Code::ProposalClosed);
        }
        let said = say(new.said.get(&by), word)?;
        new.said.insert(by, said);
        if self.is_due(&new) {
            return Err(Code::ProposalClosed);
        }
        if !self.is_enough(&new) {
            new.status = Status::Open;
        } else if new.status == Status::Open {
            self.check_schedule(Some(plan), &new.wish, (new.height, new.id))?;
            new.status = Status::Approved;
        }
        self.plans[plan] = new;
        Ok(())
    }

    /// True if enough live governors approve the plan.
    fn is_enough(&self, plan: &Plan) -> bool {
        let counts = |(by, said): &(&usize, &Said)| {
            said.is_for && self.governors.contains(by) && self.is_live(**by)
        };
        plan.said.iter().filter(counts).count() >= self.threshold
    }

    fn ready(
        &mut self,
        plan: usize,
        key: NodeKey,
        version: u64,
        is_block_right: bool,
    ) -> Result<(), Code> {
        let last = self.words.get(&key);
        let Plan { wish, status, .. } = &self.plans[plan];
        let named = match wish {
            Wish::Validators(put, _) => put.get(&key.0).is_some_and(|(own, _)| *own == key),
            _ => false,
        };
        let pending = matches!(status, Status::Open | Status::Approved);
        if !named || !pending || self.validators.values().any(|(own, _)| *own == key) {
            return Err(Code::ReadyNotExpected);
        }
        if let Some(last) = last
            && last.plan == plan
            && self.live_ms - last.live_ms < 60_000
        {
            return Err(Code::ReadyTooSoon);
        }
        if !is_block_right {
            return Err(Code::ReadyBlock);
        }
        let (live_ms, height) = (self.live_ms, self.height);
        let number = 1 + self.announcements(key);
        self.words.insert(key, Word { plan, live_ms, version, height, number });
        Ok(())
    }

    fn deactivate(&mut self, party: usize) -> Result<(), Code> {
        if !self.is_live(party) {
            return Err(Code::DidDeactivated);
        }
        if self.governors.contains(&party) && self.count_live(&self.governors) <= self.threshold {
            return Err(Code::GovernorsTooFew);
        }
        self.gone.insert(party);
        Ok(())
    }

    /// Returns the network after the wish, or the code of the rule that it breaks.
    fn result(&self, wish: &Wish) -> Result<Self, Code> {
        let mut next = self.clone();
        match wish {
            Wish::Validators(put, remove) => {
                for node in remove {
                    next.validators.remove(node).ok_or(Code::GovernanceResult)?;
                }
                next.validators.extend(put.clone());
                if next.validators.is_empty() {
                    return Err(Code::GovernanceResult);
                }
                check_power(&self.validators, &next.validators)?;
            }
            Wish::Publishing(put, remove) => {
                for node in remove {
                    if !next.publishing.remove(node) {
                        return Err(Code::GovernanceResult);
                    }
                }
                next.publishing.extend(put);
            }
            Wish::Heartbeat(heartbeat) => next.heartbeat = *heartbeat,
            Wish::Governors(threshold, members) => {
                (next.threshold, next.governors) = (*threshold, members.clone());
            }
        }
        if self.holds() == next.holds() {
            return Err(Code::GovernanceResult);
        }
        if let Wish::Governors(threshold, members) = wish
            && self.count_live(members) < *threshold
        {
            return Err(Code::GovernorsTooFew);
        }
        Ok(next)
    }

    /// Checks that the wish keeps the rules at its place among the approved plans, and that it
    /// breaks none of those behind it.
    fn check_schedule(&self, own: Option<usize>, wish: &Wish, place: Place) -> Result<(), Code> {
        let mut others: Vec<(Place, &Wish)> = (0..)
            .zip(&self.plans)
            .filter(|(index, plan)| plan.status == Status::Approved && own != Some(*index))
            .map(|(_, plan)| ((plan.height, plan.id), &plan.wish))
            .collect();
        others.sort_by_key(|(place, _)| *place);
        let mut without = self.clone();
        for (_, other) in others.iter().filter(|(other, _)| *other < place) {
            without = without.result(other).unwrap_or(without);
        }
        let mut with = without.result(wish)?;
        for (_, other) in others.iter().filter(|(other, _)| *other > place) {
            let (after, after_wish) = (without.result(other), with.result(other));
            if after.is_ok() && after_wish.is_err() {
                return Err(Code::ScheduleBroken);
            }
            without = after.unwrap_or(without);
            with = after_wish.unwrap_or(with);
        }
        // As many changes as may wait wait already.
        if others.len() >= 16 { Err(Code::AgendaFull) } else { Ok(()) }
    }

    /// Returns all parts of the network that a wish may change, to compare them.
    fn holds(&self) -> impl PartialEq + '_ {
        (&self.validators, &self.publishing, self.heartbeat, self.threshold, &self.governors)
    }

    /// Begins a block at this time, which may be after a halt.
    pub(crate) fn begin(&mut self, time_ms: u64) {
        let gap_ms = time_ms - self.time_ms;
        self.time_ms = time_ms;
        if gap_ms <= 60_000 {
            self.live_ms += gap_ms;
        }
    }

    /// True if the plan can take effect at the end of this block.
    pub(crate) fn is_due(&self, plan: &Plan) -> bool {
        self.height + 1 >= plan.height && self.live_ms >= plan.due_ms
    }

    /// Ends the block: the next scheduled change takes effect, is cancelled or waits.
    pub(crate) fn end(&mut self) {
        let approved =
            (0..self.plans.len()).filter(|at| self.plans[*at].status == Status::Approved);
        let next = approved.min_by_key(|at| (self.plans[*at].height, self.plans[*at].id));
        if let Some(index) = next.filter(|at| self.is_due(&self.plans[*at])) {
            let moves = matches!(self.plans[index].wish, Wish::Validators(..));
            if !(moves && self.moved.is_some_and(|moved| self.height < moved + 10)) {
                let status = match self.effect(index) {
                    Ok(next) => {
                        *self = next;
                        Status::Active
                    }
                    Err(code) => Status::Cancelled(code),
                };
                self.plans[index].status = status;
            }
        }
        self.height += 1;
    }

    fn effect(&self, index: usize) -> Result<Self, Code> {
        let plan = &self.plans[index];
        if !self.is_enough(plan) {
            return Err(Code::ThresholdNotMet);
        }
        let mut next = self.result(&plan.wish)?;
        if matches!(plan.wish, Wish::Validators(..)) {
            next.moved = Some(self.height);
        }
        let old: BTreeSet<NodeKey> = self.validators.values().map(|(key, _)| *key).collect();
        for (key, _) in next.validators.values() {
            let is_old = |word: &Word| {
                self.height - word.height > 40 && self.live_ms - word.live_ms > 600_000
            };
            let is_there = |word: &Word| !is_old(word) && word.version > 0;
            if !old.contains(key) && !self.words.get(key).is_some_and(is_there) {
                return Err(Code::ValidatorNotReady);
            }
        }
        Ok(next)
    }
}

fn check_power(
    old: &BTreeMap<u8, (NodeKey, u64)>,
    new: &BTreeMap<u8, (NodeKey, u64)>,
) -> Result<(), Code> {
    let by_key = |of: &BTreeMap<u8, (NodeKey, u64)>| -> BTreeMap<NodeKey, u64> {
        of.values().copied().collect()
    };
    let (old, new) = (by_key(old), by_key(new));
    let (mut left, mut joined) = (0, 0);
    for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let before = old.get(key).copied().unwrap_or(0);
        let after = new.get(key).copied().unwrap_or(0);
        if after < before {
            left += before - after;
        } else {
            joined += after - before;
        }
    }
    let (was, is): (u64, u64) = (old.values().sum(), new.values().sum());
    if 3 * left < was && 3 * joined < is { Ok(()) } else { Err(Code::PowerMoved) }
}
