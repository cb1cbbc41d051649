//! The place in a document where a rule is broken, as a JSON pointer (RFC 6901).

use std::collections::BTreeSet;
use std::fmt;

use super::rule::{DocumentError, Rule};

/// A place in a document. Paths are linked on the stack and formatted only when a rule is broken,
/// so checking a good document formats nothing.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Segment<'a>,
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(super) fn root(name: &'a str) -> Self {
        Self { parent: None, segment: Segment::Name(name) }
    }

    pub(super) fn name(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), segment: Segment::Name(name) }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), segment: Segment::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
        }
        match self.segment {
            Segment::Name(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Segment::Index(index) => write!(f, "/{index}"),
        }
    }
}

#[derive(Default)]
pub(super) struct Findings(Vec<DocumentError>);

impl Findings {
    pub(super) fn into_errors(self) -> Vec<DocumentError> {
        self.0
    }

    pub(super) fn add(&mut self, path: &Path<'_>, rule: Rule) {
        self.0.push(DocumentError { path: path.to_string(), rule });
    }

    pub(super) fn extend(&mut self, path: &Path<'_>, rule: Option<impl Into<Rule>>) {
        if let Some(rule) = rule {
            self.add(path, rule.into());
        }
    }

    pub(super) fn count(&mut self, path: &Path<'_>, actual: usize, min: usize, max: usize) {
        if !(min..=max).contains(&actual) {
            self.add(path, Rule::Count { actual, min, max });
        }
    }

    /// Reports every entry that the list holds a second time.
    pub(super) fn set<T: Ord>(&mut self, path: &Path<'_>, entries: &[T]) {
        let mut seen = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            if !seen.insert(entry) {
                self.add(&path.index(index), Rule::EntryRepeated);
            }
        }
    }
}
