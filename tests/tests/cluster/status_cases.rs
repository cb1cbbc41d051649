//! Operations on status lists that must change nothing, each with the code of the refusal.

use registry_core::code::Code;
use registry_core::crypto::{Hash, Suite};
use registry_core::id::ListId;
use registry_core::limits::{STATUS_BITS_MAX, STATUS_RUNS_MAX, STATUS_SET_UNTIL_MS};
use registry_core::status::{Delegate, EntryChanges, Run, StatusPurpose};
use registry_tests::cluster::{Client, ListState, Localnet, Wallet};

use crate::cases::{Case, commit};
use crate::refusals::check_refused;

const LENGTH: u64 = 1_000;
const MINUTE_MS: u64 = 60_000;

fn run(start: u64, length: u64, value: u8, expect: Option<u8>) -> EntryChanges {
    EntryChanges::Runs(vec![Run { start, length, value, expect }])
}

/// Makes `count` runs of one entry each, with a gap between them.
fn runs(count: usize) -> EntryChanges {
    let run = |index| Run { start: 2 * index, length: 1, value: 1, expect: None };
    EntryChanges::Runs((0..count as u64).map(run).collect())
}

/// Registers a new DID.
async fn register(network: &Localnet) -> Wallet {
    let mut wallet = Wallet::new(&network.chain(), Suite::Ed25519, 1);
    commit(&network.nodes[0].client, &wallet.create()).await;
    wallet
}

/// An issuer with a list that a delegate may write too, and further parties.
struct Scene {
    issuer: Wallet,
    stranger: Wallet,
    delegate: Wallet,
    list: ListId,
    /// A closed list.
    closed: ListId,
    now_ms: u64,
}

async fn scene(network: &Localnet) -> Scene {
    let node = &network.nodes[0].client;
    let (issuer, stranger) = (register(network).await, register(network).await);
    let delegate = register(network).await;
    let now_ms = node.head_time_ms().await;
    let (start, length, entries_per_hour, valid_until) = (0, LENGTH, LENGTH, Some(now_ms));
    let expired = Delegate { did: delegate.did(), start, length, entries_per_hour, valid_until };
    let revocation = StatusPurpose::Revocation;
    let (list, create) = issuer.status_create(revocation, 1, LENGTH, vec![expired]);
    commit(node, &create).await;
    let (closed, create) = issuer.status_create(revocation, 1, LENGTH, Vec::new());
    commit(node, &create).await;
    commit(node, &issuer.status_close(closed)).await;
    Scene { issuer, stranger, delegate, list, closed, now_ms }
}

/// Returns operations that break rules about the state of a list.
fn against_state(scene: &Scene) -> Vec<Case> {
    let Scene { issuer, stranger, delegate, list, closed, now_ms } = scene;
    let case = |what, code, signed| Case { what, code, signed };
    let until_ms = now_ms + 10 * MINUTE_MS;
    let set = |wallet: &Wallet, list, changes| wallet.status_set(list, changes, until_ms);
    let by_issuer = |changes| set(issuer, *list, changes);
    let one = || run(5, 1, 1, None);
    let unknown = ListId::of_create(&Hash([7; 32]));
    vec![
        case("un-revoking", Code::StatusIrreversible, by_issuer(run(0, 10, 0, None))),
        case("another issuer's list", Code::StatusNotAllowed, set(stranger, *list, one())),
        case("an expired delegate", Code::StatusDelegateExpired, set(delegate, *list, one())),
        case("an entry out of range", Code::StatusRange, by_issuer(run(LENGTH, 1, 1, None))),
        case("a run over the end", Code::StatusRange, by_issuer(run(LENGTH - 1, 2, 1, None))),
        case("a value that is too wide", Code::StatusValue, by_issuer(run(5, 1, 2, None))),
        case("another value expected", Code::StatusUnexpected, by_issuer(run(5, 1, 1, Some(1)))),
        case("a list that has ended", Code::StatusClosed, set(issuer, *closed, one())),
        case("no such list", Code::StatusNotFound, set(issuer, unknown, one())),
        case("past its until", Code::UntilPassed, {
            issuer.status_set(*list, one(), now_ms - MINUTE_MS)
        }),
        case("too early for its until", Code::UntilTooFar, {
            issuer.status_set(*list, one(), now_ms + STATUS_SET_UNTIL_MS + 10 * MINUTE_MS)
        }),
    ]
}

/// Returns operations that break rules that need no state.
fn against_form(scene: &Scene) -> Vec<Case> {
    let Scene { issuer, list, now_ms, .. } = scene;
    let case = |what, code, signed| Case { what, code, signed };
    let create = |purpose, bits, length| issuer.status_create(purpose, bits, length, Vec::new()).1;
    let until_ms = now_ms + 10 * MINUTE_MS;
    let by_issuer = |changes| issuer.status_set(*list, changes, until_ms);
    let (revocation, message) = (StatusPurpose::Revocation, StatusPurpose::Message);
    vec![
        case("a list over the limit", Code::StatusLength, {
            create(revocation, 1, STATUS_BITS_MAX + 1)
        }),
        case("a wide list over the limit", Code::StatusLength, {
            create(message, 8, STATUS_BITS_MAX / 8 + 1)
        }),
        case("a list of nothing", Code::StatusLength, create(revocation, 1, 0)),
        case("a wrong width", Code::StatusWidth, create(revocation, 2, LENGTH)),
        case("a width of three bits", Code::StatusWidth, create(message, 3, LENGTH)),
        case("one run too many", Code::StatusChanges, by_issuer(runs(STATUS_RUNS_MAX + 1))),
        case("no changes", Code::StatusChanges, by_issuer(runs(0))),
    ]
}

async fn states(nodes: &[Client], lists: [ListId; 2], height: u64) -> Vec<[ListState; 2]> {
    let mut states = Vec::new();
    for node in nodes {
        states.push([node.list(lists[0], height).await, node.list(lists[1], height).await]);
    }
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_operation_on_a_list_changes_nothing() {
    let network = Localnet::start(4, 1).await;
    let node = &network.nodes[0].client;
    let scene = scene(&network).await;
    let until_ms = scene.now_ms + 10 * MINUTE_MS;
    let applied = scene.issuer.status_set(scene.list, run(1, 1, 1, None), until_ms);
    commit(node, &applied).await;
    let height = node.height().await.expect("a height");
    let lists = [scene.list, scene.closed];
    let before = states(&network.clients(), lists, height).await;
    assert!(before.iter().all(|states| *states == before[0]), "{before:?}");
    assert_eq!(before[0][0].array[0], 0b10, "entry 1 alone is set");

    let (what, code) = ("the same operation twice", Code::AlreadyApplied);
    let mut cases = vec![Case { what, code, signed: applied }];
    cases.extend(against_state(&scene));
    cases.extend(against_form(&scene));
    let count = cases.len();
    check_refused(&network, cases).await;

    // A valid change shows that a block was committed that could have contained the refused
    // operations.
    let next = scene.issuer.status_set(scene.list, run(2, 1, 1, None), until_ms);
    commit(node, &next).await;
    let height = node.height().await.expect("a height");
    for [open, closed] in states(&network.clients(), lists, height).await {
        assert_eq!(open.version, before[0][0].version + 1);
        assert_eq!(open.array[0], 0b110, "entries 1 and 2 alone are set");
        assert!(open.array[1..].iter().all(|byte| *byte == 0));
        assert_eq!(closed, before[0][1]);
    }
    println!("{count} operations on lists refused by every node, and nothing changed");
}
