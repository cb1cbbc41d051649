//! Stories of thefts of an authority's control set: decisions on what was issued in between, before
//! and after the authority voids what the thief did. All operations are real.

use registry_core::code::Code;
use registry_core::crypto::Hash;
use registry_core::decision::{Decision, DecisionQuery, Moments, decide};
use registry_core::did::Document;
use registry_core::limits::VOID_MS_MAX;
use registry_core::operation::Action;
use registry_core::trust::{Assurance, Conditions};
use serde_json::json;

use crate::support::ledger::Ledger;
use crate::support::recorded::{Recorded, id_of};
use crate::support::schema::{
    DEGREE, degree_schema, id_of as schema_id_of, plain_type, publish, publish_type,
    void as void_schema, void_type, withdraw, withdraw_type,
};
use crate::support::trust::{Party, depth, grant, parent, right, void};
use crate::support::{ed, network};

const GAP_MS: u64 = 10_000;

/// An authority with a credential type, an issuer and a body.
struct Story {
    recorded: Recorded,
    authority: Party,
    body: Party,
    issuer: Party,
}

fn issuing(seed: u8) -> Document {
    let method = json!({ "id": "key-1", "publicKeyMultibase": ed(seed).public().to_string() });
    let document = json!({ "verificationMethod": [method], "assertionMethod": ["key-1"] });
    serde_json::from_value(document).expect("a document")
}

impl Story {
    fn begin() -> Self {
        let (authority, body) = (Party::new(30), Party::new(40));
        let issuer = Party::with_document(50, issuing(50));
        let mut recorded = Recorded::new();
        let creates = [&authority, &body, &issuer].map(|party| party.create.clone());
        recorded.after(GAP_MS, &creates);
        Self { recorded, authority, body, issuer }
    }

    /// The control set of the authority acts, be it in the hands of the owner or of a thief.
    /// Returns the operation and its time.
    fn acts(&mut self, action: Action) -> (Hash, u64) {
        let envelope = self.authority.controls(&self.recorded.ledger, action);
        (id_of(&envelope), self.recorded.after(GAP_MS, &[envelope]))
    }

    /// The authority voids what an operation made. Returns the time.
    fn voids(&mut self, made: Hash, action: Action) -> u64 {
        let envelope = self.authority.voids(made, action);
        self.recorded.after(GAP_MS, &[envelope])
    }

    fn grants_to_issuer(&mut self) -> (Hash, u64) {
        let key = right(&self.authority.did, DEGREE, &self.issuer.id());
        self.acts(grant(&key, None, Conditions::default()))
    }

    fn publishes_type(&mut self) -> (Hash, u64) {
        self.acts(publish_type(plain_type(DEGREE)))
    }

    fn ask(&self, issued_at_ms: u64, at_ms: u64, by_schema: bool) -> Decision {
        let issuer = self.issuer.id();
        let schema = schema_id_of(&self.authority, &degree_schema()).to_string();
        let question = DecisionQuery {
            verification_method: format!("{issuer}#key-1"),
            credential_type: (!by_schema).then(|| DEGREE.to_owned()),
            schema: by_schema.then_some(schema),
            issued_at_ms,
            status: Vec::new(),
            authority: self.authority.id(),
            agent: None,
            minimum_assurance: None,
            at_ms,
            issuer,
        };
        let (then, now) = (self.recorded.at(issued_at_ms), self.recorded.at(at_ms));
        decide(&network(), Moments { then: &then, now: &now }, &question).expect("an answer")
    }

    fn permits(&self, issued_at_ms: u64, at_ms: u64) -> bool {
        self.ask(issued_at_ms, at_ms, false).is_permit()
    }

    /// Checks that a decision fails in one step alone, whose finding has these words.
    fn denies(&self, issued_at_ms: u64, at_ms: u64, by_schema: bool, step: &str, words: &str) {
        let decision = self.ask(issued_at_ms, at_ms, by_schema);
        let failing: Vec<_> = decision.steps.iter().filter(|step| !step.ok).collect();
        let [failed] = failing[..] else { panic!("{:#?}", decision.steps) };
        assert_eq!(failed.name.name(), step, "{failed:?}");
        assert!(failed.finding.contains(words), "{words}: {}", failed.finding);
    }
}

#[test]
fn what_was_issued_by_a_grant_of_a_thief_is_denied_once_the_grant_is_void() {
    let mut story = Story::begin();
    story.publishes_type();
    let (made, issued) = story.grants_to_issuer();
    let key = right(&story.authority.did, DEGREE, &story.issuer.id());
    let yesterday = issued + 1;
    assert!(story.permits(yesterday, yesterday));
    let voided = story.voids(made, void(&key));
    assert!(story.permits(yesterday, voided - 1), "an older `at` keeps its answer");
    story.denies(yesterday, voided, false, "authorization", "was voided at");
    story.denies(yesterday, voided + VOID_MS_MAX, false, "authorization", "counts as never made");
}

#[test]
fn what_was_issued_below_a_grant_of_a_thief_is_denied_once_that_is_void() {
    let mut story = Story::begin();
    story.publishes_type();
    let above = right(&story.authority.did, "degrees/*", &story.body.id());
    let (made, _) = story.acts(grant(&above, None, depth(1)));
    let key = right(&story.authority.did, DEGREE, &story.issuer.id());
    let licence = grant(&key, parent("degrees/*", &story.authority.did), Conditions::default());
    let licence = story.body.controls(&story.recorded.ledger, licence);
    let issued = story.recorded.after(GAP_MS, &[licence]);
    let voided = story.voids(made, void(&above));
    assert!(story.permits(issued, voided - 1));
    story.denies(issued, voided, false, "authorization", "was voided at");
}

#[test]
fn a_void_version_of_a_type_denies_and_brings_nothing_back() {
    let mut story = Story::begin();
    story.grants_to_issuer();
    let schema = story.acts(publish(degree_schema())).1;
    let high = Some(Assurance::High);
    let strict = publish_type(registry_core::schema::CredentialTypePublish {
        assurance: high,
        ..plain_type(DEGREE)
    });
    let honest = story.acts(strict.clone()).1;
    assert!(honest > schema);
    let (made, issued) = story.publishes_type();
    assert!(story.permits(issued, issued), "the thief's version wants no assurance");
    let repaired = story.acts(strict).1;
    let voided = story.voids(made, void_type(DEGREE));
    assert!(story.permits(issued, voided - 1), "an older `at` keeps its answer");
    for by_schema in [false, true] {
        story.denies(issued, voided, by_schema, "type", "voided the credential type");
    }
    for (moment, by_schema) in [(honest, false), (repaired, true)] {
        let decision = story.ask(moment, voided, by_schema);
        let failing: Vec<_> = decision.steps.iter().filter(|step| !step.ok).collect();
        let names: Vec<_> = failing.iter().map(|step| step.name.name()).collect();
        assert_eq!(names, ["assurance"], "the honest versions count: {failing:?}");
    }
}

#[test]
fn a_void_schema_was_never_published() {
    let mut story = Story::begin();
    story.grants_to_issuer();
    let (made, issued) = story.acts(publish(degree_schema()));
    assert!(story.ask(issued, issued, true).is_permit());
    let id = schema_id_of(&story.authority, &degree_schema());
    story.acts(withdraw(id));
    let withdrawn = story.recorded.now();
    assert!(story.ask(issued, withdrawn, true).is_permit(), "a withdrawal takes nothing back");
    let voided = story.voids(made, void_schema(id));
    assert!(story.ask(issued, withdrawn, true).is_permit());
    story.denies(issued, voided, true, "type", "was voided by");
}

#[test]
fn schemas_and_types_are_voided_by_the_control_set_of_their_publisher_within_thirty_days() {
    let mut story = Story::begin();
    let id = schema_id_of(&story.authority, &degree_schema());
    let (schema, since) = story.acts(publish(degree_schema()));
    let (kind, later) = story.publishes_type();
    story.acts(withdraw_type(DEGREE));
    for (made, since, action, unknown) in [
        (schema, since, void_schema(id), Code::SchemaNotAllowed),
        (kind, later, void_type(DEGREE), Code::CredentialTypeNotFound),
    ] {
        let recorded = &story.recorded;
        let undo = story.authority.voids(made, action.clone());
        let to_the_end = since + VOID_MS_MAX - recorded.now();
        assert_eq!(recorded.refusal(to_the_end, &undo), None);
        assert_eq!(recorded.refusal(to_the_end + 1, &undo), Some(Code::VoidTooLate));
        let other = story.body.voids(made, action.clone());
        assert_eq!(recorded.refusal(GAP_MS, &other), Some(unknown));
        let by_method = story.authority.signs(&recorded.ledger, action);
        let refused = Ledger::check(&by_method).err().map(|refusal| refusal.code);
        assert_eq!(refused, Some(Code::VoidNeedsControl));
    }
}
