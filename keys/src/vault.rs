//! The container format of all key files. It is JSON, either plain (`{format, keys}`) or sealed
//! (`{format, kdf, cipher, nonce, ciphertext}`) with Argon2id (RFC 9106) and XChaCha20-Poly1305.

use std::fmt;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInPlace as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use registry_core::codec::{self, Bytes, FixedBytes};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::{read_private, write_atomic};
use crate::error::KeysError;
use crate::limits::{KDF_LANES_MAX, KDF_MEMORY_KIB_MAX, KDF_PASSES_MAX};

const CIPHER: &str = "xchacha20-poly1305";
const KDF: &str = "argon2id";

/// The costs are the second recommended setting of RFC 9106, section 4. They differ in having one
/// lane, since this build of Argon2 uses one thread.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// Lower bound for the memory that a file may ask for. A lower cost would make it cheap to guess
/// the passphrase.
const MEMORY_KIB_MIN: u32 = 16 * 1024;

/// Passphrase that opens a sealed key file.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Wraps the text of a passphrase, which is wiped from memory when the passphrase is dropped.
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(<redacted>)")
    }
}

/// Protection of a key file on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// The file does not exist.
    Missing,
    /// Whoever can open the file can read its secrets.
    Plain,
    /// The secrets are encrypted with a passphrase.
    Sealed,
}

/// Returns how the file at `path` is protected. It needs no passphrase.
pub fn protection(path: &Path) -> Result<Protection, KeysError> {
    let Some(bytes) = read_private(path)? else { return Ok(Protection::Missing) };
    let plain = Peek::of(path, &bytes)?.keys.is_some();
    Ok(if plain { Protection::Plain } else { Protection::Sealed })
}

#[derive(Deserialize)]
struct Peek {
    format: String,
    #[serde(default)]
    keys: Option<IgnoredAny>,
}

impl Peek {
    fn of(path: &Path, bytes: &[u8]) -> Result<Self, KeysError> {
        parse(path, bytes)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<T> {
    format: String,
    keys: T,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    format: String,
    kdf: Kdf,
    cipher: String,
    nonce: FixedBytes<24>,
    ciphertext: Bytes,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kdf {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: FixedBytes<16>,
}

impl Kdf {
    fn new() -> Result<Self, KeysError> {
        let salt = FixedBytes(random()?);
        let name = KDF.to_owned();
        Ok(Self { name, memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt })
    }

    fn derive(&self, path: &Path, passphrase: &Passphrase) -> Result<Derived, KeysError> {
        let Self { memory_kib, passes, lanes, .. } = *self;
        let refused = || KeysError::Kdf { path: path.to_owned(), memory_kib, passes, lanes };
        let allowed = self.name == KDF
            && (MEMORY_KIB_MIN..=KDF_MEMORY_KIB_MAX).contains(&memory_kib)
            && (1..=KDF_PASSES_MAX).contains(&passes)
            && (1..=KDF_LANES_MAX).contains(&lanes);
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| refused())?;
        if !allowed {
            return Err(refused());
        }
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.as_bytes(), &self.salt.0, key.as_mut_slice())
            .map_err(|_| refused())?;
        Ok(Derived { kdf: self.clone(), key })
    }
}

/// Encryption key, with the salt and cost that it was derived with. It is kept so that a process
/// derives it only once.
struct Derived {
    kdf: Kdf,
    key: Zeroizing<[u8; 32]>,
}

/// A key file of one format, with the passphrase that opens it.
pub(super) struct Vault {
    path: PathBuf,
    format: &'static str,
    passphrase: Option<Passphrase>,
    derived: Option<Derived>,
}

impl Vault {
    pub(super) fn new(
        path: impl Into<PathBuf>,
        format: &'static str,
        passphrase: Option<Passphrase>,
    ) -> Self {
        Self { path: path.into(), format, passphrase, derived: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and decrypts the content; returns `None` if the file does not exist.
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> Result<Option<T>, KeysError> {
        let Some(bytes) = read_private(&self.path)? else { return Ok(None) };
        let peek = Peek::of(&self.path, &bytes)?;
        if peek.format != self.format {
            let (path, expected, actual) = (self.path.clone(), self.format, peek.format);
            return Err(KeysError::Format { path, expected, actual });
        }
        if peek.keys.is_some() {
            return parse(&self.path, &bytes).map(|plain: Plain<T>| Some(plain.keys));
        }
        let sealed: Sealed = parse(&self.path, &bytes)?;
        let content = self.open(sealed)?;
        parse(&self.path, &content).map(Some)
    }

    /// Replaces the content. It is sealed if the vault has a passphrase.
    pub(super) fn write<T: Serialize>(&mut self, content: &T) -> Result<(), KeysError> {
        let bytes = if self.passphrase.is_some() {
            let plaintext = to_json(&self.path, content)?;
            let sealed = self.seal(plaintext)?;
            to_json(&self.path, &sealed)?
        } else {
            to_json(&self.path, &Plain { format: self.format.to_owned(), keys: content })?
        };
        let written = write_atomic(&self.path, &bytes, 0o600);
        written.map_err(|error| KeysError::io("write", &self.path, error))
    }

    /// Returns the key for `kdf`, which is derived at most once for each salt and cost.
    fn key(&mut self, kdf: &Kdf) -> Result<&Derived, KeysError> {
        let needed = || KeysError::PassphraseNeeded { path: self.path.clone() };
        let passphrase = self.passphrase.as_ref().ok_or_else(needed)?;
        let derived = match self.derived.take().filter(|derived| derived.kdf == *kdf) {
            Some(derived) => derived,
            None => kdf.derive(&self.path, passphrase)?,
        };
        Ok(self.derived.insert(derived))
    }

    fn open(&mut self, sealed: Sealed) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let wrong = KeysError::WrongPassphrase { path: self.path.clone() };
        let header = header(&sealed.format, &sealed.kdf, &sealed.cipher);
        if sealed.cipher != CIPHER {
            let reason = format!("the cipher {:?} is not {CIPHER:?}", sealed.cipher);
            return Err(KeysError::Malformed { path: self.path.clone(), reason });
        }
        let derived = self.key(&sealed.kdf)?;
        let cipher = XChaCha20Poly1305::new(derived.key.as_slice().into());
        let mut content = Zeroizing::new(sealed.ciphertext.0);
        let nonce = XNonce::from_slice(&sealed.nonce.0);
        let opened = cipher.decrypt_in_place(nonce, &header, &mut *content);
        opened.map(|()| content).map_err(|_| wrong)
    }

    fn seal(&mut self, mut content: Zeroizing<Vec<u8>>) -> Result<Sealed, KeysError> {
        let kdf = match &self.derived {
            Some(derived) => derived.kdf.clone(),
            None => Kdf::new()?,
        };
        let nonce = FixedBytes(random()?);
        let header = header(self.format, &kdf, CIPHER);
        let path = self.path.clone();
        let derived = self.key(&kdf)?;
        let cipher = XChaCha20Poly1305::new(derived.key.as_slice().into());
        // The buffer has room for the tag, so that it does not grow and leave a copy of the
        // plaintext.
        let mut buffer = Zeroizing::new(Vec::with_capacity(content.len().saturating_add(16)));
        buffer.append(&mut content);
        cipher
            .encrypt_in_place(XNonce::from_slice(&nonce.0), &header, &mut *buffer)
            .map_err(|_| KeysError::Malformed { path, reason: "too long to encrypt".to_owned() })?;
        let ciphertext = Bytes(std::mem::take(&mut *buffer));
        let (format, cipher) = (self.format.to_owned(), CIPHER.to_owned());
        Ok(Sealed { format, kdf, cipher, nonce, ciphertext })
    }
}

/// Returns the associated data: the readable fields, which are authenticated with the ciphertext.
fn header(format: &str, kdf: &Kdf, cipher: &str) -> Vec<u8> {
    let kdf = (&kdf.name, kdf.memory_kib, kdf.passes, kdf.lanes, kdf.salt);
    codec::encode(&(format, kdf, cipher))
}

fn random<const N: usize>() -> Result<[u8; N], KeysError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| KeysError::Random { reason: error.to_string() })?;
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, KeysError> {
    serde_json::from_slice(bytes).map_err(|error| malformed(path, &error))
}

fn malformed(path: &Path, error: &serde_json::Error) -> KeysError {
    KeysError::Malformed { path: path.to_owned(), reason: error.to_string() }
}

/// Writes JSON into a buffer that has the right size from the start. A buffer that grows would
/// leave copies of the secrets in freed memory.
fn to_json<T: Serialize>(path: &Path, value: &T) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    struct Count(usize);

    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    serde_json::to_writer_pretty(&mut count, value).map_err(|error| malformed(path, &error))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(count.0.saturating_add(1)));
    serde_json::to_writer_pretty(&mut *bytes, value).map_err(|error| malformed(path, &error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn vault(directory: &tempfile::TempDir, passphrase: Option<&str>) -> Vault {
        let passphrase = passphrase.map(|text| Passphrase::new(text.to_owned().into()));
        Vault::new(directory.path().join("keys.json"), "idem-test/1", passphrase)
    }

    fn content() -> Vec<String> {
        vec!["a secret".to_owned()]
    }

    #[test]
    fn plain_and_sealed_files_read_back_and_have_mode_0600() {
        for passphrase in [None, Some("correct horse")] {
            let directory = tempfile::tempdir().expect("a directory");
            let mut writer = vault(&directory, passphrase);
            assert!(matches!(writer.read::<Vec<String>>(), Ok(None)));
            assert!(matches!(protection(writer.path()), Ok(Protection::Missing)));
            writer.write(&content()).expect("written");
            let read = vault(&directory, passphrase).read::<Vec<String>>().expect("read");
            assert_eq!(read, Some(content()));
            let metadata = std::fs::metadata(writer.path()).expect("metadata");
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
            let text = std::fs::read_to_string(writer.path()).expect("text");
            assert_eq!(text.contains("a secret"), passphrase.is_none());
            let wanted = if passphrase.is_some() { Protection::Sealed } else { Protection::Plain };
            assert_eq!(protection(writer.path()).expect("known"), wanted);
            let files = std::fs::read_dir(directory.path()).expect("listed").count();
            assert_eq!(files, 1, "no temporary file stays behind");
        }
    }

    #[test]
    fn a_plain_file_is_sealed_at_the_first_write_with_a_passphrase() {
        let directory = tempfile::tempdir().expect("a directory");
        vault(&directory, None).write(&content()).expect("written");
        let mut sealing = vault(&directory, Some("correct horse"));
        let read = sealing.read::<Vec<String>>().expect("read").expect("content");
        sealing.write(&read).expect("written");
        assert_eq!(protection(sealing.path()).expect("known"), Protection::Sealed);
    }

    #[test]
    fn every_write_has_its_own_nonce() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut writer = vault(&directory, Some("correct horse"));
        let mut write = || {
            writer.write(&content()).expect("written");
            std::fs::read(writer.path()).expect("bytes")
        };
        assert_ne!(write(), write());
    }

    #[test]
    fn a_wrong_or_missing_passphrase_opens_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        vault(&directory, Some("correct horse")).write(&content()).expect("written");
        let refused = vault(&directory, Some("battery staple")).read::<Vec<String>>();
        assert!(matches!(refused, Err(KeysError::WrongPassphrase { .. })));
        let refused = vault(&directory, None).read::<Vec<String>>();
        assert!(matches!(refused, Err(KeysError::PassphraseNeeded { .. })));
    }

    #[test]
    fn any_changed_field_of_a_sealed_file_is_noticed() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut sealed = vault(&directory, Some("correct horse"));
        sealed.write(&content()).expect("written");
        let original: serde_json::Value =
            serde_json::from_slice(&std::fs::read(sealed.path()).expect("bytes")).expect("JSON");
        let zeros = |bytes: usize| codec::base64url(&vec![0; bytes]).into();
        for (pointer, value) in [
            ("/kdf/salt", zeros(16)),
            ("/kdf/passes", 4.into()),
            ("/nonce", zeros(24)),
            ("/ciphertext", zeros(64)),
            ("/kdf/memoryKib", u32::MAX.into()),
            ("/kdf/memoryKib", 8.into()),
            ("/kdf/name", "argon2i".into()),
            ("/cipher", "aes".into()),
            ("/format", "idem-other/1".into()),
        ] {
            let mut changed = original.clone();
            *changed.pointer_mut(pointer).expect("a field") = value;
            let bytes = serde_json::to_vec(&changed).expect("JSON");
            write_atomic(sealed.path(), &bytes, 0o600).expect("written");
            assert!(sealed.read::<Vec<String>>().is_err(), "{pointer} was changed");
        }
    }

    #[test]
    fn a_truncated_file_is_refused_at_every_length() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut plain = vault(&directory, None);
        plain.write(&content()).expect("written");
        let bytes = std::fs::read(plain.path()).expect("bytes");
        // The last byte is the final line break, which JSON does not need.
        for length in 0..bytes.len() - 2 {
            write_atomic(plain.path(), &bytes[..length], 0o600).expect("written");
            let refused = plain.read::<Vec<String>>();
            assert!(matches!(refused, Err(KeysError::Malformed { .. })), "{length} bytes");
        }
    }

    #[test]
    fn a_file_that_others_may_open_is_refused() {
        for mode in [0o640, 0o604, 0o660, 0o610, 0o666] {
            let directory = tempfile::tempdir().expect("a directory");
            let mut plain = vault(&directory, None);
            plain.write(&content()).expect("written");
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(plain.path(), permissions).expect("changed");
            match plain.read::<Vec<String>>() {
                Err(KeysError::Mode { mode: named, .. }) => assert_eq!(named, mode),
                other => panic!("mode {mode:o} gave {other:?}"),
            }
        }
    }

    #[test]
    fn a_passphrase_is_never_shown() {
        let passphrase = Passphrase::new("correct horse".to_owned().into());
        assert!(!format!("{passphrase:?}").contains("horse"));
    }
}
