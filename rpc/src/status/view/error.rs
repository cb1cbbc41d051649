//! Why a view cannot be made, read or accepted.

use std::fmt::Display;

use registry_core::crypto::{SignatureError, Suite};

/// Declares each error once: its stable name, its words, its fields.
macro_rules! view_errors {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident: $kind:ty,)+ })? =
            $name:literal, $words:literal;
    )+) => {
        /// Why a view cannot be made, read or accepted.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum ViewError {
            $(
                $(#[doc = $doc])+
                #[error($words)]
                $variant $({ $($(#[doc = $field_doc])+ $field: $kind,)+ })?,
            )+
        }

        impl ViewError {
            /// The stable name.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name,)+ }
            }
        }
    };
}

view_errors! {
    /// An encoder failed, which none does on what the ledger holds.
    Encoding {
        /// Which encoder.
        what: &'static str,
        /// What it said.
        reason: String,
    } = "VIEW_ENCODING", "{what} failed: {reason}";
    /// More bytes than any list needs.
    TooLarge {
        /// Bytes given.
        actual: usize,
        /// Bytes allowed.
        limit: usize,
    } = "TOKEN_TOO_LARGE", "a status list has at most {limit} bytes, this one {actual}";
    /// Neither JSON, nor a compact JWS, nor a tagged COSE_Sign1.
    Form = "TOKEN_FORM", "neither a JSON credential nor a compact JWT nor a CWT of COSE tag 18";
    /// A member is missing or not as its standard wants it.
    Malformed {
        /// The member.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    } = "TOKEN_MALFORMED", "{field} must be {rule}";
    /// The list is not gzip (RFC 1952).
    Gzip {
        /// What the decoder said.
        reason: String,
    } = "TOKEN_GZIP", "encodedList is not one whole gzip file: {reason}";
    /// The list inflates beyond the cap.
    GzipBomb {
        /// Bytes allowed.
        limit: usize,
    } = "TOKEN_GZIP_BOMB", "encodedList inflates to more than {limit} bytes";
    /// The list is not zlib (RFC 1950).
    Zlib {
        /// What the decoder said.
        reason: String,
    } = "TOKEN_ZLIB", "lst is not one whole zlib stream: {reason}";
    /// The list inflates beyond the cap.
    ZlibBomb {
        /// Bytes allowed.
        limit: usize,
    } = "TOKEN_ZLIB_BOMB", "lst inflates to more than {limit} bytes";
    /// Fewer entries than W3C's minimum for herd privacy, or than the ledger's list.
    TooShort {
        /// Entries given.
        actual: u64,
        /// Entries needed.
        least: u64,
    } = "TOKEN_TOO_SHORT", "the list has {actual} entries and needs at least {least}";
    /// The signature's algorithm is not known here, or is not that of the key.
    Algorithm {
        /// As the header or the proof names it.
        actual: String,
        /// The suite of the key, if it was looked at.
        key: Option<Suite>,
    } = "TOKEN_ALGORITHM",
        "algorithm {actual} is not that of the key ({key:?}); use EdDSA, ES256 or eddsa-jcs-2022";
    /// The signature does not verify.
    Signature {
        /// Why.
        reason: SignatureError,
    } = "TOKEN_SIGNATURE", "the token's signature is refused: {reason}";
    /// The token is for another address.
    Subject {
        /// Where the list is published.
        expected: String,
        /// What the token says.
        actual: String,
    } = "TOKEN_SUBJECT", "the token is for {actual:?}, the list is published at {expected:?}";
    /// The token speaks of another purpose.
    Purpose {
        /// The ledger's.
        expected: &'static str,
        /// The token's.
        actual: String,
    } = "TOKEN_PURPOSE", "the token is for {actual}, the list for {expected}";
    /// The token's entries have another width.
    Width {
        /// Width of this list in this form.
        expected: u8,
        /// Width in the token.
        actual: u8,
    } = "TOKEN_WIDTH",
        "the token has {actual} bits an entry, this list has {expected} in this form";
    /// An entry is not as the ledger has it.
    EntryDiffers {
        /// Which entry.
        entry: u64,
        /// In the token.
        actual: u8,
        /// As the ledger has it, in this form.
        expected: u8,
    } = "TOKEN_ENTRY", "entry {entry} is {actual} in the token and {expected} on the ledger";
    /// An entry holds what a list of that purpose cannot hold.
    EntryUnfit {
        /// Which entry.
        entry: u64,
        /// What it holds.
        value: u8,
        /// The purpose asked for.
        purpose: &'static str,
    } = "TOKEN_ENTRY_UNFIT",
        "entry {entry} holds {value}, which has no place in a {purpose} list; import as message";
    /// The token says not when it was issued.
    NoIssueTime = "TOKEN_NO_ISSUE_TIME", "the token needs iat (W3C: validFrom)";
    /// The token does not end.
    NoExpiry = "TOKEN_NO_EXPIRY", "the token needs exp (W3C: validUntil)";
    /// The token ends before it begins, or lives too long.
    Lifetime {
        /// When it begins.
        issued_ms: u64,
        /// When it ends.
        expires_ms: u64,
        /// The longest.
        limit_ms: u64,
    } = "TOKEN_LIFETIME",
        "the token lives from {issued_ms} to {expires_ms} ms; allowed are 1 to {limit_ms} ms";
    /// The token is no longer valid.
    Expired {
        /// When it ended.
        expires_ms: u64,
        /// Now.
        now_ms: u64,
    } = "TOKEN_EXPIRED", "the token expired at {expires_ms} ms, it is {now_ms} ms; sign a new one";
    /// The token is not valid yet.
    Future {
        /// When it begins.
        issued_ms: u64,
        /// Now.
        now_ms: u64,
    } = "TOKEN_FUTURE", "the token begins at {issued_ms} ms, it is {now_ms} ms; mend the clock";
}

impl ViewError {
    pub(super) fn encoding<E: Display>(what: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Encoding { what, reason: error.to_string() }
    }

    pub(super) fn malformed(field: &'static str, rule: &'static str) -> Self {
        Self::Malformed { field, rule }
    }
}

impl From<SignatureError> for ViewError {
    fn from(reason: SignatureError) -> Self {
        Self::Signature { reason }
    }
}
