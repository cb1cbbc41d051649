//! Operations on DIDs.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use registry_core::code::{Code, Refusal};
use registry_core::did::control::check_revealed;
use registry_core::did::document::Document;
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidState, DidUpdate, KeySet, Member, Reveal, Sets,
};
use registry_core::id::{Did, Suffix};
use registry_core::operation::{Action, Guard, Role};
use registry_core::record::RecordKey;
use serde::{Deserialize, Serialize};

use super::form::{Chosen, Draft, Salt};
use super::ledger::{LedgerView, previous};
use super::signers::{Signers, Subject};
use super::{Prepare, PrepareError, Visitor, facts};

/// Visits the parameters of each action on a DID.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Create>()?;
    visitor.visit::<Update>()?;
    visitor.visit::<Rotate>()?;
    visitor.visit::<Recover>()?;
    visitor.visit::<RecoverCancel>()?;
    visitor.visit::<RecoverComplete>()?;
    visitor.visit::<Deactivate>()
}

/// Threshold and members of the set that signs; `None` if no signature is needed.
type SetSigners = Option<(u8, Vec<Member>)>;

/// Parameters of `did_prepareCreate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    pub sets: Sets,
    pub document: Document,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for the new one and signs too, where the network asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

impl Prepare for Create {
    const ACTION: &'static str = "did_create";

    fn action(self) -> Result<Action, PrepareError> {
        let Self { sets, document, .. } = self;
        Ok(Action::DidCreate(Box::new(DidCreate { sets, document })))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        Vec::new()
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let signers = set(&self.sets.control);
        let needs = needs(signers.as_ref());
        let signers = in_role::<Self>(signers);
        let form = ledger.form(None, Guard::Absent, chosen, self.action()?, signers)?;
        let (network, suffix) = (ledger.network.clone(), Suffix::of_create(&form.id));
        let did = Did { network, suffix };
        let explanation = format!("Registers {did}. {needs}");
        Ok(form.draft(Subject::Did(did), explanation))
    }
}

/// Parameters of `did_prepareUpdate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    pub did: Did,
    pub document: Document,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Salt,
    /// DID that vouches for this one and signs too, if this one has no right to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorser: Option<Did>,
}

impl Prepare for Update {
    const ACTION: &'static str = "did_update";

    fn action(self) -> Result<Action, PrepareError> {
        Ok(Action::DidUpdate(Box::new(DidUpdate { document: self.document })))
    }

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.did.suffix)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let chosen = Chosen { salt: self.salt, endorser: self.endorser.clone() };
        let signers = |state: &DidState, _: &Self| Ok(set(&state.sets.control));
        change(ledger, self.did.clone(), chosen, self, signers, "Replaces the document of")
    }
}

/// Declares the parameters of further actions on a DID that exists: their fields, the name of the
/// action, what it does in words, who signs it, and the action itself.
macro_rules! prepares {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident { $($(#[doc = $about:literal])* $field:ident: $type:ty,)* }
            $action:literal, $words:literal, $signers:expr, $make:expr;
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            pub did: Did,
            $($(#[doc = $about])* pub $field: $type,)*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub salt: Salt,
        }

        impl Prepare for $name {
            const ACTION: &'static str = $action;

            fn action(self) -> Result<Action, PrepareError> {
                let make: fn(Self) -> Action = $make;
                Ok(make(self))
            }

            fn records_needed(&self) -> Vec<RecordKey> {
                vec![RecordKey::did(&self.did.suffix)]
            }

            fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
                let signers: fn(&DidState, &Self) -> Result<SetSigners, Refusal> = $signers;
                change(ledger, self.did.clone(), self.salt.into(), self, signers, $words)
            }
        }
    )+};
}

prepares! {
    /// Parameters of `did_prepareRotate`.
    Rotate {
        /// Keys of the next set that sign, in plain.
        revealed: Vec<Member>,
        sets: Sets,
        document: Document,
    } "did_rotate", "Replaces control, next set, recovery and document of",
        |state, own| next(state, &own.revealed), |own| {
            let Self { revealed, sets, document, .. } = own;
            let reveal = Reveal { revealed };
            Action::DidRotate(Box::new(DidRotate { reveal, sets, document }))
        };

    /// Parameters of `did_prepareRecover`.
    Recover {
        sets: Sets,
        document: Document,
    } "did_recover", "Starts a recovery, which others may veto until it matures, of",
        |state, _| not_pending(state).and_then(|()| recovery(state)), |own|
        Action::DidRecover(Box::new(DidRecover { sets: own.sets, document: own.document }));

    /// Parameters of `did_prepareRecoverCancel`.
    RecoverCancel {} "did_recover_cancel", "Cancels the pending recovery of",
        |state, _| pending(state).and_then(|()| recovery(state)), |_| Action::DidRecoverCancel;

    /// Parameters of `did_prepareRecoverComplete`.
    RecoverComplete {} "did_recover_complete", "Puts the matured recovery into effect for",
        |state, _| pending(state).map(|()| None), |_| Action::DidRecoverComplete;

    /// Parameters of `did_prepareDeactivate`.
    Deactivate {
        /// Keys of the next set that sign.
        revealed: Vec<Member>,
    } "did_deactivate", "Deactivates for ever",
        |state, own| next(state, &own.revealed), |own|
        Action::DidDeactivate(Reveal { revealed: own.revealed });
}

/// Prepares a change to a DID that exists. `words` begins the explanation.
fn change<P: Prepare>(
    ledger: &LedgerView<'_>,
    did: Did,
    chosen: Chosen,
    params: P,
    signers: fn(&DidState, &P) -> Result<SetSigners, Refusal>,
    words: &str,
) -> Result<Draft, PrepareError> {
    let party = ledger.party(&did, "did")?;
    let signers = signers(&party.state, &params)?;
    let needs = needs(signers.as_ref());
    let (guard, signers) = (previous(&party.entry), in_role::<P>(signers));
    let form = ledger.form(Some(did.clone()), guard, chosen, params.action()?, signers)?;
    let (version, record) = (party.entry.record.version, party.entry.record.hash());
    let explanation = format!("{words} {did} after version {version} ({record}). {needs}");
    Ok(form.draft(Subject::Did(did), explanation))
}

/// Returns the signers in the role that the table gives to the action.
fn in_role<P: Prepare>(signers: SetSigners) -> Vec<Signers> {
    let role: Option<Role> = facts::<P>().and_then(|facts| facts.role);
    let signers = role.zip(signers);
    signers
        .map(|(role, (threshold, members))| Signers::of_set(role, threshold, members))
        .into_iter()
        .collect()
}

fn needs(signers: Option<&(u8, Vec<Member>)>) -> String {
    match signers {
        None => "It needs no signature.".to_owned(),
        Some((threshold, members)) => {
            format!("It needs signatures of {threshold} of {} members.", members.len())
        }
    }
}

fn set(keys: &KeySet) -> SetSigners {
    Some((keys.threshold, keys.members.clone()))
}

fn recovery(state: &DidState) -> Result<SetSigners, Refusal> {
    let absent = "the DID has no recovery set";
    let recovery = state.sets.recovery.as_ref();
    let recovery =
        recovery.ok_or_else(|| Refusal::new(Code::RecoveryNotConfigured, "did", absent))?;
    Ok(set(&recovery.keys))
}

fn next(state: &DidState, revealed: &[Member]) -> Result<SetSigners, Refusal> {
    check_revealed(revealed, "revealed")?;
    let next = &state.sets.next;
    for (index, member) in revealed.iter().enumerate() {
        if !next.commits_to(member) {
            let detail = "its hash is none of the commitments of the next set";
            return Err(Refusal::new(Code::NextNotCommitted, format!("revealed/{index}"), detail));
        }
    }
    Ok(Some((next.threshold, revealed.to_vec())))
}

fn pending(state: &DidState) -> Result<(), Refusal> {
    match &state.pending {
        Some(_) => Ok(()),
        None => Err(Refusal::new(Code::RecoveryNotPending, "did", "no recovery is pending")),
    }
}

fn not_pending(state: &DidState) -> Result<(), Refusal> {
    match &state.pending {
        Some(_) => Err(Refusal::new(Code::RecoveryPending, "did", "a recovery is pending")),
        None => Ok(()),
    }
}
