//! A model test of who wins: whatever juniors write, in whatever order, what their senior signed
//! before still counts, and no operation that was applied is ever applied again
//! (docs/protocol/operations.md, section "Guards").

#[path = "seniority/scenes.rs"]
mod scenes;
#[path = "support/mod.rs"]
mod support;

use registry_core::record::RecordKey;
use registry_state::state::{ApplyError, StateView as _};

use scenes::{Scene, scenes};
use support::ledger::Ledger;

/// Number of blocks in which juniors write before the senior's operation arrives.
const BLOCKS: u8 = 3;

/// Returns all orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for place in 0..count {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}

/// Applies operations in order, leaving out those that are refused, as a proposer does. Returns
/// what became of each.
fn build(ledger: &mut Ledger, envelopes: &[Vec<u8>]) -> Vec<Result<(), ApplyError>> {
    let time_ms = ledger.head.time + 1_000;
    let mut block = ledger.start(time_ms);
    let apply = |bytes: &Vec<u8>| {
        let checked = Ledger::check(bytes).expect("a good envelope");
        block.apply(&checked)
    };
    let outcomes: Vec<_> = envelopes.iter().map(apply).collect();
    let applied = envelopes.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    let applied: Vec<Vec<u8>> = applied.map(|(bytes, _)| bytes.clone()).collect();
    ledger.block(time_ms, &applied).expect("what the builder applied");
    outcomes
}

/// Sends every operation of the chain again. None may be applied.
fn resend(ledger: &Ledger, what: &str) -> usize {
    let mut sent = 0;
    for (_, envelopes) in &ledger.blocks {
        for bytes in envelopes {
            let again = ledger.attempt(ledger.head.time + 1_000, std::slice::from_ref(bytes));
            assert!(again.is_err(), "{what}: an operation is applied a second time");
            sent += 1;
        }
    }
    sent
}

/// Runs one history of a scene: the juniors of `chosen` write in each block, in the order of the
/// numbers, and in the last block the senior's operation stands at its place of `order`.
fn history(scene: &Scene, chosen: &[usize], order: &[usize]) -> (usize, bool) {
    let mut ledger = scene.ledger.clone();
    let what = format!("{} with juniors {chosen:?} in order {order:?}", scene.name);
    let mut wrote = false;
    let mut sent = 0;
    let juniors = |ledger: &Ledger, round: u8| -> Vec<Vec<u8>> {
        let write = |number: &usize| {
            let (_, write) = &scene.juniors[*number];
            write(ledger, 100 + round * 8 + u8::try_from(*number).expect("few juniors"))
        };
        chosen.iter().map(write).collect()
    };
    for round in 0..BLOCKS {
        let envelopes = juniors(&ledger, round);
        let turned: Vec<_> = order.iter().filter_map(|place| envelopes.get(*place)).collect();
        let turned: Vec<Vec<u8>> = turned.into_iter().cloned().collect();
        wrote |= build(&mut ledger, &turned).iter().any(Result::is_ok);
        sent += resend(&ledger, &what);
    }
    let mut envelopes = juniors(&ledger, BLOCKS);
    envelopes.push(scene.senior.clone());
    let last: Vec<Vec<u8>> = order.iter().map(|place| envelopes[*place].clone()).collect();
    let place = order.iter().position(|place| *place == chosen.len()).expect("the senior");
    let outcomes = build(&mut ledger, &last);
    let counts = match &outcomes[place] {
        Ok(()) => true,
        Err(ApplyError::Refused(refusal)) => Some(refusal.code) == scene.already,
        Err(_) => false,
    };
    assert!(counts, "{what}: {:?}", outcomes[place]);
    sent += resend(&ledger, &what);
    (sent, wrote)
}

#[test]
fn what_a_senior_signed_counts_whatever_its_juniors_write() {
    let (mut histories, mut sent) = (0, 0);
    for scene in scenes() {
        let count = scene.juniors.len();
        for set in 1..(1usize << count) {
            let chosen: Vec<usize> = (0..count).filter(|junior| set >> junior & 1 == 1).collect();
            for order in orders(chosen.len() + 1) {
                let (again, wrote) = history(&scene, &chosen, &order);
                // Alone, some juniors have nothing to write, such as one who only resumes.
                let names: Vec<_> = chosen.iter().map(|number| scene.juniors[*number].0).collect();
                assert!(wrote || chosen.len() == 1, "{}: {names:?} never write", scene.name);
                (histories, sent) = (histories + 1, sent + again);
            }
        }
    }
    println!("{histories} histories, {sent} operations sent again, none applied twice");
    assert!(histories > 300, "{histories}");
}

/// Returns the version of a record, so that scenes can say what stands.
fn version(ledger: &Ledger, key: &RecordKey) -> u64 {
    let head = ledger.state.head(key).expect("a sound store");
    head.map_or(0, |head| head.record.version)
}

#[test]
fn operations_of_one_block_make_one_version() {
    let scene = scenes().into_iter().next().expect("a scene");
    let mut ledger = scene.ledger.clone();
    let key = scene.record.clone();
    let before = version(&ledger, &key);
    let (_, write) = &scene.juniors[0];
    let first = write(&ledger, 90);
    let outcomes = build(&mut ledger, &[first, scene.senior.clone()]);
    assert_eq!(outcomes, [Ok(()), Ok(())]);
    assert_eq!(version(&ledger, &key), before + 1);
}
