//! Holds the architecture: the order of the modules, and what each file of `src/` may name.
//!
//! Files are read as tokens, so comments, documentation and strings may say anything. Every rule
//! is a function from a file to what breaks it there, and has a test that it can be broken.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream::IntoIter};

/// The modules from bottom to top. A file imports only from modules before its own; the files of
/// one directory are one module.
const LAYERS: [(&str, &[&str]); 8] = [
    (
        "L0 pure",
        &[
            "hash", "name", "digest", "secrets", "entry", "filter", "diff", "change", "lineage",
            "marker",
        ],
    ),
    (
        "L1 format",
        &["cbor", "schema", "entry_codec", "snapshot", "object"],
    ),
    ("L2 disk", &["layout", "durable", "artifact"]),
    ("L3 stores", &["objects", "history", "refs"]),
    ("L4 catalog", &["error", "catalog"]),
    ("L5 work", &["record"]),
    ("library", &["lib"]),
    PROGRAM,
];

/// A crate of its own, which sees of the library what any other crate sees.
const PROGRAM: (&str, &[&str]) = ("program", &["cli", "main"]);

/// Crates that only one place names, so that only that place has to change with them.
const CONFINED: [(&str, &str); 2] = [("serde_cbor", "cbor.rs"), ("rustix", "durable/")];

/// What only the program may touch: terminal, environment and exit status.
const PROGRAM_ONLY: [&[&str]; 7] = [
    &["std", "env"],
    &["io", "stdin"],
    &["io", "stdout"],
    &["io", "stderr"],
    &["process", "exit"],
    &["process", "abort"],
    &["process", "Command"],
];
const PROGRAM_ONLY_MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

const MAX_LINES: usize = 450;

/// A file of `src/`.
struct File {
    /// Its path below `src/`.
    path: String,
    text: String,
    named: Vec<Named>,
}

/// A path that a file names; `use a::{b, c}` names `a::b` and `a::c`.
struct Named {
    segments: Vec<String>,
    line: usize,
    before_bang: bool,
    scope: Scope,
}

#[derive(Clone, Copy, Default)]
struct Scope {
    in_tests: bool,
    /// How many inline modules are around.
    depth: usize,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let stream = text.parse().expect("it is Rust");
        let scope = Scope {
            in_tests: path.contains("/tests.") || path.contains("/tests/"),
            depth: 0,
        };
        let mut named = Vec::new();
        collect(stream, &[], scope, &mut named);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            named,
        }
    }

    fn module_path(&self) -> &str {
        let path = self.path.trim_end_matches(".rs");
        path.trim_end_matches("/mod")
    }

    fn module(&self) -> &str {
        let path = self.module_path();
        path.split_once('/').map_or(path, |(module, _)| module)
    }

    fn is_program(&self) -> bool {
        PROGRAM.1.contains(&self.module())
    }

    /// The module below the crate's root that `named` leads to, if it leaves that of the file.
    fn foreign_module<'a>(&self, named: &'a Named) -> Option<&'a str> {
        let depth = match self.module_path() {
            "lib" | "main" => 0,
            path => path.split('/').count(),
        };
        let is_super = |segment: &&String| *segment == "super";
        let supers = named.segments.iter().take_while(is_super).count();
        let to_root = match named.segments[0].as_str() {
            "crate" => 1,
            "super" if supers >= depth + named.scope.depth => supers,
            _ => return None,
        };
        let target = named.segments.get(to_root)?;
        (target != self.module()).then_some(target)
    }

    fn breach(&self, line: usize, rule: &str) -> String {
        format!("src/{}:{line}: {rule}", self.path)
    }

    fn breaches_by(&self, is_breach: impl Fn(&Named) -> bool, rule: &str) -> Vec<String> {
        let names = self.named.iter().filter(|named| is_breach(named));
        names
            .map(|named| {
                let name = named.segments.join("::");
                self.breach(named.line, &format!("names {name}: {rule}"))
            })
            .collect()
    }
}

impl Named {
    fn last(&self) -> &str {
        self.segments.last().expect("a path has segments")
    }

    fn is_macro(&self, macros: &[&str]) -> bool {
        self.before_bang && macros.contains(&self.last())
    }
}

/// Adds every path in `stream` to `named`, each behind `prefix`.
fn collect(stream: TokenStream, prefix: &[String], around: Scope, named: &mut Vec<Named>) {
    let mut tokens = stream.into_iter();
    let mut scope = around;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "as" && !prefix.is_empty() => {
                tokens.next();
            }
            TokenTree::Ident(ident) => {
                if ident == "mod" {
                    scope.depth += 1;
                }
                let line = ident.span().start().line;
                let mut segments = [prefix, &[ident.to_string()]].concat();
                if let Some(group) = follow(&mut tokens, &mut segments) {
                    collect(group, &segments, scope, named);
                    continue;
                }
                named.push(Named {
                    segments,
                    line,
                    before_bang: is_punct(tokens.clone().next(), '!'),
                    scope,
                });
            }
            TokenTree::Group(group) => {
                let text = group.stream().to_string();
                collect(group.stream(), &[], scope, named);
                match group.delimiter() {
                    Delimiter::Bracket if text.replace(' ', "") == "cfg(test)" => {
                        scope.in_tests = true;
                    }
                    // The end of an item.
                    Delimiter::Brace => scope = around,
                    _ => {}
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => scope = around,
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Takes what continues a path from `tokens`; returns the braces in which it ends, if any.
fn follow(tokens: &mut IntoIter, segments: &mut Vec<String>) -> Option<TokenStream> {
    loop {
        let mut ahead = tokens.clone();
        if !(is_punct(ahead.next(), ':') && is_punct(ahead.next(), ':')) {
            return None;
        }
        match ahead.next() {
            Some(TokenTree::Ident(ident)) => segments.push(ident.to_string()),
            Some(TokenTree::Punct(p)) if p.as_char() == '*' => segments.push("*".to_owned()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                *tokens = ahead;
                return Some(group.stream());
            }
            _ => return None,
        }
        *tokens = ahead;
    }
}

fn is_punct(token: Option<TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// The layer of a module and its place from the bottom.
fn place(module: &str) -> Option<(usize, &'static str)> {
    let modules = LAYERS
        .iter()
        .flat_map(|(layer, modules)| modules.iter().map(move |module| (*module, *layer)));
    let mut places = (0..).zip(modules);
    places.find_map(|(at, (known, layer))| (known == module).then_some((at, layer)))
}

fn has_a_place(file: &File) -> Vec<String> {
    let module = file.module();
    let rule = format!(
        "module {module} has no place: add it to LAYERS in tests/architecture.rs, right above the \
         highest module that it imports"
    );
    let missing = place(module).is_none();
    missing.then(|| file.breach(1, &rule)).into_iter().collect()
}

fn imports_from_below(file: &File) -> Vec<String> {
    let module = file.module();
    let own = place(module);
    let mut breaches = Vec::new();
    for named in &file.named {
        let Some(target) = file.foreign_module(named) else {
            continue;
        };
        let rule = match (own, place(target)) {
            _ if file.is_program() && target == "cli" => continue,
            _ if file.is_program() => format!(
                "the program names {target} of its own crate: it uses the library as \
                 engine_catalog::…, as everybody does"
            ),
            (Some((own, own_layer)), Some((at, layer))) if at > own => format!(
                "{module} ({own_layer}) imports from {target} ({layer}), which stands above it: \
                 a module imports only from those before it in LAYERS of tests/architecture.rs"
            ),
            (_, Some(_)) => continue,
            (_, None) => format!(
                "{target} is no module: import from the module that defines it, not from the \
                 crate's root"
            ),
        };
        breaches.push(file.breach(named.line, &rule));
    }
    breaches.dedup();
    breaches
}

fn program_has_only_its_own_modules(file: &File) -> Vec<String> {
    let declared = file.named.windows(2).filter(|pair| {
        file.path == "main.rs" && pair[0].segments == ["mod"] && pair[1].segments != ["cli"]
    });
    let rule = "the program declares a module of the library: it uses engine_catalog::…";
    declared
        .map(|pair| file.breach(pair[1].line, rule))
        .collect()
}

fn names_confined_crates_in_their_place(file: &File) -> Vec<String> {
    let is_elsewhere = |named: &Named| {
        let is_breach = |(name, place)| named.segments[0] == name && !file.path.starts_with(place);
        CONFINED.into_iter().any(is_breach)
    };
    let rule = "serde_cbor belongs to cbor.rs and rustix to durable/: add what is needed there";
    file.breaches_by(is_elsewhere, rule)
}

fn leaves_the_surroundings_to_the_program(file: &File) -> Vec<String> {
    let touches_them = |named: &Named| {
        let ways = |path: &&[&str]| named.segments.windows(path.len()).any(|part| part == *path);
        PROGRAM_ONLY.iter().any(ways) || named.is_macro(&PROGRAM_ONLY_MACROS)
    };
    let rule = "terminal, environment, processes and exit status belong to main.rs and cli/, which \
                pass in what the library needs";
    file.breaches_by(
        |named| !file.is_program() && !named.scope.in_tests && touches_them(named),
        rule,
    )
}

fn handles_what_can_fail(file: &File) -> Vec<String> {
    let gives_up =
        |named: &Named| named.last() == "unwrap" || named.is_macro(&["todo", "unimplemented"]);
    let rule = "no unwrap, todo! or unimplemented! outside tests: return an error, or say why it \
                holds with expect(\"…\")";
    file.breaches_by(|named| !named.scope.in_tests && gives_up(named), rule)
}

fn opens_with_its_purpose(file: &File) -> Vec<String> {
    let rule = "a file opens with `//!`: what it owns, relies on, and keeps invariant";
    let missing = !file.text.starts_with("//!");
    missing.then(|| file.breach(1, rule)).into_iter().collect()
}

fn is_of_one_idea(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let rule = format!("{lines} lines, of at most {MAX_LINES}: is it still one idea? Divide it");
    let too_long = lines > MAX_LINES;
    too_long
        .then(|| file.breach(lines, &rule))
        .into_iter()
        .collect()
}

type Rule = fn(&File) -> Vec<String>;

const RULES: [Rule; 8] = [
    has_a_place,
    imports_from_below,
    program_has_only_its_own_modules,
    names_confined_crates_in_their_place,
    leaves_the_surroundings_to_the_program,
    handles_what_can_fail,
    opens_with_its_purpose,
    is_of_one_idea,
];

fn source_files() -> Vec<File> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found = walkdir::WalkDir::new(&src).sort_by_file_name().into_iter();
    let paths = found.map(|entry| entry.expect("src/ is readable").into_path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file is readable");
            let path = path.strip_prefix(&src).expect("it was found there");
            File::new(path.to_str().expect("its name is UTF-8"), &text)
        })
        .collect()
}

#[test]
fn every_file_keeps_every_rule() {
    let files = source_files();
    let breaches: Vec<_> = files
        .iter()
        .flat_map(|file| RULES.iter().flat_map(move |rule| rule(file)))
        .collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_module_of_the_table_has_a_file() {
    let files = source_files();
    for module in LAYERS.iter().flat_map(|(_, modules)| *modules) {
        let exists = files.iter().any(|file| file.module() == *module);
        assert!(exists, "LAYERS has {module}, src/ does not: take it out");
    }
}

/// Requires that `rule` finds a breach on each of these lines of `text`, and nowhere else.
#[track_caller]
fn assert_breaches(rule: Rule, path: &str, text: &str, lines: &[usize]) {
    let breaches = rule(&File::new(path, text));
    let starts: Vec<_> = lines.iter().map(|n| format!("src/{path}:{n}: ")).collect();
    let same = breaches.len() == starts.len()
        && breaches
            .iter()
            .zip(&starts)
            .all(|(b, start)| b.starts_with(start));
    assert!(same, "expected {starts:?}, found {breaches:#?}");
}

#[test]
fn imports_from_above_are_found_however_they_are_written() {
    let rule = imports_from_below;
    for text in [
        "use crate::refs::Update;",
        "use crate::{hash::ObjectId, refs::{self, Update}};",
        "use crate::{hash, name as n, refs as r};",
        "use super::refs;",
        "fn f() { crate::refs::list() }",
        "fn f(x: &mut Vec<crate::refs::Update>) {}",
        "#[cfg(test)] mod tests { use super::super::refs; }",
        "mod inner { mod more { use super::super::super::refs; } }",
        "macro_rules! m { () => { $crate::refs::list() } }",
    ] {
        assert_breaches(rule, "change.rs", text, &[1]);
    }
    assert_breaches(rule, "durable/write.rs", "\nuse super::super::refs;", &[2]);
    assert_breaches(rule, "durable/mod.rs", "use super::refs;", &[1]);
    assert_breaches(rule, "durable/tests.rs", "use crate::objects;", &[1]);
    assert_breaches(
        rule,
        "refs.rs",
        "use crate::{\n  Error,\n  error::E,\n};",
        &[2, 3],
    );
    assert_breaches(rule, "refs.rs", "use crate::*;", &[1]);
    let breaches = rule(&File::new("change.rs", "use crate::refs;"));
    let said = "change (L0 pure) imports from refs (L3 stores), which stands above it";
    assert!(breaches[0].contains(said), "{breaches:?}");
}

#[test]
fn imports_from_below_and_mere_mentions_are_allowed() {
    let rule = imports_from_below;
    for text in [
        "use crate::hash::{ObjectId, Prefix};",
        "use super::name::Name;",
        "use crate::change::Op; use self::parts::x; pub(crate) fn f() {}",
        "//! See [`refs`](crate::refs).\n// use crate::refs;\n/// crate::refs\nconst X: &str = \"crate::refs\";",
        "mod tests { use super::*; use super::refs; }",
        "fn f() { a::refs::b(); let refs = 1 * 2; }",
    ] {
        assert_breaches(rule, "change.rs", text, &[]);
    }
    assert_breaches(rule, "durable/lock.rs", "use super::{Root, refs};", &[]);
    assert_breaches(rule, "lib.rs", "mod refs; pub use refs::X;", &[]);
}

#[test]
fn program_that_reaches_into_the_library_is_found() {
    let rule = imports_from_below;
    let mixed = "use engine_catalog::Error;\nuse crate::refs;\nuse crate::cli::x;";
    assert_breaches(rule, "cli/put.rs", mixed, &[2]);
    assert_breaches(rule, "cli/mod.rs", "use super::refs;", &[1]);
    assert_breaches(rule, "cli/put.rs", "use super::{Context, output::x};", &[]);
    assert_breaches(rule, "main.rs", "mod cli;\nuse crate::refs;", &[2]);
    let rule = program_has_only_its_own_modules;
    assert_breaches(rule, "main.rs", "mod cli;\nmod refs;", &[2]);
    assert_breaches(rule, "lib.rs", "mod refs;", &[]);
}

#[test]
fn file_without_a_place_is_found() {
    assert_breaches(has_a_place, "brand_new.rs", "", &[1]);
    assert_breaches(has_a_place, "brand_new/part.rs", "", &[1]);
    assert_breaches(has_a_place, "cli/brand_new.rs", "", &[]);
}

#[test]
fn confined_crates_are_found_elsewhere() {
    let rule = names_confined_crates_in_their_place;
    let text = "use serde_cbor::Value;\nfn f() { rustix::fs::sync(); }\nuse rustix as r;";
    assert_breaches(rule, "refs.rs", text, &[1, 2, 3]);
    assert_breaches(rule, "cbor.rs", text, &[2, 3]);
    assert_breaches(rule, "durable/write.rs", text, &[1]);
}

#[test]
fn library_that_touches_its_surroundings_is_found() {
    let rule = leaves_the_surroundings_to_the_program;
    for text in [
        "fn f() { println!(\"{}\", 1); }",
        "fn f() { std::eprintln!() }",
        "use std::{env, fs};",
        "use std::process::{self, exit};",
        "fn f() { process::exit(1) }",
        "fn f() { std::io::stderr(); }",
        "#[cfg(feature = \"x\")] fn f() { dbg!(1) }",
    ] {
        assert_breaches(rule, "record.rs", text, &[1]);
        assert_breaches(rule, "cli/record.rs", text, &[]);
        let test = format!("#[cfg(test)] mod tests {{ {text} }}");
        assert_breaches(rule, "record.rs", &test, &[]);
    }
    let harmless = "const V: &str = env!(\"CARGO_PKG_VERSION\"); fn print() { print(); }";
    assert_breaches(rule, "record.rs", harmless, &[]);
}

#[test]
fn unwrap_and_unfinished_code_are_found_outside_tests() {
    let rule = handles_what_can_fail;
    let text = "fn a() { x.unwrap() }\nfn b() { y.map(Option::unwrap) }\nfn c() { todo!() }\n\
                fn d() { unimplemented!() }\nfn e() { z.unwrap_or(1).expect(\"why\") }";
    assert_breaches(rule, "cli/put.rs", text, &[1, 2, 3, 4]);
    assert_breaches(rule, "durable/tests.rs", text, &[]);
    assert_breaches(rule, "durable/tests/crash.rs", text, &[]);
    let after = format!("#[cfg(test)] use a::b;\n#[cfg(test)]\nmod tests {{ {text} }}\n{text}");
    assert_breaches(rule, "refs.rs", &after, &[8, 9, 10, 11]);
}

#[test]
fn file_without_purpose_and_file_of_many_ideas_are_found() {
    assert_breaches(opens_with_its_purpose, "refs.rs", "use std::fs;", &[1]);
    assert_breaches(opens_with_its_purpose, "refs.rs", "//! Refs.", &[]);
    let long = "//\n".repeat(MAX_LINES + 1);
    assert_breaches(is_of_one_idea, "refs.rs", &long, &[MAX_LINES + 1]);
    assert_breaches(is_of_one_idea, "refs.rs", &long[3..], &[]);
}
