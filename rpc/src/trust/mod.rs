//! The trusted registry: who may do what, on whose authority, at present or at an earlier time.

pub(crate) mod ask;
pub(crate) mod explain;
mod json;
pub(crate) mod list;
pub(crate) mod roots;
