//! DIDs: resolution, dereferencing, history, and bodies to sign.

pub(crate) mod dereference;
pub(crate) mod error;
pub(crate) mod history;
pub(crate) mod options;
pub(crate) mod prepare;
pub(crate) mod rendered;
pub(crate) mod resolve;
pub(crate) mod url;
