//! Versions below which packages must not go, and packages that must never be used. Most of these
//! vulnerabilities are in no database that an audit tool reads.

use super::{assert_none, read, sources};

/// Package, lowest version allowed, and vulnerability of earlier versions.
const FLOORS: [(&str, [u64; 3], &str); 7] = [
    ("ed25519-dalek", [2, 0, 0], "RUSTSEC-2022-0093: a split key pair leaks the key"),
    ("hickory-proto", [0, 26, 1], "RUSTSEC-2026-0118 and -0119: denial of service"),
    ("libp2p-gossipsub", [0, 50, 1], "GHSA-vrx6-jcp8-vm7m: PRUNE of unknown topics fills memory"),
    ("libp2p-quic", [0, 13, 1], "GHSA-5hq8-qhww-jm7q: a bad certificate panics"),
    ("quinn-proto", [0, 11, 15], "RUSTSEC-2026-0185: unbounded memory"),
    ("rustls-webpki", [0, 103, 13], "denial of service"),
    ("yamux", [0, 13, 10], "CVE-2026-32314: remote panic"),
];

/// Package, and why it must not be in the lock file.
const BANNED: [(&str, &str); 5] = [
    ("bincode", "RUSTSEC-2025-0141, and no canonical form"),
    ("libp2p-rendezvous", "CVE-2026-35405; not used"),
    ("native-tls", "TLS is the proxy's"),
    ("openssl", "TLS is the proxy's"),
    ("serde_cbor", "RUSTSEC-2021-0127, and it decodes what is not canonical"),
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Entry of a package in a lock file.
#[derive(Default)]
struct Locked<'a> {
    name: &'a str,
    version: &'a str,
    source: Option<&'a str>,
}

fn packages(lock: &str) -> Vec<Locked<'_>> {
    let blocks = lock.split("[[package]]").skip(1);
    let field = |block: &'_ str, key: &str| -> Option<(usize, usize)> {
        let start = block.find(&format!("\n{key} = \""))? + key.len() + 5;
        Some((start, start + block[start..].find('"')?))
    };
    let read = |block, key| field(block, key).map(|(start, end)| &block[start..end]);
    let package = |block| Locked {
        name: read(block, "name").unwrap_or_default(),
        version: read(block, "version").unwrap_or_default(),
        source: read(block, "source"),
    };
    blocks.map(package).collect()
}

/// Returns the three numbers of a version. A number that cannot be parsed counts as 0, and so as
/// too old.
fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap_or_default());
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

fn findings(lock: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for Locked { name, version, source } in packages(lock) {
        for (floored, floor, hole) in FLOORS {
            if name == floored && numbers(version) < floor {
                findings.push(format!("{name} {version} is below {floor:?}: {hole}"));
            }
        }
        for (banned, reason) in BANNED {
            if name == banned {
                findings.push(format!("{name}: {reason}"));
            }
        }
        if source.is_some_and(|source| source != REGISTRY) {
            findings.push(format!("{name} is not from crates.io"));
        }
    }
    findings
}

#[test]
fn the_lock_file_is_above_every_floor() {
    let lock = read("Cargo.lock");
    let locked = packages(&lock);
    for needed in ["libp2p-gossipsub", "yamux", "ed25519-dalek"] {
        assert!(locked.iter().any(|package| package.name == needed), "{needed} is not locked");
    }
    assert_none(findings(&lock));
}

#[test]
fn no_manifest_loosens_the_decoder() {
    let manifests = sources("", |path| path.ends_with("Cargo.toml"));
    let loose = manifests.iter().filter(|file| file.text.contains("less-strict-decoding"));
    assert_none(loose.map(|file| file.path.clone()).collect());
}

#[test]
fn the_lock_checks_find_what_they_look_for() {
    let lock = |name: &str, version: &str, source: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n")
    };
    assert_eq!(findings(&lock("yamux", "0.13.9", REGISTRY)).len(), 1);
    assert_eq!(findings(&lock("yamux", "0.13.10", REGISTRY)).len(), 0);
    assert_eq!(findings(&lock("libp2p-gossipsub", "0.50.1", REGISTRY)).len(), 0);
    assert_eq!(findings(&lock("libp2p-gossipsub", "0.50.0+x", REGISTRY)).len(), 1);
    assert_eq!(findings(&lock("serde_cbor", "0.11.2", REGISTRY)).len(), 1);
    assert_eq!(findings(&lock("serde", "1.0.0", "git+https://example.org/serde")).len(), 1);
}
