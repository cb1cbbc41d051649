//! The height floor: the largest height in which a validator key may have signed, in a small file
//! beside the key. The file outlives the database, so a validator that lost its data cannot sign
//! the same height twice (DESIGN section 7).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use registry_core::codec;
use registry_core::crypto::{Hash, Purpose, ValidatorKey};
use serde::{Deserialize, Serialize};

/// Largest file that is read; a floor file is far smaller.
const FLOOR_BYTES_MAX: usize = 512;

/// Reason why there is no usable floor. In each case the node stops before it signs anything.
#[derive(Debug, thiserror::Error)]
pub enum FloorError {
    /// There is a validator key but no floor file.
    #[error(
        "the height floor {path} is missing: this key may have signed before, and signing again \
         could be a double sign. If the key certainly signed nothing above height H, start once \
         with --init-height-floor H; an old copy of the file is only as good as its age"
    )]
    Missing {
        /// Path at which the file is expected.
        path: PathBuf,
    },
    /// The file is no floor file, or its checksum is wrong.
    #[error("the height floor {path} is damaged: {reason}; restore it or use --init-height-floor")]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        reason: String,
    },
    /// The floor belongs to another chain or key.
    #[error("the height floor {path} belongs to {field} {actual}, this node has {expected}")]
    Foreign {
        /// Path of the file.
        path: PathBuf,
        /// The field that differs: `chain` or `key`.
        field: &'static str,
        /// Value in the file.
        actual: String,
        /// Value of the node.
        expected: String,
    },
    /// A floor file exists already. It is not replaced, because its floor could be higher.
    #[error("the height floor {path} exists with height {actual}; it is never lowered")]
    Exists {
        /// Path of the file.
        path: PathBuf,
        /// Height in the file; 0 if it cannot be read.
        actual: u64,
    },
    /// Reading or writing the file failed.
    #[error("the height floor {path}: {source}")]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    chain: Hash,
    key: ValidatorKey,
    height: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    floor: Contents,
    /// Detects torn writes and flipped bits. It does not protect against an operator.
    checksum: Hash,
}

fn checksum(contents: &Contents) -> Hash {
    Hash::of_value(Purpose::Floor, contents)
}

/// The height floor of one validator key on one chain.
#[derive(Debug)]
pub struct FloorFile {
    path: PathBuf,
    contents: Contents,
}

impl FloorFile {
    /// Creates the file for a key that has signed nothing above `height`. Fails with
    /// [`FloorError::Exists`] if there is a file already.
    pub fn create(
        path: &Path,
        chain: Hash,
        key: ValidatorKey,
        height: u64,
    ) -> Result<Self, FloorError> {
        if path.exists() {
            let actual = read(path).map_or(0, |contents| contents.height);
            return Err(FloorError::Exists { path: path.to_owned(), actual });
        }
        let file = Self { path: path.to_owned(), contents: Contents { chain, key, height } };
        file.store(file.contents)?;
        Ok(file)
    }

    /// Creates the file for a key that was generated a moment ago and has signed nothing on any
    /// chain. The first [`FloorFile::open`] binds it to its chain. Until then it protects nothing,
    /// so the file of the next new key may replace it.
    pub fn create_unbound(path: &Path, key: ValidatorKey) -> Result<(), FloorError> {
        let contents = Contents { chain: Hash::ZERO, key, height: 0 };
        if read(path).is_ok_and(|present| Contents { key, ..present } == contents) {
            return Self { path: path.to_owned(), contents }.store(contents);
        }
        Self::create(path, Hash::ZERO, key, 0).map(drop)
    }

    /// Opens the file of `key` on `chain`. Fails if the file is missing, damaged, or belongs to
    /// another key or chain.
    pub fn open(path: &Path, chain: Hash, key: ValidatorKey) -> Result<Self, FloorError> {
        let mut contents = read(path)?;
        if contents == (Contents { chain: Hash::ZERO, key, height: 0 }) {
            contents.chain = chain;
            let bound = Self { path: path.to_owned(), contents };
            bound.store(contents)?;
            return Ok(bound);
        }
        let foreign = |field, actual: String, expected: String| FloorError::Foreign {
            path: path.to_owned(),
            field,
            actual,
            expected,
        };
        if contents.chain != chain {
            return Err(foreign("chain", contents.chain.to_string(), chain.to_string()));
        }
        if contents.key != key {
            return Err(foreign("key", contents.key.to_string(), key.to_string()));
        }
        Ok(Self { path: path.to_owned(), contents })
    }

    /// The largest height in which the key may have signed.
    pub fn height(&self) -> u64 {
        self.contents.height
    }

    /// Raises the floor to at least `height`. When it returns, the new floor is durable.
    pub fn raise(&mut self, height: u64) -> Result<(), FloorError> {
        if height <= self.contents.height {
            return Ok(());
        }
        let contents = Contents { height, ..self.contents };
        self.store(contents)?;
        self.contents = contents;
        Ok(())
    }

    /// Writes a new file beside the old one, syncs it, renames it, and syncs the directory. A crash
    /// leaves either the old file or the new one.
    fn store(&self, contents: Contents) -> Result<(), FloorError> {
        let sealed = Sealed { floor: contents, checksum: checksum(&contents) };
        let temporary = self.path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
            file.write_all(&codec::encode(&sealed))?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)?;
            let directory = self.path.parent().unwrap_or(Path::new("."));
            File::open(directory)?.sync_all()
        };
        write().map_err(|source| FloorError::Io { path: self.path.clone(), source })
    }
}

fn read(path: &Path) -> Result<Contents, FloorError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(FloorError::Missing { path: path.to_owned() });
        }
        Err(source) => return Err(FloorError::Io { path: path.to_owned(), source }),
    };
    let damaged = |reason: String| FloorError::Damaged { path: path.to_owned(), reason };
    let sealed: Sealed =
        codec::decode(&bytes, FLOOR_BYTES_MAX).map_err(|error| damaged(error.to_string()))?;
    if sealed.checksum != checksum(&sealed.floor) {
        return Err(damaged("its checksum does not match".to_owned()));
    }
    Ok(sealed.floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ValidatorKey = ValidatorKey([7; 32]);
    const CHAIN: Hash = Hash([1; 32]);

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("height-floor");
        (directory, path)
    }

    #[test]
    fn a_floor_only_rises_and_survives_reopening() {
        let (_directory, path) = place();
        let mut floor = FloorFile::create(&path, CHAIN, KEY, 5).expect("made");
        floor.raise(9).expect("raised");
        floor.raise(3).expect("kept");
        assert_eq!(FloorFile::open(&path, CHAIN, KEY).expect("opened").height(), 9);
        assert!(matches!(
            FloorFile::create(&path, CHAIN, KEY, 0),
            Err(FloorError::Exists { actual: 9, .. })
        ));
    }

    #[test]
    fn a_new_key_is_bound_to_the_first_chain_it_starts_on() {
        let (_directory, path) = place();
        FloorFile::create_unbound(&path, KEY).expect("made");
        assert_eq!(FloorFile::open(&path, CHAIN, KEY).expect("bound").height(), 0);
        let other = Hash([2; 32]);
        assert!(matches!(
            FloorFile::open(&path, other, KEY),
            Err(FloorError::Foreign { field: "chain", .. })
        ));
        assert!(matches!(
            FloorFile::open(&path, CHAIN, ValidatorKey([8; 32])),
            Err(FloorError::Foreign { field: "key", .. })
        ));
    }

    #[test]
    fn a_missing_or_damaged_floor_is_refused() {
        let (_directory, path) = place();
        assert!(matches!(FloorFile::open(&path, CHAIN, KEY), Err(FloorError::Missing { .. })));
        FloorFile::create(&path, CHAIN, KEY, 5).expect("made");
        let whole = fs::read(&path).expect("bytes");
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).expect("written");
            assert!(FloorFile::open(&path, CHAIN, KEY).is_err(), "flipped bit of byte {at}");
            fs::write(&path, &whole[..at]).expect("written");
            assert!(FloorFile::open(&path, CHAIN, KEY).is_err(), "cut at byte {at}");
        }
    }
}
