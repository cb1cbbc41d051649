//! The words of all forms: a version of a list, where and for how long it is published, and who
//! signs it.

use registry_core::status::{Bits, StatusList, StatusPurpose};
use serde::{Deserialize, Serialize};

/// A form in which a list is served, uploaded and imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Form {
    /// W3C credential in JSON with an `eddsa-jcs-2022` proof.
    #[serde(rename = "vc")]
    Credential,
    /// W3C credential as JWT.
    #[serde(rename = "vc+jwt")]
    CredentialJwt,
    /// IETF token as JWT.
    #[serde(rename = "statuslist+jwt")]
    TokenJwt,
    /// IETF token as CWT.
    #[serde(rename = "statuslist+cwt")]
    TokenCwt,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 4] =
        [Self::Credential, Self::CredentialJwt, Self::TokenJwt, Self::TokenCwt];

    /// Its name in the API: the subtype of its media type.
    pub fn name(self) -> &'static str {
        self.media_type().trim_start_matches("application/")
    }

    /// The form of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// The media type of its bytes.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Credential => "application/vc",
            Self::CredentialJwt => "application/vc+jwt",
            Self::TokenJwt => "application/statuslist+jwt",
            Self::TokenCwt => "application/statuslist+cwt",
        }
    }

    /// The standard that it belongs to.
    pub fn standard(self) -> Standard {
        match self {
            Self::Credential | Self::CredentialJwt => Standard::W3c,
            Self::TokenJwt | Self::TokenCwt => Standard::Ietf,
        }
    }
}

/// A standard of status lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standard {
    /// W3C Bitstring Status List.
    W3c,
    /// IETF Token Status List.
    Ietf,
}

/// The entries of a list as both forms of a standard hold them. To compress them is what costs
/// time, and depends on the version of the list alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries {
    pub(super) bits: u8,
    pub(super) compressed: Vec<u8>,
}

impl Entries {
    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.compressed.len()
    }
}

/// The time for which a view speaks, in ms since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    from_ms: u64,
    until_ms: u64,
}

impl Window {
    /// When it begins.
    pub fn from_ms(self) -> u64 {
        self.from_ms
    }

    /// When it ends.
    pub fn until_ms(self) -> u64 {
        self.until_ms
    }

    /// The window as far as `end_ms`. Since both ends are rounded up to seconds, and what signs it
    /// must be in force to the end, that is a whole second.
    pub fn ending_by(self, end_ms: Option<u64>) -> Self {
        let end_ms = end_ms.map(|end_ms| end_ms - end_ms % 1_000);
        Self { until_ms: self.until_ms.min(end_ms.unwrap_or(u64::MAX)), ..self }
    }

    /// The part of the window in which `list` is in force.
    pub fn within(self, list: &List<'_>) -> Self {
        Self {
            from_ms: self.from_ms.max(list.valid_from_ms.unwrap_or(0)),
            until_ms: self.until_ms.min(list.valid_until_ms.unwrap_or(u64::MAX)),
        }
    }

    /// In whole seconds, both ends up: from each one on, before the other, this was the version.
    pub(super) fn begins_s(self) -> u64 {
        self.from_ms.div_ceil(1_000)
    }

    pub(super) fn ends_s(self) -> u64 {
        self.until_ms.div_ceil(1_000)
    }

    /// Of a view of the newest version that is signed at `now_ms`. It begins with the whole second
    /// before, since a verifier whose library counts seconds refuses what is issued in its future.
    pub fn current(now_ms: u64, life_ms: u64) -> Self {
        let from_ms = now_ms - now_ms % 1_000;
        Self { from_ms, until_ms: from_ms.saturating_add(life_ms) }
    }

    /// Of a view of the version of `version_ms`, which another replaced at `successor_ms`.
    pub fn past(version_ms: u64, successor_ms: u64) -> Self {
        Self { from_ms: version_ms, until_ms: successor_ms }
    }
}

/// A version of a list as the ledger has it.
#[derive(Debug, Clone)]
pub struct List<'a> {
    /// What the entries say.
    pub purpose: StatusPurpose,
    /// Width of an entry: 1, for messages 1, 2, 4 or 8.
    pub bits: u8,
    /// Number of entries.
    pub length: u64,
    /// The entries, ⌈length · bits / 8⌉ bytes, from the least significant bit on.
    pub array: &'a [u8],
    /// For messages: what each value means, in order of the values.
    pub messages: &'a [String],
    /// Before this time the list is not in force.
    pub valid_from_ms: Option<u64>,
    /// From this time on the list is not in force.
    pub valid_until_ms: Option<u64>,
}

impl<'a> List<'a> {
    /// A version of a list and its array.
    pub fn of(list: &'a StatusList, array: &'a Bits) -> Self {
        Self { array: array.bytes(), ..Self::without_array(list) }
    }

    /// A version of a list whose entries are compressed already.
    pub fn without_array(list: &'a StatusList) -> Self {
        Self {
            purpose: list.purpose,
            bits: list.bits,
            length: list.length,
            array: &[],
            messages: &list.messages,
            valid_from_ms: list.valid_from,
            valid_until_ms: list.valid_until,
        }
    }
}

/// Where and for how long a list is published.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    /// Where this form is served: what credentials name, and `id` or `sub` of the view.
    pub uri: &'a str,
    /// The time for which the view speaks.
    pub window: Window,
    /// How long a copy may be used before a newer one should be fetched.
    pub ttl_ms: Option<u64>,
    /// IETF alone: where all lists of the publisher are listed.
    pub aggregation_uri: Option<&'a str>,
}

/// A publishing key: Ed25519, named by a method of its owner's DID document.
pub trait Signer {
    /// The DID that answers for what is signed.
    fn issuer(&self) -> &str;
    /// DID URL of the verification method: `verificationMethod` and `kid`.
    fn method(&self) -> &str;
    /// The Ed25519 signature over `message`.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}
