//! What rules may read about a block besides records.

use registry_core::block::Header;
use registry_core::codec::{self, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::governance::{self, HALTED, Parameters};
use registry_core::id::NetworkName;
use registry_core::limits::LIVE_GAP_MS_MAX;
use registry_core::record::StoreError;

use super::{Heads, Overlay, StateView, WriteContext, whole};

/// Height, times and parameters of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Name of the network, which is part of its DIDs.
    pub network: NetworkName,
    /// Height of the block.
    pub height: u64,
    /// Block time, as Unix time in milliseconds.
    pub time_ms: u64,
    /// Block time minus the duration of all halts, in milliseconds. Recovery delays are measured in
    /// it.
    pub live_ms: u64,
    /// Parameters in force at this height.
    pub parameters: Parameters,
}

impl Context {
    /// Returns the context of a block at `time_ms` that follows `parent`. `view` is the state after
    /// `parent`.
    pub fn after(
        view: &dyn StateView,
        network: NetworkName,
        parameters: Parameters,
        parent: &Header,
        time_ms: u64,
    ) -> Result<Self, StoreError> {
        let halted_ms = halted_ms(view)?.saturating_add(halt_ms(parent.time, time_ms));
        let (height, live_ms) =
            (parent.height.saturating_add(1), time_ms.saturating_sub(halted_ms));
        Ok(Self { network, height, time_ms, live_ms, parameters })
    }
}

/// Returns the duration of all halts up to the newest block, in milliseconds.
pub fn halted_ms(view: &dyn StateView) -> Result<u64, StoreError> {
    governance::halted_ms(&Heads(&Overlay::new(view)))
}

/// Returns the gap between two blocks in milliseconds if it counts as a halt, else zero.
fn halt_ms(parent_ms: u64, time_ms: u64) -> u64 {
    Some(time_ms.saturating_sub(parent_ms)).filter(|gap| *gap > LIVE_GAP_MS_MAX).unwrap_or(0)
}

/// Writes the halted time anew if the gap before this block counts as a halt.
pub(crate) fn count_halt(
    overlay: &mut Overlay<'_>,
    parent_ms: u64,
    context: &Context,
) -> Result<(), StoreError> {
    let Context { height, time_ms, .. } = *context;
    let halt_ms = halt_ms(parent_ms, time_ms);
    if halt_ms > 0 {
        let halted_ms = governance::halted_ms(&Heads(overlay))?.saturating_add(halt_ms);
        let at = WriteContext { height, time_ms, operation: Hash::ZERO };
        let value = whole(codec::encode(&halted_ms));
        overlay.write(&governance::key(HALTED), value, FixedBytes([0; 16]), at)?;
    }
    Ok(())
}
