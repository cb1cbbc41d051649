//! Who reaches whom, and what happens to a message on its way.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;

/// What the network does to messages, to every pair of nodes alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Least delay.
    pub delay_ms_min: u64,
    /// Greatest delay; messages overtake each other within it.
    pub delay_ms_max: u64,
    /// Messages lost, of 100.
    pub loss_percent: u64,
    /// Messages that come twice, of 100.
    pub duplicate_percent: u64,
}

impl Weather {
    /// A good local network.
    pub const CALM: Self =
        Self { delay_ms_min: 1, delay_ms_max: 10, loss_percent: 0, duplicate_percent: 0 };
}

/// Connections and partitions between nodes, by index.
#[derive(Debug, Default)]
pub struct Links {
    /// Directions in which nothing passes, although the connection may look alive.
    blocked: BTreeSet<(usize, usize)>,
    connected: BTreeSet<(usize, usize)>,
    /// Pairs that one side broke off for good.
    cut: BTreeSet<(usize, usize)>,
    /// Counts the connections of a pair, so that messages of an old one are dropped.
    epochs: BTreeMap<(usize, usize), u64>,
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

impl Links {
    /// Blocks one direction.
    pub fn block(&mut self, from: usize, to: usize) {
        self.blocked.insert((from, to));
    }

    /// Ends all partitions.
    pub fn unblock(&mut self) {
        self.blocked.clear();
    }

    /// Whether something passes in both directions.
    pub fn is_open(&self, a: usize, b: usize) -> bool {
        !self.blocked.contains(&(a, b)) && !self.blocked.contains(&(b, a))
    }

    /// Whether messages from `from` reach `to`.
    pub fn passes(&self, from: usize, to: usize) -> bool {
        self.connected.contains(&pair(from, to)) && !self.blocked.contains(&(from, to))
    }

    /// Whether the two have a connection.
    pub fn is_connected(&self, a: usize, b: usize) -> bool {
        self.connected.contains(&pair(a, b))
    }

    /// Connects two nodes; false if they were, or must not be.
    pub fn connect(&mut self, a: usize, b: usize) -> bool {
        if self.cut.contains(&pair(a, b)) || !self.connected.insert(pair(a, b)) {
            return false;
        }
        *self.epochs.entry(pair(a, b)).or_default() += 1;
        true
    }

    /// Ends a connection; false if there was none.
    pub fn disconnect(&mut self, a: usize, b: usize) -> bool {
        self.connected.remove(&pair(a, b))
    }

    /// Breaks a pair off for good.
    pub fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert(pair(a, b));
    }

    /// Whether a pair was broken off.
    pub fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut.contains(&pair(a, b))
    }

    /// Which connection of the pair this is.
    pub fn epoch(&self, a: usize, b: usize) -> u64 {
        self.epochs.get(&pair(a, b)).copied().unwrap_or(0)
    }
}

/// Delays after which copies of one message arrive; none if it is lost.
pub fn arrivals(weather: &Weather, random: &mut Random) -> Vec<u64> {
    let Weather { delay_ms_min, delay_ms_max, loss_percent, duplicate_percent } = *weather;
    if random.chance(loss_percent) {
        return Vec::new();
    }
    let copies = 1 + u64::from(random.chance(duplicate_percent));
    (0..copies).map(|_| random.between(delay_ms_min, delay_ms_max)).collect()
}
