//! Rules and execution of a ledger over the types of `registry_core`: the rules of each action, the
//! overlay of a block, block execution, the state tree and quotas.
//!
//! This crate is pure. It does no I/O and reads no clock, environment or randomness, so the same
//! genesis and the same blocks give the same state root on every machine (DESIGN invariant 1).

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::wildcard_enum_match_arm
    )
)]

pub mod execution;
pub mod rules;
pub mod state;
