//! Errors in making, reading and accepting views.

use std::fmt::Display;

use registry_core::crypto::{SignatureError, Suite};

/// Declares the errors, each with its fields, stable number, stable name, message and remedy.
macro_rules! view_errors {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident: $kind:ty,)+ })? =
            $number:literal, $name:literal, $words:literal, $hint:literal;
    )+) => {
        /// Reason why a view cannot be made, read or accepted.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum ViewError {
            $(
                $(#[doc = $doc])+
                #[error($words)]
                $variant $({ $($(#[doc = $field_doc])+ $field: $kind,)+ })?,
            )+
        }

        impl ViewError {
            /// Number, name and remedy of every error, in ascending order of the numbers.
            pub const CODES: &[(u16, &str, &str)] = &[$(($number, $name, $hint),)+];

            /// Returns the stable number, from 3100 to 3199.
            pub fn number(&self) -> u16 {
                match self { $(Self::$variant { .. } => $number,)+ }
            }

            /// Returns the stable name.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name,)+ }
            }

            /// Returns the remedy: what a caller can do about the error.
            pub fn hint(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $hint,)+ }
            }
        }
    };
}

view_errors! {
    /// An encoder failed, which does not happen with anything that the ledger stores.
    Encoding {
        /// Name of the encoder.
        what: &'static str,
        /// Message of the encoder.
        reason: String,
    } = 3100, "VIEW_ENCODING",
        "{what} failed: {reason}",
        "use another node; its operator finds the cause in the log";
    /// The token has more bytes than any list needs.
    TooLarge {
        /// Bytes that the token has.
        actual: usize,
        /// Bytes that are allowed.
        limit: usize,
    } = 3101, "TOKEN_TOO_LARGE",
        "a status list has at most {limit} bytes, this one {actual}",
        "give the list alone, without other members";
    /// The bytes are neither JSON, nor a compact JWS, nor a tagged COSE_Sign1 message.
    Form = 3102, "TOKEN_FORM",
        "neither a JSON credential nor a compact JWT nor a CWT of COSE tag 18",
        "give the bytes of the token as they are";
    /// A member is missing or violates its standard.
    Malformed {
        /// Name of the member.
        field: &'static str,
        /// Rule for the member.
        rule: &'static str,
    } = 3103, "TOKEN_MALFORMED",
        "{field} must be {rule}",
        "mend the named member; status_prepareToken gives all of them";
    /// The list is not one complete gzip member (RFC 1952).
    Gzip {
        /// Message of the decoder.
        reason: String,
    } = 3104, "TOKEN_GZIP",
        "encodedList is not one whole gzip file: {reason}",
        "compress the list as one gzip file";
    /// The gzip list inflates beyond the limit.
    GzipBomb {
        /// Bytes that are allowed.
        limit: usize,
    } = 3105, "TOKEN_GZIP_BOMB",
        "encodedList inflates to more than {limit} bytes",
        "compress the entries of the list and nothing more";
    /// The list is not one complete zlib stream (RFC 1950).
    Zlib {
        /// Message of the decoder.
        reason: String,
    } = 3106, "TOKEN_ZLIB",
        "lst is not one whole zlib stream: {reason}",
        "compress the list as one zlib stream";
    /// The zlib list inflates beyond the limit.
    ZlibBomb {
        /// Bytes that are allowed.
        limit: usize,
    } = 3107, "TOKEN_ZLIB_BOMB",
        "lst inflates to more than {limit} bytes",
        "compress the entries of the list and nothing more";
    /// The token has fewer entries than the ledger's list, or than W3C requires for herd privacy.
    TooShort {
        /// Entries that the token has.
        actual: u64,
        /// Entries that are required.
        least: u64,
    } = 3108, "TOKEN_TOO_SHORT",
        "the list has {actual} entries and needs at least {least}",
        "give all entries of the list, for W3C at least 131072";
    /// The signature's algorithm is not supported, or is not that of the key.
    Algorithm {
        /// Name of the algorithm in the header or the proof.
        actual: String,
        /// Suite of the key; `None` if no key was compared.
        key: Option<Suite>,
    } = 3109, "TOKEN_ALGORITHM",
        "algorithm {actual} is not that of the key ({key:?})",
        "use EdDSA with an Ed25519 key, ES256 with a P-256 key, eddsa-jcs-2022 for vc";
    /// The signature does not verify.
    Signature {
        /// Reason why the signature was refused.
        reason: SignatureError,
    } = 3110, "TOKEN_SIGNATURE",
        "the token's signature is refused: {reason}",
        "sign the message of status_prepareToken with the key of the named method";
    /// The token names another address than that of the list.
    Subject {
        /// URL at which the list is published.
        expected: String,
        /// URL that the token names.
        actual: String,
    } = 3111, "TOKEN_SUBJECT",
        "the token is for {actual:?}, the list is published at {expected:?}",
        "take the address from status_getList, member uris";
    /// The token has another purpose than the list.
    Purpose {
        /// Purpose that is required.
        expected: &'static str,
        /// Purpose that the token names.
        actual: String,
    } = 3112, "TOKEN_PURPOSE",
        "the token is for {actual}, the list for {expected}",
        "name the list's own purpose";
    /// The entries of the token have another width than those of the list.
    Width {
        /// Bits per entry of this list in this form.
        expected: u8,
        /// Bits per entry in the token.
        actual: u8,
    } = 3113, "TOKEN_WIDTH",
        "the token has {actual} bits an entry, this list has {expected} in this form",
        "give as many bits an entry as the list has in this form";
    /// An entry differs from the ledger.
    EntryDiffers {
        /// Index of the first such entry.
        entry: u64,
        /// Value in the token.
        actual: u8,
        /// Value on the ledger, as this form shows it.
        expected: u8,
    } = 3114, "TOKEN_ENTRY",
        "entry {entry} is {actual} in the token and {expected} on the ledger",
        "make the token of the entries of that version";
    /// An entry has a value that a list of the purpose cannot hold.
    EntryUnfit {
        /// Index of the first such entry.
        entry: u64,
        /// Value of the entry.
        value: u8,
        /// Purpose for which the list is imported.
        purpose: &'static str,
    } = 3115, "TOKEN_ENTRY_UNFIT",
        "entry {entry} holds {value}, which has no place in a {purpose} list",
        "import it as a message list";
    /// The token does not state when it was issued.
    NoIssueTime = 3116, "TOKEN_NO_ISSUE_TIME",
        "the token needs iat (W3C: validFrom)",
        "say when the token was issued";
    /// The token does not state when it ends.
    NoExpiry = 3117, "TOKEN_NO_EXPIRY",
        "the token needs exp (W3C: validUntil)",
        "say when the token ends";
    /// The token ends before it begins, or lives too long.
    Lifetime {
        /// Unix time in milliseconds at which the token begins.
        issued_ms: u64,
        /// Unix time in milliseconds at which the token ends.
        expires_ms: u64,
        /// Longest life of a token in milliseconds.
        limit_ms: u64,
    } = 3118, "TOKEN_LIFETIME",
        "the token lives from {issued_ms} to {expires_ms} ms; allowed are 1 to {limit_ms} ms",
        "let the token end within a day of its issue, and before its list and its key do";
    /// The token has ended.
    Expired {
        /// Unix time in milliseconds at which the token ended.
        expires_ms: u64,
        /// Unix time in milliseconds of the check.
        now_ms: u64,
    } = 3119, "TOKEN_EXPIRED",
        "the token expired at {expires_ms} ms, it is {now_ms} ms",
        "sign a new one";
    /// The token is not valid yet.
    Future {
        /// Unix time in milliseconds at which the token begins.
        issued_ms: u64,
        /// Unix time in milliseconds of the check.
        now_ms: u64,
    } = 3120, "TOKEN_FUTURE",
        "the token begins at {issued_ms} ms, it is {now_ms} ms",
        "mend the clock, or wait";
    /// The token names another DID than the list's issuer.
    Issuer {
        /// DID of the list's issuer.
        expected: String,
        /// DID, or DID URL of the method, that the token names.
        actual: String,
    } = 3121, "TOKEN_ISSUER",
        "the token is by {actual:?}, the list's issuer is {expected}",
        "let the list's issuer sign, by a method of its own document";
    /// The method that signed the token is not allowed to.
    Method {
        /// DID URL of the method.
        method: String,
        /// Reason as a predicate whose subject is the method.
        reason: &'static str,
    } = 3122, "TOKEN_METHOD",
        "the method {method} {reason}",
        "sign with a method that the issuer's document lists under assertionMethod and that is \
         valid now";
    /// The token shows a version that is too old to be served.
    Outdated {
        /// Version that the token shows.
        version: u64,
        /// Newer version, which the node serves or the ledger holds.
        newest: u64,
    } = 3123, "TOKEN_OUTDATED",
        "the token is for version {version} of the list, which version {newest} has replaced",
        "prepare a token for the newest version";
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
