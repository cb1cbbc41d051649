//! Operations on DIDs.

#![allow(missing_docs, reason = "members of parameters are explained by their names")]

use registry_core::code::{Code, Refusal};
use registry_core::did::control::check_revealed;
use registry_core::did::document::Document;
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidState, DidUpdate, KeySet, Marks, Member, Reveal, Sets,
};
use registry_core::id::{Did, Suffix};
use registry_core::operation::{Action, Role};
use registry_core::record::RecordKey;

use super::form::{Chosen, Draft, parameters};
use super::ledger::LedgerView;
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

parameters! {
    /// Parameters of `did_prepareCreate`.
    Create {
        pub sets: Sets,
        pub document: Document,
    }
}

impl Prepare for Create {
    const ACTION: &'static str = "did_create";

    fn records_needed(&self) -> Vec<RecordKey> {
        Vec::new()
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (chosen, signers) = (self.chosen(), in_role::<Self>(set(&self.sets.control)));
        let Self { sets, document, .. } = self;
        let action = Action::DidCreate(Box::new(DidCreate { sets, document }));
        let form = ledger.form(None, chosen, action, signers)?;
        let (network, suffix) = (ledger.network.clone(), Suffix::of_create(&form.id));
        let did = Did { network, suffix };
        let what = format!("Registers {did}");
        Ok(form.draft(Subject::Did(did), &what))
    }
}

parameters! {
    /// Parameters of `did_prepareUpdate`.
    Update {
        pub did: Did,
        pub document: Document,
    }
}

impl Prepare for Update {
    const ACTION: &'static str = "did_update";

    fn records_needed(&self) -> Vec<RecordKey> {
        vec![RecordKey::did(&self.did.suffix)]
    }

    fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
        let (did, chosen) = (self.did.clone(), self.chosen());
        let signers = |state: &DidState, _: &Self| Ok(set(&state.sets.control));
        let make = |own: Self| Action::DidUpdate(Box::new(DidUpdate { document: own.document }));
        change(ledger, (did, chosen, self), signers, make, "Replaces the document of")
    }
}

/// Declares the parameters of further actions on a DID that exists: their fields, the name of the
/// action, what it does in words, who signs it, and the action itself.
macro_rules! prepares {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* }
            $action:literal, $words:expr, $signers:expr, $make:expr;
    )+) => {$(
        parameters! {
            unendorsed
            $(#[doc = $doc])+
            $name {
                pub did: Did,
                $($(#[$about])* pub $field: $type,)*
            }
        }

        impl Prepare for $name {
            const ACTION: &'static str = $action;

            fn records_needed(&self) -> Vec<RecordKey> {
                vec![RecordKey::did(&self.did.suffix)]
            }

            fn prepare(self, ledger: &LedgerView<'_>) -> Result<Draft, PrepareError> {
                let signers: fn(&DidState, &Self) -> Result<SetSigners, Refusal> = $signers;
                let make: fn(Self) -> Action = $make;
                let words: fn(&Self) -> &'static str = $words;
                let (did, chosen, words) = (self.did.clone(), self.chosen(), words(&self));
                change(ledger, (did, chosen, self), signers, make, words)
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
        /// Without it, the document that stands when the rotation is applied stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<Document>,
        /// Marked keys, in any order. Without them, the present list stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        marks: Option<Marks>,
    } "did_rotate",
        |own| match (&own.document, &own.marks) {
            (Some(_), Some(_)) => {
                "Replaces control, next set, recovery, document and marked keys of"
            }
            (Some(_), None) => "Replaces control, next set, recovery and document of",
            (None, Some(_)) => {
                "Replaces control, next set, recovery and marked keys, and keeps the document, of"
            }
            (None, None) => "Replaces control, next set and recovery, and keeps the document, of",
        },
        |state, own| next(state, &own.revealed), |own| {
            let Self { revealed, sets, document, marks, .. } = own;
            let (reveal, marks) = (Reveal { revealed }, marks.map(Marks::ordered));
            Action::DidRotate(Box::new(DidRotate { reveal, sets, document, marks }))
        };

    /// Parameters of `did_prepareRecover`.
    Recover {
        sets: Sets,
        document: Document,
        /// Marked keys, in any order. Without them, the list that stands at completion stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        marks: Option<Marks>,
    } "did_recover",
        |own| match own.marks {
            Some(_) => {
                "Starts a recovery, which others may veto until it matures and which also \
                 replaces the marked keys, of"
            }
            None => "Starts a recovery, which others may veto until it matures, of",
        },
        |state, _| not_pending(state).and_then(|()| recovery(state)), |own| {
            let Self { sets, document, marks, .. } = own;
            let marks = marks.map(Marks::ordered);
            Action::DidRecover(Box::new(DidRecover { sets, document, marks }))
        };

    /// Parameters of `did_prepareRecoverCancel`.
    RecoverCancel {} "did_recover_cancel", |_| "Cancels the pending recovery of",
        |state, _| pending(state).and_then(|()| recovery(state)), |_| Action::DidRecoverCancel;

    /// Parameters of `did_prepareRecoverComplete`.
    RecoverComplete {} "did_recover_complete", |_| "Puts the matured recovery into effect for",
        |state, _| pending(state).map(|()| None), |_| Action::DidRecoverComplete;

    /// Parameters of `did_prepareDeactivate`.
    Deactivate {
        /// Keys of the next set that sign.
        revealed: Vec<Member>,
    } "did_deactivate", |_| "Deactivates for ever",
        |state, own| next(state, &own.revealed), |own|
        Action::DidDeactivate(Reveal { revealed: own.revealed });
}

/// Prepares a change to a DID that exists. `words` begins the explanation.
fn change<P: Prepare>(
    ledger: &LedgerView<'_>,
    (did, chosen, params): (Did, Chosen, P),
    signers: fn(&DidState, &P) -> Result<SetSigners, Refusal>,
    make: fn(P) -> Action,
    words: &str,
) -> Result<Draft, PrepareError> {
    let party = ledger.party(&did, "did")?;
    let signers = signers(&party.state, &params)?;
    let form = ledger.form(Some(did.clone()), chosen, make(params), in_role::<P>(signers))?;
    let (version, record) = (party.entry.record.version, party.entry.record.hash());
    let what = format!("{words} {did} after version {version} ({record})");
    Ok(form.draft(Subject::Did(did), &what))
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
