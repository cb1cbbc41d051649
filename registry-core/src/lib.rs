//! Types and rules of an Idem registry that a verifier needs: the codec, names, records, signature
//! checks, documents, status lists, and the answers about rights, agents and credentials.
//!
//! This crate is pure. It does no I/O and reads no clock, environment or randomness, so its
//! functions give the same results on every machine (DESIGN invariant 1).

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

pub mod agent;
pub mod block;
pub mod certificate;
pub mod code;
pub mod codec;
pub mod cost;
pub mod crypto;
pub mod decision;
pub mod did;
pub mod governance;
pub mod id;
pub mod index;
pub mod limits;
pub mod mmr;
pub mod names;
pub mod operation;
pub mod record;
pub mod schema;
pub mod span;
pub mod status;
pub mod text;
pub mod time;
pub mod trust;
pub mod uri;
