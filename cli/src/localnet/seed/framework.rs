//! Writes the records of the trust framework: schema, credential type, status list, grants and a
//! delegation. Operations that do not depend on each other are sent at once, so that a localnet
//! starts within a few blocks.

use registry_core::agent::AgentDelegate;
use registry_core::id::{ListId, SchemaId};
use registry_core::limits::DAY_MS;
use registry_core::names::{ActionName, EntityId, NameError, Resource, TrustKey};
use registry_core::operation::Action;
use registry_core::schema::{CredentialTypePublish, SchemaPublish};
use registry_core::status::{Run, StatusCreate, StatusPurpose};
use registry_core::time::TimeMs;
use registry_core::trust::{Assurance, Conditions};
use rpc::prepare::trust::{Grant, Revoking, Step};
use serde::Deserialize;
use serde_json::json;
use tokio::try_join;

use super::Seed;
use super::parties::Parties;
use crate::author::{Author, Sent};
use crate::client::{Client, object};
use crate::did::Ready;
use crate::exit::Failure;
use crate::status_list::write::{make as make_list, set};

const TYPE: &str = "degrees/bachelor";
const SCHEMA: &str = include_str!("degree.schema.json");

/// Smallest number of entries that a W3C status list may have.
const LENGTH: u64 = 131_072;
/// First entry and length of each run of revoked entries.
const REVOKED: [(u64, u64); 3] = [(3, 1), (1_000, 10), (LENGTH - 1, 1)];

/// Milliseconds for which the agent may act.
const DELEGATION_MS: u64 = 365 * DAY_MS;

/// Action and resource of all grants of the framework.
struct Right {
    issue: ActionName,
    kind: Resource,
}

pub(super) async fn make(parties: &Parties) -> Result<Seed, Failure> {
    let named = |error: NameError| Failure::usage(error.to_string());
    let issue = "issue".parse().map_err(named)?;
    let right = Right { issue, kind: TYPE.parse().map_err(named)? };
    let Parties { authority, accreditors: [first, second], issuer, revoked_issuer, .. } = parties;
    let (schema, status_list, ..) = try_join!(
        publish_schema(authority, &right),
        open_list(issuer),
        right.grant(authority, (authority, first), Assurance::High, 2),
        right.grant(authority, (authority, second), Assurance::High, 2),
        delegate(parties, &right),
    )?;
    let substantial = Assurance::Substantial;
    try_join!(
        publish_type(authority, &right, schema),
        revoke_entries(issuer, &status_list),
        right.grant(authority, (first, issuer), substantial, 1),
        right.grant(authority, (second, revoked_issuer), substantial, 0),
    )?;
    right.grant(authority, (issuer, &parties.principal), substantial, 0).await?;
    let issued_at = authority.client().chain().await?.time.millis();
    let Sent { height, .. } = right.revoke(authority, second, revoked_issuer).await?;
    Ok(Seed {
        authority: authority.did().clone(),
        accreditors: vec![first.did().clone(), second.did().clone()],
        issuer: issuer.did().clone(),
        revoked_issuer: revoked_issuer.did().clone(),
        principal: parties.principal.did().clone(),
        agent: parties.agent.clone(),
        credential_type: right.kind,
        status_list,
        issued_at,
        revoked_at: time_of(authority.client(), height).await?,
    })
}

impl Right {
    fn key(&self, authority: &Author, entity: &Author) -> TrustKey {
        TrustKey {
            authority: authority.did().clone(),
            action: self.issue.clone(),
            resource: self.kind.clone(),
            entity: EntityId::from(entity.did()),
        }
    }

    /// Grants the right to `entity`. The node finds the parent grant if `grantor` is not the
    /// authority.
    async fn grant(
        &self,
        authority: &Author,
        (grantor, entity): (&Author, &Author),
        assurance: Assurance,
        max_depth: u8,
    ) -> Result<Sent, Failure> {
        let conditions = Conditions {
            assurance: Some(assurance),
            max_depth: Some(max_depth).filter(|depth| *depth > 0),
            ..Conditions::default()
        };
        let (did, key) = (grantor.did().clone(), self.key(authority, entity));
        grantor.write(Grant::new(did, key, None, conditions)).await
    }

    async fn revoke(
        &self,
        authority: &Author,
        grantor: &Author,
        entity: &Author,
    ) -> Result<Sent, Failure> {
        let right = self.key(authority, entity);
        grantor.write(Step::<Revoking>::new(grantor.did().clone(), right)).await
    }
}

async fn publish_schema(authority: &Author, right: &Right) -> Result<SchemaId, Failure> {
    let content = SCHEMA.trim().to_owned();
    let id = SchemaId::of_content(authority.did(), &content);
    let (credential_type, supersedes) = (Some(right.kind.clone()), None);
    let publish = SchemaPublish { content, credential_type, supersedes };
    authority.send(Ready::creating(Action::SchemaPublish(Box::new(publish)))).await?;
    Ok(id)
}

async fn publish_type(authority: &Author, right: &Right, schema: SchemaId) -> Result<(), Failure> {
    let publish = CredentialTypePublish {
        name: right.kind.clone(),
        schema: Some(schema),
        validity_ms_max: None,
        status_purposes: vec![StatusPurpose::Revocation],
        assurance: Some(Assurance::Low),
        formats: Vec::new(),
        suites: Vec::new(),
    };
    let ready = Ready::creating(Action::CredentialTypePublish(Box::new(publish)));
    authority.send(ready).await.map(drop)
}

async fn open_list(issuer: &Author) -> Result<ListId, Failure> {
    let create = StatusCreate {
        purpose: StatusPurpose::Revocation,
        bits: 1,
        length: LENGTH,
        uri: None,
        valid_from: None,
        valid_until: None,
        delegates: Vec::new(),
        messages: Vec::new(),
    };
    Ok(make_list(issuer, create).await?.list)
}

async fn revoke_entries(issuer: &Author, list: &ListId) -> Result<(), Failure> {
    let runs = REVOKED.map(|(start, length)| Run { start, length, value: 1, expect: None });
    set(issuer, list, &runs).await.map(drop)
}

async fn delegate(parties: &Parties, right: &Right) -> Result<(), Failure> {
    let Parties { principal, agent, .. } = parties;
    let now_ms = principal.client().chain().await?.time.0;
    let delegate = AgentDelegate {
        agent: agent.clone(),
        beneath: None,
        actions: vec![right.issue.clone()],
        resources: vec![right.kind.clone()],
        valid_from: None,
        valid_until: now_ms.saturating_add(DELEGATION_MS),
        max_depth: None,
    };
    let ready = Ready::creating(Action::AgentDelegate(Box::new(delegate)));
    principal.send(ready).await.map(drop)
}

/// Returns the time of a block in RFC 3339.
async fn time_of(client: &Client, height: u64) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Block {
        time: TimeMs,
    }
    let asked = object(json!({ "height": height, "minHeight": height }));
    let Block { time } = client.call("ledger_getBlock", asked).await?;
    Ok(time.millis())
}
