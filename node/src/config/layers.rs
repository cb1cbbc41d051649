//! The layers of a configuration: flags override the environment, which overrides the file, which
//! overrides the defaults. The origin of every value is kept.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use keys::Home;
use serde::Deserialize;
use toml::de::DeTable;
use toml::{Table, Value};

use super::Config;
use super::rules::{self, rule};
use crate::limits::CONFIG_FILE_BYTES_MAX;

/// Prefix of environment variables. The section, two underscores and the key follow.
const ENV_PREFIX: &str = "IDEM_";

/// Origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The value is the default; nobody set it.
    Default,
    /// The value is from the configuration file.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
    },
    /// The value is from an environment variable.
    Environment {
        /// Name of the variable.
        name: String,
    },
    /// The value is from a flag of the command line.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// One mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{source_text}: not TOML: {reason}")]
    Syntax {
        /// File and line.
        source_text: Source,
        /// Error of the parser.
        reason: String,
    },
    /// No setting has this key.
    #[error("{source_text}: unknown key {key}; {hint}")]
    UnknownKey {
        /// Section and key.
        key: String,
        /// Origin of the key.
        source_text: Source,
        /// The most similar key, or where the keys are listed.
        hint: String,
    },
    /// The value breaks the rule of its setting.
    #[error("{source_text}: {key} must be {rule}: {reason}")]
    Value {
        /// Section and key.
        key: String,
        /// Origin of the value.
        source_text: Source,
        /// The rule, with an example.
        rule: &'static str,
        /// Description of the mistake.
        reason: String,
    },
}

/// All mistakes in a configuration, so that an operator can correct them in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// A checked configuration with the origin of each value.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings that apply.
    pub config: Config,
    /// For each setting, its section and key → its value and origin.
    pub values: BTreeMap<String, (Value, Source)>,
}

impl Loaded {
    /// Reads HOME/config.toml, the environment and `flags`, which are pairs of `section.key` and
    /// text. A missing file sets nothing.
    pub fn load(home: &Home, flags: &[(String, String)]) -> Result<Self, Problems> {
        Self::load_from(home, flags, std::env::vars_os())
    }

    fn load_from(
        home: &Home,
        flags: &[(String, String)],
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Problems> {
        let mut layers = Layers::new();
        layers.add_file(&home.config_file());
        layers.add_environment(environment);
        for (key, text) in flags {
            layers.add_text(key.clone(), text, Source::Flag);
        }
        layers.finish()
    }
}

struct Layers {
    defaults: Table,
    values: BTreeMap<String, (Value, Source)>,
    problems: Vec<Problem>,
}

impl Layers {
    fn new() -> Self {
        let defaults = Table::try_from(Config::default()).unwrap_or_default();
        let values =
            flatten(&defaults).map(|(key, value)| (key, (value, Source::Default))).collect();
        Self { defaults, values, problems: Vec::new() }
    }

    fn add_file(&mut self, path: &Path) {
        let text = match read_file(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                let reason = error.to_string();
                self.problems.push(Problem::Unreadable { path: path.to_owned(), reason });
                return;
            }
        };
        let source_at = |offset: usize| {
            let before = text.as_bytes().iter().take(offset);
            let line = before.filter(|byte| **byte == b'\n').count() + 1;
            Source::File { path: path.to_owned(), line }
        };
        let table = match DeTable::parse(&text) {
            Ok(table) => table,
            Err(error) => {
                let source_text = source_at(error.span().map_or(0, |span| span.start));
                let reason = error.message().to_owned();
                self.problems.push(Problem::Syntax { source_text, reason });
                return;
            }
        };
        for (section, content) in table.get_ref() {
            let Some(entries) = content.get_ref().as_table() else {
                self.unknown(section.get_ref().to_string(), source_at(section.span().start));
                continue;
            };
            for (name, value) in entries {
                let key = format!("{}.{}", section.get_ref(), name.get_ref());
                let source = source_at(name.span().start);
                // The text of a value is TOML itself. A table under a key has no such text, and no
                // setting is a table.
                let parsed = text.get(value.span()).and_then(|text| text.parse::<Value>().ok());
                match parsed.filter(|_| !value.get_ref().is_table()) {
                    Some(value) => self.add(key, value, source),
                    None => self.wrong(key, source, "this is a table".to_owned()),
                }
            }
        }
    }

    fn add_environment(&mut self, environment: impl Iterator<Item = (OsString, OsString)>) {
        for (name, value) in environment {
            let Some(name) = name.to_str().map(str::to_owned) else { continue };
            let Some((section, key)) =
                name.strip_prefix(ENV_PREFIX).and_then(|rest| rest.split_once("__"))
            else {
                continue;
            };
            let key = format!("{}.{}", section.to_lowercase(), key.to_lowercase());
            let source = Source::Environment { name };
            match value.to_str() {
                Some(text) => self.add_text(key, text, source),
                None => self.wrong(key, source, "the value is not UTF-8".to_owned()),
            }
        }
    }

    /// Adds a value given as plain text. The type of the default tells how to read it.
    fn add_text(&mut self, key: String, text: &str, source: Source) {
        let as_toml = || text.parse::<Value>().map_err(|error| error.message().to_owned());
        let value = match self.values.get(&key).map(|(value, _)| value) {
            Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
            }
            Some(Value::Array(_) | Value::Integer(_) | Value::Boolean(_)) => as_toml(),
            _ => Ok(Value::String(text.to_owned())),
        };
        match value {
            Ok(value) => self.add(key, value, source),
            Err(reason) => self.wrong(key, source, reason),
        }
    }

    fn add(&mut self, key: String, value: Value, source: Source) {
        let Some((section, name)) = key.split_once('.').filter(|_| self.values.contains_key(&key))
        else {
            return self.unknown(key, source);
        };
        // The value is tried alone on top of the defaults, so that an error can only be about it.
        let mut alone = self.defaults.clone();
        if let Some(Value::Table(entries)) = alone.get_mut(section) {
            entries.insert(name.to_owned(), value.clone());
        }
        match Config::deserialize(alone) {
            Ok(_) => {
                self.values.insert(key, (value, source));
            }
            Err(error) => self.wrong(key, source, error.message().trim().to_owned()),
        }
    }

    fn wrong(&mut self, key: String, source_text: Source, reason: String) {
        if !self.values.contains_key(&key) {
            return self.unknown(key, source_text);
        }
        let rule = rule(&key);
        self.problems.push(Problem::Value { key, source_text, rule, reason });
    }

    fn unknown(&mut self, key: String, source_text: Source) {
        let similar = self
            .values
            .keys()
            .max_by(|a, b| strsim::jaro_winkler(a, &key).total_cmp(&strsim::jaro_winkler(b, &key)));
        let hint = match similar.filter(|known| strsim::jaro_winkler(known, &key) >= 0.8) {
            Some(known) if matches!(source_text, Source::Environment { .. }) => {
                format!("did you mean {}?", environment_name(known))
            }
            Some(known) => format!("did you mean {known}?"),
            None => "`idem config show` lists all keys".to_owned(),
        };
        self.problems.push(Problem::UnknownKey { key, source_text, hint });
    }

    fn finish(mut self) -> Result<Loaded, Problems> {
        let mut table = Table::new();
        for (key, (value, _)) in &self.values {
            let (section, name) = key.split_once('.').unwrap_or((key, ""));
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(entries) = entry {
                entries.insert(name.to_owned(), value.clone());
            }
        }
        let config = match Config::deserialize(table) {
            Ok(config) => config,
            // This cannot happen: each value was accepted alone, and no type spans two values.
            Err(error) => {
                self.wrong("node.role".to_owned(), Source::Default, error.to_string());
                return Err(Problems(self.problems));
            }
        };
        for broken in rules::check(&config) {
            let source = self.values.get(broken.key).map(|(_, source)| source.clone());
            let source = source.unwrap_or(Source::Default);
            self.wrong(broken.key.to_owned(), source, broken.reason);
        }
        if self.problems.is_empty() {
            Ok(Loaded { config, values: self.values })
        } else {
            Err(Problems(self.problems))
        }
    }
}

fn read_file(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(CONFIG_FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn environment_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replacen('.', "__", 1).to_uppercase())
}

/// Section tables as pairs of `section.key` and value.
fn flatten(table: &Table) -> impl Iterator<Item = (String, Value)> {
    table.iter().filter_map(|(section, value)| Some((section, value.as_table()?))).flat_map(
        |(section, entries)| {
            entries.iter().map(move |(key, value)| (format!("{section}.{key}"), value.clone()))
        },
    )
}

#[cfg(test)]
mod tests;
