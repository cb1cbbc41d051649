//! Errors of reading, writing and using keys.

use std::path::{Path, PathBuf};

/// A failure to read, write or use keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The operating system reported an error.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// Action that failed, as a verb.
        action: &'static str,
        /// File or directory that the action was about.
        path: PathBuf,
        /// Error of the operating system.
        reason: std::io::Error,
    },
    /// Other users than the owner may open the file.
    #[error(
        "{} has mode {mode:04o}, a key file must have 0600; run chmod 600 on it",
        path.display()
    )]
    Mode {
        /// Path of the key file.
        path: PathBuf,
        /// Permission bits of the file.
        mode: u32,
    },
    /// The file is longer than any key file, or it is not a regular file.
    #[error(
        "{} is no key file: it has {actual} bytes, at most {limit} are allowed",
        path.display()
    )]
    TooLarge {
        /// Path of the key file.
        path: PathBuf,
        /// Length of the file in bytes.
        actual: u64,
        /// Largest allowed length in bytes.
        limit: u64,
    },
    /// The content is not the JSON of a key file. It may be truncated or edited by hand.
    #[error("{} is not a key file: {reason}; restore it from a copy", path.display())]
    Malformed {
        /// Path of the key file.
        path: PathBuf,
        /// Message of the parser.
        reason: String,
    },
    /// The file is a key file of another kind or version.
    #[error("{} has the format {actual:?} where {expected:?} is needed", path.display())]
    Format {
        /// Path of the key file.
        path: PathBuf,
        /// Format that the caller needs.
        expected: &'static str,
        /// Format that the file names.
        actual: String,
    },
    /// The file is encrypted and the caller gave no passphrase.
    #[error("{} is encrypted; give --passphrase-file or --passphrase-fd", path.display())]
    PassphraseNeeded {
        /// Path of the key file.
        path: PathBuf,
    },
    /// The passphrase is wrong, or the file was altered.
    #[error("{} does not open with this passphrase", path.display())]
    WrongPassphrase {
        /// Path of the key file.
        path: PathBuf,
    },
    /// The file asks for a key derivation that is too costly or too cheap.
    #[error(
        "{} asks Argon2id for {memory_kib} KiB, {passes} passes, {lanes} lanes, which is not \
         between the least that is secure and the most that is allowed", path.display()
    )]
    Kdf {
        /// Path of the key file.
        path: PathBuf,
        /// Memory that the file asks for, in KiB.
        memory_kib: u32,
        /// Number of passes that the file asks for.
        passes: u32,
        /// Number of lanes that the file asks for.
        lanes: u32,
    },
    /// The operating system provided no random bytes.
    #[error("the system gave no random bytes: {reason}")]
    Random {
        /// Error of the operating system.
        reason: String,
    },
    /// A secret does not belong to the public key stored with it.
    #[error("the secret beside {public} is not its secret")]
    Mismatch {
        /// Public key in the file.
        public: String,
    },
    /// A key file that is needed does not exist.
    #[error("{} does not exist; {remedy}", path.display())]
    Missing {
        /// Path of the key file.
        path: PathBuf,
        /// Command that makes the file, as part of a sentence.
        remedy: &'static str,
    },
    /// The file has no record of this DID.
    #[error("{} holds no keys of {did}", path.display())]
    UnknownDid {
        /// Path of the key file.
        path: PathBuf,
        /// DID that the caller asked for.
        did: String,
    },
    /// The file has no record of any DID.
    #[error("{} holds no DID; make one with `idem did create`", path.display())]
    NoDid {
        /// Path of the key file.
        path: PathBuf,
    },
    /// The outcome of an earlier operation of the DID is not known yet.
    #[error("operation {operation} of {did} has no known outcome yet; wait for it first")]
    StillPending {
        /// DID of the operations.
        did: String,
        /// Id of the earlier operation.
        operation: String,
    },
}

impl KeysError {
    pub(crate) fn io(action: &'static str, path: &Path, reason: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), reason }
    }
}
