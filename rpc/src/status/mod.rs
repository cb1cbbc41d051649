//! Credential status: lists and their entries, operations on them, and their views.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod prepare;
pub(crate) mod publish;
pub mod publisher;
pub(crate) mod tokens;
pub(crate) mod uris;
