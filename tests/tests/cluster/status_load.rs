//! Ten workers of one issuer write to one status list through all nodes at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use registry_core::crypto::Suite;
use registry_core::id::ListId;
use registry_core::status::{EntryChanges, Run, Scattered, StatusPurpose};
use registry_tests::cluster::{Client, Localnet, Wallet, check_equal_chains, measure, retry, wait};

use crate::cases::commit;

pub(crate) const LIMIT: Duration = Duration::from_secs(600);
const WORKERS: u64 = 10;
pub(crate) const LENGTH: u64 = 1 << 20;
/// Operations of one worker, whatever the number of entries.
const OPERATIONS: u64 = 50;
/// Index of the validator that the test kills.
const VICTIM: usize = 3;
/// Milliseconds for which operations are valid, half of the hour that the ledger allows.
pub(crate) const UNTIL_MS: u64 = 30 * 60 * 1_000;

/// Returns the entry that the load sets as its `number`-th. An odd factor permutes the list.
fn entry(number: u64) -> u64 {
    number * 0x9_e377 % LENGTH
}

/// Returns the entries that operation `turn` of `worker` sets. All operations together set every
/// entry once.
fn indexes(worker: u64, turn: u64, entries: u64) -> Vec<u64> {
    let numbers = (worker + turn * WORKERS..entries).step_by((WORKERS * OPERATIONS) as usize);
    let mut indexes: Vec<u64> = numbers.map(entry).collect();
    indexes.sort_unstable();
    indexes
}

/// Returns the changes in one of the two forms, by turns.
fn changes(indexes: Vec<u64>, turn: u64) -> EntryChanges {
    if turn.is_multiple_of(2) {
        EntryChanges::Entries(Scattered::new(1, indexes).expect("ascending"))
    } else {
        let run = |start| Run { start, length: 1, value: 1, expect: Some(0) };
        EntryChanges::Runs(indexes.into_iter().map(run).collect())
    }
}

struct Load {
    issuer: Wallet,
    list: ListId,
    until_ms: u64,
    entries: u64,
    nodes: Vec<Client>,
    done: AtomicUsize,
}

impl Load {
    /// Sends each operation to one node after the other until it is committed. Sends some of them
    /// to the next node once more, like a client that missed the answer.
    async fn work(&self, worker: u64) -> u64 {
        let mut turn = usize::try_from(worker).expect("few");
        let mut height = 0;
        for number in 0..OPERATIONS {
            let changes = changes(indexes(worker, number, self.entries), number);
            let signed = self.issuer.status_set(self.list, changes, self.until_ms);
            let receipt = retry(&self.nodes, &mut turn, &signed, || false).await;
            turn += 1;
            if number.is_multiple_of(5) {
                let again = retry(&self.nodes, &mut turn, &signed, || false).await;
                assert_eq!(again, receipt, "a retry has another receipt");
            }
            height = receipt.expect("a receipt").height;
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        height
    }

    async fn reached(&self, share: u64, of: u64) {
        let wanted = usize::try_from(WORKERS * OPERATIONS * share / of).expect("few");
        let what = format!("{wanted} operations");
        let done = || async { (self.done.load(Ordering::Relaxed) >= wanted).then_some(()) };
        wait(&what, LIMIT, done).await;
    }
}

async fn prepare(network: &Localnet, entries: u64) -> Load {
    let node = &network.nodes[0].client;
    let mut issuer = Wallet::new(&network.chain(), Suite::Ed25519, 1);
    commit(node, &issuer.create()).await;
    let (list, create) = issuer.status_create(StatusPurpose::Revocation, 1, LENGTH, Vec::new());
    commit(node, &create).await;
    let until_ms = node.head_time_ms().await + UNTIL_MS;
    let nodes = network.clients()[..4].to_vec();
    Load { issuer, list, until_ms, entries, nodes, done: AtomicUsize::new(0) }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_workers_revoke_in_one_list_while_a_node_dies() {
    let entries = measure(50_000, 1_000_000);
    let mut network = Localnet::start(4, 1).await;
    let load = Arc::new(prepare(&network, entries).await);
    let before: Vec<u64> = network.nodes.iter().map(|node| node.data_bytes()).collect();
    let started = Instant::now();
    let work = |worker| {
        let load = Arc::clone(&load);
        tokio::spawn(async move { load.work(worker).await })
    };
    let workers: Vec<_> = (0..WORKERS).map(work).collect();
    load.reached(1, 2).await;
    network.nodes[VICTIM].kill();
    load.reached(3, 4).await;
    network.nodes[VICTIM].start();
    let mut height = 0;
    for worker in workers {
        height = height.max(worker.await.expect("no worker has anything to repair"));
    }
    let elapsed = started.elapsed();
    network.nodes[VICTIM].ready().await;

    let mut plain = vec![0u8; usize::try_from(LENGTH / 8).expect("small")];
    for index in (0..entries).map(entry) {
        plain[usize::try_from(index / 8).expect("small")] |= 1 << (index % 8);
    }
    let ones: u32 = plain.iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(u64::from(ones), entries, "the load names an entry twice");
    check_equal_chains(&network.clients(), LIMIT).await;
    let mut versions = Vec::new();
    for node in &network.nodes {
        let state = node.client.list(load.list, height).await;
        assert!(state.array == plain, "{} holds other entries", node.name);
        versions.push((state.version, state.root));
    }
    assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
    let operations = WORKERS * OPERATIONS;
    println!(
        "{entries} revocations by {operations} operations of {WORKERS} workers in {elapsed:.1?}: \
         {:.0} entries/s, {} versions",
        entries as f64 / elapsed.as_secs_f64(),
        versions[0].0,
    );
    for (node, before) in network.nodes.iter().zip(before) {
        let bytes = node.data_bytes().saturating_sub(before);
        println!("{}: {bytes} bytes more on disk", node.name);
    }
}
