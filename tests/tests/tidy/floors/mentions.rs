//! The imports of a module, and all paths that its items name.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Macro, Meta, Path, UseTree};

use super::modules::is_for_tests;

/// One name that a `use` imports, or everything below a path.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// Name in this module; `None` for a glob import.
    pub(super) alias: Option<String>,
    pub(super) line: usize,
}

/// A path outside of `use`.
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    /// True if the path is in a string of an attribute, such as `with = "crate::hex"`, where the
    /// name of a module stands for its items.
    pub(super) in_attribute: bool,
    pub(super) line: usize,
}

/// Collects the imports and paths of a module, including those in functions and macros.
#[derive(Default)]
pub(super) struct Mentions {
    pub(super) imports: Vec<Import>,
    pub(super) paths: Vec<Mention>,
}

impl Mentions {
    pub(super) fn of(items: &[Item]) -> Self {
        let mut mentions = Self::default();
        items.iter().for_each(|item| mentions.visit_item(item));
        mentions
    }

    fn import(&mut self, tree: &UseTree, mut path: Vec<String>) {
        let (name, alias) = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.import(&tree.tree, path);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, path.clone());
                }
                return;
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                return self.imports.push(Import { path, alias: None, line });
            }
            UseTree::Name(name) => (&name.ident, &name.ident),
            UseTree::Rename(rename) => (&rename.ident, &rename.rename),
        };
        if name != "self" {
            path.push(name.to_string());
        }
        let alias = if alias == "self" { path.last().cloned() } else { Some(alias.to_string()) };
        let line = name.span().start().line;
        self.imports.push(Import { path, alias, line });
    }

    /// Finds `a::b::c` in tokens that only a macro can parse. Ignores single words, which may mean
    /// anything there.
    fn scan(&mut self, tokens: TokenStream, in_attribute: bool) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) if colons == 2 && !path.is_empty() => {
                    path.push(word.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                token => {
                    self.path(std::mem::take(&mut path), line, false);
                    colons = 0;
                    line = token.span().start().line;
                    match token {
                        TokenTree::Ident(word) => path.push(word.to_string()),
                        TokenTree::Group(group) => self.scan(group.stream(), in_attribute),
                        TokenTree::Literal(text) if in_attribute => {
                            let text = text.to_string();
                            let words = text.trim_matches('"').split("::").map(str::to_owned);
                            self.path(words.collect(), line, true);
                        }
                        _ => {}
                    }
                }
            }
        }
        self.path(path, line, false);
    }

    fn path(&mut self, path: Vec<String>, line: usize, in_attribute: bool) {
        if path.len() > 1 {
            self.paths.push(Mention { path, in_attribute, line });
        }
    }
}

/// Returns the words of a path without their generic arguments.
pub(super) fn words(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl<'ast> Visit<'ast> for Mentions {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, Vec::new());
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs[..],
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.paths.push(Mention { path: words(path), in_attribute: false, line });
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.visit_path(&mac.path);
        self.scan(mac.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone(), true);
        }
    }
}
