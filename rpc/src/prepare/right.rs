//! Names of a right, in parameters and in words.

use registry_core::id::Did;
use registry_core::names::{ActionName, EntityId, Resource, TrustKey};

/// Returns the key of a right. If no authority is named, the author is the authority.
pub(super) fn key(
    author: &Did,
    authority: Option<Did>,
    action: ActionName,
    resource: Resource,
    entity: EntityId,
) -> TrustKey {
    let authority = authority.unwrap_or_else(|| author.clone());
    TrustKey { authority, action, resource, entity }
}

/// Returns words for an action on a resource.
pub(super) fn right(key: &TrustKey) -> String {
    format!("{} on {}", key.action, key.resource)
}

/// Returns words for the authority of a right; empty if the author is the authority.
pub(super) fn under(key: &TrustKey, author: &Did) -> String {
    match key.authority == *author {
        true => String::new(),
        false => format!(" under {}", key.authority),
    }
}
