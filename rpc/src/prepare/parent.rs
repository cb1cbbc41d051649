//! Finds the grant to the author on which a new grant rests.

use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::id::Did;
use registry_core::names::{EntityId, Resource, TrustKey};
use registry_core::record::{RecordView, StoreError};
use registry_core::trust::answer::grants;
use registry_core::trust::{Grant, Parent, TrustGrant};
use registry_state::rules::{By, trust};
use serde::{Deserialize, Serialize};

use super::PrepareError;

/// Parent of a grant, as clients name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParentParam {
    /// Resource of the parent grant.
    pub resource: Resource,
    /// Grantor of the parent grant.
    pub grantor: Did,
    /// Id of the operation that made the parent grant. Without it, the preparation names the grant
    /// that stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Hash>,
}

impl From<Parent> for ParentParam {
    fn from(Parent { resource, grantor, made }: Parent) -> Self {
        Self { resource, grantor, made: Some(made) }
    }
}

impl From<ParentParam> for Parent {
    /// A parent grant that was not found is named by the operation zero, and the ledger refuses it.
    fn from(ParentParam { resource, grantor, made }: ParentParam) -> Self {
        Self { resource, grantor, made: made.unwrap_or(Hash::ZERO) }
    }
}

/// Returns the key of the right that `author` must hold on `resource` to grant `key` to others.
fn held(key: &TrustKey, resource: &Resource, author: &Did) -> TrustKey {
    TrustKey { resource: resource.clone(), entity: EntityId::from(author), ..key.clone() }
}

/// Returns the rights that `author` may hold to grant `key` to others, most specific first, each
/// with its resource.
pub(super) fn parents(key: &TrustKey, author: &Did) -> impl Iterator<Item = (Resource, TrustKey)> {
    let covering = key.resource.covering().into_iter();
    covering.map(|resource| {
        let held = held(key, &resource, author);
        (resource, held)
    })
}

/// Returns the parent that a client names. If it does not say which operation made that grant, it
/// is the grant that stands now.
pub(super) fn standing(
    view: &dyn RecordView,
    key: &TrustKey,
    author: &Did,
    mut named: ParentParam,
) -> Result<Parent, StoreError> {
    if named.made.is_none() {
        let found = grants(view, &held(key, &named.resource, author))?;
        named.made = found.and_then(|(grants, _)| Some(grants.by(&named.grantor)?.made));
    }
    Ok(named.into())
}

/// Returns the most specific right of the author on which the rules allow the grant to build. If
/// they allow none, returns the most specific right, so that the refusal says what it lacks.
pub(super) fn parent_for(
    view: &dyn RecordView,
    by: By<'_>,
    grant: &TrustGrant,
) -> Result<Parent, PrepareError> {
    let mut first = None;
    for (resource, held) in parents(&grant.key, by.author) {
        let Some((grants, _)) = grants(view, &held)? else { continue };
        for Grant { grantor, made, .. } in grants.all() {
            let (resource, grantor) = (resource.clone(), grantor.clone());
            let parent = Parent { resource, grantor, made: *made };
            let tried = TrustGrant { parent: Some(parent.clone()), ..grant.clone() };
            if trust::grant(view, by, &tried).is_ok() {
                return Ok(parent);
            }
            first.get_or_insert(parent);
        }
    }
    first.ok_or_else(|| {
        let TrustKey { authority, action, resource, .. } = &grant.key;
        let what = format!("no right to {action} on {resource} under {authority}");
        let detail = format!("{} holds {what}", by.author);
        Refusal::new(Code::TrustParentNotFound, "parent", detail).into()
    })
}
