//! `idem operation`: sign one operation by several parties. One party has it prepared, each signs
//! it on its own machine, and anyone submits it. The parties pass a file from one to the next.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use registry_core::codec::{self, Bytes};
use registry_core::crypto::Hash;
use registry_core::did::{DidState, Member};
use registry_core::id::Did;
use registry_core::limits::OPERATION_BYTES_MAX;
use registry_core::operation::{Action, Operation, Role, SignedOperation, Signer, operation_id};
use registry_core::time::TimeMs;
use registry_state::rules::check_body;
use rpc::prepare::Draft;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::author::{at_hand, held, held_for};
use super::context::Context;
use super::did::{SignerArgs, Writer, own_role, sign};
use super::exit::Failure;
use super::file::{read_text, write_new_text, write_text};
use super::time::{Until, until};

/// Upper bound of the file in bytes: one envelope in base64, with room for the JSON around it.
const FILE_BYTES_MAX: u64 = 2 * OPERATION_BYTES_MAX as u64;

#[derive(Debug, Subcommand)]
pub(super) enum OperationCommand {
    /// Prepare an operation from the records of a node, and write it to a new file, unsigned
    Prepare(PrepareArgs),
    /// Show what the operation of a file does, and who has signed it
    Show(FileArg),
    /// Add the signatures of a party: author, member of its control set, consenting party or
    /// endorser
    Sign(SignArgs),
    /// Submit the operation of a file, and wait until it is committed
    Submit(FileArg),
}

#[derive(Debug, Args)]
pub(super) struct PrepareArgs {
    /// Method whose parameters follow, such as trust_prepareGrant
    #[arg(value_name = "METHOD")]
    method: String,
    /// Parameters of the method, as a JSON object
    #[arg(long, value_name = "JSON")]
    params: String,
    /// The DID that vouches for the author and signs too, where the network asks for one
    #[arg(long, value_name = "DID")]
    endorser: Option<Did>,
    /// Last block time at which the operation may be applied: RFC 3339, or a duration from now such
    /// as 2h [default: as short as the kind of operation needs, if it needs one]
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<Until>,
    #[command(flatten)]
    file: FileArg,
}

#[derive(Debug, Args)]
pub(super) struct FileArg {
    /// The file with the operation
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct SignArgs {
    #[command(flatten)]
    file: FileArg,
    #[command(flatten)]
    signer: SignerArgs,
    /// Party that signs [default: all whose keys are given, among the author, the members of its
    /// control set and the consenting party]
    #[arg(long, value_name = "DID")]
    did: Option<Did>,
}

/// Content of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    envelope: Bytes,
}

/// An operation that was read from a file.
struct Open {
    envelope: SignedOperation,
    operation: Operation,
    id: Hash,
}

impl Open {
    fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |reason: String| {
            let message = format!("{} holds no operation: {reason}", path.display());
            Failure::usage_with(message, "make one with idem operation prepare")
        };
        let text = read_text(path, FILE_BYTES_MAX)?;
        let held: Held = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let envelope: SignedOperation = codec::decode(&held.envelope.0, OPERATION_BYTES_MAX)
            .map_err(|error| wrong(error.to_string()))?;
        let operation: Operation = codec::decode(&envelope.body.0, OPERATION_BYTES_MAX)
            .map_err(|error| wrong(error.to_string()))?;
        let id = operation_id(&envelope.body.0);
        Ok(Self { envelope, operation, id })
    }

    fn text(&self) -> String {
        let held = json!({ "envelope": codec::base64url(&self.envelope.bytes()) });
        format!("{held:#}\n")
    }

    fn show(&self, context: &Context) -> Result<(), Failure> {
        let Self { envelope, operation, id } = self;
        let signatures: Vec<Value> = envelope
            .signatures
            .iter()
            .map(|signature| json!({ "role": signature.role, "by": signature.by }))
            .collect();
        context.print_value(&json!({
            "operation": id,
            "author": operation.author,
            "endorser": operation.endorser,
            "guard": operation.guard,
            "until": operation.until.map(|until_ms| TimeMs(until_ms).millis()),
            "action": operation.action,
            "signatures": signatures,
        }))
    }
}

pub(super) async fn run(command: OperationCommand, context: &Context) -> Result<(), Failure> {
    match command {
        OperationCommand::Prepare(args) => prepare(args, context).await,
        OperationCommand::Show(FileArg { file }) => Open::read(&file)?.show(context),
        OperationCommand::Sign(args) => add_signatures(args, context).await,
        OperationCommand::Submit(FileArg { file }) => {
            let open = Open::read(&file)?;
            let envelope = open.envelope.bytes();
            let committed = context.client()?.submit_and_wait(&envelope).await?;
            let (operation, height) = (committed.operation, committed.height);
            let human = format!("operation  {operation}\nheight     {height}");
            context.print(&json!({ "operation": operation, "height": height }), human)
        }
    }
}

async fn prepare(args: PrepareArgs, context: &Context) -> Result<(), Failure> {
    let PrepareArgs { method, params, endorser, until, file } = args;
    let mut params: Map<String, Value> = serde_json::from_str(&params)
        .map_err(|error| Failure::usage(format!("--params is no JSON object: {error}")))?;
    if let Some(endorser) = endorser {
        params.insert("endorser".to_owned(), endorser.to_string().into());
    }
    let client = context.client()?;
    let chain = client.chain().await?;
    if let Some(until) = until {
        let until_ms = until.time_ms(chain.time.0);
        params.insert("until".to_owned(), TimeMs(until_ms).millis().into());
    }
    let Draft { body, operation, id, .. } =
        super::prepare::prepare(&client, &chain, &method, params).await?;
    let open = Open { envelope: SignedOperation::new(body, Vec::new()), operation, id };
    write_new_text(&file.file, &open.text())?;
    open.show(context)
}

async fn add_signatures(args: SignArgs, context: &Context) -> Result<(), Failure> {
    let SignArgs { file: FileArg { file }, signer, did } = args;
    let mut open = Open::read(&file)?;
    let writer = Writer::open(context, &signer).await?;
    let chain = writer.client().chain().await?;
    if open.operation.chain != chain.chain_id {
        let message =
            format!("made for chain {}, the node is on {}", open.operation.chain, chain.chain_id);
        return Err(Failure::usage_with(message, "name a node of its chain with --rpc"));
    }
    check_body(&open.operation, &chain.network).map_err(|refusal| Failure::local(&refusal))?;
    check_options(&open.operation, &signer)?;
    let signers = signers(&writer, &open.operation, did.as_ref(), chain.time.0).await?;
    if signers.is_empty() {
        let whom = did.map_or_else(|| "any party of it".to_owned(), |did| did.to_string());
        let message = format!("none of the keys at hand signs this operation for {whom}");
        let remedy = "give the party's keys with --keys";
        return Err(Failure::usage_with(message, remedy));
    }
    let mut signatures = std::mem::take(&mut open.envelope.signatures);
    for (role, signer) in &signers {
        let Some(secret) = writer.secret(signer.key()) else { continue };
        // A key signs once in a role, and an endorser signs once.
        signatures.retain(|other| {
            let again = *role == Role::Endorser || other.by.key() == signer.key();
            other.role != *role || !again
        });
        signatures.push(sign(secret, *role, signer, &open.id));
    }
    let body = std::mem::take(&mut open.envelope.body).0;
    open.envelope = SignedOperation::new(body, signatures);
    write_text(&file, &open.text())?;
    open.show(context)
}

/// Checks that the command line gives no last block time, and no other endorser than that of the
/// operation. The id covers both, so no signature can add or replace them.
fn check_options(operation: &Operation, signer: &SignerArgs) -> Result<(), Failure> {
    if signer.has_until() {
        let message = "--until cannot change an operation that is prepared already";
        let remedy = "prepare it again with idem operation prepare --until";
        return Err(Failure::usage_with(message, remedy));
    }
    let Some(given) = signer.endorser().filter(|given| operation.endorser.as_ref() != Some(*given))
    else {
        return Ok(());
    };
    let message = match &operation.endorser {
        Some(named) => format!("the operation names {named} as endorser, not {given}"),
        None => format!("the operation names no endorser, so {given} cannot endorse it"),
    };
    Err(Failure::usage_with(message, "prepare it again with idem operation prepare --endorser"))
}

/// Returns the signatures that the keys at hand can make, as roles and signers. They are those of
/// the party `named`, or else of all parties that the operation names, its endorser among them.
async fn signers(
    writer: &Writer,
    operation: &Operation,
    named: Option<&Did>,
    time_ms: u64,
) -> Result<Vec<(Role, Signer)>, Failure> {
    let action = &operation.action;
    let author = match &operation.author {
        Some(did) => Some((did, writer.state_of(did).await?)),
        None => None,
    };
    let author = author.as_ref().map(|(did, state)| (*did, &**state));
    let set = signing_set(action, author.map(|(_, state)| state));
    let mut signers = endorsing(writer, operation, named, time_ms).await?;
    if named.is_none_or(|did| operation.author.as_ref() == Some(did)) {
        let own = match (author, action.facts().role) {
            (Some((did, state)), Some(Role::Author | Role::Approval))
                if !action.is_by_control() =>
            {
                at_hand(writer, writer.author_method(did, state, time_ms), state)
            }
            _ => held(writer, set),
        };
        signers.extend(with_roles(action, own));
    }
    let others: Vec<&Did> = match named {
        Some(did) => vec![did],
        None => action.consents().into_iter().chain(dids(set)).collect(),
    };
    for did in others.into_iter().filter(|did| operation.author.as_ref() != Some(*did)) {
        let state = match writer.state_of(did).await {
            // A party may be deactivated by now. The others sign without it, unless it was named.
            Err(failure) if named.is_none() && failure.is_final() => continue,
            state => state?,
        };
        if action.consents() == Some(did) {
            let own = at_hand(writer, writer.method(did, &state, time_ms), &state).into_iter();
            signers.extend(own.map(|signer| (Role::Consent, signer)));
        } else if dids(set).any(|member| member == did) {
            let own = held_for(writer, did, &state.sets.control.members);
            signers.extend(with_roles(action, own));
        }
    }
    Ok(signers)
}

/// Returns the signature of the endorser that the operation names, if its key is at hand and it is
/// the party `named` or none is named.
async fn endorsing(
    writer: &Writer,
    operation: &Operation,
    named: Option<&Did>,
    time_ms: u64,
) -> Result<Vec<(Role, Signer)>, Failure> {
    let endorser = operation.endorser.as_ref();
    let Some(did) = endorser.filter(|endorser| named.is_none_or(|named| named == *endorser)) else {
        return Ok(Vec::new());
    };
    let method = match writer.state_of(did).await {
        Err(failure) if named.is_none() && failure.is_final() => None,
        state => writer.method(did, &*state?, time_ms),
    };
    Ok(method.map(|method| (Role::Endorser, Signer::Method(method))).into_iter().collect())
}

fn with_roles(action: &Action, signers: Vec<Signer>) -> impl Iterator<Item = (Role, Signer)> {
    signers.into_iter().filter_map(|signer| Some((own_role(action, &signer)?, signer)))
}

/// Returns the set whose members sign for the author, up to its threshold.
fn signing_set<'s>(action: &'s Action, author: Option<&'s DidState>) -> &'s [Member] {
    match (action, action.facts().role, author) {
        (Action::DidCreate(create), ..) => &create.sets.control.members,
        (_, Some(Role::Next), _) => revealed(action),
        (_, Some(Role::Recovery), Some(author)) => {
            author.sets.recovery.as_ref().map_or(&[], |recovery| &recovery.keys.members)
        }
        (_, Some(_), Some(author)) => &author.sets.control.members,
        _ => &[],
    }
}

fn dids(members: &[Member]) -> impl Iterator<Item = &Did> {
    members.iter().filter_map(|member| match member {
        Member::Did(did) => Some(did),
        Member::Key(_) => None,
    })
}

fn revealed(action: &Action) -> &[Member] {
    match action {
        Action::DidRotate(rotate) => &rotate.reveal.revealed,
        Action::DidDeactivate(reveal) => &reveal.revealed,
        _ => &[],
    }
}
