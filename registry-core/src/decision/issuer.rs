//! DE1 and DE2: the DID that issued the credential, and the key that signed it.

use super::{Case, Fault, denied};
use crate::did::document::VerificationMethod;
use crate::did::{DidValue, Document, Marks};
use crate::id::{Did, Fragment, MethodUrl};
use crate::record::{RecordKey, RecordView, StoreError};
use crate::time::TimeMs;
use crate::trust::{deactivated_since, since_text};

impl Case<'_> {
    /// Takes step DE1.
    pub(super) fn issuer(&self) -> Result<String, Fault> {
        let (text, issued_at) = (&self.question.issuer, self.issued_at());
        let Some(did) = self.local(text) else {
            return denied(format!("{text} is no DID of this network"));
        };
        if self.moments.then.entry(&RecordKey::did(&did.suffix))?.is_none() {
            return denied(format!("{did} was not registered at {issued_at}"));
        }
        if let Some(since) = deactivated_since(self.moments.then, &did)? {
            let since = TimeMs(since).millis();
            return denied(format!(
                "{did} is deactivated since {since}, and issued at {issued_at}"
            ));
        }
        match deactivated_since(self.moments.now, &did)? {
            Some(since) => {
                let since = since_text(Some(since));
                denied(format!("{did} was active at {issued_at}, but is deactivated{since}"))
            }
            None => Ok(format!("{did} was active at {issued_at}, and is so at {}", self.at())),
        }
    }

    /// Takes step DE2.
    pub(super) fn key(&self) -> Result<String, Fault> {
        let (text, issuer) = (&self.question.verification_method, &self.question.issuer);
        let Ok(MethodUrl { did, fragment }) = text.parse() else {
            return denied(format!("{text} is no verification method of a DID of this network"));
        };
        if did.to_string() != *issuer || did.network != *self.network {
            return denied(format!("{text} is no method of the issuer {issuer}"));
        }
        let Some(then) = document(self.moments.then, &did)? else {
            return denied(format!("{issuer} had no document at {}", self.issued_at()));
        };
        let method = self.method_then(&then, &fragment)?;
        self.method_now(method, &Marks::at(self.moments.now, &RecordKey::did(&did.suffix))?)
    }

    fn method_then<'d>(
        &self,
        document: &'d Document,
        fragment: &Fragment,
    ) -> Result<&'d VerificationMethod, Fault> {
        let (url, issued_at) = (&self.question.verification_method, self.issued_at());
        let Some(method) = document.method(fragment) else {
            return denied(format!("the document in force at {issued_at} has no method {url}"));
        };
        if !document.assertion_method.contains(fragment) {
            return denied(format!("{url} was no assertionMethod at {issued_at}"));
        }
        if method.is_valid_at(self.question.issued_at_ms) {
            return Ok(method);
        }
        let bounds = [
            ("valid from", method.valid_from),
            ("expires", method.expires),
            ("revoked as of", method.revoked),
        ];
        let bounds = bounds.map(|(word, time)| {
            time.map_or_else(String::new, |time| format!(", {word} {}", time.millis()))
        });
        denied(format!("{url} was not valid at {issued_at}{}", bounds.concat()))
    }

    /// Checks that the issuer has not disowned the key for the time of issuance. What the present
    /// document says of the key, and whether it has it at all, does not matter.
    fn method_now(&self, method: &VerificationMethod, marks: &Marks) -> Result<String, Fault> {
        let (url, issued_at) = (&self.question.verification_method, self.issued_at());
        let was = format!("{url} was a valid assertionMethod at {issued_at}");
        let Some(revoked) = marks.revoked(&method.material) else { return Ok(was) };
        let time = revoked.millis();
        if revoked.0 <= self.question.issued_at_ms {
            return denied(format!(
                "the key of {url} is revoked as of {time}, so it did not count at {issued_at}"
            ));
        }
        Ok(format!("{was}; its key is revoked as of {time}"))
    }
}

/// Returns the document in force at the moment of a view; `None` if the DID is deactivated or
/// unknown.
fn document(view: &dyn RecordView, did: &Did) -> Result<Option<Document>, StoreError> {
    let Some(entry) = view.entry(&RecordKey::did(&did.suffix))? else { return Ok(None) };
    Ok(match entry.value::<DidValue>()? {
        DidValue::Active(state) => Some(state.document),
        DidValue::Deactivated => None,
    })
}
