//! Tests of the theft of one method on a network where writes are counted: the thief cannot use up
//! what its owner needs to end the theft (docs/protocol/endorsement.md EN4).

mod support;

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::did::Document;
use registry_core::governance::{EndorsedWrites, Parameters, WritePolicy};
use registry_core::id::Did;
use registry_core::limits::HOUR_MS;
use registry_core::names::TrustKey;
use registry_core::operation::{Action, Operation, Role};
use registry_core::trust::Conditions;
use registry_state::rules::endorsement::{WriteQuota, quota_key, quota_used};
use registry_state::state::StateView as _;
use serde_json::json;

use support::ledger::{Ledger, Start, parameters};
use support::status::seal_by_methods;
use support::trust::{grant, revoke, right, suspend, trust_operation};
use support::{Key, change, create, did_of, ed, seal, seal_body, single, update};

/// Cost that each quota allows in an hour on this network. Some operations reach it.
const COST_PER_HOUR: u64 = 700;

/// Entity to which the thief grants rights.
const ACCOMPLICE: &str = "https://accomplice.example";

/// Returns a document in which these keys are methods named after their seeds.
fn methods(keys: &[Key]) -> Document {
    let names: Vec<String> = keys.iter().map(|key| fragment(*key)).collect();
    let method =
        |key: &Key| json!({ "id": fragment(*key), "publicKeyMultibase": key.public().to_string() });
    let listed: Vec<_> = keys.iter().map(method).collect();
    let json = json!({ "verificationMethod": listed, "capabilityInvocation": names });
    serde_json::from_value(json).expect("a document")
}

fn fragment(key: Key) -> String {
    format!("key-{}", key.seed)
}

/// An authority that has two methods besides its control set; one of the methods is stolen.
struct Theft {
    ledger: Ledger,
    did: Did,
    control: Key,
    stolen: Key,
    other: Key,
}

impl Theft {
    fn new() -> Self {
        let [control, next, recovery, stolen, other] = [10, 11, 12, 13, 14].map(ed);
        let sets = single(&control, &next, &recovery);
        let creation = create(sets, methods(&[stolen, other]), 1);
        let creation = Operation { chain: Hash::ZERO, ..creation };
        let did = did_of(&creation);
        let policy = EndorsedWrites { authority: did.clone(), cost_per_hour: COST_PER_HOUR };
        let parameters = Parameters { write_policy: WritePolicy::Endorsed(policy), ..parameters() };
        let start = Start { parameters, ..Start::default() };
        let ledger = Ledger::start_from(start, vec![seal(&creation, &[control])]);
        Self { ledger, did, control, stolen, other }
    }

    fn right(&self, number: usize) -> TrustKey {
        right(&self.did, &format!("degrees-{number}"), ACCOMPLICE)
    }

    /// Returns the grant of a right, signed by the thief.
    fn granted(&self, number: usize) -> Vec<u8> {
        let action = grant(&self.right(number), None, Conditions::default());
        self.by_method(self.stolen, action)
    }

    /// Lets the thief grant rights until the quota of methods is used up. Returns how many it
    /// granted.
    fn spend_methods(&mut self) -> usize {
        self.spend(Self::granted)
    }

    /// Lets the thief suspend rights until the quota of stops is used up too.
    fn spend_stops(&mut self) {
        self.spend(|theft, _| theft.by_method(theft.stolen, suspend(&theft.right(0))));
        let more = self.by_method(self.stolen, revoke(&self.right(0)));
        assert_eq!(self.attempt(more), Some(Code::EndorserQuota), "the thief is stopped");
    }

    /// Applies these operations until a quota is used up, and returns how many applied.
    fn spend(&mut self, operation: impl Fn(&Self, usize) -> Vec<u8>) -> usize {
        for number in 0..100 {
            let envelope = operation(self, number);
            match self.attempt(envelope.clone()) {
                None => drop(self.ledger.after(1_000, &[envelope])),
                Some(code) => {
                    assert_eq!((code, number > 1), (Code::EndorserQuota, true), "after {number}");
                    return number;
                }
            }
        }
        panic!("no quota stops the thief");
    }

    /// Returns what counts under a quota of the authority in the present hour.
    fn used(&self, quota: WriteQuota) -> u64 {
        let key = quota_key(&self.did, quota, self.ledger.head.time);
        quota_used(self.ledger.state.transient(&key).expect("a state").as_deref())
    }

    /// Applies an operation in the next block and returns what it costs.
    fn paid(&mut self, envelope: Vec<u8>) -> u64 {
        let block = self.ledger.start(self.ledger.head.time + 1_000);
        block.check(&Ledger::check(&envelope).expect("a good envelope")).expect("applies");
        let cost = block.probe().paid().cost;
        self.ledger.after(1_000, &[envelope]);
        cost
    }

    fn by_method(&self, key: Key, action: Action) -> Vec<u8> {
        let operation = trust_operation(&self.ledger, &self.did, action);
        seal_by_methods(&operation, &[(&fragment(key), key)])
    }

    fn by_control(&self, action: Action) -> Vec<u8> {
        let operation = trust_operation(&self.ledger, &self.did, action);
        seal_body(operation.body(), Role::Control, &[self.control])
    }

    /// Returns the code with which an envelope is refused in the next block; `None` if it applies.
    fn attempt(&self, envelope: Vec<u8>) -> Option<Code> {
        self.ledger.refusal(self.ledger.head.time + 1_000, &[envelope])
    }
}

#[test]
fn a_thief_of_a_method_does_not_hold_up_a_revocation_by_another_method() {
    let mut theft = Theft::new();
    theft.spend_methods();
    let revoked = theft.by_method(theft.other, revoke(&theft.right(0)));
    assert_eq!(theft.attempt(revoked), None);
}

#[test]
fn a_thief_of_a_method_does_not_hold_up_a_revocation_by_control() {
    let mut theft = Theft::new();
    let granted = theft.spend_methods();
    assert_eq!(theft.attempt(theft.by_control(revoke(&theft.right(0)))), None);
    theft.spend_stops();
    let by_method = theft.by_method(theft.other, revoke(&theft.right(0)));
    assert_eq!(theft.attempt(by_method), Some(Code::EndorserQuota), "methods share their quotas");
    for number in 0..granted {
        let revoked = theft.by_control(revoke(&theft.right(number)));
        theft.ledger.after(1_000, &[revoked]);
    }
}

#[test]
fn a_thief_of_a_method_does_not_hold_up_the_update_that_removes_the_method() {
    let mut theft = Theft::new();
    let granted = theft.spend_methods();
    let without = update(methods(&[theft.other]));
    let removing = change(&theft.did, theft.ledger.previous(&theft.did), 2, without);
    theft.ledger.after(1_000, &[seal(&removing, &[theft.control])]);
    let next_hour = theft.ledger.head.time + HOUR_MS;
    let stale = theft.granted(granted);
    assert_eq!(theft.ledger.refusal(next_hour, &[stale]), Some(Code::MethodNotFound));
}

#[test]
fn a_quota_counts_what_operations_cost() {
    let mut theft = Theft::new();
    let first = theft.granted(0);
    let first = theft.paid(first);
    assert_eq!(theft.used(WriteQuota::Methods), first);
    let stop = theft.by_method(theft.other, suspend(&theft.right(0)));
    let stop = theft.paid(stop);
    assert_eq!(theft.used(WriteQuota::Stops), stop);
    // A method signs, so each grant reads the document.
    let long: Vec<String> = (0..16).map(|n| format!("https://{n}/{}", "a".repeat(500))).collect();
    let document = Document { also_known_as: long, ..methods(&[theft.stolen, theft.other]) };
    let longer = change(&theft.did, theft.ledger.previous(&theft.did), 2, update(document));
    let longer = theft.paid(seal(&longer, &[theft.control]));
    assert_eq!(theft.used(WriteQuota::Control), longer);
    let second = theft.granted(1);
    let second = theft.paid(second);
    println!("a grant costs {first} units, with a long document {second}");
    assert!(second > first + 20, "{second} is much more than {first}");
    assert_eq!(theft.used(WriteQuota::Methods), first + second);
}
