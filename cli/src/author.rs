//! What a DID does outside its own life: signed by a method of its document, or by its control,
//! and sent until the outcome is known. No new key is made, so none can be lost and nothing is
//! noted in the key file: several commands may work with one file at once.

use std::time::Duration;

use clap::Args;
use registry_core::codec::{self, Bytes};
use registry_core::crypto::Hash;
use registry_core::did::{DidState, Member};
use registry_core::id::Did;
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{Action, Guard, Operation, Signer};
use rpc::prepare::{Prepare, facts};
use serde::{Deserialize, Serialize};

use super::client::{Client, object};
use super::context::Context;
use super::did::{DidArg, NewKeys, Sealed, SignerArgs, Subject, Writer};
use super::exit::{Failure, warn};

/// How often the same is sent or asked while the node cannot take them or does not answer.
const ATTEMPTS_MAX: u32 = 6;

/// Pause before the second attempt; each further one is twice as long, about eight seconds in all:
/// a node that restarts is back by then.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// How long an operation without a guard by record stays valid: half of what the ledger allows, so
/// that a node behind the others does not find it too far ahead.
const UNTIL_MS: u64 = 30 * 60 * 1_000;

/// Who writes.
#[derive(Debug, Args)]
pub(super) struct AuthorArgs {
    #[command(flatten)]
    pub(super) signer: SignerArgs,
    #[command(flatten)]
    pub(super) did: DidArg,
}

/// A DID that acts, and who signs for it.
pub(super) struct Author {
    writer: Writer,
    did: Did,
    signers: Vec<Signer>,
}

/// A committed operation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sent {
    pub(super) operation: Hash,
    pub(super) height: u64,
}

impl Author {
    /// The DID named, or the last one of the key file, with the keys that sign for it now.
    pub(super) async fn open(context: &Context, args: AuthorArgs) -> Result<Self, Failure> {
        let mut writer = Writer::open(context, &args.signer).await?;
        let Subject { did, state, .. } = Subject::load(&mut writer, args.did.did).await?;
        let signers = signers(&writer, &did, &state).await?;
        Ok(Self { writer, did, signers })
    }

    pub(super) fn client(&self) -> &Client {
        self.writer.client()
    }

    pub(super) fn did(&self) -> &Did {
        &self.did
    }

    /// A guard by time for an operation that is sent now.
    pub(super) async fn until(&self) -> Result<Guard, Failure> {
        let now_ms = self.client().chain().await?.time.0;
        Ok(Guard::Until(now_ms.saturating_add(UNTIL_MS)))
    }

    /// The operation that the node would have signed for these parameters. The caller takes no more
    /// from it than the ledger finds wrong by itself, such as the guard.
    pub(super) async fn prepared(&self, params: &impl Prepare) -> Result<Operation, Failure> {
        #[derive(Deserialize)]
        struct Prepared {
            body: Bytes,
        }
        let method = method_of(params)?;
        let prepared: Prepared = self.client().call(method, object(params)).await?;
        codec::decode(&prepared.body.0, OPERATION_BYTES_MAX)
            .map_err(|error| self.client().unreadable(method, error))
    }

    /// Signs and sends the operation that the parameters describe, with the guard that the node
    /// finds for it.
    pub(super) async fn write(&self, params: impl Prepare) -> Result<Sent, Failure> {
        let guard = self.prepared(&params).await?.guard;
        self.send(guard, params.action()?).await
    }

    /// Signs and sends an operation, and answers once it is committed.
    pub(super) async fn send(&self, guard: Guard, action: Action) -> Result<Sent, Failure> {
        let consents = match action.consents() {
            Some(party) => {
                let state = self.writer.state_of(party).await?;
                let consenting = signers(&self.writer, party, &state).await;
                consenting.map_err(|failure| without_consent(failure, party))?
            }
            None => Vec::new(),
        };
        let operation = self.writer.operation(Some(self.did.clone()), guard, action)?;
        let new = NewKeys::default();
        let sealed = self.writer.seal(&operation, &self.signers, &consents, &new)?;
        let height = self.deliver(&sealed).await?;
        Ok(Sent { operation: sealed.operation, height })
    }

    async fn deliver(&self, Sealed { operation, envelope }: &Sealed) -> Result<u64, Failure> {
        let outcome = patiently(async || self.writer.deliver(operation, envelope).await).await;
        if outcome.as_ref().is_err_and(Failure::is_passing) {
            warn(format!(
                "the outcome of operation {operation} is open after {ATTEMPTS_MAX} attempts; \
                 ledger_getReceipt tells it once a node answers"
            ));
        }
        outcome
    }
}

/// The method that prepares an operation from these parameters.
fn method_of<P: Prepare>(_: &P) -> Result<&'static str, Failure> {
    let method = facts::<P>().and_then(|facts| facts.prepare);
    method.ok_or_else(|| Failure::usage(format!("no method prepares {}", P::ACTION)))
}

/// What it means that the keys at hand do not sign for a party that must consent.
fn without_consent(failure: Failure, party: &Did) -> Failure {
    match failure {
        Failure::Usage { message, .. } => Failure::usage_with(
            format!("{party} must consent, and its keys are not at hand: {message}"),
            "give its key file with --cosigner-keys, or have it sign with idem operation",
        ),
        other => other,
    }
}

/// Who signs for a DID with the keys at hand: a method of its document, or its control set.
async fn signers(writer: &Writer, did: &Did, state: &DidState) -> Result<Vec<Signer>, Failure> {
    let time_ms = writer.client().chain().await?.time.0;
    if let Some(method) = writer.method(did, state, time_ms) {
        return Ok(vec![Signer::Method(method)]);
    }
    let control = &state.sets.control;
    let new = NewKeys::default();
    let keys = writer.choose(control.threshold, &control.members, &new).await?;
    Ok(keys.into_iter().map(Signer::Key).collect())
}

/// Asks again while the node cannot do it now or does not answer.
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

/// All with which a DID can sign by the keys at hand, in a role that takes methods or its control.
pub(super) fn at_hand(writer: &Writer, did: &Did, state: &DidState, time_ms: u64) -> Vec<Signer> {
    match writer.method(did, state, time_ms) {
        Some(method) => vec![Signer::Method(method)],
        None => held(writer, &state.sets.control.members),
    }
}

/// The keys among members that are at hand.
pub(super) fn held(writer: &Writer, members: &[Member]) -> Vec<Signer> {
    let keys = members.iter().filter_map(|member| match member {
        Member::Key(key) if writer.holds(key) => Some(Signer::Key(key.clone())),
        _ => None,
    });
    keys.collect()
}
