//! Limits of what the command line reads, each with its reason.

/// A passphrase; anything longer is a mistaken file.
pub(crate) const PASSPHRASE_BYTES_MAX: u64 = 4 * 1024;

/// A DID document that is read from a file, before the ledger's own smaller limit names the rule.
pub(crate) const DOCUMENT_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A file that names entries of a status list: all of the largest list, each by 7 digits and a
/// line end.
pub(crate) const ENTRIES_FILE_BYTES_MAX: u64 = 8 * registry_core::limits::STATUS_BITS_MAX;

/// A file of rights to import: some 100,000 grants, or as many credentials as that many bytes hold.
pub(crate) const TRUST_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A genesis file, or an operator's entry for one: what the genesis crate allows.
pub(crate) const GENESIS_FILE_BYTES_MAX: u64 = genesis::limits::GENESIS_BYTES_MAX as u64;
