//! Seniority of those who sign an operation.

/// Seniority of the signers of an operation, from the most junior to the most senior. What a junior
/// did, a senior can undo, so what juniors send must never keep out what a senior sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Verification methods of the author's document.
    Methods,
    /// The control set of the DID, or a key that stands in place of an author.
    Control,
    /// Nobody signs. The operation completes a recovery that the recovery set began a delay before.
    Completion,
    /// The recovery set of the DID.
    Recovery,
    /// The members to which the DID committed.
    Next,
}

impl Rank {
    /// True if blocks keep room for operations of this rank, as they do for rotation, recovery and
    /// deactivation.
    pub fn has_priority(self) -> bool {
        self > Self::Control
    }
}
