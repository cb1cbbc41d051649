//! The trusted registry: who may do what, on whose authority, then and now.

pub(crate) mod ask;
pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod prepare;
mod shown;
