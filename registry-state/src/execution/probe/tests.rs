//! Test of the leaf that marks an operation as seen.

use registry_core::limits::EXPIRED_PER_BLOCK_MAX;

use crate::state::{MemoryState, Overlay, TransientKey, TransientKind};

const UNTIL: u64 = 1_000_000;

#[test]
fn a_seen_id_is_kept_until_it_expires_and_is_under_the_root() {
    let mut state = MemoryState::default();
    let empty = Overlay::new(&state).finish(0).expect("a sound store").0;
    let key = TransientKey { expires_ms: UNTIL, kind: TransientKind::Seen, id: vec![7; 32] };
    let mut overlay = Overlay::new(&state);
    overlay.set_transient(key.clone(), Some(vec![1]));
    let (root, changes) = overlay.finish(0).expect("a sound store");
    assert_ne!(root, empty);
    state.commit(&changes);
    // The id is kept as long as the operation can be applied: at the time `until` itself nothing
    // has expired.
    let mut overlay = Overlay::new(&state);
    overlay.expire(UNTIL, EXPIRED_PER_BLOCK_MAX).expect("a sound store");
    assert_eq!(overlay.transient(&key), Ok(Some(vec![1])));
    overlay.expire(UNTIL + 1, EXPIRED_PER_BLOCK_MAX).expect("a sound store");
    assert_eq!(overlay.transient(&key), Ok(None));
    assert_eq!(overlay.finish(1).expect("a sound store").0, empty);
}
