//! Credential status: lists and their entries, the views of a list that nodes serve, and issuers'
//! own tokens.

mod cache;
pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod make;
pub(crate) mod publish;
pub mod publisher;
pub(crate) mod tokens;
mod work;
