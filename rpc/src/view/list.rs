//! Types that all forms share: a version of a list, where and for how long it is published, and its
//! signer.

use registry_core::status::{Bits, StatusList, StatusPurpose};
use serde::{Deserialize, Serialize};

/// Form in which a list is served, uploaded and imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Form {
    /// W3C credential in JSON with an `eddsa-jcs-2022` proof.
    #[serde(rename = "vc")]
    Credential,
    /// W3C credential as a JWT.
    #[serde(rename = "vc+jwt")]
    CredentialJwt,
    /// IETF token as a JWT.
    #[serde(rename = "statuslist+jwt")]
    TokenJwt,
    /// IETF token as a CWT.
    #[serde(rename = "statuslist+cwt")]
    TokenCwt,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 4] =
        [Self::Credential, Self::CredentialJwt, Self::TokenJwt, Self::TokenCwt];

    /// Returns the name of the form in the API, which is the subtype of its media type.
    pub fn name(self) -> &'static str {
        self.media_type().trim_start_matches("application/")
    }

    /// Returns the form with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// Returns the media type of the form.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Credential => "application/vc",
            Self::CredentialJwt => "application/vc+jwt",
            Self::TokenJwt => "application/statuslist+jwt",
            Self::TokenCwt => "application/statuslist+cwt",
        }
    }

    /// Returns the standard that defines the form.
    pub fn standard(self) -> Standard {
        match self {
            Self::Credential | Self::CredentialJwt => Standard::W3c,
            Self::TokenJwt | Self::TokenCwt => Standard::Ietf,
        }
    }
}

/// Standard for status lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standard {
    /// W3C Bitstring Status List.
    W3c,
    /// IETF Token Status List.
    Ietf,
}

/// Compressed entries of a list as both forms of a standard hold them. Compression is the slow step
/// in making a view, and it depends only on the version of the list, so its result can be cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries {
    pub(super) bits: u8,
    pub(super) compressed: Vec<u8>,
}

impl Entries {
    /// Returns the size of the compressed entries in bytes.
    pub fn bytes(&self) -> usize {
        self.compressed.len()
    }
}

/// Time for which a view is valid, in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    from_ms: u64,
    until_ms: u64,
}

impl Window {
    /// Returns the beginning of the window.
    pub fn from_ms(self) -> u64 {
        self.from_ms
    }

    /// Returns the end of the window.
    pub fn until_ms(self) -> u64 {
        self.until_ms
    }

    /// Returns the window, but with no later end than `end_ms`. The end is rounded down to a whole
    /// second first. Some forms round both ends up to seconds, and the key that signs the view must
    /// be valid until the rounded end.
    pub fn ending_by(self, end_ms: Option<u64>) -> Self {
        let end_ms = end_ms.map(|end_ms| end_ms - end_ms % 1_000);
        Self { until_ms: self.until_ms.min(end_ms.unwrap_or(u64::MAX)), ..self }
    }

    /// Returns the part of the window in which `list` is in force.
    pub fn within(self, list: &List<'_>) -> Self {
        Self {
            from_ms: self.from_ms.max(list.valid_from_ms.unwrap_or(0)),
            until_ms: self.until_ms.min(list.valid_until_ms.unwrap_or(u64::MAX)),
        }
    }

    /// Returns the beginning in whole seconds. It is rounded up like the end, so the version is
    /// right at each whole second from the beginning to before the end.
    pub(super) fn begins_s(self) -> u64 {
        self.from_ms.div_ceil(1_000)
    }

    pub(super) fn ends_s(self) -> u64 {
        self.until_ms.div_ceil(1_000)
    }

    /// Creates the window of a view of the newest version that is signed at `now_ms`. It begins at
    /// the last whole second, because verifiers that count in seconds refuse what was issued in
    /// their future.
    pub fn current(now_ms: u64, life_ms: u64) -> Self {
        let from_ms = now_ms - now_ms % 1_000;
        Self { from_ms, until_ms: from_ms.saturating_add(life_ms) }
    }

    /// Creates the window of a view of a past version, from the time of the version to the time of
    /// its successor.
    pub fn past(version_ms: u64, successor_ms: u64) -> Self {
        Self { from_ms: version_ms, until_ms: successor_ms }
    }
}

/// A version of a list as it is on the ledger.
#[derive(Debug, Clone)]
pub struct List<'a> {
    /// Purpose that says what the entries mean.
    pub purpose: StatusPurpose,
    /// Bits per entry: 1, and for messages 1, 2, 4 or 8.
    pub bits: u8,
    /// Number of entries.
    pub length: u64,
    /// The entries in ⌈length · bits / 8⌉ bytes, from the least significant bit on.
    pub array: &'a [u8],
    /// Meaning of each value of a message list, in order of the values.
    pub messages: &'a [String],
    /// Unix time in milliseconds before which the list is not in force.
    pub valid_from_ms: Option<u64>,
    /// Unix time in milliseconds from which the list is no longer in force.
    pub valid_until_ms: Option<u64>,
}

impl<'a> List<'a> {
    /// Creates the version from a list's record and its array.
    pub fn of(list: &'a StatusList, array: &'a Bits) -> Self {
        Self { array: array.bytes(), ..Self::without_array(list) }
    }

    /// Creates the version without its array, for views whose entries are compressed already.
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

/// Address and times with which a list is published.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    /// URL that credentials name for this form. It is `id` or `sub` of the view.
    pub uri: &'a str,
    /// Time for which the view is valid.
    pub window: Window,
    /// Milliseconds for which a copy may be used before a newer one should be fetched.
    pub ttl_ms: Option<u64>,
    /// URL that lists all lists of the issuer. Only IETF tokens contain it.
    pub aggregation_uri: Option<&'a str>,
}

/// An Ed25519 key that signs views. A verification method of its owner's DID document names it.
pub trait Signer {
    /// Returns the DID that answers for what the key signs.
    fn issuer(&self) -> &str;
    /// Returns the DID URL of the verification method, which views contain as `verificationMethod`
    /// or `kid`.
    fn method(&self) -> &str;
    /// Returns the Ed25519 signature over `message`.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}
