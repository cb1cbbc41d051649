//! The requests and answers of one snapshot file.

use std::collections::BTreeMap;

use http::{HeaderMap, Request};
use registry_core::codec::base64url;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::client::{Answer, Server};

/// Largest body in bytes that an entry contains. Longer bodies are recorded by length and hash.
const WHOLE_BYTES_MAX: usize = 16 * 1024;

/// Largest request in bytes that an entry contains. Longer requests are recorded by their length.
const SHOWN_BYTES_MAX: usize = 8 * 1024;

/// Members of answers that depend on the wall clock. Their values are masked wherever the name
/// occurs.
const CLOCK_MEMBERS: [&str; 1] = ["ageMs"];

/// Header that depends on the wall clock: seconds since the newest block, which is of 2023. On the
/// network of 2100 it is 0 and is not masked.
const CLOCK_HEADER: &str = "x-ledger-age";

/// Headers that nearly all answers have; most answers are JSON-RPC. An entry omits those that have
/// these values, and shows a header that the answer lacks as null.
const USUAL_HEADERS: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "etag,link,location,retry-after,x-ledger-height,x-ledger-age,idem-ledger-version,\
         x-request-id,ratelimit-limit,ratelimit-remaining,ratelimit-reset",
    ),
    ("content-type", "application/json; charset=utf-8"),
];

/// Members that depend on the salt of an operation. They are random if the caller gives no salt.
pub(super) const SALTED: [&str; 3] = ["body", "operation", "message"];

/// Members that contain the number of a subscription, which is random.
pub(super) const SUBSCRIPTION: [&str; 2] = ["result", "subscription"];

/// A request and its answer. The body is in the one member that fits it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) request: Box<RawValue>,
    pub(super) status: u16,
    headers: Box<RawValue>,
    /// JSON body, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Body that is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64url: Option<String>,
    /// Length and SHA-256 of a body that is too long for an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    long: Option<String>,
}

/// The entries of one file.
pub(super) struct Book {
    /// Name of the file without its extension.
    pub(super) file: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// An HTTP request in the form of the tests' tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) admin: bool,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
}

/// Returns a `GET` request without headers.
pub(super) fn get(path: &str) -> Asked<'_> {
    Asked { admin: false, method: "GET", path, headers: &[], body: "" }
}

impl Asked<'_> {
    fn shown(&self) -> Value {
        let mut shown = json!({ "http": format!("{} {}", self.method, self.path) });
        if self.admin {
            shown["listener"] = json!("admin");
        }
        if !self.headers.is_empty() {
            let headers = self.headers.iter();
            let headers = headers.map(|(name, value)| format!("{name}: {value}"));
            shown["headers"] = json!(headers.collect::<Vec<_>>());
        }
        match self.body.len() {
            0 => {}
            length if length > SHOWN_BYTES_MAX => shown["body"] = json!(format!("{length} bytes")),
            _ => shown["body"] = json!(self.body),
        }
        shown
    }

    pub(super) async fn send(&self, server: &Server) -> Answer {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        server.send(self.admin, request, self.body).await
    }
}

impl Book {
    pub(super) fn new(file: &'static str) -> Self {
        Self { file, entries: Vec::new() }
    }

    /// Calls a method and records the answer. Returns the parsed answer.
    pub(super) async fn call(
        &mut self,
        server: &Server,
        what: &str,
        method: &str,
        params: Value,
    ) -> Value {
        self.call_masked(server, what, method, params, &[]).await
    }

    /// Does the same as [`Book::call`] and masks the members `masked`, whose values are random.
    pub(super) async fn call_masked(
        &mut self,
        server: &Server,
        what: &str,
        method: &str,
        params: Value,
        masked: &[&str],
    ) -> Value {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let call = call.to_string();
        let answer = server.post(&call).await;
        let params = match call.len() {
            length if length > SHOWN_BYTES_MAX => json!(format!("a call of {length} bytes")),
            _ => params,
        };
        let shown = json!({ "method": method, "params": params });
        let name = format!("{method}: {what}");
        self.add(name, &shown, &answer, masked);
        answer.json()
    }

    /// Posts text as a JSON-RPC request and records the answer.
    pub(super) async fn post(&mut self, server: &Server, name: &str, body: &str) {
        let headers = [("content-type", "application/json")];
        let asked = Asked { admin: false, method: "POST", path: "/", headers: &headers, body };
        self.ask(server, name, asked).await;
    }

    /// Sends an HTTP request and records the answer.
    pub(super) async fn ask(&mut self, server: &Server, name: &str, asked: Asked<'_>) -> Answer {
        let answer = asked.send(server).await;
        let name = format!("{} {}: {name}", asked.method, asked.path);
        self.add(name, &asked.shown(), &answer, &[]);
        answer
    }

    /// Records an answer. The names of entries must differ.
    pub(super) fn add(&mut self, name: String, request: &Value, answer: &Answer, masked: &[&str]) {
        assert!(self.entries.iter().all(|entry| entry.name != name), "twice: {name}");
        let mut body = answer.body.clone();
        let mut is_resized = false;
        if let Ok(text) = str::from_utf8(&body) {
            let (text, resized) = mask(text, masked);
            (body, is_resized) = (text.into_bytes(), resized);
        }
        let mut entry = Entry {
            name,
            request: to_raw_value(request).expect("JSON"),
            status: answer.status.as_u16(),
            headers: headers(&answer.headers, is_resized),
            json: None,
            text: None,
            base64url: None,
            long: None,
        };
        entry.set_body(&body);
        self.entries.push(entry);
    }

    /// Records a WebSocket message, which has neither status nor headers. Its members are sorted by
    /// name.
    pub(super) fn add_message(&mut self, name: &str, request: &Value, message: &Value) {
        let (text, _) = mask(&message.to_string(), &SUBSCRIPTION);
        let mut entry = Entry {
            name: name.to_owned(),
            request: to_raw_value(request).expect("JSON"),
            status: 101,
            headers: to_raw_value(&json!({})).expect("JSON"),
            json: None,
            text: None,
            base64url: None,
            long: None,
        };
        entry.set_body(text.as_bytes());
        self.entries.push(entry);
    }

    /// Returns the text of the file.
    pub(super) fn text(&self) -> String {
        serde_json::to_string_pretty(&self.entries).expect("JSON") + "\n"
    }
}

impl Entry {
    /// True if the call has a result.
    pub(super) fn succeeds(&self) -> bool {
        self.json.as_ref().is_some_and(|json| json.get().contains("\"result\":"))
    }

    fn set_body(&mut self, body: &[u8]) {
        let text = str::from_utf8(body).ok();
        let json = text.and_then(|text| serde_json::from_str::<Box<RawValue>>(text).ok());
        match (text, json) {
            (Some(""), _) => {}
            (_, _) if body.len() > WHOLE_BYTES_MAX => {
                let hash = Sha256::digest(body);
                let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                self.long = Some(format!("{} bytes, SHA-256 {hash}", body.len()));
            }
            (Some(text), Some(json)) if json.get() == text => self.json = Some(json),
            (Some(text), _) => self.text = Some(text.to_owned()),
            (None, _) => self.base64url = Some(base64url(body)),
        }
    }
}

/// Returns all headers but `date` and the usual ones, in ascending order of their names. It masks
/// the header that depends on the clock, and the content length if the masked values have no fixed
/// length.
fn headers(headers: &HeaderMap, is_resized: bool) -> Box<RawValue> {
    let usual = USUAL_HEADERS.iter().map(|(name, _)| (*name, None));
    let mut shown: BTreeMap<&str, Option<String>> = usual.collect();
    for name in headers.keys().filter(|name| *name != "date") {
        let values = headers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let value = values.collect::<Vec<_>>().join(" | ");
        let masked = match name.as_str() {
            CLOCK_HEADER => value != "0",
            "content-length" => is_resized,
            _ => false,
        };
        shown.insert(name.as_str(), Some(if masked { format!("<{name}>") } else { value }));
    }
    shown.retain(|name, value| !USUAL_HEADERS.contains(&(*name, value.as_deref().unwrap_or(""))));
    to_raw_value(&shown).expect("JSON")
}

/// Masks the values that depend on the clock, and those of the members `masked`. Returns the text,
/// and true if the masked values have no fixed length.
fn mask(text: &str, masked: &[&str]) -> (String, bool) {
    let (mut text, mut is_resized) = (text.to_owned(), false);
    for name in CLOCK_MEMBERS.iter().chain(masked) {
        let member = format!("\"{name}\":");
        let mut done = String::new();
        while let Some((before, after)) = text.split_once(&member) {
            let is_text = after.starts_with('"');
            let end = match is_text {
                true => after[1..].find('"').expect("a closed text") + 2,
                false => after.find([',', '}']).expect("a closed object"),
            };
            let (value, rest) = after.split_at(end);
            // On the network of 2100 ages are 0 whatever the clock says. Only numbers and strings
            // are random.
            let keeps = value == "0" || value.starts_with(['[', '{', 't', 'f', 'n']);
            is_resized |= !keeps && !is_text;
            let value = if keeps { value.to_owned() } else { format!("\"<{name}>\"") };
            done = format!("{done}{before}{member}{value}");
            text = rest.to_owned();
        }
        text = done + &text;
    }
    (text, is_resized)
}
