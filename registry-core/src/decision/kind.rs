//! DE3: the type and the schema of the credential.

use super::{Case, Fault, denied};
use crate::id::SchemaId;
use crate::names::Resource;
use crate::record::StoreError;
use crate::schema::{CredentialType, Schema, SchemaStatus, credential_type_at, schema_at};
use crate::time::TimeMs;

/// Type and schema of a credential, as the records at issuance describe them.
pub(super) struct Kind {
    /// Credential type, the resource on which the issuer needs a right; `None` if it is unknown.
    pub(super) resource: Option<Resource>,
    /// Record of the type that the authority had published at issuance, if it was active then.
    pub(super) terms: Option<CredentialType>,
    /// Time in ms of the withdrawal of that type, if the authority had withdrawn it at issuance.
    withdrawn_ms: Option<u64>,
    /// Time in ms at which the authority voided that type, if it has done so by now.
    voided_ms: Option<u64>,
    /// Schema that the question names, or else the type, with its record at issuance.
    schema: Option<(SchemaId, Option<Schema>)>,
}

impl Case<'_> {
    /// Reads what the records at issuance say about type and schema.
    pub(super) fn kind(&self) -> Result<Kind, StoreError> {
        let then = self.moments.then;
        let schema = |id: SchemaId| Ok::<_, StoreError>((id, schema_at(then, &id)?));
        let asked = self.question.schema.as_ref().and_then(|text| text.parse().ok());
        let asked = asked.map(schema).transpose()?;
        let resource = match (&self.question.credential_type, &asked) {
            (Some(name), _) => name.parse().ok().filter(|name: &Resource| !name.is_pattern()),
            (None, Some((_, Some(schema)))) => schema.credential_type.clone(),
            (None, _) => None,
        };
        let published = match (self.local(&self.question.authority), &resource) {
            (Some(authority), Some(name)) => credential_type_at(then, &authority, name)?,
            _ => None,
        };
        let voided_ms = match &published {
            Some(found) => found.voided(then)?,
            None => None,
        };
        let (terms, withdrawn_ms) = match published.filter(|_| voided_ms.is_none()) {
            Some(found) => match found.status {
                SchemaStatus::Active => (Some(found), None),
                SchemaStatus::Withdrawn => (None, Some(found.since)),
            },
            None => (None, None),
        };
        let own = terms.as_ref().and_then(|terms| terms.schema);
        let schema = match (&self.question.schema, own) {
            (None, Some(own)) => Some(schema(own)?),
            _ => asked,
        };
        Ok(Kind { resource, terms, withdrawn_ms, voided_ms, schema })
    }

    /// Takes step DE3.
    pub(super) fn check_kind(&self, kind: &Kind) -> Result<String, Fault> {
        let (authority, issued_at) = (&self.question.authority, self.issued_at());
        // A question that names the schema alone must not get around the end of the type, and what
        // a void version had replaced does not come back.
        if let (Some(name), Some(voided)) = (&kind.resource, kind.voided_ms) {
            let voided = TimeMs(voided).millis();
            return denied(format!(
                "{authority} voided the credential type {name} of {issued_at} at {voided}: it \
                 counts as never published"
            ));
        }
        if let (Some(name), Some(since)) = (&kind.resource, kind.withdrawn_ms) {
            let since = TimeMs(since).millis();
            return denied(format!(
                "{authority} had withdrawn the credential type {name} at {issued_at}, since {since}"
            ));
        }
        if let (Some(name), None) = (&self.question.credential_type, &kind.terms) {
            return denied(format!("{authority} had no credential type {name} at {issued_at}"));
        }
        let schema = self.check_schema(kind)?;
        let Some(name) = &kind.resource else {
            return denied(format!("{schema} names no credential type; name one beside it"));
        };
        let since = self.withdrawn_since(name)?;
        Ok(match (&kind.terms, schema.is_empty()) {
            (None, _) => format!("{name} had {schema} at {issued_at}"),
            (Some(_), true) => format!("{authority} had the type {name} at {issued_at}{since}"),
            (Some(_), false) => {
                format!("{authority} had the type {name} at {issued_at}{since}, with {schema}")
            }
        })
    }

    /// Returns the part of the finding about the schema; it is empty if neither the question nor
    /// the type names one.
    fn check_schema(&self, kind: &Kind) -> Result<String, Fault> {
        let issued_at = self.issued_at();
        let (id, schema) = match (&kind.schema, &self.question.schema) {
            (Some((id, Some(schema))), _) => (id, schema),
            (_, Some(text)) => return denied(format!("schema {text} unknown at {issued_at}")),
            (_, None) => return Ok(String::new()),
        };
        if let Some(voided) = schema.voided(self.moments.then)? {
            let (publisher, voided) = (&schema.publisher, TimeMs(voided).millis());
            return denied(format!(
                "schema {id} was voided by {publisher} at {voided} and counts as never published"
            ));
        }
        if schema.status == SchemaStatus::Withdrawn {
            let since = TimeMs(schema.since).millis();
            return denied(format!("schema {id} is withdrawn since {since}"));
        }
        let name = kind.resource.as_ref();
        if let (Some(name), Some(other)) = (name, &schema.credential_type)
            && name != other
        {
            return denied(format!("schema {id} describes {other}, not {name}"));
        }
        match kind.terms.as_ref().and_then(|terms| terms.schema) {
            Some(own) if own != *id => {
                denied(format!("the type had schema {own} at {issued_at}, not {id}"))
            }
            None if schema.publisher.to_string() != self.question.authority => {
                let publisher = &schema.publisher;
                denied(format!("schema {id} is {publisher}'s, and the authority names it nowhere"))
            }
            _ => {
                let now = schema_at(self.moments.now, id)?;
                let since = now.map_or_else(String::new, |now| withdrawn(now.status, now.since));
                Ok(format!("schema {id}{since}"))
            }
        }
    }

    /// Returns a remark for the finding if the type was withdrawn after the issuance.
    fn withdrawn_since(&self, name: &Resource) -> Result<String, StoreError> {
        let Some(authority) = self.local(&self.question.authority) else {
            return Ok(String::new());
        };
        let now = credential_type_at(self.moments.now, &authority, name)?;
        Ok(now.map_or_else(String::new, |now| withdrawn(now.status, now.since)))
    }
}

fn withdrawn(status: SchemaStatus, since: u64) -> String {
    match status {
        SchemaStatus::Active => String::new(),
        SchemaStatus::Withdrawn => format!(" (withdrawn since {})", TimeMs(since).millis()),
    }
}
