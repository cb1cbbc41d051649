//! Why a view cannot be made, read or accepted.

use std::fmt::Display;

use registry_core::crypto::{SignatureError, Suite};

/// Declares each error once: its stable number and name, its words, its remedy, its fields.
macro_rules! view_errors {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident: $kind:ty,)+ })? =
            $number:literal, $name:literal, $words:literal, $hint:literal;
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
            /// Number, name and remedy of every error, ascending by number.
            pub const CODES: &[(u16, &str, &str)] = &[$(($number, $name, $hint),)+];

            /// The stable number, 3100 to 3199.
            pub fn number(&self) -> u16 {
                match self { $(Self::$variant { .. } => $number,)+ }
            }

            /// The stable name.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name,)+ }
            }

            /// What a caller can do about it.
            pub fn hint(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $hint,)+ }
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
    } = 3100, "VIEW_ENCODING",
        "{what} failed: {reason}",
        "use another node; its operator finds the cause in the log";
    /// More bytes than any list needs.
    TooLarge {
        /// Bytes given.
        actual: usize,
        /// Bytes allowed.
        limit: usize,
    } = 3101, "TOKEN_TOO_LARGE",
        "a status list has at most {limit} bytes, this one {actual}",
        "give the list alone, without other members";
    /// Neither JSON, nor a compact JWS, nor a tagged COSE_Sign1.
    Form = 3102, "TOKEN_FORM",
        "neither a JSON credential nor a compact JWT nor a CWT of COSE tag 18",
        "give the bytes of the token as they are";
    /// A member is missing or not as its standard wants it.
    Malformed {
        /// The member.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    } = 3103, "TOKEN_MALFORMED",
        "{field} must be {rule}",
        "mend the named member; status_prepareToken gives all of them";
    /// The list is not gzip (RFC 1952).
    Gzip {
        /// What the decoder said.
        reason: String,
    } = 3104, "TOKEN_GZIP",
        "encodedList is not one whole gzip file: {reason}",
        "compress the list as one gzip file";
    /// The list inflates beyond the cap.
    GzipBomb {
        /// Bytes allowed.
        limit: usize,
    } = 3105, "TOKEN_GZIP_BOMB",
        "encodedList inflates to more than {limit} bytes",
        "compress the entries of the list and nothing more";
    /// The list is not zlib (RFC 1950).
    Zlib {
        /// What the decoder said.
        reason: String,
    } = 3106, "TOKEN_ZLIB",
        "lst is not one whole zlib stream: {reason}",
        "compress the list as one zlib stream";
    /// The list inflates beyond the cap.
    ZlibBomb {
        /// Bytes allowed.
        limit: usize,
    } = 3107, "TOKEN_ZLIB_BOMB",
        "lst inflates to more than {limit} bytes",
        "compress the entries of the list and nothing more";
    /// Fewer entries than W3C's minimum for herd privacy, or than the ledger's list.
    TooShort {
        /// Entries given.
        actual: u64,
        /// Entries needed.
        least: u64,
    } = 3108, "TOKEN_TOO_SHORT",
        "the list has {actual} entries and needs at least {least}",
        "give all entries of the list, for W3C at least 131072";
    /// The signature's algorithm is not known here, or is not that of the key.
    Algorithm {
        /// As the header or the proof names it.
        actual: String,
        /// The suite of the key, if it was looked at.
        key: Option<Suite>,
    } = 3109, "TOKEN_ALGORITHM",
        "algorithm {actual} is not that of the key ({key:?})",
        "use EdDSA with an Ed25519 key, ES256 with a P-256 key, eddsa-jcs-2022 for vc";
    /// The signature does not verify.
    Signature {
        /// Why.
        reason: SignatureError,
    } = 3110, "TOKEN_SIGNATURE",
        "the token's signature is refused: {reason}",
        "sign the message of status_prepareToken with the key of the named method";
    /// The token is for another address.
    Subject {
        /// Where the list is published.
        expected: String,
        /// What the token says.
        actual: String,
    } = 3111, "TOKEN_SUBJECT",
        "the token is for {actual:?}, the list is published at {expected:?}",
        "take the address from status_getList, member uris";
    /// The token speaks of another purpose.
    Purpose {
        /// The ledger's.
        expected: &'static str,
        /// The token's.
        actual: String,
    } = 3112, "TOKEN_PURPOSE",
        "the token is for {actual}, the list for {expected}",
        "name the list's own purpose";
    /// The token's entries have another width.
    Width {
        /// Width of this list in this form.
        expected: u8,
        /// Width in the token.
        actual: u8,
    } = 3113, "TOKEN_WIDTH",
        "the token has {actual} bits an entry, this list has {expected} in this form",
        "give as many bits an entry as the list has in this form";
    /// An entry is not as the ledger has it.
    EntryDiffers {
        /// Which entry.
        entry: u64,
        /// In the token.
        actual: u8,
        /// As the ledger has it, in this form.
        expected: u8,
    } = 3114, "TOKEN_ENTRY",
        "entry {entry} is {actual} in the token and {expected} on the ledger",
        "make the token of the entries of that version";
    /// An entry holds what a list of that purpose cannot hold.
    EntryUnfit {
        /// Which entry.
        entry: u64,
        /// What it holds.
        value: u8,
        /// The purpose asked for.
        purpose: &'static str,
    } = 3115, "TOKEN_ENTRY_UNFIT",
        "entry {entry} holds {value}, which has no place in a {purpose} list",
        "import it as a message list";
    /// The token says not when it was issued.
    NoIssueTime = 3116, "TOKEN_NO_ISSUE_TIME",
        "the token needs iat (W3C: validFrom)",
        "say when the token was issued";
    /// The token does not end.
    NoExpiry = 3117, "TOKEN_NO_EXPIRY",
        "the token needs exp (W3C: validUntil)",
        "say when the token ends";
    /// The token ends before it begins, or lives too long.
    Lifetime {
        /// When it begins.
        issued_ms: u64,
        /// When it ends.
        expires_ms: u64,
        /// The longest.
        limit_ms: u64,
    } = 3118, "TOKEN_LIFETIME",
        "the token lives from {issued_ms} to {expires_ms} ms; allowed are 1 to {limit_ms} ms",
        "let the token end within a day of its issue, and before its list and its key do";
    /// The token is no longer valid.
    Expired {
        /// When it ended.
        expires_ms: u64,
        /// Now.
        now_ms: u64,
    } = 3119, "TOKEN_EXPIRED",
        "the token expired at {expires_ms} ms, it is {now_ms} ms",
        "sign a new one";
    /// The token is not valid yet.
    Future {
        /// When it begins.
        issued_ms: u64,
        /// Now.
        now_ms: u64,
    } = 3120, "TOKEN_FUTURE",
        "the token begins at {issued_ms} ms, it is {now_ms} ms",
        "mend the clock, or wait";
    /// The token speaks for another DID than the list's issuer.
    Issuer {
        /// The list's.
        expected: String,
        /// The token's.
        actual: String,
    } = 3121, "TOKEN_ISSUER",
        "the token is by {actual:?}, the list's issuer is {expected}",
        "let the list's issuer sign, by a method of its own document";
    /// The method that signs is none that may.
    Method {
        /// Its DID URL, as named.
        method: String,
        /// Why.
        reason: &'static str,
    } = 3122, "TOKEN_METHOD",
        "the method {method} {reason}",
        "sign with a method that the issuer's document lists under assertionMethod and that is \
         valid now";
    /// The token shows an older version than is to be shown.
    Outdated {
        /// The token's.
        version: u64,
        /// That which is shown or on the ledger.
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
