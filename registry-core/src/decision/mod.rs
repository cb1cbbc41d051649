//! Whether a credential is to be accepted: one question over all records, each step in a sentence
//! (docs/protocol/decision.md). A pure function of the records at two moments.

mod agent;
mod issuer;
mod kind;
mod right;
mod status;

use crate::id::{Did, NetworkName};
use crate::names::ActionName;
use crate::record::{Entry, RecordKey, RecordView, StoreError};
use crate::time::TimeMs;
use crate::trust::Assurance;

/// A credential, in the words of who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionQuery {
    /// The DID that it names as its issuer.
    pub issuer: String,
    /// The DID URL of the method that signed it.
    pub verification_method: String,
    /// Its type.
    pub credential_type: Option<String>,
    /// The schema that it keeps.
    pub schema: Option<String>,
    /// When it was issued, as it says; ms since 1970.
    pub issued_at_ms: u64,
    /// Where its status is, if it has one.
    pub status: Option<StatusEntry>,
    /// The authority that is accepted.
    pub authority: String,
    /// Who issued it in somebody's name.
    pub agent: Option<String>,
    /// What is wanted at least.
    pub minimum_assurance: Option<Assurance>,
    /// The moment that the answer is about; ms since 1970.
    pub at_ms: u64,
}

/// An entry of a status list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// The list.
    pub list: String,
    /// Its place there.
    pub entry: u64,
}

/// The records at the moment that the answer is about, with the entries of status lists.
pub trait DecisionView: RecordView {
    /// A version of a record by its number; none if there is no such version.
    fn version(&self, key: &RecordKey, number: u64) -> Result<Option<Entry>, StoreError>;

    /// The value of an entry of the list at the version in `list`; none behind the array's end.
    fn status_value(&self, list: &Entry, entry: u64) -> Result<Option<u8>, StoreError>;
}

/// The two moments, read as of one height.
#[derive(Clone, Copy)]
pub struct Moments<'v> {
    /// The records at issuance.
    pub then: &'v dyn RecordView,
    /// The records at the moment that the answer is about.
    pub now: &'v dyn DecisionView,
}

/// What a step looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepName {
    /// DE1.
    Issuer,
    /// DE2.
    Key,
    /// DE3.
    Type,
    /// DE4.
    Authorization,
    /// DE5.
    Assurance,
    /// DE6.
    Status,
    /// DE7.
    Agent,
}

impl StepName {
    /// Its name in JSON.
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

/// What one step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionStep {
    /// What it looked at.
    pub name: StepName,
    /// A sentence for people.
    pub finding: String,
    /// Whether nothing stands against the credential here.
    pub ok: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// All steps, in order.
    pub steps: Vec<DecisionStep>,
}

impl Decision {
    /// Whether the credential is to be accepted.
    pub fn is_permit(&self) -> bool {
        self.steps.iter().all(|step| step.ok)
    }

    /// The first step that fails.
    pub fn failing(&self) -> Option<&DecisionStep> {
        self.steps.iter().find(|step| !step.ok)
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// The credential is of later than the moment asked about.
    #[error(
        "issuedAt {} is after at {}; ask about a moment that is not before the issuance",
        TimeMs(*issued_at_ms).millis(), TimeMs(*at_ms).millis()
    )]
    IssuedLater {
        /// When it was issued.
        issued_at_ms: u64,
        /// The moment asked about.
        at_ms: u64,
    },
    /// Neither type nor schema is named.
    #[error("credentialType and schema are both missing; give one or both")]
    NoType,
    /// The records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// DE1 to DE7.
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
    // No name of an action is refused that is written here.
    let issue = "issue".parse().map_err(StoreError::new)?;
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

/// A question, and what it is answered from.
struct Case<'c> {
    network: &'c NetworkName,
    moments: Moments<'c>,
    question: &'c DecisionQuery,
    issue: ActionName,
}

impl Case<'_> {
    /// The DID of this network that a text is, if it is one.
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

/// Why a step does not give its finding.
enum Fault {
    /// It fails, with this finding.
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
