//! Decides whether a credential is to be accepted, by one question over all records
//! (docs/protocol/decision.md). The decision is a pure function of the records at two moments: at
//! issuance, and at the moment asked about. Each step reports its finding in a sentence.

mod agent;
mod issuer;
mod kind;
mod right;
mod status;

use crate::id::{Did, NetworkName};
use crate::limits::DECISION_STATUS_ENTRIES_MAX;
use crate::names::ActionName;
use crate::record::{Entry, Hindsight, RecordView, StoreError};
use crate::time::TimeMs;
use crate::trust::Assurance;

/// A credential and what its verifier accepts. Texts are as the caller gives them, and a malformed
/// one makes its step fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionQuery {
    /// DID that the credential names as its issuer.
    pub issuer: String,
    /// DID URL of the verification method that signed the credential.
    pub verification_method: String,
    /// Credential type; a type or a schema must be given.
    pub credential_type: Option<String>,
    /// Id of the schema that the credential follows.
    pub schema: Option<String>,
    /// Time of issuance that the credential states, in Unix milliseconds.
    pub issued_at_ms: u64,
    /// Entries that hold the status of the credential, at most [`DECISION_STATUS_ENTRIES_MAX`];
    /// empty if it has none.
    pub status: Vec<StatusEntry>,
    /// DID of the authority that the verifier accepts.
    pub authority: String,
    /// DID of the agent that issued the credential in the issuer's name, if one did.
    pub agent: Option<String>,
    /// Minimum assurance level that the verifier requires.
    pub minimum_assurance: Option<Assurance>,
    /// Moment that the answer is about, in Unix milliseconds.
    pub at_ms: u64,
}

/// Reference to an entry of a status list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// Id of the list.
    pub list: String,
    /// Index of the entry in the list, from 0.
    pub entry: u64,
}

/// Records at the moment that the answer is about, together with the entries of status lists.
pub trait DecisionView: RecordView {
    /// Returns the value of an entry of the list at the version in `list`; `None` past the end of
    /// the array.
    fn status_value(&self, list: &Entry, entry: u64) -> Result<Option<u8>, StoreError>;
}

/// Views of the records at the two moments that a decision compares. Both are read as of one
/// height.
#[derive(Clone, Copy)]
pub struct Moments<'v> {
    /// Records at issuance.
    pub then: &'v dyn RecordView,
    /// Records at the moment that the answer is about.
    pub now: &'v dyn DecisionView,
}

/// A step of the decision, named by what it checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepName {
    /// DE1: the issuer is registered and active.
    Issuer,
    /// DE2: the signing key was valid and has not been revoked for that time.
    Key,
    /// DE3: type and schema were published and active.
    Type,
    /// DE4: the issuer had the right to issue.
    Authorization,
    /// DE5: the grants state the required assurance.
    Assurance,
    /// DE6: no status list speaks against the credential.
    Status,
    /// DE7: the agent had a delegation, and somebody still answers for it.
    Agent,
}

impl StepName {
    /// Returns the name of the step in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Key => "key",
            Self::Type => "type",
            Self::Authorization => "authorization",
            Self::Assurance => "assurance",
            Self::Status => "status",
            Self::Agent => "agent",
        }
    }
}

/// Finding of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionStep {
    /// Step that made the finding.
    pub name: StepName,
    /// Sentence that explains to people what the step found.
    pub finding: String,
    /// True if the step found nothing against the credential.
    pub ok: bool,
}

/// Answer to a [`DecisionQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Findings of all steps, in their order.
    pub steps: Vec<DecisionStep>,
}

impl Decision {
    /// True if the credential is to be accepted, because no step failed.
    pub fn is_permit(&self) -> bool {
        self.steps.iter().all(|step| step.ok)
    }

    /// Returns the first step that fails; `None` if the credential is to be accepted.
    pub fn failing(&self) -> Option<&DecisionStep> {
        self.steps.iter().find(|step| !step.ok)
    }
}

/// Reason why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// The credential was issued after the moment asked about.
    #[error(
        "issuedAt {} is after at {}; ask about a moment that is not before the issuance",
        TimeMs(*issued_at_ms).millis(), TimeMs(*at_ms).millis()
    )]
    IssuedLater {
        /// Time of issuance in Unix milliseconds.
        issued_at_ms: u64,
        /// Moment asked about in Unix milliseconds.
        at_ms: u64,
    },
    /// The question names neither a type nor a schema.
    #[error("credentialType and schema are both missing; give one or both")]
    NoType,
    /// The question names more entries of status lists than a decision looks at.
    #[error("{actual} entries of status, at most {DECISION_STATUS_ENTRIES_MAX} are allowed")]
    StatusEntries {
        /// Number of entries given.
        actual: usize,
    },
    /// The records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes steps DE1 to DE6, and DE7 if the question names an agent. Every step is taken, also after
/// one that fails. Fails if the question has no answer.
pub fn decide(
    network: &NetworkName,
    moments: Moments<'_>,
    question: &DecisionQuery,
) -> Result<Decision, DecisionError> {
    let DecisionQuery { issued_at_ms, at_ms, .. } = *question;
    if at_ms < issued_at_ms {
        return Err(DecisionError::IssuedLater { issued_at_ms, at_ms });
    }
    if question.credential_type.is_none() && question.schema.is_none() {
        return Err(DecisionError::NoType);
    }
    if question.status.len() > DECISION_STATUS_ENTRIES_MAX {
        return Err(DecisionError::StatusEntries { actual: question.status.len() });
    }
    // The name of the action is a constant that always parses.
    let issue = "issue".parse().map_err(StoreError::new)?;
    // What was voided by now never was, also at issuance.
    let then = &Hindsight { moment: moments.then, known: moments.now };
    let moments = Moments { then, now: moments.now };
    let case = Case { network, moments, question, issue };
    let kind = case.kind()?;
    let right = case.right(&kind)?;
    let mut steps = vec![
        DecisionStep::new(StepName::Issuer, case.issuer())?,
        DecisionStep::new(StepName::Key, case.key())?,
        DecisionStep::new(StepName::Type, case.check_kind(&kind))?,
        DecisionStep::new(StepName::Authorization, case.authorization(&right))?,
        DecisionStep::new(StepName::Assurance, case.assurance(&kind, &right))?,
        DecisionStep::new(StepName::Status, case.status(&kind))?,
    ];
    if let Some(agent) = &question.agent {
        steps.push(DecisionStep::new(StepName::Agent, case.agent(agent, &kind))?);
    }
    Ok(Decision { steps })
}

/// A question together with the records that answer it.
struct Case<'c> {
    network: &'c NetworkName,
    moments: Moments<'c>,
    question: &'c DecisionQuery,
    issue: ActionName,
}

impl Case<'_> {
    /// Parses a DID of this network; returns `None` for any other text.
    fn local(&self, text: &str) -> Option<Did> {
        text.parse().ok().filter(|did: &Did| did.network == *self.network)
    }

    fn issued_at(&self) -> String {
        TimeMs(self.question.issued_at_ms).millis()
    }

    fn at(&self) -> String {
        TimeMs(self.question.at_ms).millis()
    }
}

/// Reason why a step does not succeed.
enum Fault {
    /// The step fails with this finding.
    Denied(String),
    /// The records cannot be read.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn denied<T>(finding: String) -> Result<T, Fault> {
    Err(Fault::Denied(finding))
}

impl DecisionStep {
    fn new(name: StepName, found: Result<String, Fault>) -> Result<Self, StoreError> {
        match found {
            Ok(finding) => Ok(Self { name, finding, ok: true }),
            Err(Fault::Denied(finding)) => Ok(Self { name, finding, ok: false }),
            Err(Fault::Store(error)) => Err(error),
        }
    }
}
