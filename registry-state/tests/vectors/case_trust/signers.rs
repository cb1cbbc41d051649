//! Vectors of the signatures on grants: methods, other keys, and authorities with a threshold.

use registry_core::code::Code;
use registry_core::did::Sets;
use registry_core::id::Did;
use registry_core::operation::{Action, Role, SignedOperation, operation_id};
use registry_core::trust::Conditions;

use super::{DEGREE, PARTIES, licence, registered, with_body};
use crate::catalogue::{At, Catalogue};
use crate::support::ledger::Ledger;
use crate::support::status::{method_signature, seal_by_method};
use crate::support::trust::{Party, depth, grant, right, signing, trust_operation};
use crate::support::{
    Key, create, did_member, did_of, ed, for_members, key_set, key_set_of, next_set_of, seal,
    seal_body, seal_for_members, single,
};

pub(super) fn add(all: &mut Catalogue) {
    add_authors(all);
    add_thresholds(all);
}

fn add_authors(all: &mut Catalogue) {
    let (body, stranger) = (&PARTIES.body, &PARTIES.stranger);
    let ledger = with_body(depth(1));
    let operation = trust_operation(&ledger, &body.did, licence(Conditions::default()));
    let rule = "A grant is signed by its grantor.";
    let forged = seal_by_method(&operation, stranger.key);
    let at = At::new(&ledger, 1_000, forged);
    all.refused_at("trust_grant_signed_by_stranger", rule, Code::MethodNotFound, &at);
    let mut signature =
        method_signature(&body.key, &body.did, "key-1", &operation_id(&operation.body()));
    let other = trust_operation(&ledger, &body.did, licence(depth(1)));
    let id = operation_id(&other.body());
    signature.value = method_signature(&body.key, &body.did, "key-1", &id).value;
    let rule = "A signature is over this very grant.";
    let forged = SignedOperation::new(operation.body(), vec![signature]).bytes();
    all.refused("trust_grant_with_signature_of_another", rule, Code::SignatureInvalid, &forged);
    let rule = "Methods of another DID do not sign for the grantor.";
    let id = operation_id(&operation.body());
    let by_other = method_signature(&stranger.key, &stranger.did, "key-1", &id);
    let forged = SignedOperation::new(operation.body(), vec![by_other]).bytes();
    all.refused("trust_grant_by_method_of_stranger", rule, Code::SignatureRole, &forged);
    let mut ended = ledger.clone();
    let deactivates = body.deactivating(&ended);
    ended.after(1_000, &[deactivates]);
    let rule = "A deactivated DID does not grant.";
    let at = At::new(&ended, 1_000, seal_by_method(&operation, body.key));
    all.refused_at("trust_grant_by_deactivated", rule, Code::DidDeactivated, &at);
    let unknown = Party::new(90);
    let rule = "An authority is registered before it grants.";
    let key = right(&unknown.did, DEGREE, &body.id());
    let at = super::next(&ledger, &unknown, grant(&key, None, depth(1)));
    all.refused_at("trust_grant_by_unregistered", rule, Code::DidNotFound, &at);
}

/// Authority that other DIDs control.
struct Council {
    ledger: Ledger,
    authority: Did,
    members: Vec<Did>,
}

const SHARED: u8 = 70;
const OWN: [u8; 3] = [73, 76, 79];

/// Returns an authority that any two of three DIDs control. Each of the first two DIDs is
/// controlled by its own key or by a shared one, the third by its own key only.
fn council() -> Council {
    let keys = |place: usize| match place {
        2 => key_set_of(1, &[ed(OWN[2])]),
        _ => key_set_of(1, &[ed(OWN[place]), ed(SHARED)]),
    };
    let creates = [0, 1, 2].map(|place| {
        let own = ed(OWN[place]);
        let sets = Sets { control: keys(place), ..single(&own, &ed(11), &ed(12)) };
        (create(sets, signing(own), 1), own)
    });
    let mut ledger = registered();
    ledger.after(1_000, &creates.each_ref().map(|(operation, own)| seal(operation, &[*own])));
    let members: Vec<Did> = creates.iter().map(|(operation, _)| did_of(operation)).collect();
    let control = key_set(2, members.iter().map(did_member).collect());
    let sets = Sets { control, next: next_set_of(1, &[ed(11)]), recovery: None };
    let operation = create(sets, signing(ed(OWN[0])), 1);
    let by = [(&members[0], ed(OWN[0])), (&members[1], ed(OWN[1]))];
    ledger.after(1_000, &[seal_for_members(&operation, &by)]);
    Council { ledger, authority: did_of(&operation), members }
}

fn add_thresholds(all: &mut Catalogue) {
    let Council { ledger, authority, members } = council();
    let key = right(&authority, DEGREE, &PARTIES.issuer.id());
    let action: Action = grant(&key, None, Conditions::default());
    let operation = trust_operation(&ledger, &authority, action);
    let by = |of: &[(&Did, Key)]| {
        let keys: Vec<Key> = of.iter().map(|(_, key)| *key).collect();
        let envelope = seal_body(operation.body(), Role::Control, &keys);
        At::new(&ledger, 1_000, for_members(&envelope, of))
    };
    let own = |place: usize| (&members[place], ed(OWN[place]));
    let [first, second, third] = [own(0), own(1), own(2)];
    let shared = (&members[0], ed(SHARED));
    let rule = "An authority of several DIDs grants by as many as its threshold says.";
    all.applied_at("trust_grant_by_two_of_three", rule, &by(&[first, third]));
    all.applied_at("trust_grant_by_two_that_share_a_key", rule, &by(&[second, shared]));
    let code = Code::ThresholdNotMet;
    all.refused_at("trust_grant_by_one_of_two_needed", rule, code, &by(&[third]));
    let rule = "A key that two members share counts for one of them.";
    all.refused_at("trust_grant_by_shared_key_alone", rule, code, &by(&[shared]));
    let rule = "A member counts once, however many of its keys sign.";
    let Council { ledger: one, authority: of_one, members: of_keys } = one_of_many_keys();
    let key = right(&of_one, DEGREE, &PARTIES.issuer.id());
    let twice = trust_operation(&one, &of_one, grant(&key, None, Conditions::default()));
    let keys = [ed(OWN[0]), ed(OWN[1])];
    let twice = seal_body(twice.body(), Role::Control, &keys);
    let twice = for_members(&twice, &keys.map(|key| (&of_keys[0], key)));
    let at = At::new(&one, 1_000, twice);
    all.refused_at("trust_grant_by_one_member_twice", rule, code, &at);
    let rule = "Keys of no member do not sign.";
    let stranger = PARTIES.stranger.key;
    let at = by(&[first, third, (&members[1], stranger)]);
    all.refused_at("trust_grant_by_two_and_a_stranger", rule, Code::SignerNotMember, &at);
    let rule = "An authority that DIDs control does not grant by its methods.";
    let at = At::new(&ledger, 1_000, seal_by_method(&operation, first.1));
    all.refused_at("trust_grant_by_method_of_council", rule, Code::ControlRequired, &at);
    let rule = "A key signs once.";
    let id = operation_id(&operation.body());
    let signature = crate::support::signature(&first.1, Role::Control, &id);
    let twice = SignedOperation::new(operation.body(), vec![signature.clone(), signature]).bytes();
    all.refused("trust_grant_signed_twice", rule, Code::SignatureOrder, &twice);
}

/// Returns an authority that needs both of two DIDs. Either of two keys controls the first DID.
fn one_of_many_keys() -> Council {
    let keys = [ed(OWN[0]), ed(OWN[1])];
    let first = Sets { control: key_set_of(1, &keys), ..single(&keys[0], &ed(11), &ed(12)) };
    let first = create(first, signing(keys[0]), 1);
    let second = Party::new(OWN[2]);
    let mut ledger = registered();
    ledger.after(1_000, &[seal(&first, &keys[..1]), second.create.clone()]);
    let members = vec![did_of(&first), second.did];
    let control = key_set(2, members.iter().map(did_member).collect());
    let sets = Sets { control, next: next_set_of(1, &[ed(11)]), recovery: None };
    let operation = create(sets, signing(keys[0]), 1);
    let by = [(&members[0], keys[0]), (&members[1], second.key)];
    ledger.after(1_000, &[seal_for_members(&operation, &by)]);
    Council { ledger, authority: did_of(&operation), members }
}
