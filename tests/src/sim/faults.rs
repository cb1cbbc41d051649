//! Faults of a run: crashes, partitions, lost connections and lost data.

use node::driver::Event;

use super::disk::PowerCut;
use super::links::Weather;
use super::world::{Happening, World};

/// Time in milliseconds after which a connection that carries nothing is closed.
const PING_TIMEOUT_MS: u64 = 10_000;
/// Longest time in milliseconds until a lost connection is dialled again.
const DIAL_MS_MAX: u64 = 500;

impl World {
    /// Switches off the power of a node. A random part of the unsynced writes survives.
    pub fn crash(&mut self, index: usize) {
        if !self.nodes[index].is_up() && !self.nodes[index].disk.is_off() {
            return;
        }
        self.count("crash");
        let unsynced = self.nodes[index].disk.unsynced();
        let kept = if self.random.chance(80) { 0 } else { self.random.index(unsynced + 1) };
        if unsynced > kept {
            self.count("unsynced writes lost");
        }
        self.nodes[index].disk.power_on(kept);
        self.nodes[index].power_off();
        for other in 0..self.nodes.len() {
            self.disconnect(index, other);
        }
        if let Some(ms_max) = self.restart_ms_max {
            let delay_ms = self.random.between(50, ms_max);
            self.schedule(delay_ms, Happening::Start(index));
        }
    }

    /// Schedules a power failure of a node at a later write.
    pub fn crash_at_write(&mut self, index: usize, cut: PowerCut) {
        self.nodes[index].disk.cut_at(cut);
    }

    /// Stops a node after it has carried out `actions` more actions.
    pub fn crash_at_action(&mut self, index: usize, actions: u64) {
        self.nodes[index].dies_after = Some(actions);
    }

    /// Stops a node and deletes its database; its height floor stays.
    pub fn lose_data(&mut self, index: usize) {
        self.count("database lost");
        self.crash(index);
        self.nodes[index].disk.lose_data();
    }

    /// Separates groups of nodes from each other. Nodes in no group still reach all others.
    pub fn partition(&mut self, groups: &[&[usize]]) {
        self.count("partition");
        for (number, group) in groups.iter().enumerate() {
            for other in groups.iter().skip(number + 1) {
                for (a, b) in group.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))) {
                    self.links.block(a, b);
                    self.links.block(b, a);
                }
            }
        }
        self.notice_partitions();
    }

    /// Blocks messages from one node to another; the other direction still works.
    pub fn partition_one_way(&mut self, from: usize, to: usize) {
        self.count("one-way partition");
        self.links.block(from, to);
        self.notice_partitions();
    }

    fn notice_partitions(&mut self) {
        for a in 0..self.nodes.len() {
            for b in a + 1..self.nodes.len() {
                if !self.links.is_open(a, b) && self.links.is_connected(a, b) {
                    let epoch = self.links.epoch(a, b);
                    self.schedule(PING_TIMEOUT_MS, Happening::Notice(a, b, epoch));
                }
            }
        }
    }

    /// Ends all partitions and restores lost connections.
    pub fn unite(&mut self) {
        self.links.unblock();
        for index in 0..self.nodes.len() {
            self.dial_all(index);
        }
    }

    /// Ends all faults: the network is connected and fast, all nodes run, and their clocks are
    /// right.
    pub fn heal(&mut self) {
        self.weather = Weather::CALM;
        self.restart_ms_max = None;
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            node.dies_after = None;
            node.skew_ms = 0;
            if !node.disk.is_off() {
                node.disk.disarm();
            }
            self.start(index);
        }
        self.unite();
    }

    pub(super) fn dial_all(&mut self, index: usize) {
        for other in 0..self.nodes.len() {
            if other != index && !self.links.is_connected(index, other) {
                self.dial(index, other);
            }
        }
    }

    fn dial(&mut self, a: usize, b: usize) {
        let delay_ms = self.random.between(1, DIAL_MS_MAX);
        self.schedule(delay_ms, Happening::Connect(a, b));
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) {
        let possible = self.nodes[a].is_up() && self.nodes[b].is_up() && self.links.is_open(a, b);
        if possible && self.links.connect(a, b) {
            let (first, second) = (self.nodes[a].peer, self.nodes[b].peer);
            self.tell(0, a, Event::PeerConnected(second));
            self.tell(0, b, Event::PeerConnected(first));
        }
    }

    pub(super) fn disconnect(&mut self, a: usize, b: usize) {
        if self.links.disconnect(a, b) {
            self.count("connection lost");
            let (first, second) = (self.nodes[a].peer, self.nodes[b].peer);
            self.tell(0, a, Event::PeerDisconnected(second));
            self.tell(0, b, Event::PeerDisconnected(first));
            self.dial(a, b);
        }
    }
}
