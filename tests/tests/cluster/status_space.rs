//! Tests of the disk space and memory that status lists need.

use std::time::{Duration, Instant};

use futures::future::join_all;
use registry_core::crypto::Suite;
use registry_core::id::ListId;
use registry_core::status::{EntryChanges, Scattered, StatusPurpose};
use registry_tests::cluster::{
    Client, Localnet, Wallet, check_equal_chains, measure, retry, wait_for_height,
};
use registry_tests::sim::random::Random;

use crate::cases::commit;
use crate::status_load::{LENGTH, LIMIT, UNTIL_MS};

const LISTS: u64 = 100;
/// Bytes of memory that 100 lists of full length may take on a node beyond what 100 lists of one
/// byte take. Half of the arrays' size leaves room for what the processes take by themselves.
const MEMORY_BYTES_MAX: u64 = LISTS * LENGTH / 8 / 2;
/// Largest disk space in bytes of a list without set entries, a fraction of its array.
const CREATE_BYTES_MAX: u64 = 4 * 1_024;
const REVOCATIONS: u64 = 10_000;
/// Largest disk space in bytes of a revocation. If there are few, the tree nodes that are kept for
/// 1,000 heights and the smallest size of a table weigh more.
const REVOCATION_BYTES_MAX: u64 = 2 * 1_024;
const FEW_REVOCATION_BYTES_MAX: u64 = 2 * REVOCATION_BYTES_MAX;
/// Pause between two looks at the size of a database that is compacting.
const PAUSE: Duration = Duration::from_millis(300);
/// Number of versions from one keyframe to the next. The short form of the test writes one
/// keyframe.
const KEYFRAME_VERSIONS: u64 = 64;

/// Returns the bytes of each node's database once it no longer compacts. The restart makes the
/// database write its log into tables, which it otherwise does when the log reaches 128 MiB.
async fn settled_bytes(network: &mut Localnet) -> Vec<u64> {
    let mut settled = Vec::new();
    for node in &mut network.nodes {
        node.terminate();
        node.restart().await;
        let mut bytes = 0;
        while bytes != node.row_bytes() {
            bytes = node.row_bytes();
            tokio::time::sleep(PAUSE).await;
        }
        settled.push(bytes);
    }
    settled
}

fn memory_bytes(network: &Localnet) -> Vec<u64> {
    network.nodes.iter().map(|node| node.memory_bytes()).collect()
}

/// Makes 100 lists of one length at once. Returns how long that took.
async fn create(network: &Localnet, issuer: &Wallet, length: u64) -> Duration {
    let nodes = network.clients();
    let started = Instant::now();
    let creates = (0..LISTS).map(|number| {
        let (nodes, purpose) = (&nodes, StatusPurpose::Revocation);
        let (_, signed) = issuer.status_create(purpose, 1, length, Vec::new());
        let mut turn = number as usize;
        async move { retry(nodes, &mut turn, &signed, || false).await.expect("a receipt").height }
    });
    let height = join_all(creates).await.into_iter().max().expect("lists");
    let elapsed = started.elapsed();
    wait_for_height(&nodes, height, LIMIT).await;
    elapsed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_takes_no_room_before_its_entries_are_set() {
    let mut network = Localnet::start(4, 1).await;
    let mut issuer = Wallet::new(&network.chain(), Suite::Ed25519, 1);
    commit(&network.nodes[0].client, &issuer.create()).await;
    // Lists of one byte show what a list needs besides its array.
    let mut disk = settled_bytes(&mut network).await;
    let mut growths: Vec<Vec<u64>> = Vec::new();
    for length in [8, LENGTH] {
        let memory_before = memory_bytes(&network);
        let elapsed = create(&network, &issuer, length).await;
        println!("{LISTS} lists of {length} entries in {elapsed:.1?}, {:.1?} each", elapsed / 100);
        let memory = memory_bytes(&network);
        let growth = memory.iter().zip(&memory_before).map(|(now, then)| now.saturating_sub(*then));
        growths.push(growth.collect());
        let disk_before = std::mem::replace(&mut disk, settled_bytes(&mut network).await);
        for (index, node) in network.nodes.iter().enumerate() {
            let name = &node.name;
            let bytes = disk[index].saturating_sub(disk_before[index]) / LISTS;
            let (before, after) = (memory_before[index] >> 10, memory[index] >> 10);
            println!("{name}: {bytes} bytes a list on disk; memory {before} KiB, then {after} KiB");
            assert!(bytes <= CREATE_BYTES_MAX, "{name}: {bytes} bytes a list on disk");
        }
    }
    // The memory of one process goes up and down by a few MiB by itself, so the nodes are summed.
    let [small, large]: [u64; 2] = [0, 1].map(|round: usize| growths[round].iter().sum());
    let memory_max = small + MEMORY_BYTES_MAX * network.nodes.len() as u64;
    assert!(large <= memory_max, "{large} bytes of memory, {small} without arrays");
}

/// Returns entries in random order, so that a compressor finds no pattern.
fn spread() -> Vec<u64> {
    let (mut random, mut all) = (Random::new(1), (0..LENGTH).collect::<Vec<_>>());
    for place in 0..REVOCATIONS as usize {
        let other = place + random.index(all.len() - place);
        all.swap(place, other);
    }
    all.truncate(REVOCATIONS as usize);
    all
}

struct Load {
    issuer: Wallet,
    list: ListId,
    nodes: Vec<Client>,
    entries: Vec<u64>,
}

impl Load {
    async fn set(&self, turn: usize, entries: &[u64]) -> u64 {
        let mut indexes = entries.to_vec();
        indexes.sort_unstable();
        let changes = EntryChanges::Entries(Scattered::new(1, indexes).expect("ascending"));
        let mut turn = turn % self.nodes.len();
        let until_ms = self.nodes[turn].head_time_ms().await + UNTIL_MS;
        let signed = self.issuer.status_set(self.list, changes, until_ms);
        let receipt = retry(&self.nodes, &mut turn, &signed, || false).await;
        receipt.expect("a receipt").version
    }

    /// Sets the entries of `worker` among `workers`, one revocation after the other.
    async fn work(&self, first: u64, worker: u64, workers: u64) -> u64 {
        let mut version = 0;
        for number in (first + worker..REVOCATIONS).step_by(workers as usize) {
            let number = number as usize;
            version = self.set(number, &self.entries[number..=number]).await;
        }
        version
    }
}

/// In the long form the test makes all revocations one by one, in the short form only the last
/// ones. In both, each keyframe has to hold all other entries.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_revocation_takes_at_most_2_kib_on_disk() {
    let first = measure(REVOCATIONS - KEYFRAME_VERSIONS, 0);
    let (workers, bytes_max) = measure((1, FEW_REVOCATION_BYTES_MAX), (2, REVOCATION_BYTES_MAX));
    let mut network = Localnet::start(4, 1).await;
    let nodes = network.clients();
    let mut issuer = Wallet::new(&network.chain(), Suite::Ed25519, 1);
    commit(&nodes[0], &issuer.create()).await;
    let (list, create) = issuer.status_create(StatusPurpose::Revocation, 1, LENGTH, Vec::new());
    commit(&nodes[0], &create).await;
    let load = Load { issuer, list, nodes, entries: spread() };
    let before_version = match first {
        0 => 1,
        _ => load.set(0, &load.entries[..first as usize]).await,
    };
    check_equal_chains(&load.nodes, LIMIT).await;
    let disk_before = settled_bytes(&mut network).await;

    let started = Instant::now();
    let work = (0..workers).map(|worker| load.work(first, worker, workers));
    let version = join_all(work).await.into_iter().max().expect("workers");
    let (elapsed, versions) = (started.elapsed(), version - before_version);
    check_equal_chains(&load.nodes, LIMIT).await;
    let raw: Vec<u64> = network.nodes.iter().map(|node| node.row_bytes()).collect();
    let disk = settled_bytes(&mut network).await;
    let revocations = REVOCATIONS - first;
    println!("{revocations} single revocations in {elapsed:.1?}, {versions} versions");
    for (index, node) in network.nodes.iter().enumerate() {
        let name = &node.name;
        let each = |bytes: u64| bytes.saturating_sub(disk_before[index]) / revocations;
        let (bytes, raw_bytes) = (each(disk[index]), each(raw[index]));
        println!("{name}: {bytes} bytes each on disk, {raw_bytes} while they were in the log");
        assert!(bytes <= bytes_max, "{name}: {bytes} bytes each on disk");
    }
    let state = network.nodes[0].client.list(load.list, 0).await;
    let set: u32 = state.array.iter().map(|byte| byte.count_ones()).sum();
    assert_eq!((u64::from(set), state.version), (REVOCATIONS, version));
}
