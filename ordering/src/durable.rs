//! Types that ensure that a signed message is on disk before it is sent.
//!
//! What [`step`](crate::step) signs comes out as [`Unsent`], which can be read but not sent. The
//! network takes only [`Durable`]. The only way to make one is [`release`] with a [`Synced`], the
//! proof that log entries and guard are on disk. A store that forgets to sync has no `Synced`, so a
//! missing fsync is a compile error:
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

/// A signed message whose justification may not be on disk yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what is signed and never released stalls the round"]
pub struct Unsent<T>(T);

impl<T> Unsent<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(content)
    }

    /// Returns the content, which may be read and stored but must not be sent.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// A signed message whose justification is on disk. It may leave the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable<T>(T);

impl<T> Durable<T> {
    /// Returns the content.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Returns the content by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Proof that everything written so far is on disk and the height floor is raised.
///
/// It cannot be cloned, copied or defaulted. The store returns one for each synced write. The node
/// drops it after it has released the messages of that write and must not keep it.
#[derive(Debug)]
#[must_use = "a sync without a release holds messages back"]
pub struct Synced(());

impl Synced {
    /// Makes the proof. Only the store's synced write may call this, after it has fsynced the batch
    /// with the log entries and the guard and has raised the floor file to the guard's height.
    pub fn after_fsync() -> Self {
        Self(())
    }
}

/// Makes a signed message sendable, since `synced` proves that its justification is durable.
pub fn release<T>(unsent: Unsent<T>, synced: &Synced) -> Durable<T> {
    let Synced(()) = synced;
    Durable(unsent.0)
}
