//! Sentences that explain answers to people. They are the same wherever an answer is shown.

use super::{Answer, Broken, Chain, Link, Reason};
use crate::time::TimeMs;

/// Names of a right as the caller of a query gave them.
#[derive(Debug, Clone, Copy)]
pub struct RightWords<'w> {
    /// Authority from which the right comes.
    pub authority: &'w str,
    /// Entity that is asked about.
    pub entity: &'w str,
    /// Action that is asked about.
    pub action: &'w str,
    /// Resource that is asked about.
    pub resource: &'w str,
}

impl Answer {
    /// Explains the answer in one sentence.
    pub fn sentence(&self, right: RightWords<'_>) -> String {
        let RightWords { authority, entity, action, resource } = right;
        let Some(chain) = &self.chain else {
            return format!("{authority} has granted {entity} no right to {action} on {resource}");
        };
        match chain.fault() {
            None => {
                let by = match chain.links.len() {
                    1 => "directly".to_owned(),
                    count => format!("by a chain of {count} grants"),
                };
                format!("{entity} may {action} on {resource}: granted under {authority} {by}")
            }
            Some(fault) => {
                format!("{entity} may not {action} on {resource} under {authority}: {fault}")
            }
        }
    }
}

impl Chain {
    /// Returns the reason why the chain is not live, as a sentence for people; `None` if it is
    /// live.
    pub fn fault(&self) -> Option<String> {
        let broken = self.broken.as_ref()?;
        let what = match broken.reason {
            Reason::AuthorityUnknown => {
                return Some("the authority was not registered then".to_owned());
            }
            Reason::AuthorityDeactivated => {
                return Some(format!("the authority is deactivated{}", since(broken)));
            }
            Reason::EntityDeactivated => format!("is of a DID deactivated{}", since(broken)),
            reason @ (Reason::ParentGone
            | Reason::Suspended
            | Reason::Revoked
            | Reason::Voided
            | Reason::NotYetValid { .. }
            | Reason::Expired { .. }
            | Reason::TooDeep { .. }
            | Reason::NotDelegated
            | Reason::AssuranceTooLow { .. }) => reason.predicate(broken.since),
        };
        Some(match self.links.get(broken.link) {
            Some(Link { key, grant, .. }) => {
                let (entity, resource) = (&key.entity, &key.resource);
                format!("the grant of {entity} on {resource} by {} {what}", grant.grantor)
            }
            None => what,
        })
    }
}

fn since(broken: &Broken) -> String {
    since_text(broken.since)
}

/// Returns ` since …`, or an empty text if no record states the time.
pub(crate) fn since_text(since: Option<u64>) -> String {
    since.map_or_else(String::new, |time_ms| format!(" since {}", TimeMs(time_ms).millis()))
}

impl Reason {
    /// Returns the part of a sentence that says what is wrong with a grant or a delegation.
    pub(crate) fn predicate(self, since: Option<u64>) -> String {
        match self {
            Self::NotYetValid { valid_from } => {
                format!("begins at {}", TimeMs(valid_from).millis())
            }
            Self::Expired { valid_until } => format!("ended at {}", TimeMs(valid_until).millis()),
            Self::TooDeep { max_depth, beneath } => {
                format!("allows {max_depth} beneath it, and {beneath} follow")
            }
            Self::Voided => {
                let at =
                    since.map_or_else(String::new, |ms| format!(" at {}", TimeMs(ms).millis()));
                format!("was voided{at} by the DID that made it, and counts as never made")
            }
            Self::ParentGone => "rests on one that is gone or was granted anew".to_owned(),
            Self::NotDelegated => "has no such action on such a resource".to_owned(),
            Self::AssuranceTooLow { .. } => format!("states {self}"),
            Self::Suspended
            | Self::Revoked
            | Self::AuthorityUnknown
            | Self::AuthorityDeactivated
            | Self::EntityDeactivated => format!("is {self}{}", since_text(since)),
        }
    }
}
