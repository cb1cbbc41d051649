//! Shares: operations with priority and all others leave room for each other, in a block and in the
//! mempool.

use registry_core::limits::{BLOCK_BYTES_MAX, BLOCK_OPERATIONS_MAX};

use super::*;

/// Number of random floods.
const FLOODS: u64 = 8;

/// Number of blocks under each flood.
const HEIGHTS: usize = 3;

/// Most people who flood. With documents of 8 KiB, their operations fill two blocks.
const PEOPLE: u64 = 500;

fn has_priority(checked: &Arc<Checked>) -> bool {
    checked.rank().has_priority()
}

fn sum<'c>(operations: impl IntoIterator<Item = &'c Arc<Checked>>) -> usize {
    operations.into_iter().map(|checked| checked.bytes().len()).sum()
}

/// A create of another DID.
fn create(fixture: &Fixture, document: Document) -> Arc<Checked> {
    fixture.made.set(fixture.made.get() + 1);
    let action = Action::DidCreate(Box::new(DidCreate { sets: sets(), document }));
    let create = operation(fixture.head.chain, None, Guard::Absent, action);
    let create = Operation { salt: salt(fixture.made.get()), ..create };
    Arc::new(seal(&create, Role::Control, 1, &fixture.network))
}

#[test]
fn priority_takes_half_of_a_block_while_others_wait() {
    let mut fixture = Fixture::with(500);
    let mut pool = Mempool::default();
    for did in &fixture.people[..250] {
        fixture.admit(&mut pool, &fixture.rotate(did, with_aliases(16))).expect("room");
    }
    for did in &fixture.people[250..] {
        fixture.admit(&mut pool, &fixture.update(did, with_aliases(16))).expect("room");
    }
    let block = fixture.build(&mut pool, 1);
    let (urgent, others): (Vec<_>, Vec<_>) = block.iter().partition(|each| has_priority(each));
    let (largest, half) = (10_000, BLOCK_BYTES_MAX / 2);
    for part in [sum(urgent), sum(others)] {
        assert!(part <= half && part > half - largest, "{part} of {half}");
    }
    assert!(block.is_sorted_by_key(|each| !has_priority(each)), "priority first");
}

#[test]
fn priority_fills_the_block_if_few_others_wait() {
    let mut fixture = Fixture::with(300);
    let mut pool = Mempool::default();
    for did in &fixture.people[..299] {
        fixture.admit(&mut pool, &fixture.rotate(did, with_aliases(16))).expect("room");
    }
    let update = fixture.update(&fixture.people[299], Document::default());
    fixture.admit(&mut pool, &update).expect("room");
    let block = fixture.build(&mut pool, 1);
    assert!(block.iter().any(|each| each.id() == update.id()));
    assert!(sum(&block) > BLOCK_BYTES_MAX - 10_000, "{} bytes", sum(&block));
}

#[test]
fn half_of_the_operations_are_left_to_others() {
    let (mut fixture, mut pool) = (Fixture::new(), Mempool::default());
    let people = BLOCK_OPERATIONS_MAX / 2 + 100;
    let creates: Vec<_> = (0..people).map(|_| create(&fixture, Document::default())).collect();
    creates.iter().for_each(|each| drop(fixture.admit(&mut pool, each).expect("room")));
    while !pool.is_empty() {
        fixture.build(&mut pool, 1);
    }
    for each in &creates {
        let suffix = Suffix::of_create(&each.id());
        fixture.people.push(Did { network: fixture.network.clone(), suffix });
    }
    for did in &fixture.people {
        fixture.admit(&mut pool, &fixture.deactivate(did)).expect("room");
    }
    for entry in 0..BLOCK_OPERATIONS_MAX as u64 {
        fixture.admit(&mut pool, &fixture.set(entry, None)).expect("room");
    }
    let block = fixture.build(&mut pool, 1);
    let urgent = block.iter().filter(|each| has_priority(each)).count();
    assert_eq!((urgent, block.len()), (BLOCK_OPERATIONS_MAX / 2, BLOCK_OPERATIONS_MAX));
}

#[test]
fn half_of_the_cost_is_left_to_others() {
    let block_cost_max = 118_000;
    let parameters = Parameters { block_cost_max, ..parameters() };
    let mut fixture = Fixture::with_parameters(500, parameters);
    let mut pool = Mempool::default();
    for did in &fixture.people {
        fixture.admit(&mut pool, &fixture.deactivate(did)).expect("room");
    }
    for entry in 0..500 {
        fixture.admit(&mut pool, &fixture.set(entry, None)).expect("room");
    }
    let block = fixture.build(&mut pool, 1);
    let urgent = block.iter().filter(|each| has_priority(each)).count();
    let others = block.len() - urgent;
    // Either kind costs more than 100 units and less than 200.
    let half = usize::try_from(block_cost_max / 2).expect("small");
    for part in [urgent, others] {
        assert!((half / 200..half / 100).contains(&part), "{urgent} and {others}");
    }
}

#[test]
fn a_flood_of_priority_leaves_half_of_the_mempool_and_gives_way_to_a_veto() {
    let mut fixture = Fixture::with(600);
    let mut pool = Mempool::default();
    let recover = fixture.recover(&fixture.people[0]);
    fixture.admit(&mut pool, &recover).expect("room");
    fixture.build(&mut pool, 1);
    let mut flood = Vec::new();
    for did in fixture.people[2..].iter().cycle() {
        let rotate = fixture.rotate(did, with_aliases(16));
        match fixture.admit(&mut pool, &rotate) {
            Ok(admitted) => assert_eq!(admitted, Admitted::default()),
            Err(error) => {
                assert_eq!(error, AdmitError::Full { what: "bytes" });
                break;
            }
        }
        flood.push(rotate);
    }
    assert!(pool.bytes() <= MEMPOOL_BYTES_MAX / 2 && flood.len() > 598, "{}", flood.len());
    let update = fixture.update(&fixture.people[1], Document::default());
    fixture.admit(&mut pool, &update).expect("half of the mempool is theirs");
    let [veto, first] = [0, 1].map(|n: usize| fixture.rotate(&fixture.people[n], with_aliases(16)));
    let admitted = fixture.admit(&mut pool, &veto).expect("a veto is more urgent");
    let last = flood[flood.len() - 1].id();
    assert_eq!(admitted.displaced, [last], "the last of those who have most waiting");
    let admitted = fixture.admit(&mut pool, &first).expect("the first of its DID");
    assert_eq!(admitted.displaced, [flood[flood.len() - 2].id()]);
    let published: Vec<_> = pool.envelopes(4).map(has_priority).collect();
    assert_eq!(published, [true, true, false, true], "others are published too");
}

#[test]
fn a_flood_of_others_leaves_a_tenth_of_the_mempool_to_priority() {
    let fixture = Fixture::with(1);
    let mut pool = Mempool::default();
    while fixture.admit(&mut pool, &create(&fixture, with_aliases(16))).is_ok() {}
    let tenth = MEMPOOL_BYTES_MAX / 10;
    assert!(pool.bytes() > MEMPOOL_BYTES_MAX - tenth - 10_000, "{}", pool.bytes());
    let rotate = fixture.rotate(&fixture.people[0], with_aliases(16));
    fixture.admit(&mut pool, &rotate).expect("a tenth of the mempool is its own");
}

/// Small numbers that follow from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        let bytes = Hash::of(Purpose::Gossip, &[&self.0.to_be_bytes()]).0;
        self.0 += 1;
        bytes.iter().fold(0, |sum, byte| (sum * 256 + u64::from(*byte)) % limit)
    }
}

/// Admits a flood of operations, all with priority or none of them.
fn flood(fixture: &Fixture, pool: &mut Mempool, numbers: &mut Numbers, with_priority: bool) {
    for _ in 0..numbers.below(2 * PEOPLE) {
        let did = &fixture.people[numbers.below(PEOPLE) as usize];
        let document = with_aliases(numbers.below(17) as usize);
        let checked = match (with_priority, numbers.below(4)) {
            (true, 0) => fixture.recover(did),
            (true, _) => fixture.rotate(did, document),
            (false, 0) => create(fixture, document),
            (false, _) => fixture.update(did, document),
        };
        // What the state refuses, or what finds no room, is no part of the flood.
        let _refused = fixture.admit(pool, &checked);
    }
}

/// Whatever comes in floods, and however large, an operation of the other kind is in the next
/// block, and so is a veto under a flood of its own kind.
#[test]
fn no_flood_keeps_the_other_kind_or_a_veto_out_for_more_than_a_block() {
    let start = Fixture::with(PEOPLE + 3 * HEIGHTS as u64);
    for seed in 0..FLOODS {
        let (mut fixture, mut numbers) = (start.clone(), Numbers(seed << 32));
        let mut pool = Mempool::default();
        let mut own = fixture.people[PEOPLE as usize..].to_vec();
        let vetoed = own.split_off(2 * HEIGHTS);
        for did in &vetoed {
            fixture.admit(&mut pool, &fixture.recover(did)).expect("room");
        }
        fixture.build(&mut pool, 1);
        let with_priority = numbers.below(2) == 0;
        for height in 0..HEIGHTS {
            flood(&fixture, &mut pool, &mut numbers, with_priority);
            let document = with_aliases(16);
            let mut wanted = vec![fixture.rotate(&vetoed[height], document.clone())];
            wanted.push(match with_priority {
                true => fixture.update(&own[height], document),
                false => fixture.rotate(&own[height], document),
            });
            for each in &wanted {
                fixture.admit(&mut pool, each).expect("room");
            }
            let block = fixture.build(&mut pool, 1);
            for (place, each) in wanted.iter().enumerate() {
                let is_in = block.iter().any(|other| other.id() == each.id());
                assert!(is_in, "seed {seed}, height {height}, operation {place}");
            }
        }
    }
}
