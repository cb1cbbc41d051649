//! Limits of key files, each with its reason.

/// A key file; 40 KiB for a hundred DIDs, so this is room for some hundred thousand.
pub const KEY_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Memory that a key file may ask Argon2id to use. A hostile file must not exhaust the machine.
pub const KDF_MEMORY_KIB_MAX: u32 = 1024 * 1024;

/// Passes that a key file may ask of Argon2id; at most about a minute with the memory above.
pub const KDF_PASSES_MAX: u32 = 64;

/// Lanes that a key file may ask of Argon2id; more than any machine of an operator has cores.
pub const KDF_LANES_MAX: u32 = 64;
