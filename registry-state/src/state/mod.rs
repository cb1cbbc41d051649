//! The state and its changes: a view of the stored state, and an overlay with the writes of a block
//! (docs/protocol/state.md).

mod context;
mod effect;
mod heads;
mod memory;
mod meter;
mod overlay;
mod quota;
mod transient;
mod tree;
mod view;

pub(crate) use context::count_halt;
pub use context::{Context, halted_ms};
pub use effect::{ApplyError, Change, Effect, timed, whole};
pub use heads::Heads;
pub use memory::MemoryState;
pub(crate) use meter::Exceeded;
pub use meter::Paid;
pub(crate) use overlay::WriteContext;
pub use overlay::{Changes, Overlay};
pub(crate) use quota::Quota;
pub use transient::{TransientKey, TransientKind};
pub use view::{HISTORY, StateView, scheduled_changes};
