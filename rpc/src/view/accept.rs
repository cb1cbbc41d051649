//! Checks whether an issuer's own token agrees with the ledger entry by entry, and how long it is
//! valid.

use std::borrow::Cow;

use super::error::ViewError;
use super::list::{Form, List, Window};
use super::published::Published;
use super::{bits, ietf};
use crate::limits::{CLOCK_OFFSET_MS_MAX, STATUS_TOKEN_LIFE_MS_MAX};

/// Checks the content of a token against `list`, the version for which it is uploaded and which is
/// published at `uri`. Returns the window of the token. `now_ms` is the present Unix time in
/// milliseconds. The caller checks the signature and the issuer.
pub fn check(
    published: &Published,
    list: &List<'_>,
    uri: &str,
    now_ms: u64,
) -> Result<Window, ViewError> {
    if published.uri.as_deref() != Some(uri) {
        let actual = published.uri.clone().unwrap_or_default();
        return Err(ViewError::Subject { expected: uri.to_owned(), actual });
    }
    if let Some(purpose) = published.purpose
        && purpose != list.purpose
    {
        let actual = purpose.name().to_owned();
        return Err(ViewError::Purpose { expected: list.purpose.name(), actual });
    }
    let issued_ms = published.issued_ms.ok_or(ViewError::NoIssueTime)?;
    let expires_ms = published.expires_ms.ok_or(ViewError::NoExpiry)?;
    check_times(issued_ms, expires_ms, now_ms)?;
    check_entries(published, list)?;
    Ok(Window::past(issued_ms, expires_ms))
}

/// Checks that a token valid from `issued_ms` to `expires_ms` does not live longer than
/// [`STATUS_TOKEN_LIFE_MS_MAX`], is valid at `now_ms` up to a small difference of clocks, and has
/// not ended. All times are Unix time in milliseconds.
pub fn check_times(issued_ms: u64, expires_ms: u64, now_ms: u64) -> Result<(), ViewError> {
    if expires_ms <= issued_ms || expires_ms - issued_ms > STATUS_TOKEN_LIFE_MS_MAX {
        return Err(ViewError::Lifetime {
            issued_ms,
            expires_ms,
            limit_ms: STATUS_TOKEN_LIFE_MS_MAX,
        });
    }
    if issued_ms > now_ms.saturating_add(CLOCK_OFFSET_MS_MAX) {
        return Err(ViewError::Future { issued_ms, now_ms });
    }
    if expires_ms <= now_ms {
        return Err(ViewError::Expired { expires_ms, now_ms });
    }
    Ok(())
}

/// Checks every entry of the list, and that the padding after the last entry is zero.
fn check_entries(published: &Published, list: &List<'_>) -> Result<(), ViewError> {
    let (width, expected) = match published.form {
        Form::Credential | Form::CredentialJwt => (list.bits, Cow::Borrowed(list.array)),
        Form::TokenJwt | Form::TokenCwt => ietf::entries(list),
    };
    if published.bits != width {
        return Err(ViewError::Width { expected: width, actual: published.bits });
    }
    if published.length() < list.length {
        return Err(ViewError::TooShort { actual: published.length(), least: list.length });
    }
    let mut padded = expected.iter().copied().chain(std::iter::repeat(0));
    let differing = published.array.iter().position(|byte| padded.next() != Some(*byte));
    let Some(byte) = differing else { return Ok(()) };
    let per_byte = u64::from(8 / width);
    let of = |array: &[u8], entry| bits::entry(array, width, entry).unwrap_or(0);
    for entry in (byte as u64 * per_byte)..((byte as u64 + 1) * per_byte) {
        let (actual, expected) = (of(&published.array, entry), of(&expected, entry));
        if actual != expected {
            return Err(ViewError::EntryDiffers { entry, actual, expected });
        }
    }
    Ok(())
}
