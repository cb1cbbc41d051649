//! Random histories of a few people who grant, delegate, publish and revoke through the API.

use ed25519_dalek::SigningKey;
use registry_core::codec::from_base64url;
use registry_core::id::{Did, Suffix};
use registry_core::operation::{Role, SignedOperation, operation_id};
use registry_core::time::TimeMs;
use serde_json::{Value, json};

use crate::common::client::with_members;
use crate::common::people::{Person, create, member};
use crate::common::rights::Registry;
use crate::snapshots::envelope;

/// Number of people who act: two authorities, two bodies, an issuer and two agents.
const ACTORS: usize = 7;
/// Number of people who only accredit bodies, all at once. They have numbers after the actors.
const PUPPETS: usize = 24;
/// Number of people that genesis registers.
const FOUNDERS: usize = ACTORS + PUPPETS;
/// First of two people who register at some time, or never.
pub(super) const NEWCOMER: usize = FOUNDERS;
/// Numbers of the people about whom questions are asked.
pub(super) const ASKED: [usize; 9] = [0, 1, 2, 3, 4, 5, 6, NEWCOMER, NEWCOMER + 1];
pub(super) const AUTHORITY: usize = 0;
/// Authority whose DID comes after those of most puppets.
const LATER_AUTHORITY: usize = 1;
pub(super) const BODY: usize = 2;
pub(super) const ISSUER: usize = 4;
pub(super) const RESOURCES: [&str; 4] = ["degrees/*", "degrees/bachelor", "degrees/doctor", "x"];
pub(super) const TYPE: &str = "degrees/bachelor";
const CONTENT: &str = "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\"\n}";

/// SplitMix64, which gives the same numbers on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("small")
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

/// Returns the DID that a create makes.
pub(super) fn did_of(create: &SignedOperation) -> Did {
    let suffix = Suffix::of_create(&operation_id(&create.body.0));
    Did { network: "local".parse().expect("a name"), suffix }
}

/// A registry and the people who act in it.
pub(super) struct History {
    pub(super) registry: Registry,
    pub(super) random: Random,
    /// Status list of the issuer.
    pub(super) list: String,
    /// Schema of the first authority.
    pub(super) schema: String,
    people: Vec<Person>,
    newcomers: Vec<SignedOperation>,
    pub(super) applied: usize,
    pub(super) refused: usize,
    /// Number of voids that were tried.
    pub(super) voids: usize,
}

impl History {
    /// Founds a network in which the issuer may issue, and everything for a decision is there.
    pub(super) async fn new(seed: u64) -> Self {
        let founders = u8::try_from(FOUNDERS).expect("small");
        let mut registry = Registry::founded(founders, |_, _| ()).await;
        let chain = rpc::service::Reader::chain(&*registry.server.ledger);
        let people: Vec<Person> = (0..NEWCOMER as u8 + 2).map(Person::new).collect();
        let newcomers: Vec<SignedOperation> =
            people[FOUNDERS..].iter().map(|person| create(chain, *person, 9)).collect();
        registry.dids.extend(newcomers.iter().map(|create| did_of(create).to_string()));
        let (list, schema) = Default::default();
        let (applied, refused, voids) = Default::default();
        let random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut history =
            Self { registry, random, list, schema, people, newcomers, applied, refused, voids };
        history.found().await;
        history
    }

    async fn found(&mut self) {
        let above =
            with_members(self.right(AUTHORITY, BODY, "degrees/*"), json!({ "maxDepth": 2 }));
        self.author(AUTHORITY, "trust_prepareGrant", above).await;
        let beneath = self.right(AUTHORITY, ISSUER, TYPE);
        self.author(BODY, "trust_prepareGrant", beneath).await;
        self.accredit(LATER_AUTHORITY, BODY).await;
        let beneath = self.right(LATER_AUTHORITY, ISSUER, "degrees/doctor");
        self.author(BODY, "trust_prepareGrant", beneath).await;
        let create = json!({ "purpose": "revocation", "length": 64 });
        self.list = self.made(ISSUER, "status_prepareCreate", create, "list").await;
        let publish = json!({ "content": CONTENT, "credentialType": TYPE });
        self.schema = self.made(AUTHORITY, "schema_preparePublish", publish, "schema").await;
        let publish = json!({ "name": TYPE, "schema": self.schema });
        self.author(AUTHORITY, "schema_preparePublishType", publish).await;
        let terms = json!({
            "agent": self.registry.dids[5], "actions": ["issue", "read"],
            "resources": ["degrees/*"], "validUntil": "2033-01-01T00:00:00Z", "maxDepth": 1,
        });
        self.delegate(ISSUER, 5, terms).await;
        assert_eq!((self.applied, self.refused), (8, 0), "the founding operations apply");
    }

    /// Lets a root accredit a body for all degrees.
    async fn accredit(&mut self, root: usize, body: usize) {
        let above = with_members(self.right(root, body, "degrees/*"), json!({ "maxDepth": 1 }));
        self.author(root, "trust_prepareGrant", above).await;
    }

    pub(super) fn right(&self, authority: usize, entity: usize, resource: &str) -> Value {
        self.registry.right(authority, entity, resource)
    }

    fn key(&self, number: usize) -> SigningKey {
        self.people[number].control()
    }

    /// Prepares and submits an operation, if the rules allow it. Returns the prepared answer.
    async fn perform(
        &mut self,
        method: &str,
        params: Value,
        by: &[(Role, SigningKey)],
    ) -> Option<Value> {
        let Ok(prepared) = self.registry.server.call(method, params).await else {
            self.refused += 1;
            return None;
        };
        let body = from_base64url(prepared["body"].as_str().expect("a body")).expect("base64url");
        let applied = self.registry.server.submit(&envelope(body, by)).await.is_ok();
        let count = if applied { &mut self.applied } else { &mut self.refused };
        *count += 1;
        applied.then_some(prepared)
    }

    /// Performs an operation that the author's control set signs.
    async fn author(&mut self, author: usize, method: &str, params: Value) -> Option<Value> {
        let params = with_members(params, json!({ "author": self.registry.dids[author] }));
        let by = [(Role::Control, self.key(author))];
        self.perform(method, params, &by).await
    }

    async fn made(&mut self, author: usize, method: &str, params: Value, name: &str) -> String {
        let made = self.author(author, method, params).await.expect("applied");
        made[name].as_str().expect("an id").to_owned()
    }

    async fn delegate(&mut self, principal: usize, agent: usize, terms: Value) {
        let params = with_members(terms, json!({ "author": self.registry.dids[principal] }));
        let by = [(Role::Control, self.key(principal)), (Role::Consent, self.key(agent))];
        self.perform("agent_prepareDelegate", params, &by).await;
    }

    /// Returns a time from genesis to the newest block, often that of a block or next to it.
    pub(super) fn some_time(&mut self) -> TimeMs {
        let head = self.registry.server.ledger.head();
        let genesis = crate::common::GENESIS_MS;
        if self.random.below(2) == 0 {
            let height = u64::try_from(self.random.below(head.height as usize + 1)).expect("small");
            let block = rpc::service::Reader::block(&*self.registry.server.ledger, height);
            let time_ms = block.expect("memory").expect("a block").header.time;
            let beside = time_ms.saturating_sub(1) + self.random.below(2) as u64;
            return TimeMs(beside.clamp(genesis, head.time_ms));
        }
        let span = usize::try_from(head.time_ms - genesis).expect("small");
        TimeMs(genesis + self.random.below(span + 1) as u64)
    }

    /// Tries `count` random operations.
    pub(super) async fn act(&mut self, count: usize) {
        for _ in 0..count {
            if self.random.below(12) == 0 {
                let halt = 60_001 + self.random.below(100_000) as u64;
                self.registry.server.ledger.commit_after(halt);
            }
            match self.random.below(20) {
                0..=6 => self.grant().await,
                7..=9 => self.step().await,
                10 => self.recognise().await,
                11 => self.forget().await,
                12 | 13 => self.change_did().await,
                14 => self.agent().await,
                15 | 16 => self.status().await,
                17 => self.publish().await,
                18 => self.recover().await,
                _ => self.come_or_go().await,
            }
        }
    }

    async fn grant(&mut self) {
        let grantor = self.random.below(ACTORS);
        let authority = self.random.pick(&[0, 0, 1, 1, grantor]);
        let grantor = if self.random.below(3) == 0 { authority } else { grantor };
        let entity = self.random.pick(&[2, 3, 2, 3, 4, 5, NEWCOMER]);
        let resource = self.random.pick(&RESOURCES);
        let depth = self.random.pick(&[json!(2), json!(1), Value::Null]);
        let assurance = self.random.pick(&[json!("low"), json!("high"), Value::Null]);
        let until = self.random.pick(&[json!("2023-11-14T22:18:00Z"), Value::Null, Value::Null]);
        let more = json!({ "maxDepth": depth, "assurance": assurance, "validUntil": until });
        let params = with_members(self.right(authority, entity, resource), more);
        self.author(grantor, "trust_prepareGrant", params).await;
    }

    async fn step(&mut self) {
        let grantor = self.random.below(4);
        let authority = self.random.pick(&[0, 0, 1]);
        let entity = self.random.pick(&[2, 3, 4]);
        let resource = self.random.pick(&RESOURCES);
        let params = self.right(authority, entity, resource);
        let action = self.random.pick(&["Suspend", "Resume", "Revoke", "Revoke", "Change"]);
        let params = self.ending(params, action == "Revoke");
        self.author(grantor, &format!("trust_prepare{action}"), params).await;
    }

    /// Returns the parameters of an action, which voids what it ends two times out of three.
    fn ending(&mut self, params: Value, ends: bool) -> Value {
        let void = ends && self.random.below(3) > 0;
        self.voids += usize::from(void);
        if void { with_members(params, json!({ "void": true })) } else { params }
    }

    async fn recognise(&mut self) {
        let action = self.random.pick(&["Recognise", "Recognise", "Derecognise"]);
        let resource = self.random.pick(&RESOURCES);
        let params = self.right(AUTHORITY, 1, resource);
        let params = self.ending(params, action == "Derecognise");
        self.author(AUTHORITY, &format!("trust_prepare{action}"), params).await;
    }

    /// Removes a root of a body, or lets the body grant under all puppets.
    async fn forget(&mut self) {
        if self.random.below(4) == 0 {
            for puppet in ACTORS..FOUNDERS {
                self.accredit(puppet, BODY).await;
                let right = self.right(puppet, ISSUER, "degrees/of-puppets");
                self.author(BODY, "trust_prepareGrant", right).await;
            }
            return;
        }
        let (body, root) = (self.random.pick(&[BODY, BODY, 3]), self.random.below(2));
        let params = json!({ "authority": self.registry.dids[root] });
        self.author(body, "trust_prepareForgetRoot", params).await;
    }

    async fn change_did(&mut self) {
        let who = self.random.pick(&[ISSUER, ISSUER, 2, 5]);
        let mut document = self.people[who].document_json();
        match self.random.below(5) {
            0 => document["verificationMethod"][0]["revoked"] = json!("2023-11-14T22:13:30Z"),
            1 => document["verificationMethod"][0]["revoked"] = json!("1970-01-01T00:00:00Z"),
            2 => document["verificationMethod"] = json!([document["verificationMethod"][0]]),
            3 => document["service"] = json!([]),
            _ => document["capabilityInvocation"] = json!(["key-1"]),
        }
        let params = json!({ "did": self.registry.dids[who], "document": document });
        let by = [(Role::Control, self.key(who))];
        self.perform("did_prepareUpdate", params, &by).await;
    }

    async fn agent(&mut self) {
        let (principal, agent) = self.random.pick(&[(ISSUER, 5), (5, 6), (2, 5)]);
        let action = self.random.pick(&["Delegate", "Suspend", "Resume", "Revoke"]);
        if action == "Delegate" {
            let terms = json!({
                "agent": self.registry.dids[agent], "actions": ["issue"],
                "resources": ["degrees/*"], "validUntil": "2033-01-01T00:00:00Z",
            });
            return self.delegate(principal, agent, terms).await;
        }
        let params = json!({ "agent": self.registry.dids[agent] });
        let params = self.ending(params, action == "Revoke");
        self.author(principal, &format!("agent_prepare{action}"), params).await;
    }

    async fn status(&mut self) {
        let entries = [self.random.below(8), self.random.below(8)];
        let set = json!({ "list": self.list, "entries": entries, "value": 1 });
        let update = json!({
            "list": self.list, "delegates": [], "validUntil": "2023-11-14T22:20:00Z",
        });
        let (action, params) =
            self.random.pick(&[("Set", set.clone()), ("Set", set), ("Update", update)]);
        self.author(ISSUER, &format!("status_prepare{action}"), params).await;
    }

    async fn publish(&mut self) {
        let publish = json!({ "name": TYPE, "schema": self.schema, "assurance": "low" });
        let withdraw = json!({ "name": TYPE });
        let schema = json!({ "schema": self.schema });
        let (action, params) = self.random.pick(&[
            ("PublishType", publish.clone()),
            ("PublishType", publish),
            ("WithdrawType", withdraw),
            ("Withdraw", schema),
        ]);
        let params = self.ending(params, action.starts_with("Withdraw"));
        self.author(AUTHORITY, &format!("schema_prepare{action}"), params).await;
    }

    /// Starts, cancels or completes a recovery of the issuer, or vetoes it by a rotation.
    async fn recover(&mut self) {
        let (did, owner) = (self.registry.dids[ISSUER].clone(), self.people[ISSUER]);
        let heir = owner.rotated();
        let own = json!({ "did": did });
        let key = crate::common::people::public(&owner.control());
        let own_key = json!([{ "key": key, "revoked": "2023-11-14T22:14:00Z" }]);
        let marks = self.random.pick(&[Value::Null, json!([]), own_key]);
        let document = self.random.pick(&[owner, heir]).document_json();
        let sets = json!({ "did": did, "sets": heir.sets(), "document": document, "marks": marks });
        let recovery = [(Role::Recovery, owner.recovery())];
        match self.random.below(6) {
            0 => {
                self.perform("did_prepareRecoverCancel", own, &recovery).await;
            }
            1 => {
                if self.perform("did_prepareRecoverComplete", own, &[]).await.is_some() {
                    self.people[ISSUER] = heir;
                }
            }
            2 => {
                let revealed = json!({ "revealed": [member(&owner.next())] });
                let by = [(Role::Next, owner.next())];
                let params = with_members(sets, revealed);
                if self.perform("did_prepareRotate", params, &by).await.is_some() {
                    self.people[ISSUER] = heir;
                }
            }
            _ => {
                self.perform("did_prepareRecover", sets, &recovery).await;
            }
        }
    }

    /// Registers one of those who are not yet there, or seldom deactivates a DID.
    async fn come_or_go(&mut self) {
        if let Some(newcomer) = self.newcomers.pop() {
            self.registry.server.submit(&newcomer).await.expect("applied");
            self.applied += 1;
            return;
        }
        let who = self.random.pick(&[1, 3, 6, NEWCOMER, NEWCOMER, NEWCOMER]);
        let next = self.people[who].next();
        let params = json!({ "did": self.registry.dids[who], "revealed": [member(&next)] });
        self.perform("did_prepareDeactivate", params, &[(Role::Next, next)]).await;
    }
}
