//! Schemas and credential types: reading them, and bodies of operations on them to sign.

pub(crate) mod prepare;
pub(crate) mod read;
