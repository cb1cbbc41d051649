//! The state tree: a Jellyfish Merkle tree (crate `jmt`) over BLAKE3 with one version per height.
//!
//! The domain separators of the crate are part of the protocol: `JMT::LeafNode` and
//! `JMT::IntrnalNode`. The tree stores no leaf values, since these follow from the newest record
//! versions and the transient rows.

use std::collections::BTreeMap;

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};

use super::StateView;
use registry_core::crypto::{Hash, Purpose};
use registry_core::record::StoreError;

/// BLAKE3 with the hash purpose of the tree.
#[derive(Debug, Clone)]
pub(crate) struct TreeHasher(blake3::Hasher);

impl SimpleHasher for TreeHasher {
    fn new() -> Self {
        Self(Purpose::Tree.hasher())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

struct Reader<'a>(&'a dyn StateView);

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let Some(bytes) = self.0.tree_node(&borsh::to_vec(key)?)? else { return Ok(None) };
        Ok(Some(borsh::from_slice(&bytes)?))
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Err(StoreError::new("the tree keeps no leaf values").into())
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Err(StoreError::new("the tree is never restored leaf by leaf").into())
    }
}

/// What one version of the tree adds to the store.
pub(crate) struct TreeUpdate {
    pub(crate) root: Hash,
    pub(crate) nodes: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) stale: Vec<Vec<u8>>,
}

/// Writes the tree of `height` over that of `height − 1`. Each leaf is set to its value, or deleted
/// if the value is `None`.
pub(crate) fn update(
    view: &dyn StateView,
    height: u64,
    leaves: BTreeMap<Hash, Option<Vec<u8>>>,
) -> Result<TreeUpdate, StoreError> {
    let reader = Reader(view);
    let tree = JellyfishMerkleTree::<_, TreeHasher>::new(&reader);
    let leaves = leaves.into_iter().map(|(key, value)| (KeyHash(key.0), value));
    let (root, batch) = tree.put_value_set(leaves, height).map_err(StoreError::new)?;
    let mut nodes = Vec::new();
    for (key, node) in batch.node_batch.nodes() {
        nodes.push((encode(key)?, encode(node)?));
    }
    let mut stale = Vec::new();
    for index in &batch.stale_node_index_batch {
        stale.push(encode(&index.node_key)?);
    }
    let root_path = batch.node_batch.nodes().keys().map(NodeKey::nibble_path);
    let root_path = root_path.min_by_key(|path| path.num_nibbles());
    let previous_root = match (height.checked_sub(1), root_path) {
        (Some(previous), Some(path)) => Some(encode(&NodeKey::new(previous, path.clone()))?),
        _ => None,
    };
    // If nothing changes, jmt copies the root and does not list the previous one as stale.
    if let Some(previous_root) = previous_root.filter(|key| !stale.contains(key)) {
        stale.push(previous_root);
    }
    Ok(TreeUpdate { root: Hash(root.0), nodes, stale })
}

fn encode<T: borsh::BorshSerialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    borsh::to_vec(value).map_err(StoreError::new)
}
