//! Private files. A read checks the mode; a write replaces the whole file or nothing.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::KeysError;
use crate::limits::KEY_FILE_BYTES_MAX;

/// Reads a file that only its owner may open; returns `None` if it does not exist.
///
/// Mode and length are taken from the open file, so nobody can swap the file between check and
/// read. Only the owner and root can open a file of mode 0600, so the owner is not checked
/// separately.
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
    // With one spare byte the read reaches the end of the file without growing the buffer. A buffer
    // that grows would leave a copy of the secrets in freed memory.
    let capacity = usize::try_from(actual).unwrap_or_default().saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.read_to_end(&mut bytes).map_err(|error| KeysError::io("read", path, error))?;
    Ok(Some(bytes))
}

/// Replaces the file at `path`. After a crash the file holds either the old or the new bytes: the
/// function writes a temporary file, fsyncs it, renames it and fsyncs the directory.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let file = written(path, bytes, mode)?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(parent(path))?.sync_all()
}

/// Does the same as [`write_atomic`] for a new file. Fails with `AlreadyExists` if there is a file
/// at `path`, even if another process has made it just now.
pub fn write_new_atomic(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let file = written(path, bytes, mode)?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(parent(path))?.sync_all()
}

/// Returns a temporary file beside `path` that holds the bytes durably.
fn written(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(".idem-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(parent(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Returns the directory of `path`. A bare file name is in the current directory.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Creates a directory that only its owner may enter, with its parents. An existing directory keeps
/// its mode.
pub(super) fn make_private_directory(path: &Path) -> Result<(), KeysError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| KeysError::io("make", path, error))
}

/// Exclusive lock on a key file; dropping it releases the lock. It locks a separate file in the
/// same directory, since each write replaces the key file itself.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing the file ends the lock")] File);

impl Lock {
    /// Waits until no other process or thread holds the lock of `path`, then takes it.
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
