//! Writes an operation in a fixed order: build, sign, record in the key file, submit, record the
//! outcome. The order ensures that no key is lost: the command sends nothing before the file holds
//! the keys that the operation needs. Operations that need no new key are not recorded (`author`).

use std::time::Duration;

use indicatif::ProgressBar;
use keys::{KeysError, Parts, Pending, SecretKey, UserKeyFile, UserKeys};
use registry_core::code::{Code, Refusal};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::{Hash, PublicKey};
use registry_core::did::{DidState, DidValue, KeySet, Member};
use registry_core::id::{Did, MethodUrl, Suffix};
use registry_core::operation::{
    Action, ActionFacts, Guard, MemberSigner, MethodSigner, Operation, Role, Signature,
    SignedOperation, Signer, operation_id,
};
use registry_state::rules::check_stateless;
use serde::Serialize;

use super::sets::{NewKeys, keys};
use super::{Failure, SignerArgs};
use crate::client::{Chain, Client, KnownOutcome};
use crate::context::Context;
use crate::exit::warn;

/// An action with the guard and the last block time of its operation.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) guard: Guard,
    /// Last block time in Unix milliseconds unless the command line gives another; `None` for no
    /// end.
    pub(crate) until: Option<u64>,
    pub(crate) action: Action,
}

impl Ready {
    /// Makes an action that creates a record.
    pub(crate) fn creating(action: Action) -> Self {
        Self { guard: Guard::Absent, until: None, action }
    }
}

/// An operation that is ready to be signed, with everything that signing it changes in the key
/// file.
pub(super) struct Unsigned {
    pub(super) operation: Operation,
    pub(super) signers: Vec<Signer>,
    pub(super) new: NewKeys,
    /// Parts of the key file once the operation is committed.
    pub(super) parts: Parts,
}

/// A committed operation of a DID, with the height of its block.
#[derive(Debug, Serialize)]
pub(crate) struct DidWritten {
    pub(crate) did: Did,
    pub(super) operation: Hash,
    pub(super) height: u64,
}

/// A signed operation in the form in which it is submitted.
pub(crate) struct Sealed {
    pub(crate) operation: Hash,
    pub(crate) envelope: Vec<u8>,
}

/// Returns a salt that nobody can guess.
pub(crate) fn random_salt() -> Result<FixedBytes<16>, KeysError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| KeysError::Random { reason: error.to_string() })?;
    Ok(FixedBytes(salt))
}

/// Returns the role in which the author signs an action with this signer; `None` if the action has
/// no author's signature.
pub(crate) fn own_role(action: &Action, signer: &Signer) -> Option<Role> {
    match (action.facts().role?, signer) {
        (Role::Author, Signer::Key(_) | Signer::Member(_)) => Some(Role::Control),
        (role, _) => Some(role),
    }
}

/// Returns the signer of a control key that signs for a member DID.
pub(crate) fn for_member(did: &Did, key: PublicKey) -> Signer {
    Signer::Member(MemberSigner { did: did.clone(), key })
}

/// Makes one signature over an operation's id.
pub(crate) fn sign(secret: &SecretKey, role: Role, signer: &Signer, operation: &Hash) -> Signature {
    let value = Bytes(secret.sign_operation(&role.message(operation)).to_vec());
    Signature { role, by: signer.clone(), value }
}

/// Signs operations with the keys at hand and submits them to one node.
pub(crate) struct Writer {
    client: Client,
    chain: Chain,
    file: UserKeyFile,
    held: UserKeys,
    cosigners: Vec<UserKeys>,
    /// Method with which the endorser of the operations signs.
    endorser: Option<MethodSigner>,
    /// Last block time of the operations in Unix milliseconds, if the command line gives one.
    until: Option<u64>,
    /// True if the author signs with its control set, even if a method could sign.
    by_control: bool,
}

impl Writer {
    /// Opens a writer with the keys of an existing file.
    pub(crate) async fn open(context: &Context, args: &SignerArgs) -> Result<Self, Failure> {
        let mut file = UserKeyFile::new(&args.keys, args.passphrase.existing(&args.keys)?);
        let held = file.read_existing()?;
        Self::with(context, args, file, held).await
    }

    /// Opens a writer that makes new keys. The key file need not exist yet.
    pub(super) async fn open_or_new(context: &Context, args: &SignerArgs) -> Result<Self, Failure> {
        let mut file = UserKeyFile::new(&args.keys, args.passphrase.passphrase(&args.keys)?);
        let held = file.read()?;
        Self::with(context, args, file, held).await
    }

    /// Opens a writer that makes new keys for an existing DID. The key file need not exist yet if
    /// another file signs.
    pub(super) async fn rekeying(context: &Context, args: &SignerArgs) -> Result<Self, Failure> {
        match args.cosigner_keys.is_empty() {
            true => Self::open(context, args).await,
            false => Self::open_or_new(context, args).await,
        }
    }

    async fn with(
        context: &Context,
        args: &SignerArgs,
        file: UserKeyFile,
        held: UserKeys,
    ) -> Result<Self, Failure> {
        let client = context.client()?;
        let mut cosigners = Vec::new();
        for path in &args.cosigner_keys {
            let passphrase = args.passphrase.existing(path)?;
            cosigners.push(UserKeyFile::new(path, passphrase).read_existing()?);
        }
        let chain = client.chain().await?;
        let until = args.until.map(|until| until.time_ms(chain.time.0));
        let (endorser, by_control) = (None, args.by_control);
        let mut writer = Self { client, chain, file, held, cosigners, endorser, until, by_control };
        if let Some(endorser) = &args.endorser {
            writer.endorser = Some(writer.endorsing(endorser).await?);
        }
        Ok(writer)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Returns the endorser of operations with these facts; `None` if no endorser is given or such
    /// actions take none.
    pub(crate) fn endorser(&self, facts: &ActionFacts) -> Option<&Did> {
        let endorser = self.endorser.as_ref().filter(|_| facts.family.is_some());
        endorser.map(|method| &method.url.did)
    }

    /// Returns the last block time of the operations in Unix milliseconds, if the command line
    /// gives one.
    pub(crate) fn until(&self) -> Option<u64> {
        self.until
    }

    /// Returns the secret of a key, if it is at hand.
    pub(crate) fn secret(&self, key: &PublicKey) -> Option<&SecretKey> {
        let mut files = std::iter::once(&self.held).chain(&self.cosigners);
        files.find_map(|keys| keys.find(key))
    }

    pub(crate) fn holds(&self, key: &PublicKey) -> bool {
        self.secret(key).is_some()
    }

    /// Returns every public key whose secret is at hand.
    pub(super) fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        let files = std::iter::once(&self.held).chain(&self.cosigners);
        files.flat_map(|keys| keys.pool.iter().map(SecretKey::public))
    }

    /// Returns the DID to act for and the parts of its keys. If the outcome of an earlier operation
    /// of the DID is unknown, finds it out first. A named DID need not be in the file, because the
    /// secrets in the file may be enough.
    pub(super) async fn author(&mut self, did: Option<Did>) -> Result<(Did, Parts), Failure> {
        let entry = match &did {
            Some(did) => self.held.get(did),
            None => Some(self.file.author(&self.held, None)?),
        };
        let Some(entry) = entry.cloned() else {
            // Only a named DID can be missing.
            let remedy = KeysError::NoDid { path: self.file.path().to_owned() };
            return did.map(|did| (did, Parts::default())).ok_or_else(|| remedy.into());
        };
        // A DID that a genesis creates is recorded before its chain has an id.
        if entry.chain != self.chain.chain_id && entry.chain != Hash::ZERO {
            let (theirs, ours) = (self.chain.chain_id, entry.chain);
            let message = format!("{} lives on chain {ours}, the node is on {theirs}", entry.did);
            return Err(Failure::usage_with(message, "name a node of its chain with --rpc"));
        }
        if let Some(pending) = &entry.pending {
            warn(format!("finding out what became of operation {}", pending.operation));
            self.settle(&entry.did, pending).await?;
            self.held = self.file.read()?;
        }
        match self.held.get(&entry.did) {
            Some(keys) => Ok((keys.did.clone(), keys.parts.clone())),
            None => Err(Failure::usage_with(
                format!("{} was never registered: its create was refused", entry.did),
                "name another DID with --did, or create one",
            )),
        }
    }

    /// Returns signers for `threshold` of `members` whose keys are at hand, and no more than
    /// needed. A key that signs for a member DID names it. Fails if too few keys are at hand.
    pub(crate) async fn choose(
        &self,
        threshold: u8,
        members: &[Member],
        new: &NewKeys,
    ) -> Result<Vec<Signer>, Failure> {
        let at_hand = |key: &PublicKey| self.holds(key) || new.holds(key);
        let wanted = usize::from(threshold);
        let mut chosen: Vec<Signer> =
            keys(members).into_iter().filter(at_hand).map(Signer::Key).collect();
        chosen.truncate(wanted);
        let mut count = chosen.len();
        for member in members {
            let Member::Did(did) = member else { continue };
            if count >= wanted {
                break;
            }
            let control = self.control_of(did).await?;
            let free = |key: &PublicKey| chosen.iter().all(|signer| signer.key() != key);
            let mut own = keys(&control.members);
            own.retain(|key| at_hand(key) && free(key));
            if own.len() >= usize::from(control.threshold) {
                own.truncate(usize::from(control.threshold));
                chosen.extend(own.into_iter().map(|key| for_member(did, key)));
                count += 1;
            }
        }
        if count < wanted {
            let path = self.file.path().display();
            let message =
                format!("{path} can sign for {count} members of the set, {wanted} are needed");
            return Err(Failure::usage_with(message, "give further files with --cosigner-keys"));
        }
        Ok(chosen)
    }

    async fn control_of(&self, did: &Did) -> Result<KeySet, Failure> {
        let entry = self.client.record(did).await?;
        match entry.value() {
            Ok(DidValue::Active(state)) => Ok(state.sets.control),
            Ok(DidValue::Deactivated) => {
                Err(Failure::usage(format!("the member {did} is deactivated")))
            }
            Err(error) => Err(Failure::usage(format!("the value of {did}: {error}"))),
        }
    }

    /// Returns the state of a DID other than the author. Fails if it is deactivated.
    pub(crate) async fn state_of(&self, did: &Did) -> Result<Box<DidState>, Failure> {
        let entry = self.client.record(did).await?;
        match entry.value() {
            Ok(DidValue::Active(state)) => Ok(state),
            Ok(DidValue::Deactivated) => {
                let detail = format!("{did} is deactivated");
                Err(Failure::known(&Refusal::new(Code::DidDeactivated, "signatures", detail)))
            }
            Err(error) => Err(Failure::usage(format!("the value of {did}: {error}"))),
        }
    }

    /// Returns the method with which the author signs at block time `time_ms`; `None` if the
    /// control set of the author is to sign.
    pub(crate) fn author_method(
        &self,
        did: &Did,
        state: &DidState,
        time_ms: u64,
    ) -> Option<MethodSigner> {
        if self.by_control { None } else { self.method(did, state, time_ms) }
    }

    /// Returns a method of the document whose key is at hand and that may sign at block time
    /// `time_ms`. There is none if other DIDs are in control, because the ledger then accepts no
    /// methods.
    pub(crate) fn method(&self, did: &Did, state: &DidState, time_ms: u64) -> Option<MethodSigner> {
        if state.sets.control.dids().next().is_some() {
            return None;
        }
        state.document.capability_invocation.iter().find_map(|fragment| {
            let found = state.document.method(fragment)?;
            let key = found.signing_key().filter(|key| self.holds(key))?;
            let url = MethodUrl { did: did.clone(), fragment: fragment.clone() };
            found.is_valid_at(time_ms).then_some(MethodSigner { key, url })
        })
    }

    /// Returns the method with which an endorser signs with the keys at hand.
    pub(crate) async fn endorsing(&self, did: &Did) -> Result<MethodSigner, Failure> {
        let state = self.state_of(did).await?;
        let time_ms = self.client.chain().await?.time.0;
        let method = self.method(did, &state, time_ms);
        method.ok_or_else(|| {
            let message = format!("no key at hand is one of the endorser {did}'s own methods");
            Failure::usage_with(message, "give its key file with --cosigner-keys")
        })
    }

    /// Makes an operation for this chain with a fresh salt. Its body names the endorser if one is
    /// given and the action takes one, and the last block time that the command line gives.
    pub(crate) fn operation(
        &self,
        author: Option<Did>,
        ready: Ready,
    ) -> Result<Operation, Failure> {
        let Ready { guard, until, action } = ready;
        let (salt, until) = (random_salt()?, self.until.or(until));
        let (chain, endorser) = (self.chain.chain_id, self.endorser(action.facts()).cloned());
        Ok(Operation { chain, author, endorser, guard, until, salt, action })
    }

    /// Signs a draft, records it in the key file and submits it. Returns once it is committed.
    pub(super) async fn send(&mut self, draft: Unsigned) -> Result<DidWritten, Failure> {
        let (did, pending) = self.note(draft)?;
        let height = self.submit(&did, &pending).await?;
        Ok(DidWritten { did, operation: pending.operation, height })
    }

    /// Signs an operation with every signer whose secret is at hand: its own signers, those of a
    /// party that consents, and the endorser. Then checks what the ledger can check without state.
    pub(crate) fn seal(
        &self,
        operation: &Operation,
        signers: &[Signer],
        consents: &[Signer],
        new: &NewKeys,
    ) -> Result<Sealed, Failure> {
        let body = operation.body();
        let id = operation_id(&body);
        let mut signatures = Vec::new();
        let own = signers
            .iter()
            .filter_map(|signer| Some((own_role(&operation.action, signer)?, signer)));
        let consents = consents.iter().map(|signer| (Role::Consent, signer));
        let endorser = self.endorser.clone().filter(|_| operation.endorser.is_some());
        let endorser = endorser.map(Signer::Method);
        let endorser = endorser.iter().map(|signer| (Role::Endorser, signer));
        for (role, signer) in own.chain(consents).chain(endorser) {
            let new = || new.secrets.iter().find(|secret| secret.public() == signer.key());
            if let Some(secret) = self.secret(signer.key()).or_else(new) {
                signatures.push(sign(secret, role, signer, &id));
            }
        }
        let envelope = SignedOperation::new(body, signatures).bytes();
        check_stateless(&envelope, self.chain.chain_id, &self.chain.network)
            .map_err(|refusal| Failure::local(&refusal))?;
        Ok(Sealed { operation: id, envelope })
    }

    /// Submits an operation once and returns the height of its block.
    pub(crate) async fn deliver(&self, operation: &Hash, envelope: &[u8]) -> Result<u64, Failure> {
        match self.client.submit_and_wait(envelope).await {
            Ok(committed) => Ok(committed.height),
            // The rules also refuse a copy of an operation that is already applied.
            Err(failure) if failure.is_final() => match self.client.outcome(operation).await? {
                KnownOutcome::Applied { height } => Ok(height),
                _ => Err(failure),
            },
            Err(failure) => Err(failure),
        }
    }

    /// Signs a draft and writes it, with its new keys, to the key file.
    fn note(&mut self, draft: Unsigned) -> Result<(Did, Pending), Failure> {
        let Sealed { operation, envelope } =
            self.seal(&draft.operation, &draft.signers, &[], &draft.new)?;
        let did = draft.operation.author.clone().unwrap_or_else(|| Did {
            network: self.chain.network.clone(),
            suffix: Suffix::of_create(&operation),
        });
        let pending = Pending { operation, envelope: Bytes(envelope), parts: draft.parts };
        let chain = self.chain.chain_id;
        self.file.update(|keys| {
            for secret in draft.new.secrets {
                keys.add(secret);
            }
            keys.begin(&did, chain, pending.clone())
        })?;
        Ok((did, pending))
    }

    /// Submits an operation that is recorded in the key file, records its outcome and returns the
    /// height of its block.
    async fn submit(&mut self, did: &Did, pending: &Pending) -> Result<u64, Failure> {
        let waiting = ProgressBar::new_spinner().with_message("waiting for the block");
        waiting.enable_steady_tick(Duration::from_millis(100));
        let result = self.deliver(&pending.operation, &pending.envelope.0).await;
        waiting.finish_and_clear();
        match result {
            Ok(height) => self.committed(pending, height),
            Err(failure) if failure.is_final() => {
                self.abandoned(pending)?;
                Err(failure)
            }
            Err(failure) => {
                warn(format!(
                    "the outcome of operation {} is open; {} keeps its keys, and the next command \
                     for {did} finds out",
                    pending.operation,
                    self.file.path().display()
                ));
                Err(failure)
            }
        }
    }

    /// Finds out the outcome of an operation that an earlier command left open. Submits the
    /// operation again if it still waits or the node does not know it.
    async fn settle(&mut self, did: &Did, pending: &Pending) -> Result<(), Failure> {
        match self.client.outcome(&pending.operation).await? {
            KnownOutcome::Applied { height } => self.committed(pending, height).map(|_| ()),
            KnownOutcome::Refused => self.abandoned(pending),
            KnownOutcome::Pending | KnownOutcome::Unknown => {
                match self.submit(did, pending).await {
                    Err(failure) if failure.is_final() => Ok(()),
                    other => other.map(|_| ()),
                }
            }
        }
    }

    fn committed(&mut self, pending: &Pending, height: u64) -> Result<u64, Failure> {
        self.file
            .update(|keys| {
                keys.commit(&pending.operation);
                Ok::<_, KeysError>(height)
            })
            .map_err(Failure::from)
    }

    fn abandoned(&mut self, pending: &Pending) -> Result<(), Failure> {
        let abandon = |keys: &mut UserKeys| {
            keys.abandon(&pending.operation);
            Ok::<_, KeysError>(())
        };
        self.file.update(abandon).map_err(Failure::from)
    }
}
