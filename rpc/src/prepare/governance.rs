//! Proposals to change the network's own records, and approvals of them.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use std::marker::PhantomData;

use registry_core::crypto::Hash;
use registry_core::governance::{
    Change, GovernancePropose, GovernanceStep, PARAMETERS, Parameters, read,
};
use registry_core::id::Did;
use registry_core::operation::Action;
use registry_core::record::RecordKey;
use registry_core::span::ChainTime;
use registry_state::rules::governance::{GovernanceWrite, Governor, Now, Rules};
use registry_state::state::ApplyError;

use super::form::{Draft, Form, parameters};
use super::ledger::{LedgerView, Party};
use super::signers::Subject;
use super::{Prepare, PrepareError, Visitor};
use crate::limits::NOTICE_HEIGHTS_DEFAULT;

/// Visits the parameters of each action on a proposal.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Propose>()?;
    visitor.visit::<Approve>()?;
    visitor.visit::<Withdraw>()
}

parameters! {
    unendorsed
    /// Parameters of `governance_preparePropose`.
    Propose {
        pub author: Did,
        pub change: Change,
        /// Lowest height at which the change holds. Without it, the preparation chooses one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub height: Option<u64>,
    }
}

parameters! {
    unendorsed
    /// Parameters of the actions whose only content is the proposal.
    #[serde(bound = "")]
    Step<K> {
        pub author: Did,
        pub proposal: Hash,
        #[serde(skip)]
        pub kind: PhantomData<K>,
    }
}

/// An action whose only content is the proposal.
pub trait StepKind: Clone {
    /// Name of the action.
    const ACTION: &'static str;

    /// Returns the action with this content.
    fn action(step: GovernanceStep) -> Action;

    /// Checks the rules of the action against the newest records.
    fn check(
        rules: &Rules<'_>,
        proposal: &Hash,
        by: Governor<'_>,
    ) -> Result<GovernanceWrite, ApplyError>;

    /// Returns a sentence, without its full stop, that says what the action does to the proposal.
    fn words(proposal: &Hash) -> String;
}

/// Parameters of `governance_prepareApprove`.
pub type Approve = Step<Approving>;

/// The action `governance_approve`.
#[derive(Debug, Clone, Copy)]
pub enum Approving {}

impl StepKind for Approving {
    const ACTION: &'static str = "governance_approve";

    fn action(step: GovernanceStep) -> Action {
        Action::GovernanceApprove(step)
    }

    fn check(
        rules: &Rules<'_>,
        proposal: &Hash,
        by: Governor<'_>,
    ) -> Result<GovernanceWrite, ApplyError> {
        rules.approve(proposal, by)
    }

    fn words(proposal: &Hash) -> String {
        format!("Approves proposal {proposal}")
    }
}

/// Parameters of `governance_prepareWithdraw`.
pub type Withdraw = Step<Withdrawing>;

/// The action `governance_withdraw`.
#[derive(Debug, Clone, Copy)]
pub enum Withdrawing {}

impl StepKind for Withdrawing {
    const ACTION: &'static str = "governance_withdraw";

    fn action(step: GovernanceStep) -> Action {
        Action::GovernanceWithdraw(step)
    }

    fn check(
        rules: &Rules<'_>,
        proposal: &Hash,
        by: Governor<'_>,
    ) -> Result<GovernanceWrite, ApplyError> {
        rules.withdraw(proposal, by)
    }

    fn words(proposal: &Hash) -> String {
        format!("Takes back the approval of proposal {proposal}")
    }
}

impl<K> Step<K> {
    /// Makes the parameters of an action on a proposal, with a random salt.
    pub fn new(author: Did, proposal: Hash) -> Self {
        Self { author, proposal, salt: None, until: None, kind: PhantomData }
    }
}

impl Prepare for Propose {
    const ACTION: &'static str = "governance_propose";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen) = (ledger.author(&self.author)?, self.chosen());
        let height = self.height.unwrap_or(ledger.height + NOTICE_HEIGHTS_DEFAULT);
        let propose = GovernancePropose { change: self.change, height };
        let action = Action::GovernancePropose(Box::new(propose.clone()));
        let form = ledger.form_by(&author, chosen, action)?;
        let id = form.id;
        let form = checked(ledger, &author, form, |rules, by| rules.propose(&id, by, &propose))?;
        let change = words(&propose.change);
        let Parameters { notice_ms_min, .. } = read(ledger.view(), PARAMETERS)?;
        let what = format!(
            "Proposes {change}, to hold from height {height} on, but no sooner than \
             {notice_ms_min} ms after the proposal"
        );
        Ok(form.draft(Subject::Proposal(id), &what))
    }
}

impl<K: StepKind> Prepare for Step<K> {
    const ACTION: &'static str = K::ACTION;

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.author.suffix), RecordKey::proposal(&self.proposal)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (author, chosen, id) = (ledger.author(&self.author)?, self.chosen(), self.proposal);
        let form = ledger.form_by(&author, chosen, K::action(GovernanceStep { proposal: id }))?;
        let form = checked(ledger, &author, form, |rules, by| K::check(rules, &id, by))?;
        Ok(form.draft(Subject::Proposal(id), &K::words(&id)))
    }
}

/// Checks a rule of governance as the next block would. If the rule refuses what methods of the
/// governor's document say, such as the withdrawal of what its control set approved, only the
/// control set is asked to sign.
fn checked(
    ledger: &LedgerView<'_>,
    author: &Party,
    form: Form,
    rule: impl Fn(&Rules<'_>, Governor<'_>) -> Result<GovernanceWrite, ApplyError>,
) -> Result<Form, ApplyError> {
    let scheduled = ledger.records.scheduled_changes()?;
    let at = ChainTime { height: ledger.height + 1, live_ms: ledger.live_ms()? };
    let now = Now { at, time_ms: ledger.time_ms, scheduled: &scheduled };
    let rules = Rules { view: ledger.records, now };
    let said = |by_control| rule(&rules, Governor { did: &author.did, by_control });
    said(true)?;
    match said(false) {
        Ok(_) => Ok(form),
        Err(ApplyError::Refused(_)) => Ok(form.without_methods()),
        Err(error) => Err(error),
    }
}

fn words(change: &Change) -> String {
    let edits = |what: &str, put: Vec<String>, removed: Vec<String>| {
        let put = (!put.is_empty()).then(|| format!("puts {}", put.join(", ")));
        let removed = (!removed.is_empty()).then(|| format!("removes {}", removed.join(", ")));
        let both: Vec<String> = put.into_iter().chain(removed).collect();
        format!("{what}: {}", both.join(" and "))
    };
    match change {
        Change::Validators(change) => {
            let put = change.put.iter();
            let put = put.map(|entry| format!("{} with power {}", entry.name, entry.power));
            edits("other validators", put.collect(), change.remove.clone())
        }
        Change::Publishing(change) => {
            let put = change.put.iter().map(|entry| entry.name.to_string()).collect();
            let removed = change.remove.iter().map(ToString::to_string).collect();
            edits("other publishing keys", put, removed)
        }
        Change::Parameters(_) => "other parameters".to_owned(),
        Change::Version(version) => format!("protocol version {version}"),
        Change::Governors(governors) => {
            let count = governors.members.len();
            format!("other governors: {} of {count} must approve", governors.threshold)
        }
    }
}
