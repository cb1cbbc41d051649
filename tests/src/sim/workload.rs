//! When clients send what to whom.

use node::driver::Event;
use node::net::Acceptance;
use node::store::Read;
use registry_core::crypto::Hash;

use super::clients::Client;
use super::world::{Happening, World};

/// A client thinks up to this long between two operations.
const THINK_MS_MAX: u64 = 1_500;
/// A client that heard nothing asks another node after this time.
const PATIENCE_MS: u64 = 2_000;

impl World {
    /// Clients begin to write.
    pub fn start_clients(&mut self, count: u64) {
        self.clients_active = true;
        for number in 0..count {
            self.clients.push(Client::new(number));
            let delay_ms = self.random.below(THINK_MS_MAX);
            self.schedule(delay_ms, Happening::Client(self.clients.len() - 1));
        }
    }

    /// Clients finish what they began and begin nothing new.
    pub fn stop_clients(&mut self) {
        self.clients_active = false;
    }

    /// Whether every client knows what became of its last operation.
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

    /// The client asks what became of its operation.
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

    /// A change made for the newest state that any running node knows.
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

    /// Hands gossip to a driver and returns its acceptance.
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
