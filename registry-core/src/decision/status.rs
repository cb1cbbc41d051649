//! DE6: what the credential's status lists say about it.

use super::kind::Kind;
use super::{Case, Fault, StatusEntry, denied};
use crate::id::ListId;
use crate::record::{Entry, RecordKey};
use crate::status::{StatusList, StatusPurpose};
use crate::trust::window_fault;

impl Case<'_> {
    /// Takes step DE6.
    pub(super) fn status(&self, kind: &Kind) -> Result<String, Fault> {
        let wanted = kind.terms.as_ref().map_or(&[][..], |terms| &terms.status_purposes);
        let entries = &self.question.status;
        let (mut given, mut findings) = (Vec::new(), Vec::new());
        for entry in entries {
            let (purpose, finding) = self.entry(entry)?;
            given.push(purpose);
            findings.push(finding);
        }
        if let Some(missing) = wanted.iter().find(|purpose| !given.contains(purpose)) {
            let missing = missing.name();
            let given: Vec<&str> = given.into_iter().map(StatusPurpose::name).collect();
            let given = match given[..] {
                [] => "none is given".to_owned(),
                _ => format!("given are entries for {}", given.join(", ")),
            };
            return denied(format!("the type wants a status for {missing}, {given}"));
        }
        if findings.is_empty() {
            return Ok("the credential has none, and the type wants none".to_owned());
        }
        Ok(findings.join("; "))
    }

    /// Checks that one entry of a list does not speak against the credential. Returns the purpose
    /// of the list, and a sentence about the entry.
    fn entry(&self, entry: &StatusEntry) -> Result<(StatusPurpose, String), Fault> {
        let StatusEntry { list: text, entry } = entry;
        let (record, list) = self.list(text)?;
        let value = match self.moments.now.status_value(&record, *entry)? {
            Some(value) if *entry < list.length => value,
            _ => return denied(format!("list {text} has {} entries, not {entry}", list.length)),
        };
        let (purpose, at) = (list.purpose.name(), self.at());
        if value != 0 && list.purpose.invalidates() {
            return denied(format!("entry {entry} of the {purpose} list {text} is set at {at}"));
        }
        let finding = format!("entry {entry} of the {purpose} list {text} is {value} at {at}");
        Ok((list.purpose, finding))
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
