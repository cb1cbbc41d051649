//! DIDs of the measured ledger, with all of their keys.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use keys::SecretKey;
use registry_core::codec::Bytes;
use registry_core::crypto::{PublicKey, Suite};
use registry_core::did::{Document, KeySet, Member, NextSet, Recovery, Sets};
use registry_core::id::Did;
use registry_core::limits::{CONTROL_MEMBERS_MAX, SIGNATURES_MAX};
use registry_core::operation::{MemberSigner, Signature, SignedOperation, Signer};
use rpc::prepare::{Draft, OneSigner, Signers};

/// Recovery delay in ms of the DIDs, the shortest that a network may choose.
pub(super) const DELAY_MS: u64 = registry_core::limits::RECOVERY_DELAY_MS_FLOOR;

/// Form of the DIDs that sign the operations of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// One Ed25519 key in each set.
    Plain,
    /// Sixteen P-256 keys in each set, of which all must sign.
    Keys,
    /// Fifteen member DIDs control the DID, and all must sign. Each has sixteen keys in each set.
    Board,
}

impl Form {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "one key",
            Self::Keys => "16 keys",
            Self::Board => "15 DIDs",
        }
    }

    /// Returns how many operations are made for a block. The default budget has room for fewer.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Plain => 2_100,
            Self::Keys => 80,
            Self::Board => 260,
        }
    }

    /// Returns how many keys are in each set that holds keys.
    fn keys(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::Keys | Self::Board => SIGNATURES_MAX,
        }
    }

    fn suite(self) -> Suite {
        match self {
            Self::Plain | Self::Board => Suite::Ed25519,
            Self::Keys => Suite::P256,
        }
    }
}

/// Number of DIDs that control a board. One place of a control set stays free.
pub(super) const MEMBERS: usize = CONTROL_MEMBERS_MAX - 1;

/// All keys of the ledger, by which drafts are signed.
#[derive(Default)]
pub(super) struct Keys {
    secrets: BTreeMap<String, SecretKey>,
    /// A key of the control set of each DID that is a member of others.
    members: BTreeMap<Did, String>,
    made: u64,
}

impl Keys {
    /// Makes the next key. Its seed follows from its number, so it protects nothing.
    fn make(&mut self, suite: Suite) -> Result<Member> {
        self.made += 1;
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.made.to_be_bytes());
        let key = SecretKey::from_raw(suite, &seed).ok_or_else(|| anyhow!("not a key"))?;
        let public = key.public().clone();
        self.secrets.insert(public.to_string(), key);
        Ok(Member::Key(public))
    }

    /// Makes an Ed25519 key and returns its public part.
    pub(super) fn make_key(&mut self) -> Result<PublicKey> {
        match self.make(Suite::Ed25519)? {
            Member::Key(key) => Ok(key),
            Member::Did(did) => Err(anyhow!("{did} is no key")),
        }
    }

    fn make_all(&mut self, form: Form) -> Result<Vec<Member>> {
        let mut all = Vec::new();
        for _ in 0..form.keys() {
            all.push(self.make(form.suite())?);
        }
        all.sort();
        Ok(all)
    }

    /// Makes sets of this form, and the members that the next rotation reveals. `board` are the
    /// DIDs in the control set of a board.
    pub(super) fn sets(&mut self, form: Form, board: &[Did]) -> Result<(Sets, Vec<Member>)> {
        let control = match form {
            Form::Plain | Form::Keys => self.make_all(form)?,
            Form::Board => {
                let mut members: Vec<Member> = board.iter().cloned().map(Member::Did).collect();
                members.sort();
                members
            }
        };
        let (next, recovery) = (self.make_all(form)?, self.make_all(form)?);
        let mut commitments: Vec<_> = keys_of(&next).map(NextSet::commitment).collect();
        commitments.sort();
        let sets = Sets {
            control: all_of(control)?,
            next: NextSet { threshold: u8::try_from(commitments.len())?, commitments },
            recovery: Some(Recovery { keys: all_of(recovery)?, delay_ms: DELAY_MS }),
        };
        Ok((sets, next))
    }

    /// Makes the sets of a DID in a board. One of its many control keys is enough to sign.
    pub(super) fn member_sets(&mut self) -> Result<Sets> {
        let (mut sets, _) = self.sets(Form::Board, &[])?;
        sets.control = KeySet { threshold: 1, members: self.make_all(Form::Board)? };
        Ok(sets)
    }

    /// Notes that the first control key of the DID signs where the DID is a member of a board.
    pub(super) fn note_member(&mut self, did: &Did, control: &KeySet) {
        if let Some(key) = keys_of(&control.members).next() {
            self.members.insert(did.clone(), key.to_string());
        }
    }

    /// Signs a draft as every party that must. Where a DID may choose, its control set signs.
    pub(super) fn sign(&self, draft: Draft) -> Result<Vec<u8>> {
        let Draft { id, body, signers, .. } = draft;
        let mut parties: Vec<&Signers> = Vec::new();
        for set in &signers {
            match parties.last_mut() {
                Some(last) if set.of.is_some() && last.of == set.of => *last = set,
                _ => parties.push(set),
            }
        }
        let mut signatures = Vec::new();
        for Signers { role, threshold, members, .. } in parties {
            for member in members.iter().take(usize::from(*threshold)) {
                let by = self.signer(member)?;
                let key = self.secret(&by.key().to_string())?;
                let value = Bytes(key.sign_operation(&role.message(&id)).to_vec());
                signatures.push(Signature { role: *role, by, value });
            }
        }
        Ok(SignedOperation::new(body, signatures).bytes())
    }

    fn signer(&self, member: &OneSigner) -> Result<Signer> {
        Ok(match member {
            OneSigner::Method(signer) => signer.clone(),
            OneSigner::Member(Member::Key(key)) => Signer::Key(key.clone()),
            OneSigner::Member(Member::Did(did)) => {
                let key = self.members.get(did).ok_or_else(|| anyhow!("{did} is no member"))?;
                let key = self.secret(key)?.public().clone();
                Signer::Member(MemberSigner { did: did.clone(), key })
            }
        })
    }

    pub(super) fn secret(&self, key: &str) -> Result<&SecretKey> {
        self.secrets.get(key).ok_or_else(|| anyhow!("the key {key} was not made here"))
    }
}

fn keys_of(members: &[Member]) -> impl Iterator<Item = &PublicKey> {
    members.iter().filter_map(|member| match member {
        Member::Key(key) => Some(key),
        Member::Did(_) => None,
    })
}

/// Returns a set of which all members must sign.
fn all_of(members: Vec<Member>) -> Result<KeySet> {
    Ok(KeySet { threshold: u8::try_from(members.len())?, members })
}

/// Returns a document of about this many bytes, at most 7,360.
pub(super) fn document(bytes: usize) -> Document {
    let name = |number: usize| format!("https://{number}.example/{}", "a".repeat(440));
    Document { also_known_as: (0..bytes / 460).map(name).collect(), ..Document::default() }
}
