//! Granting and recognising.

use registry_core::limits::TRUST_OPERATION_BYTES_MAX;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Guard};
use registry_core::time::TimeMs;
use registry_core::trust::{
    Checkpoint, Conditions, Parent, TrustChange, TrustGrant, TrustRecognise, TrustStep,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ChangeArgs, GrantArgs, RecogniseArgs, RightArgs, StepArgs, TermsArgs};
use crate::author::{Author, Sent};
use crate::client::{given, object};
use crate::context::Context;
use crate::exit::Failure;
use crate::file::read_text;

/// A right after one operation.
#[derive(Debug, Serialize)]
struct Written {
    right: TrustKey,
    #[serde(flatten)]
    sent: Sent,
}

/// An action that the node would take, and the record that it is about as it stands now.
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
    let grant = TrustGrant { key, parent, conditions: conditions.into() };
    write(&author, Action::TrustGrant(Box::new(grant)), context).await
}

pub(super) async fn change(args: ChangeArgs, context: &Context) -> Result<(), Failure> {
    let ChangeArgs { step, conditions } = args;
    let (author, key) = step.open(context).await?;
    let change = TrustChange { key, conditions: conditions.into() };
    write(&author, Action::TrustChange(Box::new(change)), context).await
}

pub(super) async fn step(
    args: StepArgs,
    make: impl FnOnce(Box<TrustStep>) -> Action,
    context: &Context,
) -> Result<(), Failure> {
    let (author, key) = args.open(context).await?;
    write(&author, make(Box::new(TrustStep { key })), context).await
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
    let (author, key) = step.open(context).await?;
    let recognise = TrustRecognise { key, valid_from, valid_until, evidence, terms, network };
    write(&author, Action::TrustRecognise(Box::new(recognise)), context).await
}

async fn write(author: &Author, action: Action, context: &Context) -> Result<(), Failure> {
    let Some(right) = action.trust_key().cloned() else {
        return Err(Failure::usage("the action is about no right"));
    };
    let Ready { guard, action } = prepare(author, action).await?;
    let sent = author.send(guard, action).await?;
    let Sent { operation, height } = &sent;
    let TrustKey { authority, action, resource, entity } = &right;
    let human = format!(
        "authority  {authority}\naction     {action}\nresource   {resource}\nentity     {entity}\n\
         operation  {operation}\nheight     {height}"
    );
    context.print(&Written { right, sent }, human)
}

/// Asks the node what stands in the way of an action. Taken from its answer are the guard, and the
/// author's own grant from which it grants where that was not named: the ledger refuses wrong ones.
pub(crate) async fn prepare(author: &Author, mut action: Action) -> Result<Ready, Failure> {
    let Some((method, params)) = question(author, &action) else {
        return Err(Failure::usage("the action is about no right"));
    };
    let prepared = author.prepared(method, params).await?;
    if let (Action::TrustGrant(own), Action::TrustGrant(found)) = (&mut action, prepared.action)
        && own.parent.is_none()
    {
        own.parent = found.parent;
    }
    Ok(Ready { guard: prepared.guard, action })
}

/// The method that prepares an action, and its parameters.
fn question(author: &Author, action: &Action) -> Option<(&'static str, Map<String, Value>)> {
    let mut params = object(action.trust_key()?);
    let (method, more) = match action {
        Action::TrustGrant(grant) => {
            params.extend(given(json!({ "parent": grant.parent })));
            ("trust_prepareGrant", conditions(&grant.conditions))
        }
        Action::TrustChange(change) => ("trust_prepareChange", conditions(&change.conditions)),
        Action::TrustSuspend(_) => ("trust_prepareSuspend", Value::Null),
        Action::TrustResume(_) => ("trust_prepareResume", Value::Null),
        Action::TrustRevoke(_) => ("trust_prepareRevoke", Value::Null),
        Action::TrustDerecognise(_) => ("trust_prepareDerecognise", Value::Null),
        Action::TrustRecognise(recognise) => {
            // An authority recognises for itself alone.
            params.remove("authority");
            ("trust_prepareRecognise", terms(recognise))
        }
        _ => return None,
    };
    params.extend(given(more));
    params.insert("author".to_owned(), author.did().to_string().into());
    Some((method, params))
}

fn conditions(conditions: &Conditions) -> Value {
    json!({
        "validFrom": conditions.valid_from.map(TimeMs),
        "validUntil": conditions.valid_until.map(TimeMs),
        "assurance": conditions.assurance,
        "maxDepth": conditions.max_depth,
        "evidence": conditions.evidence,
        "terms": conditions.terms,
    })
}

fn terms(recognise: &TrustRecognise) -> Value {
    json!({
        "validFrom": recognise.valid_from.map(TimeMs),
        "validUntil": recognise.valid_until.map(TimeMs),
        "evidence": recognise.evidence,
        "terms": recognise.terms,
        "network": recognise.network,
    })
}
