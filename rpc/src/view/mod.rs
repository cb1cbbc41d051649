//! The standard forms of a status list, to and from bytes: W3C Bitstring Status List v1.0 and IETF
//! Token Status List (docs/protocol/status.md, "Views"). No I/O, no clock, no store.
//!
//! The ledger keeps entry 0 at the least significant bits of byte 0, as IETF does; W3C begins at
//! the most significant ones. IETF compresses by zlib and counts `ttl` in seconds, W3C by gzip and
//! in milliseconds. [`bits`] and [`compress`] know all of it, [`jws`], [`cose`] and
//! [`data_integrity`] how each form is signed, [`w3c`] and [`ietf`] what it says. [`sign`] makes
//! any form, [`unsigned`] holds one that others sign, [`token`] reads any form, and [`accept`]
//! decides whether an issuer's own token says what the ledger says.

pub mod accept;
pub mod bits;
mod compress;
mod cose;
mod data_integrity;
mod error;
pub mod ietf;
mod jws;
mod list;
mod parts;
mod published;
mod sign;
#[cfg(test)]
mod tests;
pub mod token;
pub mod unsigned;
pub mod w3c;

pub use error::ViewError;
pub use list::{Entries, Form, List, Publication, Signer, Standard, Window};
pub use published::Published;
