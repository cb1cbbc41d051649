//! Commands that grant and recognise.

use registry_core::id::Did;
use registry_core::limits::TRUST_OPERATION_BYTES_MAX;
use registry_core::names::TrustKey;
use registry_core::time::TimeMs;
use registry_core::trust::Checkpoint;
use rpc::prepare::roots::ForgetRoot;
use rpc::prepare::trust::{Change, Grant, ParentParam, Recognise, Step, StepKind};
use serde::Serialize;

use super::{ForgetRootArgs, GrantArgs, RecogniseArgs, RightArgs, StepArgs, TermsArgs};
use crate::author::{Author, Sent};
use crate::context::Context;
use crate::exit::Failure;
use crate::file::read_text;

/// Answer of a command that changed a grant or recognition.
#[derive(Debug, Serialize)]
struct RightWritten {
    right: TrustKey,
    #[serde(flatten)]
    sent: Sent,
}

impl StepArgs {
    pub(super) async fn open(self, context: &Context) -> Result<(Author, TrustKey), Failure> {
        let Self { author, authority, right } = self;
        let author = Author::open(context, author).await?;
        let authority = authority.unwrap_or_else(|| author.did().clone());
        let RightArgs { action, resource, entity } = right;
        Ok((author, TrustKey { authority, action, resource, entity }))
    }
}

impl GrantArgs {
    async fn open(self, context: &Context) -> Result<(TrustKey, Author, Grant), Failure> {
        let Self { step, conditions, parent_resource, parent_grantor } = self;
        let (author, key) = step.open(context).await?;
        let parent = parent_resource.zip(parent_grantor);
        let parent =
            parent.map(|(resource, grantor)| ParentParam { resource, grantor, made: None });
        let did = author.did().clone();
        let grant = Grant::new(did, key.clone(), parent, conditions.into());
        Ok((key, author, grant))
    }
}

pub(super) async fn grant(args: GrantArgs, context: &Context) -> Result<(), Failure> {
    let (key, author, grant) = args.open(context).await?;
    print(key, author.write(grant).await?, context)
}

pub(super) async fn change(args: GrantArgs, context: &Context) -> Result<(), Failure> {
    let (key, author, grant) = args.open(context).await?;
    print(key, author.write(Change(grant)).await?, context)
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
    let recognise = Recognise {
        author: author.did().clone(),
        authority: Some(authority),
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
        until: None,
    };
    print(right, author.write(recognise).await?, context)
}

/// Answer of the command that removes a root.
#[derive(Debug, Serialize)]
struct Forgotten {
    did: Did,
    authority: Did,
    #[serde(flatten)]
    sent: Sent,
}

pub(super) async fn forget_root(args: ForgetRootArgs, context: &Context) -> Result<(), Failure> {
    let ForgetRootArgs { author, authority } = args;
    let author = Author::open(context, author).await?;
    let did = author.did().clone();
    let params = ForgetRoot {
        author: did.clone(),
        authority: authority.clone(),
        salt: None,
        endorser: None,
        until: None,
    };
    let sent = author.write(params).await?;
    let Sent { operation, height } = &sent;
    let human = format!(
        "did        {did}\nauthority  {authority}\noperation  {operation}\nheight     {height}"
    );
    context.print(&Forgotten { did, authority, sent }, human)
}

pub(super) fn print(right: TrustKey, sent: Sent, context: &Context) -> Result<(), Failure> {
    let Sent { operation, height } = &sent;
    let TrustKey { authority, action, resource, entity } = &right;
    let human = format!(
        "authority  {authority}\naction     {action}\nresource   {resource}\nentity     {entity}\n\
         operation  {operation}\nheight     {height}"
    );
    context.print(&RightWritten { right, sent }, human)
}
