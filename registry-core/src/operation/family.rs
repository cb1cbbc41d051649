//! Families of actions that share one right to write (docs/protocol/endorsement.md).

/// A family of actions. A grant of `registry:write` on `registry/<name>` covers all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Actions that create and update DIDs.
    Did,
    /// Actions on status lists.
    Status,
    /// Actions on grants and recognitions.
    Trust,
    /// Actions on delegations to agents.
    Agent,
    /// Actions on schemas and credential types.
    Schema,
}

impl Family {
    /// Returns the name of the family in resources and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Did => "did",
            Self::Status => "status",
            Self::Trust => "trust",
            Self::Agent => "agent",
            Self::Schema => "schema",
        }
    }
}
