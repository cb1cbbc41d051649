//! What every command shares: home, node, and how to answer.

use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;

use keys::Home;
use serde::Serialize;
use serde_json::Value;

use super::client::Client;
use super::exit::Failure;

/// The global options of a command line.
#[derive(Debug)]
pub(crate) struct Context {
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

    /// A client of the node that `--rpc` names, or else of the default one.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        match &self.rpc {
            Some(url) => Client::new(url),
            None => Client::new(&self.default_rpc()?),
        }
    }

    /// The node that HOME configures.
    #[cfg(feature = "node")]
    fn default_rpc(&self) -> Result<String, Failure> {
        Ok(node::config::Loaded::load(&self.home, &[])?.config.local_rpc_url())
    }

    /// A binary that runs no node knows of none on this machine.
    #[cfg(not(feature = "node"))]
    #[expect(clippy::unused_self, reason = "the other one reads HOME")]
    fn default_rpc(&self) -> Result<String, Failure> {
        let remedy = "give --rpc URL, or set IDEM_RPC to the base URL of a node";
        Err(Failure::usage_with("no node is named", remedy))
    }

    /// A JSON answer on standard output, indented for people.
    pub(crate) fn print_value(&self, value: &Value) -> Result<(), Failure> {
        self.print(value, serde_json::to_string_pretty(value).unwrap_or_default())
    }

    /// A flat JSON object on standard output, for people a line a field.
    pub(crate) fn print_fields<F, V>(&self, fields: &F) -> Result<(), Failure>
    where
        F: Serialize,
        V: Serialize + 'static,
        for<'f> &'f F: IntoIterator<Item = (&'f String, &'f V)>,
    {
        let width = fields.into_iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let line = |(name, value): (&String, &V)| format!("{name:width$}  {}", shown(value));
        self.print(fields, fields.into_iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    /// The answer on standard output: `json` under `--json`, else `human`.
    pub(crate) fn print(&self, json: &impl Serialize, human: impl Display) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(json).map_err(|error| Failure::usage(error.to_string()))?
        } else {
            human.to_string()
        };
        self.print_text(&text)
    }

    /// An answer of another form than JSON, which the command line asked for.
    pub(crate) fn print_text(&self, text: &str) -> Result<(), Failure> {
        // A reader that closed its end, such as `head`, has what it wanted.
        match writeln!(std::io::stdout(), "{}", text.trim_end()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::usage(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// A text as it is, another value as JSON, spelt as it came.
fn shown(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&json).unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::shown;

    #[test]
    fn a_value_is_shown_as_it_is_spelt() {
        for (json, text) in [
            ("{\"b\": 1.50, \"a\":1e2}", "{\"b\": 1.50, \"a\":1e2}"),
            ("\"a\\nb\"", "a\nb"),
            ("7", "7"),
        ] {
            let value = RawValue::from_string(json.to_owned()).expect("JSON");
            assert_eq!(shown(&value), text);
        }
    }
}
