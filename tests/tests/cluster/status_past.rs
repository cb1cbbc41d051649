//! Tests of lists at past times, in the forms of both standards, compared with a replay of the
//! operations in a plain array.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use http::StatusCode;
use registry_core::block::Receipt;
use registry_core::crypto::{PublicKey, Suite};
use registry_core::id::ListId;
use registry_core::status::{EntryChanges, Run, Scattered, StatusPurpose};
use registry_core::time::TimeMs;
use registry_tests::cluster::{Client, Localnet, Wallet, retry, wait_for_height};
use registry_tests::sim::random::Random;
use rpc::view::bits::entry;
use rpc::view::token::Token;
use rpc::view::{Form, Standard};
use serde_json::json;

use crate::status_load::{LIMIT, UNTIL_MS};

const MOMENTS: usize = 1_000;
/// Each list gets one version, or sometimes two, in each round. That exceeds the 64 versions from
/// one keyframe to the next.
const ROUNDS: usize = 70;
/// Number of questions that are asked at once.
const QUESTIONS: usize = 8;

/// A change of consecutive entries in the plain array: first entry, number of entries, and value.
type Fill = (usize, usize, u8);

/// A list as it was from a block time on.
struct Version {
    number: u64,
    time_ms: u64,
    entries: Vec<u8>,
}

/// A list and the operations on it.
struct History {
    list: ListId,
    purpose: StatusPurpose,
    bits: u8,
    length: usize,
    /// Version and changes of each operation, by height and index in the block.
    fills: BTreeMap<(u64, u64), (u64, Vec<Fill>)>,
    versions: Vec<Version>,
}

impl History {
    fn note(&mut self, receipt: &Receipt, fills: Vec<Fill>) {
        let noted = self.fills.insert((receipt.height, receipt.index), (receipt.version, fills));
        assert!(noted.is_none(), "two operations at one place");
    }

    /// Returns some changes, ascending and without overlap, both as fills and as an operation in
    /// one of its two forms.
    fn changes(&self, random: &mut Random) -> (Vec<Fill>, EntryChanges) {
        let value_max = match self.purpose {
            // The entries of a revocation list cannot be cleared.
            StatusPurpose::Revocation => None,
            _ => Some(u8::MAX >> (8 - self.bits)),
        };
        let value = |random: &mut Random| match value_max {
            None => 1,
            Some(value_max) => random.below(u64::from(value_max) + 1) as u8,
        };
        let count = random.between(1, 60);
        let mut starts: Vec<usize> = (0..count).map(|_| random.index(self.length)).collect();
        starts.sort_unstable();
        starts.dedup();
        if random.chance(50) {
            let value = value(random);
            let scattered = Scattered::new(value, starts.iter().map(|start| *start as u64));
            let fills = starts.into_iter().map(|start| (start, 1, value)).collect();
            return (fills, EntryChanges::Entries(scattered.expect("ascending")));
        }
        let ends = starts.iter().copied().skip(1).chain([self.length]);
        let mut fill = |(start, end): (&usize, usize)| {
            let length = 1 + random.index((end - start).min(3_000));
            (*start, length, value(random))
        };
        let fills: Vec<Fill> = starts.iter().zip(ends).map(&mut fill).collect();
        let run = |&(start, length, value): &Fill| {
            let (start, length) = (start as u64, length as u64);
            Run { start, length, value, expect: None }
        };
        let runs = fills.iter().map(run).collect();
        (fills, EntryChanges::Runs(runs))
    }

    /// Replays the operations in a plain array. Several operations in one block make one version.
    fn replay(&mut self, times: &BTreeMap<u64, u64>) {
        let mut entries = vec![0; self.length];
        for ((height, _), (number, fills)) in &self.fills {
            for (start, length, value) in fills {
                entries[*start..start + length].fill(*value);
            }
            if self.versions.last().is_some_and(|version| version.number == *number) {
                self.versions.pop();
            }
            let version = Version { number: *number, time_ms: times[height], entries };
            entries = version.entries.clone();
            self.versions.push(version);
        }
        let numbers = self.versions.iter().map(|version| version.number);
        assert!(numbers.eq(1..=self.versions.len() as u64), "a version without operation");
        assert!(self.versions.len() > 65, "no version lies behind the second keyframe");
    }

    fn at(&self, time_ms: u64) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.time_ms <= time_ms)
    }

    /// Chooses a time in Unix milliseconds, mostly one at which an answer could be wrong.
    fn moment(&self, random: &mut Random, head_ms: u64) -> u64 {
        let index = random.index(self.versions.len());
        let time_ms = self.versions[index].time_ms;
        let next_ms = self.versions.get(index + 1).map_or(head_ms + 1, |next| next.time_ms);
        match random.below(8) {
            0..=2 => time_ms,
            3 | 4 => time_ms - 1,
            5 | 6 => random.between(time_ms, next_ms - 1),
            _ => self.versions[0].time_ms - random.between(1, 100_000),
        }
    }

    /// Returns the value that the form of a standard shows for an entry.
    fn shown(&self, standard: Standard, value: u8) -> u8 {
        match (standard, self.purpose) {
            (Standard::Ietf, StatusPurpose::Suspension) => 2 * value,
            _ => value,
        }
    }
}

/// A question to a node for one list at a past time.
struct Question<'a> {
    history: &'a History,
    form: Form,
    time_ms: u64,
    node: &'a Client,
    key: &'a PublicKey,
}

impl Question<'_> {
    fn path(&self) -> String {
        let (list, time_ms) = (self.history.list, self.time_ms);
        match self.form.standard() {
            Standard::W3c => format!("/status-lists/{list}?timestamp={}", TimeMs(time_ms)),
            Standard::Ietf => format!("/token-status-lists/{list}?time={}", time_ms / 1_000),
        }
    }

    /// Asks the question and compares every entry. Returns false if there was no list at that time.
    async fn check(self) -> bool {
        let path = self.path();
        let answer = self.node.fetch(&path, self.form.media_type()).await.expect("an answer");
        let Some(version) = self.history.at(self.time_ms) else {
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}: before its creation");
            return false;
        };
        let header = |name: &str| answer.headers()[name].to_str().expect("a text");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(header("content-type"), self.form.media_type(), "{path}");
        assert_eq!(header("idem-ledger-version"), version.number.to_string(), "{path}");
        let token = Token::parse(answer.body()).expect("a view");
        token.verify(self.key).expect("signed by the node");
        let view = token.published(None).expect("a list");
        assert_eq!(view.form, self.form, "{path}");
        let window = view.issued_ms.zip(view.expires_ms).expect("a window");
        assert!((window.0..window.1).contains(&self.time_ms), "{path}: {window:?}");
        assert!(view.length() >= version.entries.len() as u64, "{path}: {}", view.length());
        let standard = self.form.standard();
        let expected = version.entries.iter().map(|value| self.history.shown(standard, *value));
        // After its end a list is filled with zeros.
        for (index, expected) in (0..view.length()).zip(expected.chain(std::iter::repeat(0))) {
            let actual = entry(&view.array, view.bits, index);
            assert_eq!(actual, Some(expected), "{path}: entry {index} of {}", version.number);
        }
        true
    }
}

/// Makes the three lists.
async fn create(nodes: &[Client], issuer: &Wallet) -> Vec<History> {
    let kinds = [
        (StatusPurpose::Revocation, 1, 131_072),
        (StatusPurpose::Suspension, 1, 131_072),
        (StatusPurpose::Message, 4, 50_001),
    ];
    let mut histories = Vec::new();
    for (purpose, bits, length) in kinds {
        let (list, create) = issuer.status_create(purpose, bits, length as u64, Vec::new());
        let receipt = retry(nodes, &mut 0, &create, || false).await.expect("a receipt");
        let (fills, versions) = (BTreeMap::new(), Vec::new());
        let mut history = History { list, purpose, bits, length, fills, versions };
        history.note(&receipt, Vec::new());
        histories.push(history);
    }
    histories
}

/// Sets entries of all lists at once, with one to three operations for each list.
async fn set_round(
    nodes: &[Client],
    issuer: &Wallet,
    random: &mut Random,
    histories: &mut [History],
) {
    let until_ms = nodes[0].head_time_ms().await + UNTIL_MS;
    let mut sets = Vec::new();
    for (place, history) in histories.iter().enumerate() {
        for _ in 0..[1, 1, 1, 2, 3][random.index(5)] {
            let (fills, changes) = history.changes(random);
            let signed = issuer.status_set(history.list, changes, until_ms);
            let mut turn = random.index(nodes.len());
            sets.push(async move {
                let receipt = retry(nodes, &mut turn, &signed, || false).await;
                (place, receipt.expect("a receipt"), fills)
            });
        }
    }
    for (place, receipt, fills) in join_all(sets).await {
        histories[place].note(&receipt, fills);
    }
}

/// Returns the time of every block by height, in Unix milliseconds.
async fn block_times(node: &Client) -> BTreeMap<u64, u64> {
    let mut times = BTreeMap::new();
    for height in 0..=node.height().await.expect("a height") {
        let block = node.call("ledger_getBlock", json!({ "height": height })).await;
        let time = block.expect("a block")["header"]["time"].as_u64();
        times.insert(height, time.expect("a time"));
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_past_moment_is_what_it_was() {
    let seed = crate::kills::number("IDEM_SEED", 1);
    println!("past moments: IDEM_SEED={seed}");
    let mut random = Random::new(seed);
    let network = Localnet::start(4, 1).await;
    let (nodes, chain) = (network.clients(), network.chain());
    let mut issuer = Wallet::new(&chain, Suite::Ed25519, 1);
    retry(&nodes, &mut 0, &issuer.create(), || false).await.expect("a receipt");
    let mut histories = create(&nodes, &issuer).await;
    for _ in 0..ROUNDS {
        // The pauses make the history longer, because IETF times are in whole seconds.
        tokio::time::sleep(Duration::from_millis(random.below(150))).await;
        set_round(&nodes, &issuer, &mut random, &mut histories).await;
    }
    let newest = |history: &History| history.fills.last_key_value().map(|(place, _)| place.0);
    let height = histories.iter().filter_map(newest).max().expect("operations");
    wait_for_height(&nodes, height, LIMIT).await;
    let times = block_times(&nodes[0]).await;
    let head_ms = *times.last_key_value().expect("a block").1;
    for history in &mut histories {
        history.replay(&times);
    }

    let key = |name: &str| {
        let found = network.genesis.publishing.iter().find(|key| key.name.as_str() == name);
        found.expect("a publishing key").key.clone()
    };
    let keys: Vec<PublicKey> = network.nodes.iter().map(|node| key(&node.name)).collect();
    let mut questions = Vec::new();
    for number in 0..MOMENTS {
        let history = &histories[number % histories.len()];
        let time_ms = history.moment(&mut random, head_ms);
        // The whole second before the time, or the first one that is not before it.
        let second_ms = (time_ms + [0, 999][random.index(2)]) / 1_000 * 1_000;
        let w3c = [Form::Credential, Form::CredentialJwt][random.index(2)];
        let ietf = [Form::TokenJwt, Form::TokenCwt][random.index(2)];
        for (form, time_ms) in [(w3c, time_ms), (ietf, second_ms)] {
            let node = random.index(nodes.len());
            let (node, key) = (&nodes[node], &keys[node]);
            questions.push(Question { history, form, time_ms, node, key });
        }
    }
    let answers = stream::iter(questions).map(Question::check).buffer_unordered(QUESTIONS);
    let found = answers.filter(|found| std::future::ready(*found)).count().await;
    let versions: Vec<usize> = histories.iter().map(|history| history.versions.len()).collect();
    println!(
        "past moments: {MOMENTS} in both standards, {found} views equal the replay of {versions:?} \
         versions, the other {} moments are before a list was made",
        2 * MOMENTS - found
    );
}
