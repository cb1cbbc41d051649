//! One status list that exists from genesis on and that all clients write to, as workers of its
//! issuer would; and a plain array of what it must hold after each block.

use node::store::{Ledger, Read};
use registry_core::codec::FixedBytes;
use registry_core::crypto::Hash;
use registry_core::id::{ListId, NetworkName};
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::RecordKey;
use registry_core::status::{EntryChanges, Run, Scattered, StatusCreate, StatusPurpose, StatusSet};
use registry_state::rules::Checked;
use registry_state::state::StateView as _;

use super::author::Author;
use super::random::Random;

/// Entries of the list.
const ENTRIES: u64 = 1_000;
/// Bits of an entry.
const BITS: u8 = 2;

/// The list and its issuer.
#[derive(Debug, Clone)]
pub struct SharedList {
    issuer: Author,
    id: ListId,
}

impl SharedList {
    /// The list, and the operations of genesis that create it.
    pub fn genesis(network: &NetworkName) -> (Self, Vec<Checked>) {
        let (issuer, create) = Author::genesis("issuer", network);
        let list = StatusCreate {
            purpose: StatusPurpose::Message,
            bits: BITS,
            length: ENTRIES,
            uri: None,
            valid_from: None,
            valid_until: None,
            delegates: Vec::new(),
            messages: Vec::new(),
        };
        let action = (Role::Control, Action::StatusCreate(Box::new(list)));
        let list = issuer.act(Hash::ZERO, (Guard::Absent, None), FixedBytes([0; 16]), action);
        (Self { issuer, id: ListId::of_create(&list.id()) }, vec![create, list])
    }

    /// Sets some entries, as a worker of the issuer would.
    pub fn set(
        &self,
        chain: Hash,
        until_ms: u64,
        salt: FixedBytes<16>,
        random: &mut Random,
    ) -> Checked {
        let value = u8::try_from(random.below(1 << BITS)).expect("two bits");
        let start = random.below(ENTRIES);
        let changes = if random.chance(50) {
            let length = random.between(1, ENTRIES - start);
            EntryChanges::Runs(vec![Run { start, length, value, expect: None }])
        } else {
            let step = usize::try_from(random.between(1, 50)).expect("small");
            let indexes = (start..ENTRIES).step_by(step);
            EntryChanges::Entries(Scattered::new(value, indexes).expect("ascending"))
        };
        let action = Action::StatusSet(StatusSet { list: self.id, changes });
        let guard = (Guard::Nothing, Some(until_ms));
        self.issuer.act(chain, guard, salt, (Role::Control, action))
    }
}

/// Expected content of each version of the list.
#[derive(Debug)]
pub struct Model {
    list: ListId,
    versions: Vec<Vec<u8>>,
    shared: u64,
}

impl Model {
    /// The list as genesis creates it.
    pub fn new(list: &SharedList) -> Self {
        let entries = usize::try_from(ENTRIES).expect("small");
        Self { list: list.id, versions: vec![vec![0; entries]], shared: 0 }
    }

    /// Number of versions so far.
    pub fn versions(&self) -> usize {
        self.versions.len()
    }

    /// Number of versions that several operations made together.
    pub fn shared(&self) -> u64 {
        self.shared
    }

    /// Applies the operations of a block. However many of them change the list, they make one
    /// version.
    pub fn apply(&mut self, operations: &[Checked]) {
        let (mut array, mut sets) = (None, 0);
        for operation in operations {
            if let Action::StatusSet(set) = &operation.operation().action {
                let before = || self.versions.last().cloned().unwrap_or_default();
                change(array.get_or_insert_with(before), &set.changes);
                sets += 1;
            }
        }
        self.shared += u64::from(sets > 1);
        self.versions.extend(array);
    }

    /// First version whose content on the disk differs from the expected one.
    pub fn difference(&self, disk: &dyn Read) -> Option<u64> {
        let (ledger, key) = (Ledger(disk), RecordKey::status(&self.list));
        let newest = ledger.newest(&key).ok().flatten().map_or(0, |head| head.record.version);
        (1..=newest).find(|version| {
            let entry = ledger.version(&key, *version).ok().flatten();
            let array = entry.and_then(|entry| ledger.status_array(&entry).ok());
            let read = array.and_then(|array| (0..ENTRIES).map(|at| array.get(at)).collect());
            let index = usize::try_from(version - 1).unwrap_or(usize::MAX);
            read.as_ref() != self.versions.get(index)
        })
    }
}

/// Applies changes to an array by docs/protocol/status.md, written out by hand and with its own
/// LEB128.
fn change(array: &mut [u8], changes: &EntryChanges) {
    match changes {
        EntryChanges::Runs(runs) => {
            for run in runs {
                let (from, to) = (run.start as usize, (run.start + run.length) as usize);
                array[from..to].fill(run.value);
            }
        }
        EntryChanges::Entries(scattered) => {
            let (mut index, mut number, mut shift) = (0, 0, 0);
            for byte in &scattered.indexes.0 {
                number |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    index += number;
                    array[index] = scattered.value;
                    index += 1;
                    (number, shift) = (0, 0);
                }
            }
        }
    }
}
