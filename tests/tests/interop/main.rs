//! Tests that libraries of others read the status views (`tests/interop`), made here or served by a
//! node. If the libraries cannot be installed, the tests print that they are skipped.

mod live;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::{Signer as _, SigningKey};
use registry_core::crypto::{PublicKey, Suite};
use registry_core::status::StatusPurpose;
use rpc::view::{Form, List, Publication, Signer, Standard, Window};
use serde_json::Value;

/// Exit code of `tests/interop/run` if the libraries cannot be installed.
const SKIPPED: i32 = 77;

const URI: &str = "https://node.example/status-lists/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Entries to read: both ends of the first bytes, the middle and the end of the list.
const ENTRIES: [u64; 10] = [0, 1, 2, 3, 7, 8, 9, 500, 998, 999];

struct Key(SigningKey);

impl Key {
    fn multikey(&self) -> String {
        let raw = self.0.verifying_key();
        PublicKey::new(Suite::Ed25519, raw.as_bytes()).expect("32 bytes").to_string()
    }
}

impl Signer for Key {
    fn issuer(&self) -> &str {
        "did:idem:test:publisher"
    }

    fn method(&self) -> &str {
        "did:idem:test:publisher#node-1"
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Returns what the libraries report about a view in a file or at a URL; `None` if they cannot be
/// installed.
fn judged(form: Form, source: impl AsRef<OsStr>, multikey: &str, size: u8) -> Option<Value> {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/run");
    let entries = ENTRIES.map(|entry| entry.to_string()).join(",");
    let output = Command::new(run)
        .arg(form.media_type())
        .arg(source)
        .args([multikey, &entries, &size.to_string()])
        .output()
        .expect("tests/interop/run starts");
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(SKIPPED) {
        // Written directly to standard error, because the output of passing tests is hidden.
        std::io::stderr().write_all(said.as_bytes()).expect("standard error is open");
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Checks that a view was accepted and that each entry was read as `expected`. Returns the
/// libraries that read it.
fn check(judgement: &Value, expected: impl Fn(u64) -> u64) -> BTreeSet<String> {
    assert_eq!(judgement["accepted"], true, "{judgement}");
    let values = judgement["values"].as_array().expect("values");
    assert!(values.len() >= ENTRIES.len(), "{judgement}");
    let read = values.iter().map(|value| {
        let entry = value["entry"].as_u64().expect("an entry");
        assert_eq!(value["value"].as_u64(), Some(expected(entry)), "{value}");
        value["library"].as_str().expect("a name").to_owned()
    });
    read.collect()
}

/// Checks that each library has read a view.
fn check_libraries(libraries: &BTreeSet<String>) {
    let expected = [
        "@4sure-tech/vc-bitstring-status-lists",
        "@digitalbazaar/vc-bitstring-status-list",
        "@owf/token-status-list",
        "@sd-jwt/jwt-status-list",
    ];
    assert_eq!(*libraries, expected.map(str::to_owned).into());
}

fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(elapsed.as_millis()).expect("a time of today")
}

/// Returns 1,000 entries with every value, in which no pattern repeats in another bit order.
fn entries(bits: u8) -> Vec<u8> {
    (0..1_000u32).map(|index| (index * index / 3 + index) as u8 & (0xff >> (8 - bits))).collect()
}

fn packed(entries: &[u8], bits: u8) -> Vec<u8> {
    let per_byte = usize::from(8 / bits);
    let pack = |chunk: &[u8]| {
        let shifted = chunk.iter().zip(0u8..).map(|(value, slot)| value << (slot * bits));
        shifted.fold(0, |byte, value| byte | value)
    };
    entries.chunks(per_byte).map(pack).collect()
}

/// Writes a view into its own file.
fn written(name: &str, form: Form, view: &[u8]) -> PathBuf {
    let extension = form.media_type().replace(['/', '+'], "-");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{extension}"));
    fs::write(&file, view).expect("the file can be written");
    file
}

fn list(purpose: StatusPurpose, bits: u8, array: &[u8]) -> List<'_> {
    let (messages, valid_from_ms, valid_until_ms) = (&[], None, None);
    List { purpose, bits, length: 1_000, array, messages, valid_from_ms, valid_until_ms }
}

fn publication(window: Window) -> Publication<'static> {
    // In a CWT, @owf/token-status-list requires the address of the aggregation, which is optional.
    let aggregation_uri = Some("https://node.example/status-list-aggregation");
    Publication { uri: URI, window, ttl_ms: Some(300_000), aggregation_uri }
}

#[test]
fn other_libraries_read_our_entries() {
    let key = Key(SigningKey::from_bytes(&[7; 32]));
    let publication = publication(Window::current(now_ms(), 3_600_000));
    let lists = [
        (StatusPurpose::Revocation, 1, 1),
        (StatusPurpose::Suspension, 1, 2),
        (StatusPurpose::Refresh, 1, 3),
        (StatusPurpose::Message, 2, 1),
        (StatusPurpose::Message, 4, 1),
        (StatusPurpose::Message, 8, 1),
    ];
    let mut libraries = BTreeSet::new();
    for (purpose, bits, ietf_value) in lists {
        let entries = entries(bits);
        let array = packed(&entries, bits);
        for form in Form::ALL {
            let view =
                form.encode(&list(purpose, bits, &array), &publication, &key).expect("encodes");
            let file = written(&format!("{}-{bits}", purpose.name()), form, &view);
            println!("{purpose:?} of {bits} bits, {form:?}");
            let Some(judgement) = judged(form, &file, &key.multikey(), bits) else { return };
            let factor = match form.standard() {
                Standard::Ietf => ietf_value,
                Standard::W3c => 1,
            };
            let expected = |entry: u64| u64::from(entries[entry as usize] * factor);
            libraries.append(&mut check(&judgement, expected));
        }
    }
    check_libraries(&libraries);
}

#[test]
fn other_libraries_refuse_what_is_not_ours_or_is_past() {
    let key = Key(SigningKey::from_bytes(&[7; 32]));
    let other = Key(SigningKey::from_bytes(&[8; 32]));
    let now_ms = now_ms();
    let array = packed(&entries(1), 1);
    let list = list(StatusPurpose::Revocation, 1, &array);
    for form in Form::ALL {
        let current = publication(Window::current(now_ms, 3_600_000));
        let past = publication(Window::past(now_ms - 7_200_000, now_ms - 3_600_000));
        let foreign = form.encode(&list, &current, &other).expect("encodes");
        let past = form.encode(&list, &past, &key).expect("encodes");
        let cases = [("foreign", foreign, &["verif"][..]), ("past", past, &["exp", "validuntil"])];
        for (name, view, words) in cases {
            let file = written(name, form, &view);
            let Some(judgement) = judged(form, &file, &key.multikey(), 1) else { return };
            assert_eq!(judgement["accepted"], false, "{name} {form:?}: {judgement}");
            let error = judgement["error"].as_str().expect("a reason");
            assert!(words.iter().any(|word| error.to_lowercase().contains(word)), "{judgement}");
        }
    }
}
