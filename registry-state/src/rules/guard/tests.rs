//! Tests of `until` at the boundaries of its window.

use super::*;
use registry_core::limits::{STATUS_SET_UNTIL_MS, UNTIL_MS_MAX};

const UNTIL: u64 = 10 * UNTIL_MS_MAX;

fn code(window_ms: Option<u64>, time_ms: u64) -> Option<Code> {
    check_until(UNTIL, window_ms, time_ms).err().map(|refusal| refusal.code)
}

#[test]
fn until_holds_in_the_window_that_ends_with_it() {
    for window_ms in [STATUS_SET_UNTIL_MS, UNTIL_MS_MAX] {
        let code = |time_ms| code(Some(window_ms), time_ms);
        assert_eq!(code(UNTIL - window_ms - 1), Some(Code::UntilTooFar));
        assert_eq!(code(UNTIL - window_ms), None);
        assert_eq!(code(UNTIL), None);
        assert_eq!(code(UNTIL + 1), Some(Code::UntilPassed));
    }
    assert_eq!(code(None, 0), None);
    assert_eq!(code(None, UNTIL + 1), Some(Code::UntilPassed));
}
