//! Which file names an item of which other file, and the circles among files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::House;

/// A module or item that a path leads to.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A module of the workspace.
    Module(usize),
    /// An item, with the module that defines it.
    Item(usize, String),
}

/// An arrow from a file that names an item to the file that defines it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) item: String,
}

/// All arrows, each with the first line that causes it.
pub(super) type Arrows = BTreeMap<Arrow, usize>;

/// Names that are being looked up, so that circular imports end.
type Seen = BTreeSet<(usize, String)>;

impl House {
    /// Returns what `path` means in `module`; nothing if it leads out of the workspace.
    pub(super) fn find(&self, module: usize, path: &[String]) -> Vec<Target> {
        self.follow(module, path, &mut Seen::new())
    }

    fn follow(&self, module: usize, path: &[String], seen: &mut Seen) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut found = match first.as_str() {
            "crate" => vec![Target::Module(self.root(module))],
            "self" => vec![Target::Module(module)],
            "super" => self.modules[module].parent.map(Target::Module).into_iter().collect(),
            name => self.look_up(module, name, seen),
        };
        if found.is_empty() {
            found.extend(self.library(first).map(Target::Module));
        }
        rest.iter().fold(found, |found, name| self.step(&found, name, seen))
    }

    /// Returns what `name` means below each of `found`. Below an item it is a part of that item. If
    /// a module seems to lack the name, a macro defines it there.
    fn step(&self, found: &[Target], name: &str, seen: &mut Seen) -> Vec<Target> {
        let modules = found.iter().filter_map(|target| match target {
            Target::Module(module) => Some(*module),
            Target::Item(..) => None,
        });
        let modules: Vec<usize> = modules.collect();
        if modules.is_empty() {
            return found.to_vec();
        }
        let mut below = Vec::new();
        for module in modules {
            let found = match name {
                "super" => self.modules[module].parent.map(Target::Module).into_iter().collect(),
                name => self.look_up(module, name, seen),
            };
            if found.is_empty() {
                below.push(Target::Item(module, name.to_owned()));
            }
            below.extend(found);
        }
        below
    }

    fn look_up(&self, module: usize, name: &str, seen: &mut Seen) -> Vec<Target> {
        let here = &self.modules[module];
        let mut found: Vec<Target> =
            here.children.get(name).map(|child| Target::Module(*child)).into_iter().collect();
        if here.names.contains_key(name) {
            found.push(Target::Item(module, name.to_owned()));
        }
        if !seen.insert((module, name.to_owned())) {
            return found;
        }
        let imports = &here.mentions.imports;
        for import in imports.iter().filter(|import| import.alias.as_deref() == Some(name)) {
            found.extend(self.follow(module, &import.path, seen));
        }
        if found.is_empty() {
            for glob in imports.iter().filter(|import| import.alias.is_none()) {
                for target in self.follow(module, &glob.path, seen) {
                    match target {
                        Target::Module(below) => found.extend(self.look_up(below, name, seen)),
                        Target::Item(below, item) if self.has_variant(below, &item, name) => {
                            found.push(Target::Item(below, item));
                        }
                        Target::Item(..) => {}
                    }
                }
            }
        }
        seen.remove(&(module, name.to_owned()));
        found
    }

    fn has_variant(&self, module: usize, item: &str, variant: &str) -> bool {
        self.modules[module].names.get(item).is_some_and(|names| names.contains(variant))
    }

    fn root(&self, module: usize) -> usize {
        self.modules[module].parent.map_or(module, |parent| self.root(parent))
    }

    /// Returns the root module of a crate of the workspace.
    fn library(&self, name: &str) -> Option<usize> {
        let package = self.packages.iter().find(|package| package.name.replace('-', "_") == name);
        package.and_then(|package| package.library)
    }

    fn is_below(&self, module: usize, above: usize) -> bool {
        let parent = self.modules[module].parent;
        parent.is_some_and(|parent| parent == above || self.is_below(parent, above))
    }

    /// Returns all arrows between files. A module that names items below it causes no arrow,
    /// because it is the entrance to its folder.
    pub(super) fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (module, here) in self.modules.iter().enumerate() {
            let imports = here.mentions.imports.iter();
            let imports = imports.map(|import| (&import.path, import.alias.is_none(), import.line));
            let paths = here.mentions.paths.iter();
            let paths = paths.map(|mention| (&mention.path, mention.in_attribute, mention.line));
            for (path, whole, line) in imports.chain(paths) {
                for target in self.find(module, path) {
                    let (to, item) = match target {
                        Target::Item(to, item) => (to, item),
                        Target::Module(to) if whole => (to, "*".to_owned()),
                        Target::Module(_) => continue,
                    };
                    let (from, file) = (here.file, self.modules[to].file);
                    if from != file && !self.is_below(to, module) {
                        arrows.entry(Arrow { from, to: file, item }).or_insert(line);
                    }
                }
            }
        }
        arrows
    }
}

/// Returns for each file the files that it names, each with one item as an example.
fn edges(arrows: &Arrows) -> BTreeMap<usize, BTreeMap<usize, &str>> {
    let mut edges: BTreeMap<usize, BTreeMap<usize, &str>> = BTreeMap::new();
    for arrow in arrows.keys() {
        edges.entry(arrow.from).or_default().entry(arrow.to).or_insert(&arrow.item);
    }
    edges
}

/// A set of files each of which leads to every other.
pub(super) struct Circle {
    pub(super) files: BTreeSet<usize>,
    /// Shortest way from one of the files back to itself: each file with the item that it names in
    /// the next file.
    pub(super) example: Vec<(usize, String)>,
}

/// Returns all circles of files.
pub(super) fn circles(arrows: &Arrows) -> Vec<Circle> {
    let edges = edges(arrows);
    let reached: BTreeMap<usize, BTreeMap<usize, usize>> =
        edges.keys().map(|from| (*from, reach(&edges, *from))).collect();
    let leads = |from: usize, to: usize| reached.get(&from).is_some_and(|r| r.contains_key(&to));
    let mut found: Vec<Circle> = Vec::new();
    for file in edges.keys().copied().filter(|file| leads(*file, *file)) {
        if found.iter().any(|circle| circle.files.contains(&file)) {
            continue;
        }
        let files = reached[&file].keys().copied().filter(|other| leads(*other, file));
        found.push(Circle { files: files.collect(), example: way_back(&edges, &reached, file) });
    }
    found
}

/// Returns every file that `from` leads to, with the file before it on a shortest way.
fn reach(edges: &BTreeMap<usize, BTreeMap<usize, &str>>, from: usize) -> BTreeMap<usize, usize> {
    let mut before = BTreeMap::new();
    let mut next = VecDeque::from([from]);
    while let Some(file) = next.pop_front() {
        for to in edges.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if !before.contains_key(to) {
                before.insert(*to, file);
                next.push_back(*to);
            }
        }
    }
    before
}

fn way_back(
    edges: &BTreeMap<usize, BTreeMap<usize, &str>>,
    reached: &BTreeMap<usize, BTreeMap<usize, usize>>,
    file: usize,
) -> Vec<(usize, String)> {
    let mut way = Vec::new();
    let mut to = file;
    loop {
        let from = reached[&file][&to];
        way.push((from, edges[&from][&to].to_owned()));
        to = from;
        if to == file {
            way.reverse();
            return way;
        }
    }
}
