//! Checks of signatures that need no state: which signatures an operation takes, and whether each
//! verifies (docs/protocol/operations.md, section "Checks without state").

use std::collections::BTreeSet;

use registry_core::code::{Code, Refusal};
use registry_core::crypto::{self, Hash, PublicKey, SignatureError};
use registry_core::did::control::SetSigner;
use registry_core::id::Did;
use registry_core::limits::SIGNATURES_MAX;
use registry_core::operation::{MemberSigner, Operation, Role, Signature, Signer};

/// Checks rules O4 to O6: number, roles, kinds of signers and order of all signatures.
pub(super) fn check_list(operation: &Operation, signatures: &[Signature]) -> Result<(), Refusal> {
    let minimum = usize::from(operation.action.facts().role.is_some());
    if signatures.len() < minimum || signatures.len() > SIGNATURES_MAX {
        let detail =
            format!("{} signatures, {minimum} to {SIGNATURES_MAX} expected", signatures.len());
        return Err(Refusal::new(Code::SignatureCount, "signatures", detail));
    }
    let (endorsers, others): (Vec<_>, Vec<_>) =
        signatures.iter().enumerate().partition(|(_, signature)| signature.role == Role::Endorser);
    check_endorsers(operation.endorser.as_ref(), &endorsers)?;
    let (consents, own): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(_, signature)| signature.role == Role::Consent);
    check_one_kind(&own, |signature| takes(operation, signature), || expected(operation))?;
    check_void(operation, &own)?;
    let consenting = operation.action.consents();
    check_one_kind(
        &consents,
        |signature| takes_consent(consenting, signature),
        || match consenting {
            Some(did) => format!("consent is given by methods of {did}, or by keys"),
            None => "this action needs nobody's consent".to_owned(),
        },
    )?;
    if own.len() < minimum {
        let detail = "only signatures of role consent, where the author's own are expected";
        return Err(Refusal::new(Code::SignatureCount, "signatures", detail));
    }
    if let Some(did) = consenting.filter(|_| consents.is_empty()) {
        let detail = format!("{did} must consent");
        return Err(Refusal::new(Code::ConsentMissing, "signatures", detail));
    }
    if !signatures.is_sorted_by(|a, b| (a.role, &a.by) < (b.role, &b.by)) {
        let detail = "signatures must ascend strictly by role and signer, one a signer";
        return Err(Refusal::new(Code::SignatureOrder, "signatures", detail));
    }
    check_keys_once(signatures)
}

/// Checks that no key signs twice for a set in one role, once for itself and once for a member DID,
/// or for two member DIDs that share it.
fn check_keys_once(signatures: &[Signature]) -> Result<(), Refusal> {
    let mut keys: BTreeSet<(Role, &PublicKey)> = BTreeSet::new();
    for (index, signature) in signatures.iter().enumerate() {
        let Some(SetSigner { key, .. }) = signature.by.of_set() else { continue };
        if !keys.insert((signature.role, key)) {
            let detail = format!("{key} signs a second time in its role; a key counts once");
            return Err(Refusal::new(Code::SignatureOrder, format!("signatures/{index}"), detail));
        }
    }
    Ok(())
}

/// Checks that exactly the endorser that the body names signs as endorser, once and by a method.
/// Nobody signs as endorser if the body names none.
fn check_endorsers(
    endorser: Option<&Did>,
    endorsers: &[(usize, &Signature)],
) -> Result<(), Refusal> {
    let invalid = |index: &usize, detail: String| {
        let field = format!("signatures/{index}/by");
        Err(Refusal::new(Code::EndorserInvalid, field, detail))
    };
    let Some(endorser) = endorser else {
        return match endorsers.first() {
            None => Ok(()),
            Some((index, _)) => {
                let detail = "the body names no endorser; leave this signature out, or prepare \
                              the operation again with its endorser";
                invalid(index, detail.to_owned())
            }
        };
    };
    let Some((index, first)) = endorsers.first() else {
        let detail = format!("the body names {endorser} as endorser, which has not signed");
        return Err(Refusal::new(Code::EndorserMissing, "signatures", detail));
    };
    match &first.by {
        Signer::Method(method) if method.url.did == *endorser => {}
        Signer::Method(method) => {
            let detail = format!("{} signed, the body names {endorser}", method.url.did);
            return invalid(index, detail);
        }
        Signer::Key(key) | Signer::Member(MemberSigner { key, .. }) => {
            let detail =
                format!("{key} signed alone; {endorser} signs by a method of its document");
            return invalid(index, detail);
        }
    }
    match endorsers.get(1) {
        Some((index, _)) => invalid(index, format!("{endorser} signs once in role endorser")),
        None => Ok(()),
    }
}

/// Checks rule VO1: no method signs a void, since a void cannot be undone.
fn check_void(operation: &Operation, own: &[(usize, &Signature)]) -> Result<(), Refusal> {
    let by_method = own.iter().find(|(_, signature)| signature.by.of_set().is_none());
    match by_method.filter(|_| operation.action.is_void()) {
        Some((index, _)) => {
            let detail = "a method signed; a void is signed by the author's control set alone";
            Err(Refusal::new(Code::VoidNeedsControl, format!("signatures/{index}/by"), detail))
        }
        None => Ok(()),
    }
}

/// Checks that all signatures have one role and one kind of signer, and that the action takes each.
fn check_one_kind(
    signatures: &[(usize, &Signature)],
    takes: impl Fn(&Signature) -> bool,
    expected: impl Fn() -> String,
) -> Result<(), Refusal> {
    let kind = |signature: &Signature| (signature.role, signature.by.of_set().is_some());
    let first = signatures.first().map(|(_, signature)| kind(signature));
    match signatures.iter().find(|(_, each)| Some(kind(each)) != first || !takes(each)) {
        Some((index, _)) => {
            let field = format!("signatures/{index}/role");
            Err(Refusal::new(Code::SignatureRole, field, expected()))
        }
        None => Ok(()),
    }
}

fn expected(operation: &Operation) -> String {
    match operation.action.facts().role {
        Some(Role::Author) if !operation.action.facts().has_author => {
            "this action takes one signature of role author by the key that it names".to_owned()
        }
        Some(Role::Author) => "this action takes either signatures of role author by methods of \
                               its author, or of role control by keys"
            .to_owned(),
        Some(Role::Approval) => "this action takes signatures of role approval, either by methods \
                                 of its author or by keys"
            .to_owned(),
        Some(role) => format!("this action takes signatures of role {role:?} by a key only"),
        None => "this action takes no signature".to_owned(),
    }
}

/// Returns true if the operation takes a signature with this role and signer.
fn takes(operation: &Operation, signature: &Signature) -> bool {
    if let Some(key) = operation.action.own_key() {
        let own = Signer::Key(key.public_key());
        return signature.role == Role::Author && signature.by == own;
    }
    match (operation.action.facts().role, &signature.by) {
        (Some(role @ (Role::Author | Role::Approval)), Signer::Method(method)) => {
            signature.role == role && operation.author.as_ref() == Some(&method.url.did)
        }
        (Some(Role::Author), Signer::Key(_) | Signer::Member(_)) => signature.role == Role::Control,
        // The next set has no DIDs.
        (Some(Role::Next), Signer::Member(_)) => false,
        (role, Signer::Key(_) | Signer::Member(_)) => role == Some(signature.role),
        (_, Signer::Method(_)) => false,
    }
}

/// Returns true if the signature may be the consent of `did`.
fn takes_consent(did: Option<&Did>, signature: &Signature) -> bool {
    match &signature.by {
        Signer::Method(method) => did == Some(&method.url.did),
        Signer::Key(_) | Signer::Member(_) => did.is_some(),
    }
}

/// Checks rule O14: the key of one signature is usable and the signature verifies.
pub(super) fn check(index: usize, signature: &Signature, id: &Hash) -> Result<(), Refusal> {
    let key = signature.by.key();
    key.check().map_err(|error| {
        Refusal::new(Code::KeyUnusable, format!("signatures/{index}/by"), error)
    })?;
    crypto::verify(key, &signature.role.message(id), &signature.value.0).map_err(|error| {
        let code = match error {
            SignatureError::Length { .. } => Code::SignatureLength,
            SignatureError::HighS => Code::SignatureHighS,
            SignatureError::Invalid => Code::SignatureInvalid,
        };
        Refusal::new(code, format!("signatures/{index}/value"), error)
    })
}
