//! Private files: read with their mode checked, written whole or not at all.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::KeysError;
use crate::limits::KEY_FILE_BYTES_MAX;

/// Reads a file that only its owner may open; `None` when there is none.
///
/// Mode and length are those of the opened file, so that nobody can swap it in between. Who opens
/// a file of mode 0600 is its owner or root, so the owner needs no check of its own.
pub fn read_private(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeysError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeysError::io("open", path, error)),
    };
    let metadata = file.metadata().map_err(|error| KeysError::io("open", path, error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeysError::Mode { path: path.to_owned(), mode });
    }
    let actual = metadata.len();
    if !metadata.is_file() || actual > KEY_FILE_BYTES_MAX {
        let limit = KEY_FILE_BYTES_MAX;
        return Err(KeysError::TooLarge { path: path.to_owned(), actual, limit });
    }
    // One spare byte lets the read meet the end of the file without growing the buffer, which
    // would leave a copy of the secrets behind.
    let capacity = usize::try_from(actual).unwrap_or_default().saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.read_to_end(&mut bytes).map_err(|error| KeysError::io("read", path, error))?;
    Ok(Some(bytes))
}

/// Writes `bytes` so that after a crash the file is the old or the new one, never a part:
/// temporary file, fsync, rename, fsync of the directory.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let directory = parent(path);
    let mut file = tempfile::Builder::new()
        .prefix(".idem-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(&directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(&directory)?.sync_all()
}

/// The directory that holds `path`; a bare file name is in the current one.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Makes a directory that only its owner may enter; one that exists stays as it is.
pub(super) fn make_private_directory(path: &Path) -> Result<(), KeysError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| KeysError::io("make", path, error))
}

/// An exclusive lock on a key file, held while it lives. The lock is a file of its own beside it,
/// since the key file itself is replaced at each write.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing the file ends the lock")] File);

impl Lock {
    /// Waits until no other process or thread holds the lock of `path`.
    pub fn acquire(path: &Path) -> Result<Self, KeysError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let lock = parent(path).join(format!(".{name}.lock"));
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(&lock);
        let file = file.map_err(|error| KeysError::io("open", &lock, error))?;
        file.lock().map_err(|error| KeysError::io("lock", &lock, error))?;
        Ok(Self(file))
    }
}
