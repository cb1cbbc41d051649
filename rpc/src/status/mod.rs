//! Credential status.

pub mod publisher;
pub mod view;
