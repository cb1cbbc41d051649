//! The rules of a genesis file, one function each (docs/protocol/genesis.md, section "Rules").

use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use registry_core::codec;
use registry_core::crypto::{PublicKey, Suite};
use registry_core::governance::{
    PROTOCOL_VERSION, Parameters, Publishing, PublishingKey, ValidatorEntry, WritePolicy,
};
use registry_core::limits::{
    BLOCK_BYTES_MAX, BLOCK_OPERATIONS_MAX, ENDORSED_PER_HOUR_MAX, OPERATION_BYTES_MAX,
    RECOVERY_DELAY_MS_MAX, URI_BYTES_MAX,
};
use url::Url;

use crate::error::GenesisError;
use crate::file::GenesisFile;
use crate::limits::{
    ADDRESS_BYTES_MAX, ADDRESSES_MAX, BLOCK_INTERVAL_MS_MIN, HEARTBEAT_MS_MAX, NAME_BYTES_MAX,
    RECOVERY_DELAY_MS_FLOOR, TIME_MS_END, TIMEOUT_MS_MAX, TIMEOUT_MS_MIN,
};

/// libp2p peer id of an Ed25519 key: identity multihash (0x00, 36 bytes) of the key's protobuf.
const PEER_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// All rules but those of the operations.
pub(crate) fn check(file: &GenesisFile) -> Result<(), GenesisError> {
    check_version(file.version)?;
    check_number("time", file.time.0, 0, TIME_MS_END - 1)?;
    check_public_url(file.public_url.as_deref())?;
    check_parameters(&file.parameters)?;
    check_validators(file)?;
    check_publishing(file)?;
    check_operations(file)
}

fn check_version(actual: u64) -> Result<(), GenesisError> {
    if actual == PROTOCOL_VERSION {
        return Ok(());
    }
    let expected = format!("{PROTOCOL_VERSION}, the version that this build speaks");
    Err(GenesisError::value("version", actual, expected))
}

fn check_number(path: &str, actual: u64, min: u64, max: u64) -> Result<(), GenesisError> {
    if (min..=max).contains(&actual) {
        return Ok(());
    }
    Err(GenesisError::value(path, actual, format!("between {min} and {max}")))
}

fn check_public_url(public_url: Option<&str>) -> Result<(), GenesisError> {
    let Some(text) = public_url else { return Ok(()) };
    if text.len() <= URI_BYTES_MAX && Url::parse(text).is_ok_and(|url| is_prefix(&url, text)) {
        return Ok(());
    }
    let expected = format!(
        "an https (or, for tests, http) URL of at most {URI_BYTES_MAX} bytes in its normal \
         spelling, without user, query, fragment and slash at the end"
    );
    Err(GenesisError::value("public_url", format!("{text:?}"), expected))
}

/// Whether `text` is the normal spelling of `url`, and a path can be put behind it. The normal
/// spelling of a bare host ends with the slash that is not wanted here.
fn is_prefix(url: &Url, text: &str) -> bool {
    matches!(url.scheme(), "https" | "http")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && !text.ends_with('/')
        && (url.as_str() == text || url.as_str().strip_suffix('/') == Some(text))
}

fn check_parameters(parameters: &Parameters) -> Result<(), GenesisError> {
    let Parameters {
        write_policy,
        recovery_delay_ms_min,
        block_interval_ms_min,
        heartbeat_ms,
        timeout_propose_ms,
        timeout_prevote_ms,
        timeout_precommit_ms,
        timeout_step_ms,
        timeout_ms_max,
    } = parameters;
    check_write_policy(write_policy)?;
    let (interval, longest) = (*block_interval_ms_min, *timeout_ms_max);
    let recovery = (RECOVERY_DELAY_MS_FLOOR, RECOVERY_DELAY_MS_MAX);
    for (name, actual, (min, max)) in [
        ("recovery_delay_ms_min", *recovery_delay_ms_min, recovery),
        ("block_interval_ms_min", interval, (BLOCK_INTERVAL_MS_MIN, HEARTBEAT_MS_MAX)),
        ("heartbeat_ms", *heartbeat_ms, (interval, HEARTBEAT_MS_MAX)),
        ("timeout_ms_max", longest, (TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)),
        ("timeout_propose_ms", *timeout_propose_ms, (TIMEOUT_MS_MIN, longest)),
        ("timeout_prevote_ms", *timeout_prevote_ms, (TIMEOUT_MS_MIN, longest)),
        ("timeout_precommit_ms", *timeout_precommit_ms, (TIMEOUT_MS_MIN, longest)),
        ("timeout_step_ms", *timeout_step_ms, (1, longest)),
    ] {
        check_number(&format!("parameters.{name}"), actual, min, max)?;
    }
    Ok(())
}

fn check_write_policy(policy: &WritePolicy) -> Result<(), GenesisError> {
    match policy {
        WritePolicy::Open => Ok(()),
        WritePolicy::Endorsed(policy) => {
            let path = "parameters.write_policy.endorsed.operations_per_hour";
            check_number(path, policy.operations_per_hour, 1, ENDORSED_PER_HOUR_MAX)
        }
    }
}

fn check_validators(file: &GenesisFile) -> Result<(), GenesisError> {
    for (index, entry) in file.validators.iter().enumerate() {
        check_validator(entry, &format!("validators[{index}]"))?;
    }
    check_unique(&file.validators)?;
    let validators = file.validators();
    validators.set()?;
    let bytes = codec::encode(&validators).len();
    if bytes > OPERATION_BYTES_MAX {
        let expected = format!("at most {OPERATION_BYTES_MAX} bytes of CBOR; use fewer addresses");
        return Err(GenesisError::value("validators", format!("{bytes} bytes"), expected));
    }
    Ok(())
}

/// The rules of one validator by itself; the validator set checks key and power.
pub(crate) fn check_validator(entry: &ValidatorEntry, path: &str) -> Result<(), GenesisError> {
    if !is_name(&entry.name) {
        let expected = format!("1 to {NAME_BYTES_MAX} of a-z, 0-9 and -, with no - at the ends");
        let actual = format!("{:?}", entry.name);
        return Err(GenesisError::value(format!("{path}.name"), actual, expected));
    }
    let peer = peer_key(&entry.peer).ok_or_else(|| {
        let expected = "the peer id of a usable Ed25519 key, base58, like 12D3KooW…";
        GenesisError::value(format!("{path}.peer"), format!("{:?}", entry.peer), expected)
    })?;
    if peer.raw() == entry.key.0 {
        let expected = "of another key than the validator's: votes and transport never share one";
        return Err(GenesisError::value(format!("{path}.peer"), &entry.peer, expected));
    }
    let count = entry.addresses.len();
    if count == 0 || count > ADDRESSES_MAX {
        let expected = format!("1 to {ADDRESSES_MAX} addresses, the preferred first");
        let actual = format!("{count} addresses");
        return Err(GenesisError::value(format!("{path}.addresses"), actual, expected));
    }
    for (index, address) in entry.addresses.iter().enumerate() {
        if !is_address(address) {
            let expected = "like /ip4/192.0.2.1/tcp/7640: ip4, ip6, dns, dns4 or dns6 and a TCP \
                            port, in normal spelling and without /p2p";
            let path = format!("{path}.addresses[{index}]");
            return Err(GenesisError::value(path, format!("{address:?}"), expected));
        }
    }
    Ok(())
}

/// Names, keys and peer ids, each of one validator only.
pub(crate) fn check_unique(validators: &[ValidatorEntry]) -> Result<(), GenesisError> {
    let mut seen: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for (index, entry) in validators.iter().enumerate() {
        let (key, name, peer) = (entry.key.to_string(), entry.name.clone(), entry.peer.clone());
        for (field, actual) in [("name", name), ("key", key), ("peer", peer)] {
            if let Some(first) = seen.insert((field, actual.clone()), &entry.name) {
                let (path, first) = (format!("validators[{index}].{field}"), first.to_owned());
                return Err(GenesisError::Duplicate { path, actual, first });
            }
        }
    }
    Ok(())
}

/// The list by itself, and that no key in it has another use.
fn check_publishing(file: &GenesisFile) -> Result<(), GenesisError> {
    file.publishing().check()?;
    for (index, entry) in file.publishing.iter().enumerate() {
        check_own_use(&entry.key, &file.validators, &format!("publishing[{index}].key"))?;
    }
    Ok(())
}

/// What a ceremony's entry says of the operator's publishing key.
pub(crate) fn check_entry_publishing(
    entry: &PublishingKey,
    validator: &ValidatorEntry,
) -> Result<(), GenesisError> {
    if entry.name.as_str() != validator.name {
        let expected = format!("{}, the validator's name", validator.name);
        return Err(GenesisError::value("publishing.name", &entry.name, expected));
    }
    Publishing { keys: vec![entry.clone()] }.check()?;
    check_own_use(&entry.key, std::slice::from_ref(validator), "publishing.key")
}

/// That no validator votes or speaks to its peers with the key.
fn check_own_use(
    key: &PublicKey,
    validators: &[ValidatorEntry],
    path: &str,
) -> Result<(), GenesisError> {
    let used = |validator: &&ValidatorEntry| {
        let peer = peer_key(&validator.peer);
        validator.key.0 == key.raw() || peer.is_some_and(|peer| peer.raw() == key.raw())
    };
    let Some(validator) = validators.iter().find(used) else { return Ok(()) };
    let name = &validator.name;
    let expected = format!("a key of its own: {name} votes or speaks to its peers with this one");
    Err(GenesisError::value(path, key, expected))
}

fn check_operations(file: &GenesisFile) -> Result<(), GenesisError> {
    let count = file.operations.len();
    let bytes: usize = file.operations.iter().map(|envelope| envelope.0.len()).sum();
    if count <= BLOCK_OPERATIONS_MAX && bytes <= BLOCK_BYTES_MAX {
        return Ok(());
    }
    let actual = format!("{count} operations of {bytes} bytes");
    let expected = format!("at most {BLOCK_OPERATIONS_MAX} of {BLOCK_BYTES_MAX} bytes together");
    Err(GenesisError::value("operations", actual, expected))
}

fn is_name(text: &str) -> bool {
    is_label(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A DNS label: letters, digits and inner hyphens.
fn is_label(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn peer_key(peer: &str) -> Option<PublicKey> {
    let bytes = bs58::decode(peer).into_vec().ok()?;
    let key = PublicKey::new(Suite::Ed25519, bytes.strip_prefix(&PEER_PREFIX)?).ok()?;
    key.check().is_ok().then_some(key)
}

fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let ["", kind, host, "tcp", port] = parts.as_slice() else { return false };
    let host_ok = match *kind {
        "ip4" => host.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == *host),
        "ip6" => host.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() == *host),
        "dns" | "dns4" | "dns6" => host.len() <= 253 && host.split('.').all(is_label),
        _ => false,
    };
    let port_ok = port.parse::<u16>().is_ok_and(|port| port > 0) && !port.starts_with(['0', '+']);
    text.len() <= ADDRESS_BYTES_MAX && host_ok && port_ok
}
