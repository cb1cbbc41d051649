//! Tests of nodes that die at any moment and return by themselves. SIGKILL shows what survives the
//! death of a process. The simulator's disk shows what survives a loss of power.

use std::time::{Duration, Instant};

use registry_tests::cluster::{
    Localnet, Writer, check_acknowledged, check_equal_chains, wait_for_height,
};

/// Longest pause of writes while one of four validators is dead.
const PAUSE_MAX: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(60);
const WORKERS: usize = 32;
const BETWEEN_WRITES: Duration = Duration::from_millis(10);
/// Writes between two faults, so that each fault finds the network under load.
const WRITES: usize = 30;

fn load(network: &Localnet) -> Writer {
    Writer::start(&network.chain(), &network.clients(), WORKERS, BETWEEN_WRITES)
}

async fn check(network: &Localnet, writer: Writer) -> (usize, u64) {
    let writes = writer.stop().await;
    let clients = network.clients();
    let height = check_equal_chains(&clients, LIMIT).await;
    check_acknowledged(&clients, &writes).await;
    (writes.len(), height)
}

/// Kills one validator, measures the pause of writes over two turns of every proposer, starts the
/// validator again and waits until it has caught up. Returns the pause and the time to catch up.
async fn kill_one(network: &mut Localnet, writer: &Writer, victim: usize) -> (Duration, Duration) {
    let killed = Instant::now();
    network.nodes[victim].kill();
    let other = network.nodes[(victim + 1) % 4].client.clone();
    let height = other.height().await.expect("a height");
    wait_for_height(std::slice::from_ref(&other), height + 8, LIMIT).await;
    writer.more(WRITES, LIMIT).await;
    let pause = writer.longest_gap(killed);
    let returned = Instant::now();
    network.nodes[victim].restart().await;
    let others = other.height().await.expect("a height");
    wait_for_height(&[network.nodes[victim].client.clone()], others, LIMIT).await;
    (pause, returned.elapsed())
}

async fn kill_all(network: &mut Localnet, writer: &Writer) -> Duration {
    for node in &mut network.nodes {
        node.kill();
    }
    let returned = Instant::now();
    for node in &mut network.nodes {
        node.start();
    }
    for node in &mut network.nodes {
        node.ready().await;
    }
    writer.more(WRITES, LIMIT).await;
    returned.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_of_four_may_die_under_load() {
    let mut network = Localnet::start(4, 0).await;
    let writer = load(&network);
    writer.more(WRITES, LIMIT).await;
    for victim in 0..4 {
        let (pause, level) = kill_one(&mut network, &writer, victim).await;
        println!("kill of {victim}: longest pause {pause:?}, level again after {level:?}");
        assert!(pause <= PAUSE_MAX, "writes paused for {pause:?}");
    }
    let (writes, height) = check(&network, writer).await;
    println!("4 kills: {writes} acknowledged writes on all nodes, equal roots to {height}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_four_die_under_load_and_lose_nothing() {
    let mut network = Localnet::start(4, 0).await;
    let writer = load(&network);
    writer.more(4 * WRITES, LIMIT).await;
    let back = kill_all(&mut network, &writer).await;
    let (writes, height) = check(&network, writer).await;
    println!("all four killed: {WRITES} more writes {back:?} after the restart");
    println!("all four killed: {writes} acknowledged writes, equal roots to {height}");
}

/// Pseudorandom numbers by Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
/// (2014).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

pub(crate) fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().expect("a number in the environment"))
}

/// Kills one to four random nodes at a random moment of the load, `IDEM_KILLS` times.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_in_a_row() {
    let (seed, kills) = (number("IDEM_SEED", 1), number("IDEM_KILLS", 20));
    println!("twenty kills: IDEM_SEED={seed} IDEM_KILLS={kills}");
    let mut random = SplitMix(seed);
    let mut network = Localnet::start(4, 0).await;
    let writer = load(&network);
    let mut dead_most = 0;
    for kill in 1..=kills {
        writer.more(1 + random.below(60) as usize, LIMIT).await;
        tokio::time::sleep(Duration::from_millis(random.below(150))).await;
        let first = random.below(4) as usize;
        // Half of the faults leave a quorum, and one in eight leaves no node.
        let dead = [1, 1, 1, 1, 2, 2, 3, 4][random.below(8) as usize];
        dead_most = dead_most.max(dead);
        let victims: Vec<_> = (0..dead).map(|next| (first + next) % 4).collect();
        for victim in &victims {
            network.nodes[*victim].kill();
        }
        tokio::time::sleep(Duration::from_millis(random.below(300))).await;
        let returned = Instant::now();
        for victim in &victims {
            network.nodes[*victim].start();
        }
        for victim in &victims {
            network.nodes[*victim].ready().await;
        }
        let ready = returned.elapsed();
        println!("kill {kill} of {victims:?}: ready after {ready:?}");
    }
    writer.more(WRITES, LIMIT).await;
    let (writes, height) = check(&network, writer).await;
    println!("{kills} kills of up to {dead_most} nodes: {writes} writes, equal roots to {height}");
}
