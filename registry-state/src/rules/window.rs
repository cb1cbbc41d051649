//! Checks of validity windows and delegation depths, which actions of several kinds share.

use registry_core::code::{Code, Refusal};
use registry_core::limits::{DOCUMENT_TIME_MS_END, TRUST_CHAIN_MAX};
use registry_core::time::TimeMs;

/// Checks that both ends of the window lie before the year 10000 and in order. `code` is the code
/// with which the action refuses other windows.
pub(crate) fn check(code: Code, from: Option<u64>, until: Option<u64>) -> Result<(), Refusal> {
    let invalid = |field, detail| Err(Refusal::new(code, field, detail));
    for (field, time) in [("valid_from", from), ("valid_until", until)] {
        if time.is_some_and(|time| time >= DOCUMENT_TIME_MS_END) {
            return invalid(field, "beyond the year 9999".to_owned());
        }
    }
    match (from, until) {
        (Some(from), Some(until)) if from >= until => {
            let (until, from) = (TimeMs(until).millis(), TimeMs(from).millis());
            invalid("valid_until", format!("{until} is not after valid_from {from}"))
        }
        _ => Ok(()),
    }
}

/// Checks how many links a grant or delegation allows below it. `code` is the code with which the
/// action refuses other depths.
pub(crate) fn check_max_depth(code: Code, max_depth: Option<u8>) -> Result<(), Refusal> {
    match max_depth {
        Some(depth) if depth == 0 || usize::from(depth) >= TRUST_CHAIN_MAX => {
            let detail = format!("{depth}, 1 to 7 are allowed; leave it out for none");
            Err(Refusal::new(code, "max_depth", detail))
        }
        _ => Ok(()),
    }
}
