//! Bodies for clients to sign: the exact bytes, who must sign which message, and what it does.

use registry_core::code::{Code, Refusal};
use registry_core::codec::{Bytes, FixedBytes};
use registry_core::crypto::Hash;
use registry_core::did::document::Document;
use registry_core::did::{
    DidCreate, DidRecover, DidRotate, DidState, DidUpdate, DidValue, Member, Reveal, Sets,
};
use registry_core::id::{Did, Suffix};
use registry_core::operation::{Action, Guard, Operation, Role, check_body, operation_id};
use registry_core::record::Kind;
use registry_core::state::StoreError;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::error::{ApiError, NodeCode};

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

/// A body and what is needed to make an envelope of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Prepared {
    /// Canonical bytes: the `body` of the envelope.
    body: Bytes,
    /// Id of the operation, whoever signs it.
    operation: Hash,
    /// The DID that it is about.
    did: Did,
    /// Empty where no signature is needed.
    signatures: Vec<SignatureRequest>,
    /// What it does, for the person who signs.
    explanation: String,
}

/// Who must sign, and what.
#[derive(Debug, Clone, Serialize)]
struct SignatureRequest {
    role: Role,
    threshold: u8,
    members: Vec<Member>,
    /// The 32 bytes to sign.
    message: Bytes,
}

impl Api {
    /// All `did_prepare…` methods.
    pub(crate) fn prepare(&self, draft: Draft) -> Result<Prepared, ApiError> {
        let Draft { did: author, salt, action } = draft;
        let head = self.head();
        let (guard, signers, place) = match (&author, &action) {
            (Some(did), _) => {
                let entry = self.did_head(did, &head)?;
                if entry.record.kind != Kind::Did {
                    let detail = format!(
                        "{did} is the network's own: governance lists its keys, no operation of \
                         a DID changes it"
                    );
                    return Err(Refusal::new(Code::DidNotFound, "did", detail).into());
                }
                let value = DidValue::from_bytes(&entry.value.0).map_err(StoreError::new)?;
                let DidValue::Active(state) = value else {
                    let detail = format!("{did} is deactivated");
                    return Err(Refusal::new(Code::DidDeactivated, "did", detail).into());
                };
                let record = entry.record.hash();
                let place = format!(" after version {} ({record})", entry.record.version);
                (Guard::Previous(record), signers(&action, &state)?, place)
            }
            (None, Action::DidCreate(create)) => {
                let control = &create.sets.control;
                (Guard::Absent, Some((control.threshold, control.members.clone())), String::new())
            }
            (None, _) => return Err(ApiError::Params { detail: "did is missing".into() }),
        };
        let salt = salt.map_or_else(random_salt, Ok)?;
        let role = action.role();
        let operation = Operation { chain: self.node.chain(), author, guard, salt, action };
        check_body(&operation, self.node.network())?;
        let body = operation.body();
        let id = operation_id(&body);
        let did = operation.author.clone().unwrap_or_else(|| Did {
            network: self.node.network().clone(),
            suffix: Suffix::of_create(&id),
        });
        let message = |role: Role| Bytes(role.message(&id).to_vec());
        let explanation = explain(&operation.action, &did, &place, signers.as_ref());
        let signatures = role.zip(signers).map(|(role, (threshold, members))| SignatureRequest {
            role,
            threshold,
            members,
            message: message(role),
        });
        Ok(Prepared {
            body: Bytes(body),
            operation: id,
            did,
            signatures: signatures.into_iter().collect(),
            explanation,
        })
    }
}

type Signers = Option<(u8, Vec<Member>)>;

/// Who must sign an action on an existing DID; what its state refuses at once is refused here.
fn signers(action: &Action, state: &DidState) -> Result<Signers, Refusal> {
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
    };
    let who = match signers {
        None => "It needs no signature.".to_owned(),
        Some((threshold, members)) => {
            format!("It needs signatures of {threshold} of {} members.", members.len())
        }
    };
    format!("{what} {did}{place}. {who}")
}

fn random_salt() -> Result<FixedBytes<16>, ApiError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|error| ApiError::node(NodeCode::NotReady, format!("no randomness: {error}")))?;
    Ok(FixedBytes(salt))
}
