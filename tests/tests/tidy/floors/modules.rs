//! The modules of the workspace as the compiler finds them: from the root of each crate along its
//! `mod` items, without those that are compiled only for tests.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, Meta};

use super::mentions::Mentions;
use crate::Source;

/// A module, which is a file or a part of one.
pub(super) struct Module {
    /// Index of its file.
    pub(super) file: usize,
    /// Index of the module that declares it; `None` for the root of a crate.
    pub(super) parent: Option<usize>,
    /// Modules that it declares.
    pub(super) children: BTreeMap<String, usize>,
    /// Items that it defines, each with its variants if it is an enum.
    pub(super) names: BTreeMap<String, BTreeSet<String>>,
    /// Items of the module, except modules and items that are compiled only for tests.
    pub(super) items: Vec<Item>,
    /// Imports and paths of these items.
    pub(super) mentions: Mentions,
}

/// A file that contains modules of the workspace.
pub(super) struct File {
    /// Path from the root of the workspace.
    pub(super) path: String,
    /// Index of its crate.
    pub(super) package: usize,
}

/// A crate of the workspace.
pub(super) struct Package {
    /// Name in its manifest.
    pub(super) name: String,
    /// Index of the module of `lib.rs`, if it has one.
    pub(super) library: Option<usize>,
}

/// All crates of the workspace with their files and modules.
#[derive(Default)]
pub(super) struct House {
    pub(super) packages: Vec<Package>,
    pub(super) files: Vec<File>,
    pub(super) modules: Vec<Module>,
}

impl House {
    /// Reads every crate whose manifest is among `sources`, except `tests`.
    pub(super) fn new(sources: &[Source]) -> Self {
        let texts = sources.iter().map(|source| (source.path.as_str(), source.text.as_str()));
        let texts: BTreeMap<&str, &str> = texts.collect();
        let mut house = Self::default();
        for (path, text) in &texts {
            let Some(folder) = path.strip_suffix("/Cargo.toml") else { continue };
            if folder == "tests" {
                continue;
            }
            let name = text.lines().find_map(|line| line.strip_prefix("name = "));
            let name = name.unwrap_or(folder).trim_matches('"').to_owned();
            let package = house.packages.len();
            house.packages.push(Package { name, library: None });
            for root in roots(&texts, &format!("{folder}/src/")) {
                let library = root.ends_with("src/lib.rs");
                let module = house.add_file(&texts, root, package, None);
                if library {
                    house.packages[package].library = Some(module);
                }
            }
        }
        house
    }

    fn add_file(
        &mut self,
        texts: &BTreeMap<&str, &str>,
        path: &str,
        package: usize,
        parent: Option<usize>,
    ) -> usize {
        let parsed = syn::parse_file(texts[path]);
        let parsed = parsed.unwrap_or_else(|error| panic!("{path} does not parse: {error}"));
        let file = self.files.len();
        self.files.push(File { path: path.to_owned(), package });
        let (folder, name) = path.rsplit_once('/').expect("a file in the folder of a crate");
        let owns_folder = parent.is_none() || name == "mod.rs";
        let stem = path.trim_end_matches(".rs");
        let folder = if owns_folder { folder } else { stem };
        self.add_module(texts, file, folder, parsed.items, parent)
    }

    /// Adds a module of `file` whose children lie in `folder`.
    fn add_module(
        &mut self,
        texts: &BTreeMap<&str, &str>,
        file: usize,
        folder: &str,
        items: Vec<Item>,
        parent: Option<usize>,
    ) -> usize {
        let module = self.modules.len();
        let (declared, items): (Vec<_>, Vec<_>) = items
            .into_iter()
            .filter(|item| !is_for_tests(attributes(item)))
            .partition(|item| matches!(item, Item::Mod(_)));
        self.modules.push(Module {
            file,
            parent,
            children: BTreeMap::new(),
            names: items.iter().filter_map(definition).collect(),
            mentions: Mentions::of(&items),
            items,
        });
        for item in declared {
            let Item::Mod(item) = item else { continue };
            let name = item.ident.to_string();
            let below = format!("{folder}/{name}");
            let child = if let Some((_, items)) = item.content {
                self.add_module(texts, file, &below, items, Some(module))
            } else {
                let paths = [format!("{below}.rs"), format!("{below}/mod.rs")];
                let path = paths.iter().find(|path| texts.contains_key(path.as_str()));
                let path = path.unwrap_or_else(|| panic!("{below}.rs is missing"));
                self.add_file(texts, path, self.files[file].package, Some(module))
            };
            self.modules[module].children.insert(name, child);
        }
        module
    }
}

/// Returns the files of `folder` from which the compiler starts.
fn roots<'a>(texts: &BTreeMap<&'a str, &str>, folder: &str) -> Vec<&'a str> {
    let is_root = |path: &str| {
        path.strip_prefix(folder).is_some_and(|name| {
            name == "lib.rs"
                || name == "main.rs"
                || name.strip_prefix("bin/").is_some_and(|name| !name.contains('/'))
        })
    };
    texts.keys().copied().filter(|path| is_root(path)).collect()
}

/// Returns the name that an item defines in its module, and its variants if it is an enum.
fn definition(item: &Item) -> Option<(String, BTreeSet<String>)> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    let variants = match item {
        Item::Enum(item) => item.variants.iter().map(|variant| variant.ident.to_string()).collect(),
        _ => BTreeSet::new(),
    };
    Some((name.to_string(), variants))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// True if an attribute is `cfg(test)` or `cfg(all(test, …))`.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => needs_test(list.tokens.clone()),
        _ => false,
    })
}

fn needs_test(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(word)), None) => word == "test",
        (Some(TokenTree::Ident(word)), Some(TokenTree::Group(group))) if word == "all" => {
            group.stream().into_iter().any(|token| match token {
                TokenTree::Ident(word) => word == "test",
                _ => false,
            })
        }
        _ => false,
    }
}
