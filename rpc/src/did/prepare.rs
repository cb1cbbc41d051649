//! Bodies of operations on DIDs for clients to sign.

use registry_core::code::{Code, Refusal};
use registry_core::codec::FixedBytes;
use registry_core::did::document::Document;
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidState, DidUpdate, Member, Reveal, Sets,
};
use registry_core::id::{Did, Suffix};
use registry_core::operation::{Action, Guard};
use serde::Deserialize;

use crate::error::ApiError;
use crate::prepare::{Prepared, Preparer, Signers, Subject};

/// Declares the parameters of each prepare method and the action that they make.
macro_rules! prepares {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident { $($field:ident: $type:ty),* } $did:expr => $action:expr;
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
            #[serde(default)]
            pub(crate) salt: Option<FixedBytes<16>>,
        }

        impl From<$name> for Draft {
            fn from(params: $name) -> Self {
                let salt = params.salt;
                let did: fn(&$name) -> Option<Did> = $did;
                let action: fn($name) -> Action = $action;
                Self { did: did(&params), salt, action: action(params) }
            }
        }
    )+};
}

/// What a prepare method was asked for.
pub(crate) struct Draft {
    did: Option<Did>,
    salt: Option<FixedBytes<16>>,
    action: Action,
}

prepares! {
    /// Parameters of `did_prepareCreate`.
    Create { sets: Sets, document: Document } |_| None => |p|
        Action::DidCreate(Box::new(DidCreate { sets: p.sets, document: p.document }));
    /// Parameters of `did_prepareUpdate`.
    Update { did: Did, document: Document } |p| Some(p.did.clone()) => |p|
        Action::DidUpdate(Box::new(DidUpdate { document: p.document }));
    /// Parameters of `did_prepareRotate`.
    Rotate { did: Did, revealed: Vec<Member>, sets: Sets, document: Document }
        |p| Some(p.did.clone()) => |p| Action::DidRotate(Box::new(DidRotate {
            reveal: Reveal { revealed: p.revealed }, sets: p.sets, document: p.document
        }));
    /// Parameters of `did_prepareRecover`.
    Recover { did: Did, sets: Sets, document: Document } |p| Some(p.did.clone()) => |p|
        Action::DidRecover(Box::new(DidRecover { sets: p.sets, document: p.document }));
    /// Parameters of `did_prepareRecoverCancel`.
    RecoverCancel { did: Did } |p| Some(p.did.clone()) => |_| Action::DidRecoverCancel;
    /// Parameters of `did_prepareRecoverComplete`.
    RecoverComplete { did: Did } |p| Some(p.did.clone()) => |_| Action::DidRecoverComplete;
    /// Parameters of `did_prepareDeactivate`.
    Deactivate { did: Did, revealed: Vec<Member> } |p| Some(p.did.clone()) => |p|
        Action::DidDeactivate(Reveal { revealed: p.revealed });
}

impl Preparer {
    /// All `did_prepare…` methods.
    pub(crate) fn prepare_did(&self, draft: Draft) -> Result<Prepared, ApiError> {
        let Draft { did: author, salt, action } = draft;
        let head = self.reads.head();
        let (guard, signers, place) = match (&author, &action) {
            (Some(did), _) => {
                let (entry, state) = self.reads.active(did, &head, "did")?;
                let record = entry.record.hash();
                let place = format!(" after version {} ({record})", entry.record.version);
                (Guard::Previous(record), signers(&action, &state)?, place)
            }
            (None, Action::DidCreate(create)) => {
                let control = &create.sets.control;
                (Guard::Absent, Some((control.threshold, control.members.clone())), String::new())
            }
            (None, _) => return Err(ApiError::params("did", "did is missing")),
        };
        let drafted = self.draft(author, guard, salt, action)?;
        let did = drafted.operation.author.clone().unwrap_or_else(|| Did {
            network: self.reads.network().clone(),
            suffix: Suffix::of_create(&drafted.id),
        });
        let action = &drafted.operation.action;
        let explanation = explain(action, &did, &place, signers.as_ref());
        let signers = action.facts().role.zip(signers);
        let signers =
            signers.map(|(role, (threshold, members))| Signers::of_set(role, threshold, members));
        Ok(drafted.prepared(Subject::Did(did), signers, explanation))
    }
}

/// Threshold and members; none where no signature is needed.
type SetSigners = Option<(u8, Vec<Member>)>;

/// Who must sign an action on an existing DID; what its state refuses at once is refused here.
fn signers(action: &Action, state: &DidState) -> Result<SetSigners, Refusal> {
    let recovery = || {
        let keys = state.sets.recovery.as_ref().map(|recovery| recovery.keys.clone());
        let absent = "the DID has no recovery set";
        let keys = keys.ok_or_else(|| Refusal::new(Code::RecoveryNotConfigured, "did", absent))?;
        Ok(Some((keys.threshold, keys.members)))
    };
    let next = |reveal: &Reveal| {
        let next = &state.sets.next;
        for (index, member) in reveal.revealed.iter().enumerate() {
            if !next.commitments.contains(&member.commitment()) {
                let detail = "its hash is none of the commitments of the next set";
                let field = format!("revealed/{index}");
                return Err(Refusal::new(Code::NextNotCommitted, field, detail));
            }
        }
        Ok(Some((next.threshold, reveal.revealed.clone())))
    };
    let pending = state.pending.is_some();
    match action {
        Action::DidCreate(_) => Err(Refusal::new(Code::AlreadyExists, "did", "the DID exists")),
        Action::DidUpdate(_) => {
            Ok(Some((state.sets.control.threshold, state.sets.control.members.clone())))
        }
        Action::DidRotate(rotate) => next(&rotate.reveal),
        Action::DidDeactivate(reveal) => next(reveal),
        Action::DidRecover(_) if pending => {
            Err(Refusal::new(Code::RecoveryPending, "did", "a recovery is pending"))
        }
        Action::DidRecover(_) => recovery(),
        Action::DidRecoverCancel | Action::DidRecoverComplete if !pending => {
            Err(Refusal::new(Code::RecoveryNotPending, "did", "no recovery is pending"))
        }
        Action::DidRecoverCancel => recovery(),
        Action::DidRecoverComplete => Ok(None),
        _ => Err(Refusal::new(Code::OperationMalformed, "action", "this is no action of a DID")),
    }
}

fn explain(action: &Action, did: &Did, place: &str, signers: Option<&(u8, Vec<Member>)>) -> String {
    let what = match action {
        Action::DidCreate(_) => "Registers",
        Action::DidUpdate(_) => "Replaces the document of",
        Action::DidRotate(_) => "Replaces control, next set, recovery and document of",
        Action::DidRecover(_) => "Starts a recovery, which others may veto until it matures, of",
        Action::DidRecoverCancel => "Cancels the pending recovery of",
        Action::DidRecoverComplete => "Puts the matured recovery into effect for",
        Action::DidDeactivate(_) => "Deactivates for ever",
        _ => "Acts for",
    };
    let who = match signers {
        None => "It needs no signature.".to_owned(),
        Some((threshold, members)) => {
            format!("It needs signatures of {threshold} of {} members.", members.len())
        }
    };
    format!("{what} {did}{place}. {who}")
}
