//! Files that commands read and write, with error messages that name them.

use std::path::Path;

use keys::write_atomic;

use super::exit::Failure;

/// Reads a text file of at most `bytes_max` bytes.
pub(super) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > bytes_max {
        let message = format!("{} has {length} bytes, at most {bytes_max} allowed", path.display());
        return Err(Failure::usage(message));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Writes a file that everyone may read. The file is written as a whole or not at all.
pub(super) fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    write_atomic(path, text.as_bytes(), 0o644)
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))
}

/// Writes a file that must not exist yet.
pub(super) fn write_new_text(path: &Path, text: &str) -> Result<(), Failure> {
    refuse_existing(path, "move it away, or name another file")?;
    write_text(path, text)
}

/// Fails if the file exists. Commands never replace what they make only once.
pub(super) fn refuse_existing(path: &Path, remedy: &str) -> Result<(), Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    let message = format!("{} exists already and is never overwritten", path.display());
    Err(Failure::usage_with(message, remedy))
}

/// Reads the bytes of a file, or of standard input for `-`. Fails if there are more than
/// `bytes_max`.
pub(super) fn read_input(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let source: Box<dyn std::io::Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(std::fs::File::open(path).map_err(unreadable)?),
    };
    let mut bytes = Vec::new();
    source.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
        return Ok(bytes);
    }
    Err(Failure::usage(format!("{} has more than {bytes_max} bytes", path.display())))
}
