//! Operations that a DID performs besides those that change the DID itself. A method of the DID's
//! document or its control set signs them, and the command resends them until their outcome is
//! known. They need no new keys, so nothing is recorded in the key file and several commands may
//! use one file at once.

use std::time::Duration;

use clap::Args;
use registry_core::crypto::Hash;
use registry_core::did::{DidState, KeySet, Member};
use registry_core::id::Did;
use registry_core::operation::{MethodSigner, Operation, Signer};
use registry_core::time::TimeMs;
use rpc::prepare::{Prepare, facts};
use serde::Serialize;

use super::client::{Client, object};
use super::context::Context;
use super::did::{DidArg, NewKeys, Ready, Sealed, SignerArgs, Subject, Writer, for_member};
use super::exit::{Failure, warn};
use super::prepare::prepare;

/// Number of times that a request is sent while the node is busy or does not answer.
const ATTEMPTS_MAX: u32 = 6;

/// Pause before the second attempt. Each further pause is twice as long, so that all pauses
/// together last about eight seconds. A node that restarts is back by then.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Options that name the DID that performs an operation, and its keys.
#[derive(Debug, Args)]
pub(super) struct AuthorArgs {
    #[command(flatten)]
    pub(super) signer: SignerArgs,
    #[command(flatten)]
    pub(super) did: DidArg,
}

/// A DID that performs operations, together with its signers.
pub(super) struct Author {
    writer: Writer,
    did: Did,
    signers: Vec<Signer>,
    control: KeySet,
}

/// A committed operation, with the height of its block.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sent {
    pub(super) operation: Hash,
    pub(super) height: u64,
}

impl Author {
    /// Opens the key file and finds the signers that can sign now for the named DID, or for the
    /// last DID of the key file if none is named.
    pub(super) async fn open(context: &Context, args: AuthorArgs) -> Result<Self, Failure> {
        let mut writer = Writer::open(context, &args.signer).await?;
        let Subject { did, state, .. } = Subject::load(&mut writer, args.did.did).await?;
        let time_ms = writer.client().chain().await?.time.0;
        let method = writer.author_method(&did, &state, time_ms);
        let signers = signers(&writer, method, &state).await?;
        Ok(Self { writer, did, signers, control: state.sets.control })
    }

    pub(super) fn client(&self) -> &Client {
        self.writer.client()
    }

    pub(super) fn did(&self) -> &Did {
        &self.did
    }

    /// Prepares the operation for these parameters over the newest records of the node, with the
    /// endorser and the last block time that the command line gives.
    pub(super) async fn ready<P: Prepare>(&self, params: P) -> Result<Ready, Failure> {
        let unknown = || Failure::usage(format!("no method prepares {}", P::ACTION));
        let facts = facts::<P>().ok_or_else(unknown)?;
        let (method, mut members) = (facts.prepare.ok_or_else(unknown)?, object(params));
        if let Some(endorser) = self.writer.endorser(facts) {
            members.insert("endorser".to_owned(), endorser.to_string().into());
        }
        if let Some(until_ms) = self.writer.until() {
            members.insert("until".to_owned(), TimeMs(until_ms).millis().into());
        }
        let draft = prepare(self.client(), self.writer.chain(), method, members).await?;
        let Operation { guard, until, action, .. } = draft.operation;
        Ok(Ready { guard, until, action })
    }

    /// Prepares, signs and sends the operation that the parameters describe. Returns once the
    /// operation is committed.
    pub(super) async fn write(&self, params: impl Prepare) -> Result<Sent, Failure> {
        self.send(self.ready(params).await?).await
    }

    /// Signs and sends an operation, and returns once it is committed.
    pub(super) async fn send(&self, ready: Ready) -> Result<Sent, Failure> {
        self.deliver(&self.seal(ready).await?).await
    }

    /// Signs an operation.
    pub(super) async fn seal(&self, ready: Ready) -> Result<Sealed, Failure> {
        let consents = match ready.action.consents() {
            Some(party) => {
                let state = self.writer.state_of(party).await?;
                let time_ms = self.client().chain().await?.time.0;
                let method = self.writer.method(party, &state, time_ms);
                let consenting = signers(&self.writer, method, &state).await;
                consenting.map_err(|failure| without_consent(failure, party))?
            }
            None => Vec::new(),
        };
        let by_control = match ready.action.is_by_control() {
            true => Some(of_control(&self.writer, &self.control).await?),
            false => None,
        };
        let signers = by_control.as_ref().unwrap_or(&self.signers);
        let operation = self.writer.operation(Some(self.did.clone()), ready)?;
        self.writer.seal(&operation, signers, &consents, &NewKeys::default())
    }

    /// Sends a signed operation, and returns once it is committed.
    pub(super) async fn deliver(&self, sealed: &Sealed) -> Result<Sent, Failure> {
        let Sealed { operation, envelope } = sealed;
        let outcome = patiently(async || self.writer.deliver(operation, envelope).await).await;
        if outcome.as_ref().is_err_and(Failure::is_passing) {
            warn(format!(
                "the outcome of operation {operation} is open after {ATTEMPTS_MAX} attempts; \
                 ledger_getReceipt tells it once a node answers"
            ));
        }
        Ok(Sent { operation: *operation, height: outcome? })
    }
}

/// Explains the failure to find signers for a party that must consent.
fn without_consent(failure: Failure, party: &Did) -> Failure {
    match failure {
        Failure::Usage { message, .. } => Failure::usage_with(
            format!("{party} must consent, and its keys are not at hand: {message}"),
            "give its key file with --cosigner-keys, or have it sign with idem operation",
        ),
        other => other,
    }
}

/// Returns the signers of a DID: the `method` or, if there is none, enough keys of its control set.
async fn signers(
    writer: &Writer,
    method: Option<MethodSigner>,
    state: &DidState,
) -> Result<Vec<Signer>, Failure> {
    if let Some(method) = method {
        return Ok(vec![Signer::Method(method)]);
    }
    of_control(writer, &state.sets.control).await
}

/// Returns enough keys of a control set for which the secret keys are at hand.
async fn of_control(writer: &Writer, control: &KeySet) -> Result<Vec<Signer>, Failure> {
    writer.choose(control.threshold, &control.members, &NewKeys::default()).await
}

/// Repeats a request while it fails because the node is busy or does not answer.
pub(super) async fn patiently<T>(ask: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut pause = RETRY_PAUSE;
    for _ in 1..ATTEMPTS_MAX {
        match ask().await {
            Err(failure) if failure.is_passing() => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
        pause = pause.saturating_mul(2);
    }
    ask().await
}

/// Returns every signer of a DID for which the secret keys are at hand, for a role that takes a
/// method or the control set: the `method` or, if there is none, the keys of its control set.
pub(super) fn at_hand(
    writer: &Writer,
    method: Option<MethodSigner>,
    state: &DidState,
) -> Vec<Signer> {
    match method {
        Some(method) => vec![Signer::Method(method)],
        None => held(writer, &state.sets.control.members),
    }
}

/// Returns the signers of a member DID with these control members, for the keys at hand.
pub(super) fn held_for(writer: &Writer, did: &Did, control: &[Member]) -> Vec<Signer> {
    let own = held(writer, control).into_iter();
    own.map(|signer| for_member(did, signer.key().clone())).collect()
}

/// Returns the members that are keys whose secrets are at hand.
pub(super) fn held(writer: &Writer, members: &[Member]) -> Vec<Signer> {
    let keys = members.iter().filter_map(|member| match member {
        Member::Key(key) if writer.holds(key) => Some(Signer::Key(key.clone())),
        _ => None,
    });
    keys.collect()
}
