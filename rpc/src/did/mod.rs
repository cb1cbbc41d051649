//! DIDs: resolution, dereferencing and history.

pub(crate) mod dereference;
pub(crate) mod error;
pub(crate) mod history;
pub(crate) mod options;
pub(crate) mod rendered;
pub(crate) mod resolve;
pub(crate) mod url;
