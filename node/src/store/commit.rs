//! The rows that the node writes: those of the consensus log as it grows, and the one batch that
//! commits a block.

use registry_core::block::Block;
use registry_core::certificate::Certificate;
use registry_core::codec;
use registry_core::index;
use registry_core::limits::TREE_WINDOW_HEIGHTS;
use registry_core::record::{Entry, StoreError};
use registry_state::execution::Execution;
use registry_state::state::Changes;

use super::ledger::{
    FORMAT_VERSION, Ledger, META_CHAIN, META_FORMAT, META_GUARD, META_HEAD, candidate_key,
    height_key, index_column, keyed, range_key,
};
use super::{Column, Read, Row, entries};

/// Number of stale tree nodes that one commit deletes. It is more than a full block makes stale.
const PRUNED_PER_BLOCK_MAX: usize = 50_000;

/// Row of one entry of the consensus log.
pub fn wal_row(height: u64, sequence: u64, entry: Vec<u8>) -> Row {
    Row::put(Column::Wal, keyed(&height_key(height), sequence), entry)
}

/// Row of the signing guard.
pub fn guard_row(guard: Vec<u8>) -> Row {
    Row::put(Column::Meta, META_GUARD, guard)
}

/// Row of a block that was executed but not decided.
pub fn candidate_row(block: &Block) -> Row {
    let key = candidate_key(block.header.height, &block.header.hash());
    Row::put(Column::Candidates, key, codec::encode(block))
}

/// Row of a certificate. It may replace the row of a smaller certificate of the same block.
pub fn certificate_row(certificate: &Certificate) -> Row {
    let key = height_key(certificate.height);
    Row::put(Column::Certificates, key, codec::encode(certificate))
}

/// Rows that store the genesis block in a new database.
pub fn genesis_rows(execution: &Execution, block: &Block) -> Result<Vec<Row>, StoreError> {
    let mut rows = vec![
        Row::put(Column::Meta, META_FORMAT, codec::encode(&FORMAT_VERSION)),
        Row::put(Column::Meta, META_CHAIN, codec::encode(&execution.header.chain)),
    ];
    rows.extend(block_rows(execution, block));
    for entry in &execution.changes.entries {
        rows.extend(entries::rows(entry, None)?);
    }
    Ok(rows)
}

/// Rows of the one batch that commits a decided block: block, certificate, records, tree and
/// receipts, and the deletion of the height's log and candidates. Fails if the block does not
/// follow the head.
pub fn commit_rows<R: Read + ?Sized>(
    store: &R,
    execution: &Execution,
    block: &Block,
    certificate: &Certificate,
) -> Result<Vec<Row>, StoreError> {
    let ledger = Ledger(store);
    let header = &execution.header;
    let head = ledger.head()?.ok_or_else(|| StoreError::new("no head to commit after"))?;
    if head.header.hash() != header.previous || header.hash() != certificate.value {
        return Err(StoreError::new(format!(
            "block {} does not follow head {} or is not the certified one",
            header.height, head.header.height
        )));
    }
    let mut rows = block_rows(execution, block);
    rows.push(certificate_row(certificate));
    for entry in &execution.changes.entries {
        let key = entry.record.record_key().storage_key();
        let version = entry.record.version.saturating_sub(1);
        let before = if version > 0 { store.get(Column::Heads, &key)? } else { None };
        rows.extend(entries::rows(entry, before.as_deref())?);
        match before {
            Some(before) => rows.push(Row::put(Column::Entries, keyed(&key, version), before)),
            None if version > 0 => {
                let reason = format!("version {version} of a record is missing");
                return Err(StoreError::new(reason));
            }
            None => {}
        }
    }
    // The scan starts one height back: earlier heights were deleted with their blocks, and passing
    // over their tombstones takes time.
    let from = height_key(header.height.saturating_sub(1));
    let above = height_key(header.height.saturating_add(1));
    for column in [Column::Wal, Column::Candidates] {
        for (key, _) in store.scan(column, &from, &above, usize::MAX)? {
            rows.push(Row::delete(column, key));
        }
    }
    if let Some(oldest) = header.height.checked_sub(TREE_WINDOW_HEIGHTS) {
        let pruned =
            store.scan(Column::StaleTree, &[], &height_key(oldest), PRUNED_PER_BLOCK_MAX)?;
        for (key, _) in pruned {
            let node = key.get(8..).unwrap_or_default().to_vec();
            rows.push(Row::delete(Column::Tree, node));
            rows.push(Row::delete(Column::StaleTree, key));
        }
    }
    Ok(rows)
}

fn block_rows(execution: &Execution, block: &Block) -> Vec<Row> {
    let height = execution.header.height;
    let mut rows = vec![
        Row::put(Column::Blocks, height_key(height), codec::encode(block)),
        Row::put(Column::Meta, META_HEAD, codec::encode(&block.header)),
    ];
    for receipt in &execution.receipts {
        let key = receipt.operation.0;
        rows.push(Row::put(Column::Receipts, key, codec::encode(receipt)));
    }
    rows.extend(change_rows(height, &execution.changes));
    rows
}

/// Index rows of a new version of a record.
pub(super) fn index_rows(entry: &Entry) -> Vec<Row> {
    let rows = index::rows(entry).into_iter();
    rows.map(|row| Row::put(index_column(row.index), row.key, row.value)).collect()
}

fn change_rows(height: u64, changes: &Changes) -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in &changes.entries {
        rows.extend(index_rows(entry));
    }
    for (list, version, row) in &changes.status_rows {
        let key = keyed(&list.storage_key(), *version);
        rows.push(Row::put(Column::Arrays, key, row.clone()));
    }
    for (range, at, node) in &changes.mmr_nodes {
        rows.push(Row::put(Column::Ranges, range_key(range, *at), codec::encode(node)));
    }
    for (key, value) in &changes.transient {
        rows.push(Row { column: Column::Transient, key: key.bytes(), value: value.clone() });
    }
    for (key, node) in &changes.tree_nodes {
        rows.push(Row::put(Column::Tree, key.clone(), node.clone()));
    }
    for key in &changes.stale_tree_nodes {
        let stale = [&height_key(height)[..], key].concat();
        rows.push(Row::put(Column::StaleTree, stale, Vec::new()));
    }
    rows
}
