//! Imports the services of a W3C document.

use std::collections::BTreeMap;

use registry_core::did::document::{Endpoint, EndpointValue, Service};
use serde_json::{Map, Value};

use super::{ImportRule, Importer, join};

const MEMBERS: [&str; 7] =
    ["id", "type", "serviceEndpoint", "accept", "priority", "recipientKeys", "routingKeys"];

impl Importer {
    pub(super) fn service(&mut self, path: &str, service: &Value) {
        let Some(members) = service.as_object() else {
            self.refuse(path, ImportRule::WrongType { expected: "an object" });
            return;
        };
        for name in members.keys().map(String::as_str) {
            if !MEMBERS.contains(&name) {
                self.refuse_member(path, name);
            }
        }
        let stored = format!("/service/{}", self.document.service.len());
        let id = self.required_text(path, "id", members);
        let id = id.and_then(|id| self.fragment(&format!("{path}/id"), id));
        let types = self.one_or_many(path, "type", members, &stored, Self::owned_text);
        let service_endpoint =
            self.one_or_many(path, "serviceEndpoint", members, &stored, Self::endpoint);
        let [accept, recipient_keys, routing_keys] = ["accept", "recipientKeys", "routingKeys"]
            .map(|name| self.texts(&format!("{path}/{name}"), members.get(name)));
        let priority = self.priority(path, members.get("priority"));
        let id = id.or_else(|| self.stand_in());
        let (Some(id), Some(types), Some(service_endpoint)) = (id, types, service_endpoint) else {
            return;
        };
        self.origins.record(stored, path);
        self.document.service.push(Service {
            id,
            types,
            service_endpoint,
            accept,
            priority,
            recipient_keys,
            routing_keys,
        });
    }

    /// Reads a required value or list of values. Returns `None` if one of them is refused.
    fn one_or_many<T>(
        &mut self,
        path: &str,
        name: &'static str,
        members: &Map<String, Value>,
        stored: &str,
        read: fn(&mut Self, &str, &Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let path = format!("{path}/{name}");
        match members.get(name) {
            None => {
                self.refuse(&path, ImportRule::MemberMissing { name });
                None
            }
            Some(Value::Array(entries)) => {
                let entries = entries.iter().enumerate();
                let read =
                    entries.map(|(index, entry)| read(self, &format!("{path}/{index}"), entry));
                // All entries are read before the first refusal ends the list, so that each refusal
                // is reported.
                read.collect::<Vec<_>>().into_iter().collect()
            }
            Some(entry) => {
                self.origins.record(format!("{stored}/{name}/0"), &path);
                read(self, &path, entry).map(|only| vec![only])
            }
        }
    }

    fn owned_text(&mut self, path: &str, value: &Value) -> Option<String> {
        self.text(path, value).map(str::to_owned)
    }

    fn texts(&mut self, path: &str, value: Option<&Value>) -> Vec<String> {
        let entries = self.list(path, value).iter().enumerate();
        entries
            .filter_map(|(index, entry)| self.owned_text(&format!("{path}/{index}"), entry))
            .collect()
    }

    fn endpoint(&mut self, path: &str, value: &Value) -> Option<Endpoint> {
        let members = match value {
            Value::Object(members) => members,
            Value::String(uri) => return Some(Endpoint::Uri(uri.clone())),
            _ => {
                self.refuse(path, ImportRule::WrongType { expected: "a URI or a map of URIs" });
                return None;
            }
        };
        let mut endpoint = BTreeMap::new();
        for (name, value) in members {
            let path = join(path, name);
            let value = match value {
                Value::Array(_) => match self.texts(&path, Some(value)) {
                    texts if texts.is_empty() => continue,
                    texts => EndpointValue::Many(texts),
                },
                value => match self.owned_text(&path, value) {
                    Some(text) => EndpointValue::One(text),
                    None => continue,
                },
            };
            endpoint.insert(name.clone(), value);
        }
        Some(Endpoint::Map(endpoint))
    }

    fn priority(&mut self, path: &str, value: Option<&Value>) -> Option<u32> {
        let value = value?;
        let priority = value.as_u64().and_then(|priority| u32::try_from(priority).ok());
        if priority.is_none() {
            let expected = "an integer from 0 to 4294967295";
            self.refuse(&format!("{path}/priority"), ImportRule::WrongType { expected });
        }
        priority
    }
}
