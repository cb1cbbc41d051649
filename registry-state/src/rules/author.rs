//! Rules for signatures on behalf of a DID. They apply to every action whose role is author or
//! approval (docs/protocol/operations.md, section "Signatures of an author").

use super::actors::{active, control_of, document_of};
use super::checked::Checked;
use crate::state::{ApplyError, Context, Heads, Overlay};
use registry_core::code::{Code, Refusal};
use registry_core::did::Document;
use registry_core::did::control::{SetSigner, check_threshold};
use registry_core::id::Did;
use registry_core::operation::{MethodSigner, Role, Signer};

/// Checks that the signatures count for the author at the block's time, and returns the author.
/// Their form and values are checked before, by [`super::stateless::check_stateless`]. A pending
/// recovery changes nothing here before it completes.
pub fn check<'c>(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &'c Checked,
) -> Result<&'c Did, ApplyError> {
    let author = checked.operation().author()?;
    let roles: &[Role] = match checked.operation().action.facts().role {
        Some(Role::Approval) => &[Role::Approval],
        Some(
            Role::Control
            | Role::Next
            | Role::Recovery
            | Role::Author
            | Role::Endorser
            | Role::Consent,
        )
        | None => &[Role::Control, Role::Author],
    };
    check_party(overlay, context, checked, author, roles)?;
    Ok(author)
}

/// Checks rule A6: if the action needs the consent of another DID, the signatures of role consent
/// count for it.
pub(crate) fn check_consent(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
) -> Result<(), ApplyError> {
    match checked.operation().action.consents() {
        Some(party) => check_party(overlay, context, checked, party, &[Role::Consent]),
        None => Ok(()),
    }
}

/// Checks rule A7: if the body names an endorser, its signature of role endorser counts for it.
pub(crate) fn check_endorser(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
) -> Result<(), ApplyError> {
    match &checked.operation().endorser {
        Some(endorser) => check_party(overlay, context, checked, endorser, &[Role::Endorser]),
        None => Ok(()),
    }
}

/// Checks rules A1 to A5 of one DID with the signatures that have one of `roles`.
fn check_party(
    overlay: &Overlay<'_>,
    context: &Context,
    checked: &Checked,
    party: &Did,
    roles: &[Role],
) -> Result<(), ApplyError> {
    let view = &Heads(overlay);
    let control = active(view, party)?.control;
    let mut document: Option<Document> = None;
    let mut signers: Vec<SetSigner<'_>> = Vec::new();
    for (index, signature) in checked.signatures().iter().enumerate() {
        match &signature.by {
            _ if !roles.contains(&signature.role) => {}
            Signer::Key(_) | Signer::Member(_) => signers.extend(signature.by.of_set()),
            Signer::Method(_) if control.dids().next().is_some() => {
                let detail = format!("{party} is controlled by other DIDs; they must sign");
                return Err(Refusal::new(Code::ControlRequired, "signatures", detail).into());
            }
            Signer::Method(method) => {
                let document = match &mut document {
                    Some(document) => document,
                    empty => empty.insert(document_of(view, party)?),
                };
                check_method(document, method, context.time_ms).map_err(|(code, detail)| {
                    Refusal::new(code, format!("signatures/{index}/by"), detail)
                })?
            }
        }
    }
    // The form allows either methods or keys, never both, and at least one signature.
    if !signers.is_empty() {
        let control_of = |did: &Did| Ok(control_of(view, did)?);
        check_threshold::<ApplyError>(control.threshold, &control.members, signers, control_of)?;
    }
    Ok(())
}

fn check_method(
    document: &Document,
    method: &MethodSigner,
    time_ms: u64,
) -> Result<(), (Code, String)> {
    let MethodSigner { key, url } = method;
    let Some(found) = document.method(&url.fragment) else {
        return Err((Code::MethodNotFound, format!("the document has no method {url}")));
    };
    if found.signing_key().as_ref() != Some(key) {
        return Err((Code::MethodNotFound, format!("{url} holds another key than {key}")));
    }
    if !document.capability_invocation.contains(&url.fragment) {
        return Err((Code::MethodNotAuthorised, format!("{url} is no capabilityInvocation")));
    }
    if !found.is_valid_at(time_ms) {
        let detail = format!("{url} is not valid at block time {time_ms}");
        return Err((Code::MethodNotValid, detail));
    }
    Ok(())
}
