//! The cost of a proposed block before its operations are checked (docs/protocol/state.md B4).

use registry_core::code::Refusal;
use registry_core::codec::Bytes;

/// Checks that operations cost no more than `cost_max` units by themselves, together with those
/// that cost `known` already. `cost` returns what follows from an envelope alone. Signatures are
/// checked only after this, so that no proposer makes a node check more of them than a block may
/// have.
pub(super) fn check_cost(
    (known, cost_max): (u64, u64),
    operations: &[Bytes],
    cost: impl Fn(&[u8]) -> Result<u64, Refusal>,
) -> Result<(), String> {
    let mut sum = known;
    for bytes in operations {
        let own = cost(&bytes.0).map_err(|refusal| refusal.to_string())?;
        sum = sum.saturating_add(own);
        if sum > cost_max {
            return Err(format!(
                "the operations cost {sum} units and more, {cost_max} are allowed"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use registry_core::code::Code;

    use super::*;

    #[test]
    fn no_operation_is_looked_at_once_the_sum_is_too_high() {
        let operations = vec![Bytes(vec![1]); 10];
        let looked_at = Cell::new(0);
        let cost = |_: &[u8]| {
            looked_at.set(looked_at.get() + 1);
            Ok(40)
        };
        assert_eq!(check_cost((0, 400), &operations, cost), Ok(()));
        looked_at.set(0);
        let text = check_cost((300, 400), &operations, cost).expect_err("too much");
        assert_eq!(looked_at.get(), 3);
        assert!(text.contains("420") && text.contains("400"), "{text}");
    }

    #[test]
    fn what_is_no_envelope_has_no_cost() {
        let operations = [Bytes(vec![0xff])];
        let refused = check_cost((0, 400), &operations, registry_state::rules::cost_alone);
        let text = refused.expect_err("no envelope");
        assert!(text.contains(Code::OperationMalformed.name()), "{text}");
    }
}
