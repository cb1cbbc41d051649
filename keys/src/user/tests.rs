use registry_core::crypto::{Purpose, Suite};
use registry_core::id::Suffix;

use super::*;

fn hash(byte: u8) -> Hash {
    Hash::of(Purpose::OperationId, &[&[byte]])
}

fn did(byte: u8) -> Did {
    let network = "local".parse().expect("a network");
    Did { network, suffix: Suffix::of_create(&hash(byte)) }
}

fn pending(byte: u8, control: &PublicKey) -> Pending {
    let current = Some(Roles { control: vec![control.clone()], ..Roles::default() });
    let parts = Parts { current, recovering: None };
    Pending { operation: hash(byte), envelope: Bytes(vec![byte]), parts }
}

fn file(directory: &tempfile::TempDir, passphrase: Option<&str>) -> UserKeyFile {
    let passphrase = passphrase.map(|text| Passphrase::new(text.to_owned().into()));
    UserKeyFile::new(directory.path().join("user.json"), passphrase)
}

/// Returns a file content with one committed DID, and the control key of that DID.
fn with_committed(byte: u8) -> (UserKeys, PublicKey) {
    let mut keys = UserKeys::default();
    let control = keys.add(SecretKey::generate(Suite::Ed25519).expect("a key"));
    keys.begin(&did(byte), Hash::ZERO, pending(byte, &control)).expect("noted");
    keys.commit(&hash(byte));
    (keys, control)
}

#[test]
fn the_last_did_signs_when_none_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = file(&directory, None);
    let (mut keys, control) = with_committed(1);
    keys.begin(&did(2), Hash::ZERO, pending(2, &control)).expect("noted");
    assert_eq!(file.author(&keys, None).expect("an author").did, did(2));
    assert_eq!(file.author(&keys, Some(&did(1))).expect("an author").did, did(1));
    let refused = file.author(&keys, Some(&did(9)));
    assert!(matches!(refused, Err(KeysError::UnknownDid { .. })));
    let empty = UserKeys::default();
    assert!(matches!(file.author(&empty, None), Err(KeysError::NoDid { .. })));
}

#[test]
fn parts_change_at_commit_and_not_before() {
    let (mut keys, old) = with_committed(1);
    let new = keys.add(SecretKey::generate(Suite::P256).expect("a key"));
    keys.begin(&did(1), Hash::ZERO, pending(7, &new)).expect("noted");
    let control = |keys: &UserKeys| {
        keys.get(&did(1)).and_then(|keys| keys.parts.current.clone()).map(|roles| roles.control)
    };
    assert_eq!(control(&keys), Some(vec![old.clone()]));
    keys.commit(&hash(6));
    assert_eq!(control(&keys), Some(vec![old.clone()]), "another operation changes nothing");
    keys.commit(&hash(7));
    assert_eq!(control(&keys), Some(vec![new.clone()]));
    assert!(keys.find(&old).is_some() && keys.find(&new).is_some(), "no secret is lost");
}

#[test]
fn an_abandoned_operation_loses_no_secret() {
    let (mut keys, old) = with_committed(1);
    let new = keys.add(SecretKey::generate(Suite::Secp256k1).expect("a key"));
    keys.begin(&did(1), Hash::ZERO, pending(7, &new)).expect("noted");
    keys.begin(&did(2), Hash::ZERO, pending(8, &new)).expect("noted");
    keys.abandon(&hash(7));
    keys.abandon(&hash(8));
    assert_eq!(keys.get(&did(1)).and_then(|keys| keys.pending.as_ref()), None);
    assert!(keys.get(&did(2)).is_none(), "a DID that never came to be is forgotten");
    assert!(keys.find(&old).is_some() && keys.find(&new).is_some());
}

#[test]
fn one_operation_is_in_flight_at_a_time() {
    let (mut keys, control) = with_committed(1);
    keys.begin(&did(1), Hash::ZERO, pending(7, &control)).expect("noted");
    keys.begin(&did(1), Hash::ZERO, pending(7, &control)).expect("the same again");
    let refused = keys.begin(&did(1), Hash::ZERO, pending(8, &control));
    assert!(matches!(refused, Err(KeysError::StillPending { .. })));
}

#[test]
fn a_sealed_file_keeps_everything_and_shows_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let (content, control) = with_committed(1);
    let mut writer = file(&directory, Some("correct horse"));
    writer
        .update(|keys| {
            *keys = content;
            Ok::<_, KeysError>(())
        })
        .expect("written");
    let read = file(&directory, Some("correct horse")).read_existing().expect("read");
    assert!(read.find(&control).is_some());
    assert_eq!(read.last().map(|keys| keys.did.clone()), Some(did(1)));
    let text = std::fs::read_to_string(writer.path()).expect("text");
    assert!(!text.contains("did:idem") && !text.contains(&control.to_string()));
}

#[test]
fn a_failed_change_writes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut file = file(&directory, None);
    let failed: Result<(), KeysError> = file.update(|keys| {
        keys.add(SecretKey::generate(Suite::Ed25519)?);
        Err(KeysError::Random { reason: "none left".to_owned() })
    });
    assert!(failed.is_err());
    assert!(matches!(file.read_existing(), Err(KeysError::Missing { .. })));
}

#[test]
fn concurrent_writers_lose_no_key() {
    const WRITERS: usize = 4;
    const KEYS_EACH: usize = 5;
    let directory = tempfile::tempdir().expect("a directory");
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for _ in 0..KEYS_EACH {
                    let key = SecretKey::generate(Suite::Ed25519).expect("a key");
                    let added = file(&directory, None).update(|keys| {
                        keys.add(key);
                        Ok::<_, KeysError>(())
                    });
                    added.expect("written");
                }
            });
        }
    });
    let keys = file(&directory, None).read_existing().expect("read");
    assert_eq!(keys.pool.len(), WRITERS * KEYS_EACH);
}
