//! Limits of what the command line reads, each with its reason.

/// Upper bound of a passphrase file in bytes. Anything longer was named by mistake.
pub(crate) const PASSPHRASE_BYTES_MAX: u64 = 4 * 1024;

/// Upper bound of a file with a DID document in bytes. It exceeds the ledger's limit, so that a
/// document that is too large is refused by the ledger's rule.
pub(crate) const DOCUMENT_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Upper bound in bytes of a file that names entries of a status list. All entries of the largest
/// list fit, each with 7 digits and a line end.
pub(crate) const ENTRIES_FILE_BYTES_MAX: u64 = 8 * registry_core::limits::STATUS_BITS_MAX;

/// Upper bound in bytes of a file of rights to import. It holds some 100,000 grants.
pub(crate) const TRUST_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Upper bound in bytes of a genesis file or of an operator's entry for one, as the genesis crate
/// sets it.
pub(crate) const GENESIS_FILE_BYTES_MAX: u64 = genesis::limits::GENESIS_BYTES_MAX as u64;
