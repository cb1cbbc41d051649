//! Credential status.

pub mod view;
