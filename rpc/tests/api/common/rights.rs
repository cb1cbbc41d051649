//! Those who grant rights, and those who hold them.

use serde_json::{Value, json};

use super::client::{Answer, Server, with_members};
use super::people::{Person, member};
use http::Request;

/// A server and people who are registered there, each by its number.
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

    /// At 22:13:27.500: authority 0 lets 1 grant `degrees/*` on, from which 2 has
    /// `degrees/bachelor`; 3 has nothing.
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

    /// The right of `entity` to issue something, under `authority`.
    pub(crate) fn right(&self, authority: usize, entity: usize, resource: &str) -> Value {
        let (authority, entity) = (&self.dids[authority], &self.dids[entity]);
        json!({ "authority": authority, "entity": entity, "action": "issue", "resource": resource })
    }

    /// `params` of a preparation by `author`.
    pub(crate) fn by(&self, author: usize, params: Value) -> Value {
        with_members(params, json!({ "author": self.dids[author] }))
    }

    /// Prepares, signs and applies; the prepared answer.
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

    /// The name of a refusal and the field at fault.
    pub(crate) async fn refusal(&self, method: &str, params: Value) -> (String, String) {
        let refused = self.server.call(&format!("trust_{method}"), params).await;
        let refused = refused.expect_err("must be refused");
        let data: Value = serde_json::from_str(refused.data().expect("data").get()).expect("JSON");
        let text = |name: &str| data[name].as_str().expect("text").to_owned();
        (text("name"), text("field"))
    }

    /// Posts to one of the two routes of TRQP.
    pub(crate) async fn query(&self, route: &str, body: &Value) -> Answer {
        let request = Request::post(route).header("content-type", "application/json");
        self.server.send(false, request, &body.to_string()).await
    }
}

/// A right as TRQP asks for it.
pub(crate) fn query_of(right: &Value) -> Value {
    json!({
        "authority_id": right["authority"],
        "entity_id": right["entity"],
        "action": right["action"],
        "resource": right["resource"],
    })
}
