//! The floors: what single parts can do alone on one core. Other figures are compared with them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use keys::SecretKey;
use node::store::{Column, Read as _, RocksStore, Row, Store as _};
use registry_core::crypto::{Suite, verify};

use super::process::total_cpu_s;
use super::report::Report;

/// Size of an operation and of a stored value, in bytes.
const OPERATION_BYTES: usize = 600;
/// Rows in the store, as many as the node has DIDs by default.
const ROWS: u64 = 100_000;
/// Rows in one batch.
const BATCH_ROWS: u64 = 1_000;
/// Batches of a single row, each with a sync of its own.
const SINGLE_ROWS: u64 = 1_000;
const CHECKS: u32 = 30_000;
const CACHE_BYTES: usize = 128 << 20;

/// Returns the CPU seconds of one strict check of a signature, including the decoding of the key.
/// Wall-clock time would be longer if other processes run.
pub(super) fn verify_s(suite: Suite) -> Result<f64> {
    let wrong = || anyhow!("a signature does not verify");
    let key = SecretKey::from_raw(suite, &[7; 32]).ok_or_else(wrong)?;
    let message = [7; OPERATION_BYTES];
    let signature = key.sign_token(&message);
    cpu_s(|| verify(key.public(), &message, &signature).map_err(|_| wrong()))
}

/// Returns the CPU seconds of one check that a public key is usable.
fn key_check_s(suite: Suite) -> Result<f64> {
    let wrong = || anyhow!("a key is not usable");
    let key = SecretKey::from_raw(suite, &[7; 32]).ok_or_else(wrong)?;
    cpu_s(|| key.public().check().map_err(|_| wrong()))
}

/// Returns the CPU seconds of one call.
fn cpu_s(call: impl Fn() -> Result<()>) -> Result<f64> {
    let before_s = total_cpu_s(std::process::id());
    for _ in 0..CHECKS {
        call()?;
    }
    Ok((total_cpu_s(std::process::id()) - before_s) / f64::from(CHECKS))
}

/// Returns the key of a row. Keys are in pseudo-random order, and the odd factor makes them
/// distinct.
fn row_key(number: u64) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    [mixed, mixed, mixed, number.to_be_bytes()].concat()
}

fn write(store: &mut RocksStore, numbers: std::ops::Range<u64>, batch: u64) -> Result<f64> {
    let (started, count) = (Instant::now(), numbers.end - numbers.start);
    for first in numbers.step_by(usize::try_from(batch).unwrap_or(usize::MAX)) {
        let rows = (first..first + batch)
            .map(|number| Row::put(Column::Entries, row_key(number), vec![7; OPERATION_BYTES]));
        store.write(rows.collect(), true)?;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

pub(super) fn run(dir: &Path) -> Result<Report> {
    let mut report = Report::default();
    report.add_load();
    for suite in [Suite::Ed25519, Suite::P256, Suite::Secp256k1] {
        let name = format!("{suite:?}");
        report.add(
            format!("floor: verify_strict, {name}, 600 B, one core"),
            1.0 / verify_s(suite)?,
            "/s",
        );
        report.add(
            format!("floor: check of a public key, {name}"),
            1e6 * key_check_s(suite)?,
            "µs",
        );
    }
    let place = tempfile::tempdir_in(dir)?;
    let mut store = RocksStore::open(place.path(), CACHE_BYTES, None)?;
    let batched = write(&mut store, 0..ROWS, BATCH_ROWS)?;
    let single = write(&mut store, ROWS..ROWS + SINGLE_ROWS, 1)?;
    let started = Instant::now();
    for number in 0..ROWS {
        let key = row_key(number.wrapping_mul(7_919) % ROWS);
        if store.get(Column::Entries, &key)?.is_none() {
            return Err(anyhow!("a row that was written is not there"));
        }
    }
    let gets = ROWS as f64 / started.elapsed().as_secs_f64();
    report.add("floor: RocksDB point get of 100,000 rows of 600 B", gets, "/s");
    report.add("floor: RocksDB rows in synced batches of 1,000", batched, "/s");
    report.add("floor: RocksDB rows each synced alone", single, "/s");
    Ok(report)
}
