//! The operation that removes a root of a DID.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use registry_core::id::Did;
use registry_core::operation::Action;
use registry_core::record::RecordKey;
use registry_core::trust::TrustForgetRoot;
use registry_state::rules::roots;

use super::form::{Draft, parameters};
use super::ledger::LedgerView;
use super::signers::Subject;
use super::{Prepare, PrepareError};

parameters! {
    /// Parameters of `trust_prepareForgetRoot`.
    ForgetRoot {
        pub author: Did,
        /// Authority under which the author has granted.
        pub authority: Did,
    }
}

impl Prepare for ForgetRoot {
    const ACTION: &'static str = "trust_forget_root";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::roots(&self.author)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (ledger.author(&self.author)?, self.chosen());
        let forget = TrustForgetRoot { authority: self.authority };
        let action = Action::TrustForgetRoot(forget.clone());
        let form = ledger.form_by(&author, chosen, action)?;
        roots::forget(ledger.view(), ledger.by(&author, form.id), &forget)?;
        let what = format!(
            "Removes {} from the roots of {}. Its grants under that authority stay in force, but \
             questions that are asked of it no longer find them",
            forget.authority, author.did
        );
        Ok(form.draft(Subject::Did(author.did), &what))
    }
}
