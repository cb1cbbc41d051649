//! The trusted registry: who may do what, on whose authority, then and now.

pub(crate) mod ask;
pub(crate) mod explain;
mod json;
pub(crate) mod list;
