//! Credential status: lists and their entries, operations on them, and their views.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod prepare;
pub mod publisher;
pub(crate) mod uris;
pub mod view;
