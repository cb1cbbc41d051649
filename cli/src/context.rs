//! What every command shares: the node's home, the node to ask, and the form of the output.

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
    /// Home of the node.
    pub home: Home,
    /// True if the command prints JSON.
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

    /// Returns a client of the node that `--rpc` names, or else of the default one.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        match &self.rpc {
            Some(url) => Client::new(url),
            None => Client::new(&self.default_rpc()?),
        }
    }

    /// Returns the URL of the node that HOME configures.
    #[cfg(feature = "node")]
    fn default_rpc(&self) -> Result<String, Failure> {
        Ok(node::config::Loaded::load(&self.home, &[])?.config.local_rpc_url())
    }

    /// Fails, because a binary that cannot run nodes knows no node on this machine.
    #[cfg(not(feature = "node"))]
    #[expect(clippy::unused_self, reason = "the other one reads HOME")]
    fn default_rpc(&self) -> Result<String, Failure> {
        let remedy = "give --rpc URL, or set IDEM_RPC to the base URL of a node";
        Err(Failure::usage_with("no node is named", remedy))
    }

    /// Prints a JSON value on standard output; without `--json` it is indented.
    pub(crate) fn print_value(&self, value: &Value) -> Result<(), Failure> {
        self.print(value, serde_json::to_string_pretty(value).unwrap_or_default())
    }

    /// Prints the fields of a flat JSON object on standard output; without `--json` each on a line
    /// of its own.
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

    /// Prints an answer on standard output: `json` with `--json`, otherwise `human`.
    pub(crate) fn print(&self, json: &impl Serialize, human: impl Display) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(json).map_err(|error| Failure::usage(error.to_string()))?
        } else {
            human.to_string()
        };
        self.print_text(&text)
    }

    /// Prints text as it is, for commands whose user asked for another form than JSON.
    pub(crate) fn print_text(&self, text: &str) -> Result<(), Failure> {
        // A broken pipe is no error: readers such as `head` close their end once they have read
        // enough.
        match writeln!(std::io::stdout(), "{}", text.trim_end()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::usage(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// Returns a string without quotes, and any other value as JSON with the original spelling.
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
