//! Commands that grant and recognise.

use registry_core::limits::TRUST_OPERATION_BYTES_MAX;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Guard, Operation};
use registry_core::time::TimeMs;
use registry_core::trust::{Checkpoint, Parent, TrustGrant};
use rpc::prepare::Prepare as _;
use rpc::prepare::trust::{Change, Grant, Recognise, Step, StepKind};
use serde::Serialize;

use super::{ChangeArgs, GrantArgs, RecogniseArgs, RightArgs, StepArgs, TermsArgs};
use crate::author::{Author, Sent};
use crate::context::Context;
use crate::exit::Failure;
use crate::file::read_text;

/// Answer of a command that changed a grant or recognition.
#[derive(Debug, Serialize)]
struct Written {
    right: TrustKey,
    #[serde(flatten)]
    sent: Sent,
}

/// An action that the node would accept, with a guard on the present record.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) guard: Guard,
    pub(crate) action: Action,
}

impl StepArgs {
    async fn open(self, context: &Context) -> Result<(Author, TrustKey), Failure> {
        let Self { author, authority, right } = self;
        let author = Author::open(context, author).await?;
        let authority = authority.unwrap_or_else(|| author.did().clone());
        let RightArgs { action, resource, entity } = right;
        Ok((author, TrustKey { authority, action, resource, entity }))
    }
}

pub(super) async fn grant(args: GrantArgs, context: &Context) -> Result<(), Failure> {
    let GrantArgs { step, conditions, parent_resource, parent_grantor } = args;
    let (author, key) = step.open(context).await?;
    let parent = parent_resource.zip(parent_grantor);
    let parent = parent.map(|(resource, grantor)| Parent { resource, grantor });
    let grant = TrustGrant { key: key.clone(), parent, conditions: conditions.into() };
    let Ready { guard, action } = prepare(&author, grant).await?;
    print(key, author.send(guard, action).await?, context)
}

pub(super) async fn change(args: ChangeArgs, context: &Context) -> Result<(), Failure> {
    let ChangeArgs { step, conditions } = args;
    let (author, key) = step.open(context).await?;
    let grant = TrustGrant { key: key.clone(), parent: None, conditions: conditions.into() };
    let sent = author.write(Change(Grant::new(author.did().clone(), grant))).await?;
    print(key, sent, context)
}

pub(super) async fn step<K: StepKind>(args: StepArgs, context: &Context) -> Result<(), Failure> {
    let (author, key) = args.open(context).await?;
    let sent = author.write(Step::<K>::new(author.did().clone(), key.clone())).await?;
    print(key, sent, context)
}

pub(super) async fn recognise(args: RecogniseArgs, context: &Context) -> Result<(), Failure> {
    let RecogniseArgs { step, terms, checkpoint } = args;
    let TermsArgs { valid_from, valid_until, evidence, terms } = terms;
    let network = match &checkpoint {
        Some(path) => {
            let text = read_text(path, TRUST_OPERATION_BYTES_MAX as u64)?;
            let wrong = |error| Failure::usage(format!("{}: {error}", path.display()));
            Some(serde_json::from_str::<Checkpoint>(&text).map_err(wrong)?)
        }
        None => None,
    };
    let (author, right) = step.open(context).await?;
    let TrustKey { authority, action, resource, entity } = right.clone();
    let mut recognise = Recognise {
        author: author.did().clone(),
        authority: None,
        action,
        resource,
        entity,
        valid_from: valid_from.map(TimeMs),
        valid_until: valid_until.map(TimeMs),
        evidence,
        terms,
        network,
        salt: None,
        endorser: None,
    };
    // Without `authority` the node prepares for the author: an authority recognises only for
    // itself.
    let guard = author.prepared(&recognise).await?.guard;
    recognise.authority = Some(authority);
    print(right, author.send(guard, recognise.action()?).await?, context)
}

fn print(right: TrustKey, sent: Sent, context: &Context) -> Result<(), Failure> {
    let Sent { operation, height } = &sent;
    let TrustKey { authority, action, resource, entity } = &right;
    let human = format!(
        "authority  {authority}\naction     {action}\nresource   {resource}\nentity     {entity}\n\
         operation  {operation}\nheight     {height}"
    );
    context.print(&Written { right, sent }, human)
}

/// Has the node check a grant, and returns it ready to be sent. Only the guard and, if none was
/// named, the parent grant are taken from the answer of the node, because the ledger refuses wrong
/// ones.
pub(crate) async fn prepare(author: &Author, grant: TrustGrant) -> Result<Ready, Failure> {
    let mut grant = Grant::new(author.did().clone(), grant);
    let Operation { guard, action, .. } = author.prepared(&grant).await?;
    grant.parent = match (grant.parent, action) {
        (None, Action::TrustGrant(found)) => found.parent,
        (named, _) => named,
    };
    Ok(Ready { guard, action: grant.action()? })
}
