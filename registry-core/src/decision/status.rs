//! DE6: what the credential's status list says about it.

use super::kind::Kind;
use super::{Case, Fault, StatusEntry, denied};
use crate::id::ListId;
use crate::record::{Entry, RecordKey};
use crate::status::StatusList;
use crate::trust::window_fault;

impl Case<'_> {
    /// Takes step DE6.
    pub(super) fn status(&self, kind: &Kind) -> Result<String, Fault> {
        let wanted = kind.terms.as_ref().and_then(|terms| terms.status_purpose);
        let Some(StatusEntry { list: text, entry }) = &self.question.status else {
            return match wanted {
                Some(purpose) => {
                    let purpose = purpose.name();
                    denied(format!("the type wants a status for {purpose}, none is given"))
                }
                None => Ok("the credential has none, and the type wants none".to_owned()),
            };
        };
        let (record, list) = self.list(text)?;
        if let Some(purpose) = wanted.filter(|purpose| *purpose != list.purpose) {
            let (actual, wanted) = (list.purpose.name(), purpose.name());
            return denied(format!("list {text} is for {actual}, the type wants {wanted}"));
        }
        let value = match self.moments.now.status_value(&record, *entry)? {
            Some(value) if *entry < list.length => value,
            _ => return denied(format!("list {text} has {} entries, not {entry}", list.length)),
        };
        let (purpose, at) = (list.purpose.name(), self.at());
        if value != 0 && list.purpose.invalidates() {
            return denied(format!("entry {entry} of the {purpose} list {text} is set at {at}"));
        }
        Ok(format!("entry {entry} of the {purpose} list {text} is {value} at {at}"))
    }

    /// Finds the issuer's list with that id, if the list is valid at the moment asked about.
    fn list(&self, text: &str) -> Result<(Entry, StatusList), Fault> {
        let (issuer, at) = (&self.question.issuer, self.at());
        let record = match text.parse::<ListId>() {
            Ok(id) => self.moments.now.entry(&RecordKey::status(&id))?,
            Err(_) => None,
        };
        let Some(record) = record else {
            return denied(format!("there is no status list {text} at {at}"));
        };
        let list: StatusList = record.value()?;
        if list.issuer.to_string() != *issuer {
            return denied(format!("list {text} is {}'s, not the issuer's", list.issuer));
        }
        match window_fault((list.valid_from, list.valid_until), self.question.at_ms) {
            Some((reason, _)) => denied(format!("list {text} {}", reason.predicate(None))),
            None => Ok((record, list)),
        }
    }
}
