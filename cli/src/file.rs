//! Files that commands read and write, with error messages that name them.

use std::path::Path;

use keys::{write_atomic, write_new_atomic};

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
    write_atomic(path, text.as_bytes(), 0o644).map_err(|error| unwritable(path, &error))
}

/// Writes a file that must not exist yet, even if another process makes it at the same time.
pub(super) fn write_new_text(path: &Path, text: &str) -> Result<(), Failure> {
    let remedy = "move it away, or name another file";
    match write_new_atomic(path, text.as_bytes(), 0o644) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(exists(path, remedy))
        }
        written => written.map_err(|error| unwritable(path, &error)),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot write {}: {error}", path.display()))
}

fn exists(path: &Path, remedy: &str) -> Failure {
    let message = format!("{} exists already and is never overwritten", path.display());
    Failure::usage_with(message, remedy)
}

/// Fails if the file exists. Commands never replace what they make only once.
#[cfg(feature = "node")]
pub(super) fn refuse_existing(path: &Path, remedy: &str) -> Result<(), Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(exists(path, remedy))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_replaces_none_and_a_link_counts_as_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        write_new_text(&path, "first").expect("written");
        let refused = write_new_text(&path, "second").expect_err("it exists");
        assert!(refused.to_string().contains("is never overwritten"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "first");
        // The link leads nowhere, so only an exclusive rename finds it.
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).expect("a link");
        write_new_text(&link, "third").expect_err("it exists");
        assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 2);
    }
}
