//! The workload: which client sends which operation to which node, and when.

use node::driver::Event;
use node::net::Acceptance;
use node::store::Read;
use registry_core::crypto::Hash;

use super::clients::Client;
use super::world::{Happening, World};

/// Longest pause of a client between two operations, in milliseconds.
const THINK_MS_MAX: u64 = 1_500;
/// Time in milliseconds after which a client without an answer asks another node.
const PATIENCE_MS: u64 = 2_000;

impl World {
    /// Makes clients start to write.
    pub fn start_clients(&mut self, count: u64) {
        self.clients_active = true;
        for number in 0..count {
            self.clients.push(Client::new(number));
            let delay_ms = self.random.below(THINK_MS_MAX);
            self.schedule(delay_ms, Happening::Client(self.clients.len() - 1));
        }
    }

    /// Makes clients finish their operations and start no new ones.
    pub fn stop_clients(&mut self) {
        self.clients_active = false;
    }

    /// True if every client knows the settlement of its last operation.
    pub fn clients_rest(&self) -> bool {
        self.clients.iter().all(|client| client.pending.is_none())
    }

    pub(super) fn client_turn(&mut self, index: usize) {
        let up = self.up();
        self.hear(index, &up);
        if up.is_empty() {
            return self.schedule(PATIENCE_MS, Happening::Client(index));
        }
        let target = up[self.random.index(up.len())];
        let operation = match &self.clients[index].pending {
            Some(checked) => {
                let checked = checked.clone();
                self.count("operation sent again");
                Some(checked)
            }
            None if self.clients_active => self.next_operation(index, &up),
            None => return,
        };
        let thinks_ms = self.random.below(THINK_MS_MAX);
        let wait_ms = thinks_ms + if operation.is_some() { 300 } else { 0 };
        if let Some(checked) = operation {
            self.submit(target, checked.clone());
            if self.random.chance(10) {
                let second = up[self.random.index(up.len())];
                self.submit(second, checked);
            }
        }
        self.schedule(wait_ms, Happening::Client(index));
    }

    /// Looks up the settlement of a client's operation.
    fn hear(&mut self, index: usize, up: &[usize]) {
        let Some(checked) = &self.clients[index].pending else { return };
        let client = &self.clients[index];
        if self.oracle.is_applied(&checked.id()) {
            self.clients[index].pending = None;
        } else if up.iter().any(|node| client.is_stale(&self.nodes[*node].disk)) {
            self.count("operation overtaken");
            self.clients[index].pending = None;
        }
    }

    /// A change based on the newest state of any running node.
    fn next_operation(
        &mut self,
        index: usize,
        up: &[usize],
    ) -> Option<std::sync::Arc<registry_state::rules::Checked>> {
        if self.random.chance(40) {
            self.count("status set");
            let now_ms = self.now_ms();
            return Some(self.clients[index].set(&self.chain, now_ms, &mut self.random));
        }
        let rotate = self.random.chance(25);
        let client = &mut self.clients[index];
        let newest = up.iter().max_by_key(|node| client.version(&self.nodes[**node].disk))?;
        let disk: &dyn Read = &self.nodes[*newest].disk;
        client.change(&self.chain, disk, rotate)
    }

    /// Passes a gossip message to a driver and returns the acceptance that the driver reports.
    pub(super) fn give_gossip(
        &mut self,
        index: usize,
        id: Hash,
        event: Event,
    ) -> Option<Acceptance> {
        self.acceptances.remove(&(index, id));
        self.give(index, event);
        self.acceptances.remove(&(index, id))
    }
}
