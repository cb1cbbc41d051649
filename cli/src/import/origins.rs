//! Maps parts of the imported document to the parts of the input that they came from.

use std::collections::BTreeMap;

/// Paths in the registry's document, each with the input path that it came from. A part below a
/// recorded path has the same relative path in the input.
#[derive(Default)]
pub(super) struct Origins(BTreeMap<String, String>);

impl Origins {
    pub(super) fn record(&mut self, stored: String, input: &str) {
        self.0.insert(stored, input.to_owned());
    }

    /// Returns the input path of `stored`, found by its longest recorded prefix.
    pub(super) fn input_path(&self, stored: &str) -> String {
        let mut prefix = stored;
        loop {
            if let Some(input) = self.0.get(prefix) {
                let rest = stored.strip_prefix(prefix).unwrap_or_default();
                return format!("{input}{rest}");
            }
            match prefix.rsplit_once('/') {
                Some((parent, _)) => prefix = parent,
                None => return stored.to_owned(),
            }
        }
    }
}
