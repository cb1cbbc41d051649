//! Tests of attacks by operations that the rules allow: operations that are dear to execute, a
//! junior that writes in every block, and a flood of operations with priority. Each shows what an
//! honest writer saw meanwhile. `IDEM_SOAK=1` makes them long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keys::SecretKey;
use registry_core::crypto::Suite;
use registry_core::did::document::Document;
use registry_core::did::{DidCreate, KeySet, Member, Sets};
use registry_core::id::{Did, Suffix};
use registry_core::operation::{Action, Guard, MemberSigner, Operation, Role, Signer};
use registry_tests::cluster::{
    Acknowledged, Chain, Client, Localnet, Signed, Wallet, Writer, check_acknowledged,
    check_equal_chains, document, measure, new_key, next_set, retry, run, salt, seal_by,
};
use serde_json::json;
use tokio::task::JoinSet;

const LIMIT: Duration = Duration::from_secs(60);
/// Clients of the honest writer, and the pause of each between two writes.
const HONEST: (usize, Duration) = (4, Duration::from_millis(20));
/// Time that a client waits for a receipt.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections over which the attacker spreads operations that do not follow one another.
const CONNECTIONS: usize = 32;

/// A network with an honest writer.
struct Siege {
    network: Localnet,
    chain: Chain,
    nodes: Vec<Client>,
}

impl Siege {
    async fn start() -> Self {
        let network = Localnet::start(4, 0).await;
        let (chain, nodes) = (network.chain(), network.clients());
        Self { network, chain, nodes }
    }

    /// Runs an attack while the honest writer writes, and prints what the writer saw before and
    /// during the attack. Fails if an acknowledged write is lost or the writer is shut out.
    async fn under<T>(&self, what: &str, attack: impl Future<Output = T>) -> T {
        let (workers, pause) = HONEST;
        let writer = Writer::start(&self.chain, &self.nodes, workers, pause);
        tokio::time::sleep(measure(Duration::from_secs(3), Duration::from_secs(20))).await;
        let begin = Instant::now();
        let outcome = attack.await;
        let end = Instant::now();
        // Each worker finishes the write that it waits for, so the slowest ones count too.
        writer.more(1, LIMIT).await;
        let writes = writer.stop().await;
        check_acknowledged(&self.nodes, &writes).await;
        let quiet = writes.iter().filter(|write| write.at < begin);
        let meanwhile: Vec<&Acknowledged> = writes
            .iter()
            .filter(|write| write.at >= begin && write.at - write.took < end)
            .collect();
        println!("honest writer before: {}", Seen::of(quiet));
        let seen = Seen::of(meanwhile.iter().copied());
        println!("honest writer under {what}, {:?}: {seen}", end - begin);
        assert!(!meanwhile.is_empty(), "the honest writer is shut out by {what}");
        outcome
    }

    /// Submits each list of operations on a connection of its own, in order, until `end` resolves.
    /// Prints how many were accepted and refused, and returns what `end` gave.
    async fn flood<T>(
        &self,
        lists: Vec<Vec<Signed>>,
        pace: Pace,
        end: impl Future<Output = T>,
    ) -> T {
        let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let mut flood = JoinSet::new();
        for (number, list) in lists.into_iter().enumerate() {
            let (node, counts) = (self.nodes[number % self.nodes.len()].clone(), counts.clone());
            flood.spawn(async move {
                for Signed { envelope, .. } in list {
                    let sent = match pace {
                        Pace::AtOnce => node.submit(&envelope).await,
                        Pace::WithReceipt => node.submit_and_wait(&envelope, PATIENCE).await,
                    };
                    counts[usize::from(sent.is_err())].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let outcome = end.await;
        while flood.try_join_next().is_some() {}
        let (busy, count) = (flood.len(), |index: usize| counts[index].load(Ordering::Relaxed));
        println!("attacker: {} accepted, {} refused, {busy} lists unfinished", count(0), count(1));
        flood.shutdown().await;
        outcome
    }
}

/// When an attacker sends the next operation of a list.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// Once the last one is in the mempool.
    AtOnce,
    /// Once the last one is in a block, because the next one follows it.
    WithReceipt,
}

/// Latencies of the honest writer.
struct Seen {
    count: usize,
    p50: Duration,
    p99: Duration,
    longest: Duration,
}

impl Seen {
    fn of<'a>(writes: impl Iterator<Item = &'a Acknowledged>) -> Self {
        let mut took: Vec<Duration> = writes.map(|write| write.took).collect();
        took.sort();
        let at = |percent: usize| {
            let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(place).copied().unwrap_or_default()
        };
        Self { count: took.len(), p50: at(50), p99: at(99), longest: at(100) }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, p50, p99, longest } = self;
        let (p50, p99, longest) = (p50.as_millis(), p99.as_millis(), longest.as_millis());
        write!(
            f,
            "{count} acknowledged, none lost, p50 {p50} ms, p99 {p99} ms, longest {longest} ms"
        )
    }
}

/// A DID with sixteen keys in its control set, of which one must sign.
struct Large {
    did: Did,
    key: SecretKey,
}

fn creation(chain: &Chain, sets: Sets, document: Document) -> Operation {
    let action = Action::DidCreate(Box::new(DidCreate { sets, document }));
    let (author, endorser, until) = Default::default();
    Operation {
        chain: chain.id,
        author,
        endorser,
        guard: Guard::Absent,
        until,
        salt: salt(),
        action,
    }
}

fn sets(mut members: Vec<Member>) -> Sets {
    members.sort();
    let control = KeySet { threshold: 1, members };
    Sets { control, next: next_set(&new_key(Suite::Ed25519)), recovery: None }
}

/// A document as long as its alternative names may make it.
fn long(document: Document) -> Document {
    let name = |number| format!("https://{number}.example/{}", "a".repeat(470));
    Document { also_known_as: (0..16).map(name).collect(), ..document }
}

impl Large {
    async fn register(siege: &Siege, number: usize) -> Self {
        let keys: Vec<SecretKey> = (0..16).map(|_| new_key(Suite::Ed25519)).collect();
        let members = keys.iter().map(|key| Member::Key(key.public().clone())).collect();
        let key = keys.into_iter().next().expect("sixteen keys");
        let document = long(document(&key, 0));
        let body = creation(&siege.chain, sets(members), document).body();
        let signed = seal_by(body, Role::Control, &[(Signer::Key(key.public().clone()), &key)]);
        let suffix = Suffix::of_create(&signed.operation);
        let mut turn = number;
        retry(&siege.nodes, &mut turn, &signed, || false).await.expect("a receipt");
        Self { did: Did { network: siege.chain.network.clone(), suffix }, key }
    }

    fn signer(&self) -> (Signer, &SecretKey) {
        let (did, key) = (self.did.clone(), self.key.public().clone());
        (Signer::Member(MemberSigner { did, key }), &self.key)
    }
}

/// Creates of DIDs that fifteen large DIDs control. Each makes a node read fifteen records.
fn board_creates(chain: &Chain, board: &[Large], count: usize) -> Vec<Signed> {
    let members = || board.iter().map(|large| Member::Did(large.did.clone())).collect();
    let create = |_| {
        let body = creation(chain, sets(members()), Document::default()).body();
        seal_by(body, Role::Control, &[board[0].signer()])
    };
    (0..count).map(create).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_are_dear_to_execute_do_not_stop_the_network() {
    let siege = Siege::start().await;
    let mut board = Vec::new();
    for number in 0..15 {
        board.push(Large::register(&siege, number).await);
    }
    let count = measure(16_000, 150_000);
    let creates = board_creates(&siege.chain, &board, count);
    let height = siege.nodes[0].height().await.expect("a height");
    let time = measure(Duration::from_secs(10), Duration::from_secs(120));
    let lists = creates.chunks(count / CONNECTIONS).map(<[Signed]>::to_vec).collect();
    let attack = siege.flood(lists, Pace::AtOnce, async move { tokio::time::sleep(time).await });
    siege.under("creates that name 15 large members", attack).await;
    let blocks = siege.nodes[0].height().await.expect("a height") - height;
    println!("{blocks} blocks in {time:?}");
    assert!(blocks > 0, "the height stands");
    check_equal_chains(&siege.network.clients(), LIMIT).await;
}

/// The keys of a DID that a thief of its control set has.
fn stolen(owner: &Wallet, control: Vec<SecretKey>) -> Wallet {
    let (next, held) = (new_key(Suite::Ed25519), owner.held.clone());
    Wallet { chain: owner.chain.clone(), control, next, did: owner.did.clone(), held }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_of_control_that_writes_in_every_block_does_not_hold_up_the_owner() {
    let siege = Siege::start().await;
    let theft = async {
        for round in 0..measure(5, 50) {
            let mut owner = Wallet::new(&siege.chain, Suite::Ed25519, 1);
            let (mut turn, node) = (round, &siege.nodes[round % 4]);
            let create = owner.create();
            retry(&siege.nodes, &mut turn, &create, || false).await.expect("a receipt");
            let before = owner.held();
            // The owner signs once. The thief then writes in block after block.
            let (rotate, control) = owner.rotate();
            let mut thief = stolen(&owner, control);
            thief.held = Some(before);
            for number in 1..=20 {
                let update = thief.update(number % 16);
                node.submit_and_wait(&update.envelope, PATIENCE).await.expect("the thief writes");
            }
            let owner = siege.nodes[(round + 1) % 4].submit_and_wait(&rotate.envelope, PATIENCE);
            let (landed, _) = tokio::join!(owner, async {
                let update = thief.update(5);
                node.submit_and_wait(&update.envelope, PATIENCE).await
            });
            landed.expect("the rotation that was signed before all of these applies");
            let refused = thief.update(6);
            let refused = node.submit_and_wait(&refused.envelope, PATIENCE).await;
            refused.expect_err("the thief is out");
        }
    };
    siege.under("a thief that updates in every block", theft).await;
    check_equal_chains(&siege.network.clients(), LIMIT).await;
}

/// Registers DIDs, and returns eight rotations of each, with long documents.
async fn rotations(siege: &Siege, count: usize) -> Vec<Vec<Signed>> {
    let mut all = Vec::new();
    let mut creates = JoinSet::new();
    for number in 0..count {
        let mut wallet = Wallet::new(&siege.chain, Suite::Ed25519, 1);
        let (create, nodes) = (wallet.create(), siege.nodes.clone());
        creates.spawn(async move {
            let mut turn = number;
            retry(&nodes, &mut turn, &create, || false).await.expect("a receipt");
        });
        let rotations = (0..8).map(|_| wallet.rotate_to(|key| long(document(key, 0))).0);
        all.push(rotations.collect());
    }
    creates.join_all().await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_with_priority_holds_up_neither_a_veto_nor_other_writers() {
    let siege = Siege::start().await;
    let flood = rotations(&siege, measure(600, 2_000)).await;
    let rpc = siege.network.description["nodes"][0]["rpc"].as_str().expect("a URL").to_owned();
    let vetoes = measure(3, 20);
    let vetoed = async {
        for number in 0..vetoes {
            let keys = siege.network.path(&format!("victim-{number}.json")).display().to_string();
            let idem = |command: &str, more: &[&str]| {
                let head = ["--rpc", &rpc, "--json", "did", command, "--keys", &keys];
                let (code, json, errors) =
                    tokio::task::block_in_place(|| run(&[&head[..], more].concat()));
                assert_eq!(code, 0, "{command}: {errors}");
                json
            };
            let made = idem("create", &["--recovery", "--recovery-delay", "30s"]);
            let did = made["did"].as_str().expect("a DID").to_owned();
            idem("recover", &["--did", &did]);
            let started = Instant::now();
            idem("rotate", &["--did", &did]);
            println!("veto {number} after {} ms", started.elapsed().as_millis());
            let params = json!({ "did": did });
            let resolved = siege.nodes[0].call("did_resolve", params).await.expect("an answer");
            let pending = &resolved["didDocumentMetadata"]["pendingRecovery"];
            assert!(pending.is_null(), "the recovery is gone: {pending}");
        }
    };
    siege.under("a flood of rotations", siege.flood(flood, Pace::WithReceipt, vetoed)).await;
    check_equal_chains(&siege.network.clients(), LIMIT).await;
}
