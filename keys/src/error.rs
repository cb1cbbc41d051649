//! Why keys cannot be read, written or used.

use std::path::{Path, PathBuf};

/// A failure to read, write or use keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The system refused.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Others than the owner may open the file.
    #[error(
        "{} has mode {mode:04o}, a key file must have 0600; run chmod 600 on it",
        path.display()
    )]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// More bytes than any key file has, or not a regular file.
    #[error(
        "{} is no key file: it has {actual} bytes, at most {limit} are allowed",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        actual: u64,
        /// The length allowed.
        limit: u64,
    },
    /// Not the JSON of a key file: truncated, edited by hand, or something else.
    #[error("{} is not a key file: {reason}; restore it from a copy", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// Another kind or version of key file.
    #[error("{} has the format {actual:?} where {expected:?} is needed", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format wanted.
        expected: &'static str,
        /// The format found.
        actual: String,
    },
    /// The file is encrypted and no passphrase was given.
    #[error("{} is encrypted; give --passphrase-file or --passphrase-fd", path.display())]
    PassphraseNeeded {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is wrong, or a byte of the file was changed.
    #[error("{} does not open with this passphrase", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The file asks for more work than this program does for a passphrase.
    #[error(
        "{} asks Argon2id for {memory_kib} KiB, {passes} passes, {lanes} lanes, which is not \
         between the least that is secure and the most that is allowed", path.display()
    )]
    Kdf {
        /// The file.
        path: PathBuf,
        /// Memory asked for.
        memory_kib: u32,
        /// Passes asked for.
        passes: u32,
        /// Lanes asked for.
        lanes: u32,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {reason}")]
    Random {
        /// What the system said.
        reason: String,
    },
    /// A secret that does not belong to its public key.
    #[error("the secret beside {public} is not its secret")]
    Mismatch {
        /// The public key in the file.
        public: String,
    },
    /// A key file that is needed does not exist.
    #[error("{} does not exist; {remedy}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What makes it.
        remedy: &'static str,
    },
    /// The file holds no such DID.
    #[error("{} holds no keys of {did}", path.display())]
    UnknownDid {
        /// The key file.
        path: PathBuf,
        /// The DID asked for.
        did: String,
    },
    /// The file holds no DID at all.
    #[error("{} holds no DID; make one with `idem did create`", path.display())]
    NoDid {
        /// The key file.
        path: PathBuf,
    },
    /// An earlier operation of the DID has no known outcome.
    #[error("operation {operation} of {did} has no known outcome yet; wait for it first")]
    StillPending {
        /// The DID.
        did: String,
        /// The operation in flight.
        operation: String,
    },
}

impl KeysError {
    pub(crate) fn io(action: &'static str, path: &Path, reason: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), reason }
    }
}
