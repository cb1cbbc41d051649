//! Tests of the `until` guard at the boundaries of its window and of its expiry.

use super::*;
use crate::state::MemoryState;
use registry_core::limits::SEEN_EXPIRED_PER_BLOCK_MAX;

const UNTIL: u64 = 10 * UNTIL_WINDOW_MS;

fn code(time_ms: u64) -> Option<Code> {
    check_until(UNTIL, time_ms).err().map(|refusal| refusal.code)
}

#[test]
fn until_holds_in_the_hour_that_ends_with_it() {
    assert_eq!(code(UNTIL - UNTIL_WINDOW_MS - 1), Some(Code::UntilTooFar));
    assert_eq!(code(UNTIL - UNTIL_WINDOW_MS), None);
    assert_eq!(code(UNTIL), None);
    assert_eq!(code(UNTIL + 1), Some(Code::UntilPassed));
}

#[test]
fn a_seen_id_is_refused_until_it_expires_and_is_under_the_root() {
    let mut state = MemoryState::default();
    let operation = Hash([7; 32]);
    let empty = Overlay::new(&state).finish(0).expect("a sound store").0;
    let mut overlay = Overlay::new(&state);
    assert_eq!(check_unseen(&overlay, UNTIL, &operation), Ok(()));
    mark_seen(&mut overlay, UNTIL, &operation);
    let refused = |overlay: &Overlay<'_>| match check_unseen(overlay, UNTIL, &operation) {
        Err(ApplyError::Refused(refusal)) => Some(refusal.code),
        _ => None,
    };
    assert_eq!(refused(&overlay), Some(Code::AlreadyApplied));
    assert_eq!(check_unseen(&overlay, UNTIL, &Hash([8; 32])), Ok(()));
    let (root, changes) = overlay.finish(0).expect("a sound store");
    assert_ne!(root, empty);
    state.commit(&changes);
    // The id is kept as long as the guard holds: at the time `until` itself nothing has expired.
    let mut overlay = Overlay::new(&state);
    overlay.expire(UNTIL, SEEN_EXPIRED_PER_BLOCK_MAX).expect("a sound store");
    assert_eq!(refused(&overlay), Some(Code::AlreadyApplied));
    overlay.expire(UNTIL + 1, SEEN_EXPIRED_PER_BLOCK_MAX).expect("a sound store");
    assert_eq!(check_unseen(&overlay, UNTIL, &operation), Ok(()));
    assert_eq!(overlay.finish(1).expect("a sound store").0, empty);
}
