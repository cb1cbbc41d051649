//! `idem did`: register, change and read DIDs.

mod document;
mod import;
mod marks;
mod read;
mod sets;
mod writer;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use keys::{Parts, Roles};
use registry_core::code::{Code, Refusal};
use registry_core::crypto::Hash;
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidState, DidUpdate, DidValue, Reveal, Sets,
};
use registry_core::id::Did;
use registry_core::operation::{Action, Guard, Operation};
use registry_core::record::{Entry, RecordKey, RecordView, StoreError};

use rpc::prepare::guard;

use super::context::Context;
use super::exit::Failure;
use super::passphrase::PassphraseArgs;
use super::time::{Until, until};
use marks::MarksArgs;
use sets::SetsArgs;
pub(super) use sets::{NewKeys, SuiteName};
use writer::Unsigned;
pub(super) use writer::{
    DidWritten, Ready, Sealed, Writer, for_member, own_role, random_salt, sign,
};

#[derive(Debug, Subcommand)]
pub(super) enum DidCommand {
    /// Register a new DID
    Create(CreateArgs),
    /// Replace a DID's document, by its control keys
    Update(UpdateArgs),
    /// Put the next keys into control and commit to new ones; vetoes a pending recovery
    Rotate(RotateArgs),
    /// Replace lost keys after a delay, by the recovery keys
    Recover(RecoverArgs),
    /// End a DID for ever, by its next keys
    Deactivate(DeactivateArgs),
    /// Resolve a DID, now or in the past
    Resolve(read::ResolveArgs),
    /// List all versions of a DID
    History(read::HistoryArgs),
    /// List the keys that a DID has disowned, also those that a thief has added
    Marks(marks::MarksCommand),
    /// Register a new DID for each W3C DID document, with its keys and services
    Import(import::ImportArgs),
}

/// The key files that sign, and who endorses.
#[derive(Debug, Args)]
pub(super) struct SignerArgs {
    /// The key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Another key file that may sign too, for sets of several members; may be repeated
    #[arg(long, value_name = "FILE")]
    cosigner_keys: Vec<PathBuf>,
    /// The DID that vouches for the operation, where the network asks for one; the operation names
    /// it, and its key is in one of the files
    #[arg(long, value_name = "DID")]
    endorser: Option<Did>,
    /// Last block time at which the operation may be applied: RFC 3339, or a duration from now such
    /// as 2h [default: as short as the kind of operation needs, if it needs one]
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<Until>,
    /// Sign for the author with its control set, even if a method of its document can sign. On an
    /// endorsed network the control set has a quota of its own, which a thief of a method cannot
    /// use up; a governor has the last word about a proposal this way
    #[arg(long)]
    by_control: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl SignerArgs {
    /// Returns the endorser that is named.
    pub(super) fn endorser(&self) -> Option<&Did> {
        self.endorser.as_ref()
    }

    /// True if the last block time is given.
    pub(super) fn has_until(&self) -> bool {
        self.until.is_some()
    }

    /// True if the author is to sign with its control set.
    pub(super) fn has_by_control(&self) -> bool {
        self.by_control
    }
}

#[cfg(feature = "node")]
impl SignerArgs {
    /// Makes the arguments for one key file without a passphrase.
    pub(super) fn plain(keys: PathBuf) -> Self {
        let (cosigner_keys, endorser, until, passphrase) = Default::default();
        Self { keys, cosigner_keys, endorser, until, by_control: false, passphrase }
    }

    /// Adds another key file that may sign too.
    pub(super) fn and(mut self, keys: PathBuf) -> Self {
        self.cosigner_keys.push(keys);
        self
    }

    /// Sets the DID that endorses the operations.
    pub(super) fn endorsed_by(self, endorser: Did) -> Self {
        Self { endorser: Some(endorser), ..self }
    }
}

#[derive(Debug, Args)]
pub(super) struct DidArg {
    /// The DID [default: the last one made with the key file]
    #[arg(long, value_name = "DID")]
    pub(super) did: Option<Did>,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    #[command(flatten)]
    signer: SignerArgs,
    /// The document [default: one new key #key-1]
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    #[command(flatten)]
    sets: SetsArgs,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    did: DidArg,
    /// The whole new document
    #[arg(long, value_name = "FILE")]
    document: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    did: DidArg,
    /// A new document [default: the present one stays]
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    #[command(flatten)]
    marks: MarksArgs,
    #[command(flatten)]
    sets: SetsArgs,
}

#[derive(Debug, Args)]
pub(super) struct RecoverArgs {
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    did: DidArg,
    /// Take the pending recovery back
    #[arg(long, conflicts_with = "complete")]
    cancel: bool,
    /// Put the pending recovery into effect once its delay has passed
    #[arg(long)]
    complete: bool,
    /// A new document [default: the present one]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cancel", "complete"])]
    document: Option<PathBuf>,
    #[command(flatten)]
    marks: MarksArgs,
    #[command(flatten)]
    sets: SetsArgs,
}

#[derive(Debug, Args)]
pub(super) struct DeactivateArgs {
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    did: DidArg,
}

pub(super) async fn run(command: DidCommand, context: &Context) -> Result<(), Failure> {
    let written = match command {
        DidCommand::Create(args) => create(args, context).await?,
        DidCommand::Update(args) => update(args, context).await?,
        DidCommand::Rotate(args) => rotate(args, context).await?,
        DidCommand::Recover(args) => recover(args, context).await?,
        DidCommand::Deactivate(args) => deactivate(args, context).await?,
        DidCommand::Resolve(args) => return read::resolve(args, context).await,
        DidCommand::History(args) => return read::history(args, context).await,
        DidCommand::Marks(args) => return marks::run(args, context).await,
        DidCommand::Import(args) => return import::run(args, context).await,
    };
    let DidWritten { did, operation, height } = &written;
    let human = format!("did        {did}\noperation  {operation}\nheight     {height}");
    context.print(&written, human)
}

/// Registers a DID with new keys.
#[cfg(feature = "node")]
pub(super) async fn register(signer: SignerArgs, context: &Context) -> Result<DidWritten, Failure> {
    create(CreateArgs { signer, document: None, sets: SetsArgs::default() }, context).await
}

async fn create(args: CreateArgs, context: &Context) -> Result<DidWritten, Failure> {
    let mut writer = Writer::open_or_new(context, &args.signer).await?;
    let mut new = NewKeys::new(args.sets.suite());
    let (sets, next) = args.sets.create(&mut new)?;
    let document = match &args.document {
        Some(path) => document::read(path)?,
        None => document::with_key(&new.generate()?)?,
    };
    let signers = writer.choose(sets.control.threshold, &sets.control.members, &new).await?;
    let current = Some(roles(&sets, next, document::held(&document, &writer, &new)));
    let action = Action::DidCreate(Box::new(DidCreate { sets, document }));
    let parts = Parts { current, recovering: None };
    let operation = writer.operation(None, Ready::creating(action))?;
    writer.send(Unsigned { operation, signers, new, parts }).await
}

/// Makes the operation that creates a DID with new keys in a genesis. Such operations have chain id
/// zero, because the chain id is computed from them.
pub(super) fn founding(new: &mut NewKeys) -> Result<(Operation, Parts), Failure> {
    let (sets, next) = SetsArgs::default().create(new)?;
    let key = new.generate()?;
    let document = document::with_key(&key)?;
    let methods = document.verification_method.iter();
    let held = methods.map(|method| (method.id.clone(), key.clone())).collect();
    let current = Some(roles(&sets, next, held));
    let action = Action::DidCreate(Box::new(DidCreate { sets, document }));
    let (chain, salt) = (Hash::ZERO, writer::random_salt()?);
    let (author, endorser, guard, until) = (None, None, Guard::Absent, None);
    let operation = Operation { chain, author, endorser, guard, until, salt, action };
    Ok((operation, Parts { current, recovering: None }))
}

async fn update(args: UpdateArgs, context: &Context) -> Result<DidWritten, Failure> {
    let mut writer = Writer::open(context, &args.signer).await?;
    let document = document::read(&args.document)?;
    let subject = Subject::load(&mut writer, args.did.did).await?;
    let new = NewKeys::default();
    let control = &subject.state.sets.control;
    let signers = writer.choose(control.threshold, &control.members, &new).await?;
    let mut parts = subject.parts.clone();
    if let Some(current) = &mut parts.current {
        current.document = document::held(&document, &writer, &new);
    }
    let action = Action::DidUpdate(Box::new(DidUpdate { document }));
    let operation = subject.operation(&writer, action)?;
    writer.send(Unsigned { operation, signers, new, parts }).await
}

async fn rotate(args: RotateArgs, context: &Context) -> Result<DidWritten, Failure> {
    let mut writer = Writer::rekeying(context, &args.signer).await?;
    let document = args.document.as_deref().map(document::read).transpose()?;
    let subject = Subject::load(&mut writer, args.did.did).await?;
    let mut new = NewKeys::new(args.sets.suite());
    let (reveal, signers) = reveal(&writer, &subject.state).await?;
    let present = &subject.state.sets;
    let (sets, next) = args.sets.rotate(present, &reveal.revealed, &mut new)?;
    let standing = document.as_ref().unwrap_or(&subject.state.document);
    let current = Some(roles(&sets, next, document::held(standing, &writer, &new)));
    let marks = args.marks.list(&subject.state)?;
    let action = Action::DidRotate(Box::new(DidRotate { reveal, sets, document, marks }));
    let parts = Parts { current, recovering: None };
    let operation = subject.operation(&writer, action)?;
    writer.send(Unsigned { operation, signers, new, parts }).await
}

async fn recover(args: RecoverArgs, context: &Context) -> Result<DidWritten, Failure> {
    if (args.cancel || args.complete) && args.marks.is_given() {
        let remedy = "list the marked keys when the recovery starts";
        return Err(Failure::usage_with("neither --cancel nor --complete marks keys", remedy));
    }
    let mut writer = Writer::rekeying(context, &args.signer).await?;
    let document = args.document.as_deref().map(document::read).transpose()?;
    let subject = Subject::load(&mut writer, args.did.did).await?;
    let mut new = NewKeys::new(args.sets.suite());
    let mut parts = subject.parts.clone();
    if args.complete {
        if let Some(recovering) = parts.recovering.take() {
            parts.current = Some(recovering);
        }
        let operation = subject.operation(&writer, Action::DidRecoverComplete)?;
        return writer.send(Unsigned { operation, signers: Vec::new(), new, parts }).await;
    }
    let Some(recovery) = &subject.state.sets.recovery else {
        let detail = format!("{} has no recovery set", subject.did);
        return Err(Failure::known(&Refusal::new(Code::RecoveryNotConfigured, "action", detail)));
    };
    let keys = &recovery.keys;
    let signers = writer.choose(keys.threshold, &keys.members, &new).await?;
    let action = if args.cancel {
        parts.recovering = None;
        Action::DidRecoverCancel
    } else {
        let (sets, next) = args.sets.recover(&subject.state.sets, &mut new)?;
        let document = document.unwrap_or_else(|| subject.state.document.clone());
        parts.recovering = Some(roles(&sets, next, document::held(&document, &writer, &new)));
        let marks = args.marks.list(&subject.state)?;
        Action::DidRecover(Box::new(DidRecover { sets, document, marks }))
    };
    let operation = subject.operation(&writer, action)?;
    writer.send(Unsigned { operation, signers, new, parts }).await
}

async fn deactivate(args: DeactivateArgs, context: &Context) -> Result<DidWritten, Failure> {
    let mut writer = Writer::open(context, &args.signer).await?;
    let subject = Subject::load(&mut writer, args.did.did).await?;
    let (reveal, signers) = reveal(&writer, &subject.state).await?;
    let operation = subject.operation(&writer, Action::DidDeactivate(reveal))?;
    let (new, parts) = (NewKeys::default(), subject.parts);
    writer.send(Unsigned { operation, signers, new, parts }).await
}

/// An active DID: its newest version on the ledger, and its keys in the key file.
pub(super) struct Subject {
    pub(super) did: Did,
    entry: Entry,
    pub(super) state: DidState,
    parts: Parts,
}

impl Subject {
    pub(super) async fn load(writer: &mut Writer, did: Option<Did>) -> Result<Self, Failure> {
        let (did, parts) = writer.author(did).await?;
        let entry = writer.client().record(&did).await?;
        let value = entry
            .value()
            .map_err(|error| Failure::usage(format!("the value of {did}: {error}")))?;
        match value {
            DidValue::Active(state) => Ok(Self { did, entry, state: *state, parts }),
            DidValue::Deactivated => {
                let detail = format!("{did} is deactivated");
                Err(Failure::known(&Refusal::new(Code::DidDeactivated, "author", detail)))
            }
        }
    }

    fn operation(&self, writer: &Writer, action: Action) -> Result<Operation, Failure> {
        let guard = guard(&OneRecord(&self.entry), &action, Some(&self.did));
        let guard = guard.map_err(|error| Failure::usage(format!("{}: {error}", self.did)))?;
        writer.operation(Some(self.did.clone()), Ready { guard, until: None, action })
    }
}

/// View of a single record.
struct OneRecord<'e>(&'e Entry);

impl RecordView for OneRecord<'_> {
    fn entry(&self, key: &RecordKey) -> Result<Option<Entry>, StoreError> {
        Ok(Some(self.0).filter(|entry| entry.record.record_key() == *key).cloned())
    }
}

/// Chooses as many keys of the next set as must sign, and reveals no more, so that the others stay
/// secret.
async fn reveal(
    writer: &Writer,
    state: &DidState,
) -> Result<(Reveal, Vec<registry_core::operation::Signer>), Failure> {
    use registry_core::did::Member;
    let next = &state.sets.next;
    let mut revealed: Vec<Member> = writer.public_keys().cloned().map(Member::Key).collect();
    revealed.retain(|member| next.commits_to(member));
    revealed.sort();
    revealed.dedup();
    revealed.truncate(usize::from(next.threshold));
    let signers = writer.choose(next.threshold, &revealed, &NewKeys::default()).await?;
    Ok((Reveal { revealed }, signers))
}

/// Returns what the key file records about the keys of `sets`.
fn roles(
    sets: &Sets,
    next: Vec<registry_core::crypto::PublicKey>,
    document: std::collections::BTreeMap<
        registry_core::id::Fragment,
        registry_core::crypto::PublicKey,
    >,
) -> Roles {
    let recovery = sets.recovery.as_ref().map(|recovery| sets::keys(&recovery.keys.members));
    let control = sets::keys(&sets.control.members);
    Roles { control, next, recovery: recovery.unwrap_or_default(), document }
}
