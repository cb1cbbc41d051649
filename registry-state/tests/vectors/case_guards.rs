//! Vectors of guards and last block times: which action takes which, and when they no longer hold
//! (docs/protocol/operations.md, section "Guards").

mod dids;
mod kinds;
mod untils;

use crate::catalogue::Catalogue;

pub(crate) fn add(all: &mut Catalogue) {
    kinds::add(all);
    untils::add(all);
    dids::add(all);
}
