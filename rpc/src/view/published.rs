//! What a published list says, read from any form.

use registry_core::status::StatusPurpose;

use super::bits::{ietf_status, narrowed};
use super::error::ViewError;
use super::list::Form;

/// What a published list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its form.
    pub form: Form,
    /// Where it is published (`id`, `sub`); W3C credentials may leave it out.
    pub uri: Option<String>,
    /// Who issued it (`issuer`, `iss`); IETF tokens may leave it out.
    pub issuer: Option<String>,
    /// Its purpose, which IETF tokens do not have.
    pub purpose: Option<StatusPurpose>,
    /// Width of an entry, in this form.
    pub bits: u8,
    /// The entries, from the least significant bit on.
    pub array: Vec<u8>,
    /// When it begins (`validFrom`, `iat`), ms since 1970.
    pub issued_ms: Option<u64>,
    /// When it ends (`validUntil`, `exp`), ms since 1970.
    pub expires_ms: Option<u64>,
    /// How long a copy may be used, in ms.
    pub ttl_ms: Option<u64>,
}

impl Published {
    /// Number of entries, those included that only fill up.
    pub fn length(&self) -> u64 {
        self.array.len() as u64 * 8 / u64::from(self.bits)
    }

    /// Width and entries as a ledger list of `purpose` holds them, for import.
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
