//! Persist before send, by type.
//!
//! What [`step`](crate::step) signs comes out as [`Unsent`], which can be read but neither opened
//! nor sent. The network takes only [`Durable`], and the one way to it is [`release`] with a
//! [`Synced`]: the proof that log entries and guard are on disk. A store that forgets to sync has
//! no `Synced` to hand out, so a missing fsync is a compile error:
//!
//! ```compile_fail,E0308
//! # use ordering::{Durable, Unsent};
//! fn send(message: Durable<Vec<u8>>) {}
//! fn forgetful(message: Unsent<Vec<u8>>) {
//!     send(message);
//! }
//! ```
//!
//! ```
//! # use ordering::{Durable, Synced, Unsent, release};
//! fn send(message: Durable<Vec<u8>>) {}
//! fn careful(message: Unsent<Vec<u8>>, synced: &Synced) {
//!     send(release(message, synced));
//! }
//! ```

/// Something signed whose justification may not be on disk yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what is signed and never released stalls the round"]
pub struct Unsent<T>(T);

impl<T> Unsent<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(content)
    }

    /// The content, to look at or to store; never to send.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Something signed whose justification is on disk: it may leave the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable<T>(T);

impl<T> Durable<T> {
    /// The content.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The content by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Proof that everything written so far is on disk and the height floor is raised.
///
/// It cannot be cloned, copied or defaulted, and should not be kept: the store hands it out once
/// per synced write, and it is dropped when that write's messages are released.
#[derive(Debug)]
#[must_use = "a sync without a release holds messages back"]
pub struct Synced(());

impl Synced {
    /// To be called in exactly one place: the store's synced write, after the batch with the log
    /// entries and the guard was fsynced and the floor file stands at the guard's height.
    pub fn after_fsync() -> Self {
        Self(())
    }
}

/// Lets a signed thing leave, now that `synced` proves that what justifies it is durable.
pub fn release<T>(unsent: Unsent<T>, synced: &Synced) -> Durable<T> {
    let Synced(()) = synced;
    Durable(unsent.0)
}
