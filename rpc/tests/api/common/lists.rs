//! Issuers of credentials with a status.

use serde_json::{Value, json};

use super::client::{Server, with_members};
use super::people::Person;

/// A server, with an issuer and its first status list.
pub(crate) struct Issuer {
    pub(crate) server: Server,
    pub(crate) person: Person,
    pub(crate) did: String,
    pub(crate) list: String,
}

impl Issuer {
    pub(crate) async fn with(purpose: &str, length: u64) -> Self {
        Self::on(Server::start().await, purpose, length).await
    }

    pub(crate) async fn on(server: Server, purpose: &str, length: u64) -> Self {
        let person = Person::new(1);
        let did = server.register(person).await;
        let create = json!({ "author": did, "purpose": purpose, "length": length });
        let created = server.act_status("Create", create, &person.control()).await;
        let list = created["list"].as_str().expect("a list").to_owned();
        Self { server, person, did, list }
    }

    pub(crate) async fn act(&self, action: &str, members: Value) -> Value {
        self.server.act_status(action, self.params(members), &self.person.control()).await
    }

    /// Sets entries to a value.
    pub(crate) async fn set(&self, entries: &[u64], value: u8) -> Value {
        self.act("Set", json!({ "entries": entries, "value": value })).await
    }

    pub(crate) fn params(&self, members: Value) -> Value {
        with_members(json!({ "author": self.did, "list": self.list }), members)
    }

    pub(crate) async fn refusal(&self, action: &str, members: Value) -> String {
        let method = format!("status_prepare{action}");
        self.server.refusal(&method, self.params(members)).await.1
    }

    pub(crate) async fn get(&self, members: Value) -> Value {
        let mut params = members;
        params["list"] = json!(self.list);
        self.server.call("status_getList", params).await.expect("a list")
    }

    pub(crate) async fn check(&self, entry: u64, at: Option<&str>) -> Value {
        let params = json!({ "list": self.list, "entry": entry, "at": at });
        self.server.call("status_check", params).await.expect("an answer")
    }
}
