//! Rules of marked keys (docs/protocol/operations.md, section "Marked keys").

use super::request::Request;
use crate::state::{ApplyError, Heads};
use registry_core::code::{Code, Refusal};
use registry_core::did::{Document, Marks, marks_part};
use registry_core::limits::{DID_MARKS_MAX, DID_MARKS_SENIOR_MAX};
use registry_core::record::PartWrite;

impl Request<'_, '_> {
    /// Returns the marks after the control set writes a document: those that stand and those of the
    /// document. Returns `None` if the list stays the same. Fails with `MARKS_FULL` if the document
    /// brings a mark for which there is no room.
    pub(super) fn marks_of_control(
        &self,
        document: &Document,
    ) -> Result<Option<PartWrite>, ApplyError> {
        self.marks(None, Some(document), DID_MARKS_MAX)
    }

    /// Returns the marks after a rotation, or after a completed recovery. `given` replaces the list
    /// that stands. There is room beyond what the control set can fill, so that a document never
    /// fails for marks that a thief of the control set has made.
    pub(super) fn marks_of_senior(
        &self,
        given: Option<&Marks>,
        document: Option<&Document>,
    ) -> Result<Option<PartWrite>, ApplyError> {
        self.marks(given, document, DID_MARKS_SENIOR_MAX)
    }

    fn marks(
        &self,
        given: Option<&Marks>,
        document: Option<&Document>,
        room: usize,
    ) -> Result<Option<PartWrite>, ApplyError> {
        let added = document.map(Marks::of).unwrap_or_default();
        if given.is_none() && added.is_empty() {
            return Ok(None);
        }
        let standing = Marks::at(&Heads(self.overlay), self.checked.record_key())?;
        let marks = given.unwrap_or(&standing).clone().with(added);
        if marks == standing {
            return Ok(None);
        }
        let (count, stand) = (marks.list().len(), standing.list().len());
        // An operation that brings no further mark, but an earlier time, needs no room.
        if count > room && count > stand {
            let detail = format!("{count} marked keys, {stand} stand, at most {room} are allowed");
            let field = "document/verificationMethod";
            return Err(Refusal::new(Code::MarksFull, field, detail).into());
        }
        Ok(Some(marks_part(&marks)))
    }
}
