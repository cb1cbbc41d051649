//! Limits of key files, each with its reason.

/// Largest key file in bytes. A hundred DIDs take 40 KiB, so this is enough for some hundred
/// thousand.
pub const KEY_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Most memory in KiB that a key file may ask Argon2id to use, so that a hostile file cannot
/// exhaust the machine.
pub const KDF_MEMORY_KIB_MAX: u32 = 1024 * 1024;

/// Most passes that a key file may ask of Argon2id. With the memory above, they take about a
/// minute.
pub const KDF_PASSES_MAX: u32 = 64;

/// Most lanes that a key file may ask of Argon2id. No operator's machine has more cores.
pub const KDF_LANES_MAX: u32 = 64;
