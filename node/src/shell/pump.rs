//! The pump from the network to the driver thread. It checks the signatures of gossiped operations,
//! so that the driver thread never spends time on them.

use std::sync::Arc;

use registry_state::rules::check_stateless;
use tokio::sync::mpsc;
use tracing::debug;

use super::{Hub, Input};
use crate::driver::Event;
use crate::net::{NetEvent, Topic};

/// Runs until the network or the driver has stopped. While the queue to the driver is full, the
/// network waits.
pub(super) async fn run(
    mut events: mpsc::Receiver<NetEvent>,
    inputs: mpsc::Sender<Input>,
    hub: Arc<Hub>,
) {
    while let Some(event) = events.recv().await {
        let input = match event {
            NetEvent::Gossip { topic: Topic::Operations, id, source, bytes } => {
                match check_stateless(&bytes, hub.chain, &hub.network) {
                    Ok(checked) => {
                        let checked = Arc::new(checked);
                        Input::Event(Event::GossipOperation { checked, id, source })
                    }
                    Err(refusal) => {
                        debug!(%source, %refusal, "invalid operation by gossip");
                        Input::Event(Event::GossipInvalid { id, source })
                    }
                }
            }
            NetEvent::Gossip { topic: Topic::Decided, id, source, bytes } => {
                Input::Event(Event::GossipDecided { bytes, id, source })
            }
            other => Input::Net(other),
        };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}
