//! Where in the input a part of the imported document came from.

use std::collections::BTreeMap;

/// Paths of the registry's document and the input paths that they came from. Parts keep their
/// place below a recorded path.
#[derive(Default)]
pub(super) struct Origins(BTreeMap<String, String>);

impl Origins {
    pub(super) fn record(&mut self, stored: String, input: &str) {
        self.0.insert(stored, input.to_owned());
    }

    /// The input path of `stored`, by its longest recorded prefix.
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
