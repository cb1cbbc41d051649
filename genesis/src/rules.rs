//! Rules of a genesis file, one function each (docs/protocol/genesis.md, section "Rules").

use registry_core::codec::Bytes;
use registry_core::governance::{
    GovernanceError, PROTOCOL_VERSION, Publishing, PublishingKey, ValidatorEntry, Validators,
};
use registry_core::limits::{BLOCK_BYTES_MAX, BLOCK_OPERATIONS_MAX, URI_BYTES_MAX};
use url::Url;

use crate::error::GenesisError;

pub(crate) fn check_version(actual: u64) -> Result<(), GenesisError> {
    if actual == PROTOCOL_VERSION {
        return Ok(());
    }
    let expected = format!("{PROTOCOL_VERSION}, the version that this build speaks");
    Err(GenesisError::value("version", actual, expected))
}

pub(crate) fn check_public_url(public_url: Option<&str>) -> Result<(), GenesisError> {
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

/// Returns true if `text` is the normal spelling of `url` and a path can be appended to it. The
/// normal spelling of a URL without a path ends with a slash, which is not allowed here.
fn is_prefix(url: &Url, text: &str) -> bool {
    matches!(url.scheme(), "https" | "http")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && !text.ends_with('/')
        && (url.as_str() == text || url.as_str().strip_suffix('/') == Some(text))
}

/// Checks the publishing key of a ceremony's entry: its name, its form, and that it is not a key of
/// the validator.
pub(crate) fn check_entry_publishing(
    entry: &PublishingKey,
    validator: &ValidatorEntry,
) -> Result<(), GenesisError> {
    if entry.name.as_str() != validator.name {
        let expected = format!("{}, the validator's name", validator.name);
        return Err(GenesisError::value("publishing.name", &entry.name, expected));
    }
    Publishing { keys: vec![entry.clone()] }.check().map_err(GovernanceError::from)?;
    let validators = Validators { validators: vec![validator.clone()] };
    Ok(validators.check_own_use(&entry.key, "publishing.key")?)
}

pub(crate) fn check_operations(operations: &[Bytes]) -> Result<(), GenesisError> {
    let count = operations.len();
    let bytes: usize = operations.iter().map(|envelope| envelope.0.len()).sum();
    if count <= BLOCK_OPERATIONS_MAX && bytes <= BLOCK_BYTES_MAX {
        return Ok(());
    }
    let actual = format!("{count} operations of {bytes} bytes");
    let expected = format!("at most {BLOCK_OPERATIONS_MAX} of {BLOCK_BYTES_MAX} bytes together");
    Err(GenesisError::value("operations", actual, expected))
}
