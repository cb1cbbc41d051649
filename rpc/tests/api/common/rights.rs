//! Grantors of rights and those who hold the rights.

use http::Request;
use registry_core::id::Did;
use registry_state::execution::Genesis;
use serde_json::{Value, json};

use super::client::{Answer, Server, config, with_members};
use super::genesis::{genesis, register};
use super::ledger::Ledger;
use super::people::{Person, member};

/// A server and people who are registered there, each known by its number.
pub(crate) struct Registry {
    pub(crate) server: Server,
    pub(crate) dids: Vec<String>,
}

impl Registry {
    pub(crate) async fn with(people: u8) -> Self {
        let (server, mut dids) = (Server::start().await, Vec::new());
        for number in 0..people {
            dids.push(server.register(Person::new(number)).await);
        }
        Self { server, dids }
    }

    /// Founds a network. `set` changes its genesis, given the DIDs that the genesis registers.
    pub(crate) async fn founded(people: u8, set: impl FnOnce(&mut Genesis, &[Did])) -> Self {
        let mut genesis = genesis();
        let dids = register(&mut genesis, people);
        set(&mut genesis, &dids);
        let server = Server::over(Ledger::of(&genesis), config()).await;
        Self { server, dids: dids.iter().map(Did::to_string).collect() }
    }

    /// Makes a registry in which authority 0 lets 1 grant `degrees/*` further, 1 has granted 2
    /// `degrees/bachelor`, and 3 holds no right. Its newest block has the time 22:13:27.500.
    pub(crate) async fn seeded() -> Self {
        let registry = Self::with(4).await;
        let to_grant_on = json!({
            "maxDepth": 1, "assurance": "substantial", "validUntil": "2033-11-14T00:00:00Z",
        });
        let above = with_members(registry.right(0, 1, "degrees/*"), to_grant_on);
        registry.act(0, "Grant", above).await;
        let beneath = registry.right(0, 2, "degrees/bachelor");
        registry.act(1, "Grant", with_members(beneath, json!({ "assurance": "low" }))).await;
        registry
    }

    /// Returns the right of `entity` to issue `resource` under `authority`.
    pub(crate) fn right(&self, authority: usize, entity: usize, resource: &str) -> Value {
        let (authority, entity) = (&self.dids[authority], &self.dids[entity]);
        json!({ "authority": authority, "entity": entity, "action": "issue", "resource": resource })
    }

    /// Adds the author to the parameters of a preparation.
    pub(crate) fn by(&self, author: usize, params: Value) -> Value {
        with_members(params, json!({ "author": self.dids[author] }))
    }

    /// Prepares, signs and applies an operation on a right. Returns the prepared answer.
    pub(crate) async fn act(&self, author: usize, action: &str, params: Value) -> Value {
        let key = Person::new(u8::try_from(author).expect("small")).control();
        self.server.act_trust(action, self.by(author, params), &key).await
    }

    pub(crate) async fn deactivate(&self, number: usize) {
        let next = Person::new(u8::try_from(number).expect("small")).next();
        let params = json!({ "did": self.dids[number], "revealed": [member(&next)] });
        self.server.act("Deactivate", params, &next).await;
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        self.server.call(&format!("trust_{method}"), params).await.expect("an answer")
    }

    /// Returns the name of a refusal and the field at fault.
    pub(crate) async fn refusal(&self, method: &str, params: Value) -> (String, String) {
        self.server.fault(&format!("trust_{method}"), params).await
    }

    /// Posts to one of the two routes of TRQP.
    pub(crate) async fn query(&self, route: &str, body: &Value) -> Answer {
        let request = Request::post(route).header("content-type", "application/json");
        self.server.send(false, request, &body.to_string()).await
    }
}

/// Returns the TRQP query for a right.
pub(crate) fn query_of(right: &Value) -> Value {
    json!({
        "authority_id": right["authority"],
        "entity_id": right["entity"],
        "action": right["action"],
        "resource": right["resource"],
    })
}
