//! Status tokens that issuers sign themselves, stored as files.
//!
//! Each token is one file in a directory of the node's data. The file name holds everything about
//! the token except its bytes. The tokens are not in the database of the ledger, because that
//! database has a single writer and a log for consensus, and clients could fill it with megabytes.
//! An index in memory knows all files.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keys::write_atomic;
use registry_core::codec::hex;
use registry_core::id::ListId;
use registry_core::record::StoreError;
use rpc::service::{KeptToken, TokenStore};
use rpc::view::Form;

use super::Service;
use crate::limits::{TOKEN_FILE_BYTES_MIN, TOKENS_BYTES_MAX, TOKENS_PER_LIST_MAX};

/// The tokens that a node keeps.
pub struct Tokens {
    directory: PathBuf,
    index: Mutex<Index>,
}

/// The kept tokens and the space that each takes in bytes.
#[derive(Debug, Default)]
struct Index {
    tokens: BTreeMap<KeptToken, u64>,
    bytes: u64,
}

impl Tokens {
    /// Opens the tokens in `directory`, which is created if it is missing. Files with other names
    /// are ignored.
    pub fn open(directory: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        let mut index = Index::default();
        for file in std::fs::read_dir(&directory)? {
            let file = file?;
            if let Some(token) = file.file_name().to_str().and_then(from_name) {
                index.insert(token, file.metadata()?.len());
            }
        }
        Ok(Self { directory, index: Mutex::new(index) })
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, token: &KeptToken) -> PathBuf {
        self.directory.join(name(token))
    }

    fn of_list(&self, list: &ListId) -> Vec<KeptToken> {
        self.index().of_list(list).collect()
    }

    fn read(&self, token: &KeptToken) -> Result<Option<Vec<u8>>, StoreError> {
        match std::fs::read(self.path(token)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.index().remove(token);
                Ok(None)
            }
            Err(error) => Err(StoreError::new(error)),
        }
    }

    fn keep(&self, token: KeptToken, bytes: &[u8]) -> Result<(), StoreError> {
        write_atomic(&self.path(&token), bytes, 0o644).map_err(StoreError::new)?;
        let mut index = self.index();
        index.insert(token, bytes.len() as u64);
        for dropped in index.make_room(&token.list) {
            remove(&self.path(&dropped)).map_err(StoreError::new)?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Index {
    fn of_list(&self, list: &ListId) -> impl Iterator<Item = KeptToken> {
        let list = *list;
        let from = KeptToken {
            list,
            form: Form::Credential,
            version: 0,
            issued_ms: 0,
            expires_ms: 0,
            ttl_ms: None,
            digest: [0; 8],
        };
        let tokens = self.tokens.range(from..).map(|(token, _)| *token);
        tokens.take_while(move |token| token.list == list)
    }

    fn insert(&mut self, token: KeptToken, bytes: u64) {
        let bytes = bytes.max(TOKEN_FILE_BYTES_MIN);
        self.remove(&token);
        self.tokens.insert(token, bytes);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn remove(&mut self, token: &KeptToken) {
        let bytes = self.tokens.remove(token).unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Drops the oldest tokens of `list` while it has too many. Then, while all tokens together
    /// take too much space, drops the oldest token of the list that takes the most. An issuer that
    /// uploads much thus displaces its own tokens.
    fn make_room(&mut self, list: &ListId) -> Vec<KeptToken> {
        let mut dropped = Vec::new();
        while self.of_list(list).count() > TOKENS_PER_LIST_MAX {
            dropped.extend(self.drop_oldest(list));
        }
        while self.bytes > TOKENS_BYTES_MAX {
            let mut sizes: BTreeMap<ListId, u64> = BTreeMap::new();
            for (token, bytes) in &self.tokens {
                *sizes.entry(token.list).or_default() += bytes;
            }
            let Some((largest, _)) = sizes.into_iter().max_by_key(|(_, bytes)| *bytes) else {
                break;
            };
            dropped.extend(self.drop_oldest(&largest));
        }
        dropped
    }

    /// Drops the token of the lowest version; among several of that version, the first to expire.
    fn drop_oldest(&mut self, list: &ListId) -> Option<KeptToken> {
        let oldest = self.of_list(list).min_by_key(|token| (token.version, token.expires_ms))?;
        self.remove(&oldest);
        Some(oldest)
    }
}

fn name(token: &KeptToken) -> String {
    let KeptToken { list, form, version, issued_ms, expires_ms, ttl_ms, digest } = token;
    let ttl = ttl_ms.map(|ttl_ms| ttl_ms.to_string()).unwrap_or_default();
    let digest = hex(digest);
    format!("{list}.{}.{version}.{issued_ms}.{expires_ms}.{ttl}.{digest}", form.name())
}

/// Token that a file name describes; `None` if the file is something else.
fn from_name(text: &str) -> Option<KeptToken> {
    let parts: Vec<&str> = text.split('.').collect();
    let [list, form, version, issued, expires, ttl, digest] = parts[..] else { return None };
    let ttl_ms = match ttl {
        "" => None,
        ttl => Some(ttl.parse().ok()?),
    };
    let digest = u64::from_str_radix(digest, 16).ok()?.to_be_bytes();
    let token = KeptToken {
        list: list.parse().ok()?,
        form: Form::from_name(form)?,
        version: version.parse().ok()?,
        issued_ms: issued.parse().ok()?,
        expires_ms: expires.parse().ok()?,
        ttl_ms,
        digest,
    };
    (name(&token) == text).then_some(token)
}

impl TokenStore for Service {
    fn tokens(&self, list: &ListId) -> Vec<KeptToken> {
        self.tokens.of_list(list)
    }

    fn token(&self, token: &KeptToken) -> Result<Option<Vec<u8>>, StoreError> {
        self.tokens.read(token)
    }

    fn keep_token(&self, token: KeptToken, bytes: &[u8]) -> Result<(), StoreError> {
        self.tokens.keep(token, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(list: u8, version: u64) -> KeptToken {
        KeptToken {
            list: ListId([list; 20]),
            form: Form::TokenJwt,
            version,
            issued_ms: 1_000,
            expires_ms: 2_000,
            ttl_ms: None,
            digest: [0, 2, 3, 4, 5, 6, 7, 8],
        }
    }

    #[test]
    fn a_name_tells_all_of_a_token() {
        let timed = KeptToken { ttl_ms: Some(60_000), form: Form::Credential, ..token(9, 7) };
        for token in [token(1, u64::MAX), timed] {
            assert_eq!(from_name(&name(&token)), Some(token));
        }
        let text = name(&token(1, 7));
        for other in ["", ".idem-x", "LOCK", &text[1..], &text.replace(".7.", ".07.")] {
            assert_eq!(from_name(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_kept_is_there_when_it_is_opened_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let tokens = Tokens::open(directory.path().join("tokens")).expect("opened");
        let (one, two) = (token(1, 1), token(1, 2));
        tokens.keep(two, b"two").expect("kept");
        tokens.keep(one, b"one").expect("kept");
        tokens.keep(one, b"one").expect("kept again");
        std::fs::write(tokens.directory.join("other"), b"left alone").expect("a file");
        let tokens = Tokens::open(directory.path().join("tokens")).expect("opened");
        assert_eq!(tokens.of_list(&one.list), [one, two]);
        assert_eq!(tokens.of_list(&ListId([2; 20])), []);
        assert_eq!(tokens.read(&one), Ok(Some(b"one".to_vec())));
        assert_eq!(tokens.index().bytes, 2 * TOKEN_FILE_BYTES_MIN);
        std::fs::remove_file(tokens.path(&one)).expect("a file");
        assert_eq!(tokens.read(&one), Ok(None), "gone by another hand");
        assert_eq!(tokens.of_list(&one.list), [two]);
    }

    #[test]
    fn a_list_keeps_its_newest_tokens() {
        let directory = tempfile::tempdir().expect("a directory");
        let tokens = Tokens::open(directory.path().to_owned()).expect("opened");
        let most = TOKENS_PER_LIST_MAX as u64;
        tokens.keep(token(2, 1), b"another list").expect("kept");
        for version in 1..=most + 1 {
            tokens.keep(token(1, version), b"token").expect("kept");
        }
        let kept: Vec<u64> =
            tokens.of_list(&ListId([1; 20])).iter().map(|token| token.version).collect();
        assert_eq!(kept, (2..=most + 1).collect::<Vec<_>>());
        let files = std::fs::read_dir(directory.path()).expect("a directory").count();
        assert_eq!(files, TOKENS_PER_LIST_MAX + 1);
        assert_eq!(tokens.of_list(&ListId([2; 20])).len(), 1);
    }

    #[test]
    fn the_list_that_takes_most_room_makes_room() {
        let mut index = Index::default();
        let third = TOKENS_BYTES_MAX / 3;
        for (token, bytes) in [(token(1, 1), third), (token(2, 8), third), (token(2, 9), third)] {
            index.insert(token, bytes);
        }
        assert_eq!(index.make_room(&ListId([1; 20])), []);
        index.insert(token(1, 2), 100_000);
        assert_eq!(index.make_room(&ListId([1; 20])), [token(2, 8)]);
        assert!(index.bytes <= TOKENS_BYTES_MAX);
    }
}
