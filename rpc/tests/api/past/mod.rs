//! Tests that later operations do not change answers about the past.

mod history;
mod questions;

use serde_json::{Value, json};

use crate::common::client::with_members;
use crate::common::people::Person;
use crate::common::rights::{Registry, query_of};
use history::History;
use questions::Question;
use registry_core::time::TimeMs;

/// Number of random histories. Each has a seed of its own, which a failure prints.
const HISTORIES: u64 = 60;
/// Number of operations that are tried before answers are recorded, and after each further look.
const DEEDS: [usize; 4] = [30, 12, 12, 12];
/// Number of answers that are recorded in each history.
const QUESTIONS: usize = 60;

/// A body that other DIDs accredit, and the issuer to which it grants on.
struct Accreditor {
    registry: Registry,
    /// Numbers of all others, ascending by DID: the order in which roots are searched.
    roots: Vec<usize>,
}

const BODY: usize = 0;
const ISSUER: usize = 1;

impl Accreditor {
    /// Founds a network with `count` DIDs that may become roots of the body.
    async fn with(count: u8) -> Self {
        let registry = Registry::founded(count + 2, |_, _| ()).await;
        let mut roots: Vec<usize> = (2..usize::from(count) + 2).collect();
        roots.sort_by_key(|number| registry.dids[*number].parse::<registry_core::id::Did>().ok());
        Self { registry, roots }
    }

    /// Lets a root accredit the body.
    async fn accredit(&self, root: usize) {
        let above = self.registry.right(root, BODY, "degrees/*");
        let above = with_members(above, json!({ "maxDepth": 1 }));
        self.registry.act(root, "Grant", above).await;
    }

    /// Lets a root accredit the body, and the body grant a degree to the issuer under this root.
    async fn grant_under(&self, root: usize, degree: &str) {
        self.accredit(root).await;
        self.registry.act(BODY, "Grant", self.registry.right(root, ISSUER, degree)).await;
    }

    /// Asks the body for the issuer's right to a degree.
    async fn ask(&self, degree: &str, at: Option<&str>) -> Value {
        let right = self.registry.right(BODY, ISSUER, degree);
        self.registry.ask("authorization", with_members(right, json!({ "at": at }))).await
    }

    fn now(&self) -> String {
        TimeMs(self.registry.server.ledger.head().time_ms).millis()
    }

    async fn roots_at(&self, at: Option<&str>) -> Vec<String> {
        let params = json!({ "did": self.registry.dids[BODY], "at": at });
        let answer = self.registry.ask("roots", params).await;
        let roots = answer["roots"].as_array().expect("roots").iter();
        roots.map(|root| root["authority"].as_str().expect("a DID").to_owned()).collect()
    }
}

/// Returns an answer without the height as of which it is given.
fn without_height(mut answer: Value) -> Value {
    answer.as_object_mut().expect("an object").remove("height").expect("a height");
    answer
}

#[tokio::test]
async fn forty_roots_of_today_do_not_turn_the_yes_of_yesterday_into_a_no() {
    let accreditor = Accreditor::with(41).await;
    let (last, puppets) = accreditor.roots.split_last().expect("roots");
    accreditor.grant_under(*last, "degrees/bachelor").await;
    let yesterday = accreditor.now();
    let before = without_height(accreditor.ask("degrees/bachelor", Some(&yesterday)).await);
    assert_eq!(before["authorized"], true, "{before}");
    accreditor.registry.server.ledger.commit_after(30_000);
    for puppet in puppets {
        accreditor.grant_under(*puppet, "degrees/of-puppets").await;
    }
    let after = without_height(accreditor.ask("degrees/bachelor", Some(&yesterday)).await);
    assert_eq!(after, before);
    assert_eq!(accreditor.roots_at(Some(&yesterday)).await, [&*accreditor.registry.dids[*last]]);
    let now = accreditor.ask("degrees/bachelor", None).await;
    assert_eq!(now["authorized"], true, "all roots are searched: {now}");
    let right = accreditor.registry.right(BODY, ISSUER, "degrees/bachelor");
    let answer = accreditor.registry.query("/authorization", &query_of(&right)).await;
    assert_eq!(answer.json()["authorized"], true);
}

#[tokio::test]
async fn a_body_with_seventeen_roots_answers_for_all_of_them() {
    let accreditor = Accreditor::with(17).await;
    for (place, root) in accreditor.roots.iter().enumerate() {
        accreditor.grant_under(*root, &format!("degrees/{place}")).await;
    }
    for place in 0..17 {
        let answer = accreditor.ask(&format!("degrees/{place}"), None).await;
        assert_eq!(answer["authorized"], true, "root {place}: {answer}");
    }
    assert_eq!(accreditor.ask("degrees/17", None).await["authorized"], false);
}

#[tokio::test]
async fn a_65th_root_is_refused_and_control_makes_room_without_changing_the_past() {
    let accreditor = Accreditor::with(65).await;
    let registry = &accreditor.registry;
    let (one_more, roots) = accreditor.roots.split_last().expect("roots");
    for root in roots {
        accreditor.grant_under(*root, "degrees/bachelor").await;
    }
    accreditor.accredit(*one_more).await;
    let first = roots[0];
    registry.act(BODY, "Grant", registry.right(first, ISSUER, "degrees/doctor")).await;
    let grant = registry.by(BODY, registry.right(*one_more, ISSUER, "degrees/master"));
    let refused = registry.refusal("prepareGrant", grant.clone()).await;
    assert_eq!(refused, ("TRUST_ROOTS_FULL".to_owned(), "key/authority".to_owned()));
    let (full, all) = (accreditor.now(), accreditor.roots_at(None).await);
    assert_eq!(all.len(), 64);
    let yes = without_height(accreditor.ask("degrees/doctor", Some(&full)).await);
    assert_eq!(yes["authorized"], true);

    let forget = registry.by(BODY, json!({ "authority": registry.dids[first] }));
    let key = Person::new(0).control();
    let prepared = registry.server.act_trust("ForgetRoot", forget.clone(), &key).await;
    let roles = prepared["signatures"].as_array().expect("requests").iter();
    let roles: Vec<_> = roles.map(|request| request["role"].as_str()).collect();
    assert_eq!(roles, [Some("control")], "a method may not sign");
    let (name, field) = registry.refusal("prepareForgetRoot", forget).await;
    assert_eq!((name.as_str(), field.as_str()), ("TRUST_NOT_FOUND", "authority"));
    assert_eq!(accreditor.ask("degrees/doctor", None).await["authorized"], false);
    let own = registry.ask("authorization", registry.right(first, ISSUER, "degrees/doctor")).await;
    assert_eq!(own["authorized"], true, "the grant itself stays");
    registry.server.act_trust("Grant", grant, &key).await;
    assert_eq!(accreditor.ask("degrees/master", None).await["authorized"], true);
    assert_eq!(accreditor.roots_at(None).await.len(), 64);
    let after = without_height(accreditor.ask("degrees/doctor", Some(&full)).await);
    assert_eq!((after, accreditor.roots_at(Some(&full)).await), (yes, all));
}

#[tokio::test]
async fn a_halt_does_not_move_the_maturity_that_held_before_it() {
    let registry = Registry::with(1).await;
    let (did, owner) = (&registry.dids[0], Person::new(0));
    let heir = owner.rotated();
    let recover = json!({ "did": did, "sets": heir.sets(), "document": heir.document_json() });
    let head = registry.server.ledger.head();
    // The block of the recovery then has a time in whole seconds, which `versionTime` can name.
    registry.server.ledger.commit_after(2_500 - head.time_ms % 1_000);
    registry.server.act("Recover", recover, &owner.recovery()).await;
    let started = TimeMs(registry.server.ledger.head().time_ms);
    let pending = async |options: Value| {
        let params = json!({ "did": did, "resolutionOptions": options });
        let answer = registry.server.call("did_resolve", params).await.expect("a result");
        answer["didDocumentMetadata"]["pendingRecovery"]["maturesAt"].clone()
    };
    let (then, second) = (json!({ "versionTime": started.to_string() }), json!({ "versionId": 2 }));
    let matures = json!(TimeMs(started.0 + crate::common::DELAY_MS).to_string());
    assert_eq!(
        [pending(json!({})).await, pending(then.clone()).await],
        [matures.clone(), matures.clone()]
    );
    registry.server.ledger.commit_after(100_000);
    let moved = json!(TimeMs(started.0 + 100_000 + crate::common::DELAY_MS).to_string());
    assert_eq!(
        [pending(json!({})).await, pending(second.clone()).await],
        [moved.clone(), moved.clone()]
    );
    assert_eq!(pending(then.clone()).await, matures);
    registry.server.act("RecoverCancel", json!({ "did": did }), &owner.recovery()).await;
    registry.server.ledger.commit_after(200_000);
    assert_eq!(pending(json!({})).await, Value::Null);
    assert_eq!(pending(second).await, moved, "as it stood when the next version came");
    assert_eq!(pending(then).await, matures);
}

#[tokio::test]
async fn whoever_registers_later_was_not_registered_before() {
    let registry = Registry::with(1).await;
    let newcomer = crate::common::people::create(
        rpc::service::Reader::chain(&*registry.server.ledger),
        Person::new(1),
        9,
    );
    let did = history::did_of(&newcomer);
    let at = TimeMs(registry.server.ledger.head().time_ms).millis();
    let right = json!({
        "authority": did, "entity": registry.dids[0], "action": "issue", "resource": "a", "at": at,
    });
    let before = registry.server.call("trust_authorization", right.clone()).await;
    let before = before.expect_err("not registered");
    assert!(before.message().contains("was not registered at"), "{before:?}");
    registry.server.submit(&newcomer).await.expect("applied");
    let after = registry.server.call("trust_authorization", right.clone()).await;
    assert_eq!(after.expect_err("not registered then"), before);
    let now = registry.ask("authorization", with_members(right, json!({ "at": null }))).await;
    assert_eq!(now["status"], "unknown");
}

#[tokio::test]
async fn answers_about_the_past_never_change() {
    let (mut applied, mut refused, mut compared, mut voids, mut voided) = (0, 0, 0, 0, 0);
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for seed in 0..HISTORIES {
        let mut history = History::new(seed).await;
        let mut recorded: Vec<(Question, Value)> = Vec::new();
        for (look, deeds) in DEEDS.into_iter().enumerate() {
            history.act(deeds).await;
            for (question, before) in &recorded {
                let after = question.ask(&history.registry).await;
                assert_eq!(&after, before, "seed {seed}, look {look}: {question:?}");
                compared += 1;
            }
            if look == 0 {
                for _ in 0..QUESTIONS {
                    let question = Question::random(&mut history);
                    let answer = question.ask(&history.registry).await;
                    *kinds.entry(question.kind(&answer)).or_default() += 1;
                    voided += usize::from(answer.to_string().contains("voided"));
                    recorded.push((question, answer));
                }
            }
        }
        (applied, refused) = (applied + history.applied, refused + history.refused);
        voids += history.voids;
    }
    println!(
        "{HISTORIES} histories, {applied} operations applied and {refused} refused, {compared} \
         answers compared, {voids} voids tried, {voided} answers about voids: {kinds:?}"
    );
    assert!(voids > HISTORIES as usize && voided >= 10, "{voids} voids, {voided} answers");
    // A comparison of answers that hardly ever say yes would show little.
    assert!(applied > refused, "{applied} applied, {refused} refused");
    for kind in ["trust_authorization yes", "trust_authorization no", "registry_decide yes"] {
        assert!(kinds.get(kind).is_some_and(|count| *count >= 10), "{kind}: {kinds:?}");
    }
}
