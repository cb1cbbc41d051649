//! Finds code outside of the tables that asks which variant an enum value has, for the enums whose
//! facts stand in a table. Otherwise a new variant could silently fall through such code.

use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Expr, ExprLet, ExprMatch, ItemImpl, Local, Macro, Pat, PatIdent, Path, Token, Type};

use super::graph::Target;
use super::mentions::words;
use super::modules::House;

/// Enums of `registry-core` whose facts are all in tables.
const ENUMS: [&str; 4] = ["Action", "Guard", "Kind", "Role"];

/// Files that contain the tables.
const TABLES: [&str; 4] = [
    "registry-core/src/operation/action.rs",
    "registry-core/src/operation/guard.rs",
    "registry-core/src/operation/signature.rs",
    "registry-core/src/record.rs",
];

/// Paths in which a `match` on one of the enums must name every variant.
const EXHAUSTIVE: [&str; 3] = ["registry-core/src/", "registry-state/src/", "rpc/src/prepare"];

/// Returns every place outside of the tables that asks for a variant.
pub(super) fn questions(house: &House) -> Vec<String> {
    let mut findings = Vec::new();
    for (module, here) in house.modules.iter().enumerate() {
        let path = house.files[here.file].path.as_str();
        if TABLES.contains(&path) {
            continue;
        }
        let exhaustive = EXHAUSTIVE.iter().any(|start| path.starts_with(start));
        let mut search = Search { house, module, exhaustive, this: None, found: Vec::new() };
        here.items.iter().for_each(|item| search.visit_item(item));
        let found = search.found.into_iter();
        findings.extend(found.map(|(line, what)| format!("{path}:{line}: {what}")));
    }
    findings
}

struct Search<'a> {
    house: &'a House,
    module: usize,
    /// True if a `match` must name every variant.
    exhaustive: bool,
    /// Type whose `impl` is being read.
    this: Option<Vec<String>>,
    found: Vec<(usize, String)>,
}

/// Paths and plain names of a pattern, each with its line.
#[derive(Default)]
struct Names(Vec<(Vec<String>, usize)>);

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast Path) {
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.0.push((words(path), line));
    }

    fn visit_pat_ident(&mut self, name: &'ast PatIdent) {
        self.0.push((vec![name.ident.to_string()], name.ident.span().start().line));
        visit::visit_pat_ident(self, name);
    }
}

impl Search<'_> {
    /// Returns the enum with a table whose variant a pattern names, and the line.
    fn variant(&self, pattern: &Pat) -> Option<(String, usize)> {
        let mut names = Names::default();
        names.visit_pat(pattern);
        names.0.into_iter().find_map(|(path, line)| {
            let path = match (path.split_first(), &self.this) {
                (Some((first, rest)), Some(this)) if first == "Self" => [this, rest].concat(),
                _ => path,
            };
            let targets = self.house.find(self.module, &path);
            let name = targets.into_iter().find_map(|target| match target {
                Target::Item(module, name) if self.is_ours(module, &name) => Some(name),
                _ => None,
            });
            name.map(|name| (name, line))
        })
    }

    fn is_ours(&self, module: usize, name: &str) -> bool {
        let module = &self.house.modules[module];
        let package = &self.house.packages[self.house.files[module.file].package];
        // The tables are macros, so the variants of their enums are unknown here.
        let is_enum = module.names.get(name).is_none_or(|variants| !variants.is_empty());
        package.name == "registry-core" && ENUMS.contains(&name) && is_enum
    }

    fn refuse(&mut self, pattern: &Pat, question: &str) {
        if let Some((name, line)) = self.variant(pattern) {
            self.found.push((line, format!("{question} on {name}: its table must answer")));
        }
    }

    /// Reads an expression inside a macro. A new search is needed because the parsed expression
    /// lives only during this call.
    fn read(&mut self, value: &Expr) {
        let mut inner = Search {
            house: self.house,
            module: self.module,
            exhaustive: self.exhaustive,
            this: self.this.clone(),
            found: Vec::new(),
        };
        inner.visit_expr(value);
        self.found.append(&mut inner.found);
    }
}

/// Parses the arguments of `matches!`: the value and the pattern.
fn matches(input: ParseStream<'_>) -> syn::Result<(Expr, Pat)> {
    let value = input.parse()?;
    input.parse::<Token![,]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    input.parse::<proc_macro2::TokenStream>()?;
    Ok((value, pattern))
}

fn is_catch_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => {
            name.subpat.is_none() && name.ident.to_string().starts_with(char::is_lowercase)
        }
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        self.this = match &*item.self_ty {
            Type::Path(path) => Some(words(&path.path)),
            _ => None,
        };
        visit::visit_item_impl(self, item);
        self.this = None;
    }

    fn visit_expr_let(&mut self, expr: &'ast ExprLet) {
        self.refuse(&expr.pat, "`if let`");
        visit::visit_expr_let(self, expr);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if local.init.as_ref().is_some_and(|init| init.diverge.is_some()) {
            self.refuse(&local.pat, "`let … else`");
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_match(&mut self, expr: &'ast ExprMatch) {
        let patterns = || expr.arms.iter().map(|arm| &arm.pat);
        if self.exhaustive && patterns().any(is_catch_all) {
            let named = patterns().find_map(|pattern| self.variant(pattern));
            if let Some((name, line)) = named {
                self.found.push((line, format!("`match` on {name} must name every variant")));
            }
        }
        visit::visit_expr_match(self, expr);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let tokens = mac.tokens.clone();
        if mac.path.is_ident("matches") {
            if let Ok((value, pattern)) = matches.parse2(tokens) {
                self.refuse(&pattern, "`matches!`");
                self.read(&value);
            }
        } else if let Ok(values) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens) {
            values.iter().for_each(|value| self.read(value));
        }
    }
}
