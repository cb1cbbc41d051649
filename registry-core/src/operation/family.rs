//! Families of actions that one right to write covers (docs/protocol/endorsement.md).

/// A family of actions; a grant of `registry:write` on `registry/<name>` covers one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Creating and updating DIDs.
    Did,
    /// Status lists.
    Status,
    /// Grants and recognitions.
    Trust,
    /// Delegations to agents.
    Agent,
    /// Schemas and credential types.
    Schema,
}

impl Family {
    /// Name of the family in resources and JSON.
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
