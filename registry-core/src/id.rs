//! Identifiers: network names, DIDs, DID URLs of verification methods, and ids of status lists and
//! schemas (docs/protocol/did-idem.md, section "Syntax").

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::codec::IDENTIFIER;
use crate::crypto::Hash;
use crate::limits::FRAGMENT_BYTES_MAX;

/// Reason why a text is no identifier of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A network name does not have the form `[a-z][a-z0-9-]{1,30}`.
    #[error("network {text:?} must be 2 to 31 of a-z, 0-9 and -, starting with a letter")]
    Network {
        /// Text that was refused.
        text: String,
    },
    /// A DID does not start with `did:idem:`, or lacks the colon after the network.
    #[error("{text:?} is not a did:idem identifier")]
    Method {
        /// Text that was refused.
        text: String,
    },
    /// The suffix of a DID is not 32 characters of lower-case base32.
    #[error("suffix {text:?} must be 32 characters of a-z and 2-7")]
    Suffix {
        /// Text that was refused.
        text: String,
    },
    /// The id of a status list is not 32 characters of lower-case base32.
    #[error("list {text:?} must be 32 characters of a-z and 2-7")]
    List {
        /// Text that was refused.
        text: String,
    },
    /// The id of a schema is not 32 characters of lower-case base32.
    #[error("schema {text:?} must be 32 characters of a-z and 2-7")]
    Schema {
        /// Text that was refused.
        text: String,
    },
    /// A fragment does not have the form `[A-Za-z0-9._-]{1,64}`.
    #[error("fragment {text:?} must be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")]
    Fragment {
        /// Text that was refused.
        text: String,
    },
    /// A DID URL that should name a verification method has no `#`.
    #[error("{text:?} has no #fragment")]
    NoFragment {
        /// Text that was refused.
        text: String,
    },
}

/// Name of a network inside its DIDs. Different networks may have the same name; chain ids are
/// unique.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkName(String);

impl FromStr for NetworkName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if starts_well && (2..=31).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::Network { text: text.to_owned() })
        }
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares identifiers that follow from the operation that created the thing, so that nobody can
/// choose them. Each is the first 20 bytes of the operation's id. In text it is 32 characters of
/// lower-case base32.
macro_rules! named_by_create {
    ($($(#[doc = $doc:literal])+ $name:ident, $error:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 20]);

        impl $name {
            /// Returns the identifier of what the operation with this id creates.
            pub fn of_create(operation: &Hash) -> Self {
                let mut name = [0; 20];
                for (to, from) in name.iter_mut().zip(operation.0) {
                    *to = from;
                }
                Self(name)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let name = from_base32(text).map(Self);
                name.ok_or_else(|| IdError::$error { text: text.to_owned() })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 32];
                BASE32_NOPAD.encode_mut(&self.0, &mut text);
                text.make_ascii_lowercase();
                f.write_str(std::str::from_utf8(&text).unwrap_or_default())
            }
        }
    )+};
}

named_by_create! {
    /// Method-specific suffix of a DID.
    Suffix, Suffix;
    /// Id of a status list.
    ListId, List;
    /// Id of a schema, which follows from its publisher and content.
    SchemaId, Schema;
}

fn from_base32(text: &str) -> Option<[u8; 20]> {
    let lower = text.len() == 32 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok();
    bytes.filter(|_| lower)?.try_into().ok()
}

/// A DID of this method: `did:idem:<network>:<suffix>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did {
    /// Name of the network that holds the DID.
    pub network: NetworkName,
    /// Part of the DID that identifies it within its network.
    pub suffix: Suffix,
}

impl Did {
    /// Returns the DID of a network itself. It follows from the chain id, as the DIDs of others
    /// follow from the operations that create them. So no `did_create` can produce it.
    pub fn of_chain(network: NetworkName, chain: &Hash) -> Self {
        Self { network, suffix: Suffix::of_create(chain) }
    }
}

/// Start of every DID of this method.
pub(crate) const METHOD_PREFIX: &str = "did:idem:";

impl FromStr for Did {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rest = text.strip_prefix(METHOD_PREFIX).and_then(|rest| rest.split_once(':'));
        let (network, suffix) = rest.ok_or_else(|| IdError::Method { text: text.to_owned() })?;
        Ok(Self { network: network.parse()?, suffix: suffix.parse()? })
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{METHOD_PREFIX}{}:{}", self.network, self.suffix)
    }
}

/// Fragment that names a method or a service inside a document, 1 to 64 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fragment(String);

impl Fragment {
    /// Returns the fragment without its `#`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fragment {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=FRAGMENT_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::Fragment { text: text.to_owned() })
        }
    }
}

impl fmt::Display for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// DID URL of a verification method, `did:idem:…#fragment`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MethodUrl {
    /// DID whose document holds the method.
    pub did: Did,
    /// Fragment of the method.
    pub fragment: Fragment,
}

impl FromStr for MethodUrl {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parts = text.split_once('#');
        let (did, fragment) = parts.ok_or_else(|| IdError::NoFragment { text: text.to_owned() })?;
        Ok(Self { did: did.parse()?, fragment: fragment.parse()? })
    }
}

impl fmt::Display for MethodUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.did, self.fragment)
    }
}

/// Makes text the form of these types in JSON, CBOR and `Debug`.
macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::id::read_text(deserializer)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )+};
}

/// Reads an identifier from its text. An error states that it is about an identifier.
pub(crate) fn read_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let refused = |error| D::Error::custom(format_args!("{IDENTIFIER}: {error}"));
    String::deserialize(deserializer)?.parse().map_err(refused)
}

pub(crate) use as_text;

as_text!(NetworkName, Suffix, ListId, SchemaId, Did, Fragment, MethodUrl);

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt";

    #[test]
    fn a_did_has_one_spelling() {
        assert_eq!(DID.parse::<Did>().map(|did| did.to_string()).as_deref(), Ok(DID));
        for wrong in [
            "did:idem:local:AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
            "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceq",
            "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceqtt",
            "did:idem:local:aaaqeayeaudaocajbifqydiob4ibceq1",
            "did:idem:aaaqeayeaudaocajbifqydiob4ibceqt",
            "did:idem:l:aaaqeayeaudaocajbifqydiob4ibceqt",
            "did:idem:9a:aaaqeayeaudaocajbifqydiob4ibceqt",
            "did:idem:Local:aaaqeayeaudaocajbifqydiob4ibceqt",
            "did:key:local:aaaqeayeaudaocajbifqydiob4ibceqt",
            "DID:idem:local:aaaqeayeaudaocajbifqydiob4ibceqt",
        ] {
            assert!(wrong.parse::<Did>().is_err(), "{wrong} must be refused");
        }
    }

    #[test]
    fn a_method_url_needs_a_plain_fragment() {
        assert!(format!("{DID}#key-1").parse::<MethodUrl>().is_ok());
        for wrong in [DID.to_owned(), format!("{DID}#"), format!("{DID}#a#b"), format!("{DID}#%41")]
        {
            assert!(wrong.parse::<MethodUrl>().is_err(), "{wrong} must be refused");
        }
    }
}
