//! Connections between nodes, and the delay, loss and duplication of messages.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;

/// Treatment of messages by the network, the same for every pair of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Smallest delay in milliseconds.
    pub delay_ms_min: u64,
    /// Largest delay in milliseconds. Within it messages overtake each other.
    pub delay_ms_max: u64,
    /// Percentage of messages that are lost.
    pub loss_percent: u64,
    /// Percentage of messages that arrive twice.
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
    /// Pairs of which one node has blocked the other for good.
    cut: BTreeSet<(usize, usize)>,
    /// Number of connections that a pair has had, so that messages of an earlier one are dropped.
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

    /// True if messages pass in both directions.
    pub fn is_open(&self, a: usize, b: usize) -> bool {
        !self.blocked.contains(&(a, b)) && !self.blocked.contains(&(b, a))
    }

    /// True if messages from `from` reach `to`.
    pub fn passes(&self, from: usize, to: usize) -> bool {
        self.connected.contains(&pair(from, to)) && !self.blocked.contains(&(from, to))
    }

    /// True if the two nodes are connected.
    pub fn is_connected(&self, a: usize, b: usize) -> bool {
        self.connected.contains(&pair(a, b))
    }

    /// Connects two nodes. Returns false if they are connected already or must not be.
    pub fn connect(&mut self, a: usize, b: usize) -> bool {
        if self.cut.contains(&pair(a, b)) || !self.connected.insert(pair(a, b)) {
            return false;
        }
        *self.epochs.entry(pair(a, b)).or_default() += 1;
        true
    }

    /// Ends a connection. Returns false if there was none.
    pub fn disconnect(&mut self, a: usize, b: usize) -> bool {
        self.connected.remove(&pair(a, b))
    }

    /// Separates a pair for good.
    pub fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert(pair(a, b));
    }

    /// True if a pair was separated for good.
    pub fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut.contains(&pair(a, b))
    }

    /// Number of the pair's present connection.
    pub fn epoch(&self, a: usize, b: usize) -> u64 {
        self.epochs.get(&pair(a, b)).copied().unwrap_or(0)
    }
}

/// Delays in milliseconds after which the copies of one message arrive; empty if it is lost.
pub fn arrivals(weather: &Weather, random: &mut Random) -> Vec<u64> {
    let Weather { delay_ms_min, delay_ms_max, loss_percent, duplicate_percent } = *weather;
    if random.chance(loss_percent) {
        return Vec::new();
    }
    let copies = 1 + u64::from(random.chance(duplicate_percent));
    (0..copies).map(|_| random.between(delay_ms_min, delay_ms_max)).collect()
}
