//! Content of a published list, read from any form.

use registry_core::status::StatusPurpose;

use super::bits::{ietf_status, narrowed};
use super::error::ViewError;
use super::list::Form;

/// Content of a published list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Form from which the list was read.
    pub form: Form,
    /// URL at which the list is published (`id`, `sub`). W3C credentials may leave it out.
    pub uri: Option<String>,
    /// Issuer of the list (`issuer`, `iss`). IETF tokens may leave it out.
    pub issuer: Option<String>,
    /// Purpose of the list. IETF tokens do not state it.
    pub purpose: Option<StatusPurpose>,
    /// Bits per entry in this form.
    pub bits: u8,
    /// The entries, from the least significant bit on.
    pub array: Vec<u8>,
    /// Unix time in milliseconds at which the list begins to be valid (`validFrom`, `iat`).
    pub issued_ms: Option<u64>,
    /// Unix time in milliseconds at which the list ends (`validUntil`, `exp`).
    pub expires_ms: Option<u64>,
    /// Milliseconds for which a copy may be used.
    pub ttl_ms: Option<u64>,
}

impl Published {
    /// Returns the number of entries, including padding.
    pub fn length(&self) -> u64 {
        self.array.len() as u64 * 8 / u64::from(self.bits)
    }

    /// Returns width and entries as a ledger list of `purpose` holds them, for import. Fails if the
    /// list states another purpose, or if an entry has a value that such a list cannot hold.
    pub fn to_ledger(&self, purpose: StatusPurpose) -> Result<(u8, Vec<u8>), ViewError> {
        if let Some(own) = self.purpose
            && own != purpose
        {
            let actual = own.name().to_owned();
            return Err(ViewError::Purpose { expected: purpose.name(), actual });
        }
        let value = match (self.purpose, ietf_status(purpose)) {
            (_, None) => return Ok((self.bits, self.array.clone())),
            (Some(_), Some(_)) => 1,
            (None, Some((_, value))) => value,
        };
        let array = narrowed(&self.array, self.bits, value).map_err(|(entry, value)| {
            ViewError::EntryUnfit { entry, value, purpose: purpose.name() }
        })?;
        Ok((1, array))
    }
}
