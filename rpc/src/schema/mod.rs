//! Schemas and credential types.

pub(crate) mod read;
