//! Encoding of a list in any form: compression of the entries, the bytes to sign, and the signed
//! view.

use registry_core::codec::base64url;
use registry_core::crypto::Suite;

use super::error::ViewError;
use super::list::{Entries, Form, List, Publication, Signer, Standard};
use super::unsigned::{Method, Unsigned};
use super::{data_integrity, ietf, w3c};

impl Entries {
    /// Orders, widens and compresses the entries of `list` as `standard` requires.
    pub fn of(list: &List<'_>, standard: Standard) -> Result<Self, ViewError> {
        match standard {
            Standard::W3c => w3c::compressed(list),
            Standard::Ietf => ietf::compressed(list),
        }
    }
}

impl Form {
    /// Encodes and signs the list in this form, including the compression of its entries.
    pub fn encode(
        self,
        list: &List<'_>,
        publication: &Publication<'_>,
        signer: &dyn Signer,
    ) -> Result<Vec<u8>, ViewError> {
        self.sign(list, &Entries::of(list, self.standard())?, publication, signer)
    }

    /// Encodes and signs the list in this form. `entries` are those of the list in the form's
    /// standard. The array in `list` is not read.
    pub fn sign(
        self,
        list: &List<'_>,
        entries: &Entries,
        publication: &Publication<'_>,
        signer: &dyn Signer,
    ) -> Result<Vec<u8>, ViewError> {
        let (issuer, url) = (signer.issuer(), signer.method());
        let method = Method { issuer, url, suite: Suite::Ed25519 };
        let unsigned = self.unsigned(list, entries, publication, &method)?;
        self.assemble(&unsigned.bytes, &signer.sign(&unsigned.message))
    }

    /// Encodes the list in this form without its signature.
    pub fn unsigned(
        self,
        list: &List<'_>,
        entries: &Entries,
        publication: &Publication<'_>,
        method: &Method<'_>,
    ) -> Result<Unsigned, ViewError> {
        match self {
            Self::Credential => w3c::unsigned_credential(list, entries, publication, method),
            Self::CredentialJwt => w3c::unsigned_credential_jwt(list, entries, publication, method),
            Self::TokenJwt => ietf::unsigned_token_jwt(list, entries, publication, method),
            Self::TokenCwt => ietf::unsigned_token_cwt(list, entries, publication, method),
        }
    }

    /// Combines [`Unsigned::bytes`] with a signature into the view of this form.
    pub fn assemble(self, unsigned: &[u8], signature: &[u8; 64]) -> Result<Vec<u8>, ViewError> {
        match self {
            Self::Credential => data_integrity::assemble(unsigned, signature),
            Self::CredentialJwt | Self::TokenJwt => {
                Ok([unsigned, b".", base64url(signature).as_bytes()].concat())
            }
            Self::TokenCwt => Ok([unsigned, signature].concat()),
        }
    }
}
