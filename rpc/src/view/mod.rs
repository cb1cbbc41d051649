//! Encoding and decoding of the standard forms of a status list: W3C Bitstring Status List v1.0 and
//! IETF Token Status List (docs/protocol/status.md, "Views"). The module has no I/O, clock or
//! store.
//!
//! The ledger and IETF have entry 0 at the least significant bits of byte 0, and W3C has it at the
//! most significant ones. IETF compresses by zlib and states `ttl` in seconds. W3C compresses by
//! gzip and states `ttl` in milliseconds. [`bits`] and [`compress`] deal with order, width and
//! compression. [`jws`], [`cose`] and [`data_integrity`] define how each form is signed, and
//! [`w3c`] and [`ietf`] its content. [`sign`] makes any form, [`unsigned`] holds a view that others
//! sign, [`token`] reads any form, and [`accept`] decides whether an issuer's own token agrees with
//! the ledger.

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
