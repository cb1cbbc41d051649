//! What every command shares: home, node, and how to answer.

use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};

use super::client::Client;
use super::exit::Failure;
use crate::config::{Home, Loaded};

/// The global options of a command line.
#[derive(Debug)]
pub struct Context {
    /// The node's home.
    pub home: Home,
    /// Whether the answer is JSON.
    pub json: bool,
    rpc: Option<String>,
}

impl Context {
    pub(super) fn new(
        home: Option<PathBuf>,
        rpc: Option<String>,
        json: bool,
    ) -> Result<Self, Failure> {
        let home = match home {
            Some(path) => Home::new(path),
            None => Home::of_user()?,
        };
        Ok(Self { home, json, rpc })
    }

    /// A client of the node that `--rpc` names, or else of the one that HOME configures.
    pub fn client(&self) -> Result<Client, Failure> {
        match &self.rpc {
            Some(url) => Client::new(url),
            None => Client::new(&Loaded::load(&self.home, &[])?.config.local_rpc_url()),
        }
    }

    /// A JSON answer on standard output, indented for people.
    pub fn print_value(&self, value: &Value) -> Result<(), Failure> {
        self.print(value, serde_json::to_string_pretty(value).unwrap_or_default())
    }

    /// A flat JSON object on standard output, for people a line a field.
    pub fn print_fields(&self, fields: &Map<String, Value>) -> Result<(), Failure> {
        let width = fields.keys().map(String::len).max().unwrap_or_default();
        let line = |(name, value): (&String, &Value)| match value {
            Value::String(text) => format!("{name:width$}  {text}"),
            other => format!("{name:width$}  {other}"),
        };
        self.print(fields, fields.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    /// The answer on standard output: `json` under `--json`, else `human`.
    pub fn print(&self, json: &impl Serialize, human: impl Display) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(json).map_err(|error| Failure::usage(error.to_string()))?
        } else {
            human.to_string()
        };
        self.print_text(&text)
    }

    /// An answer of another form than JSON, which the command line asked for.
    pub fn print_text(&self, text: &str) -> Result<(), Failure> {
        // A reader that closed its end, such as `head`, has what it wanted.
        match writeln!(std::io::stdout(), "{}", text.trim_end()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::usage(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}
