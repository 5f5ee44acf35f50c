//! Files of `src/`, and the paths that they name.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream::IntoIter};

use crate::PROGRAM;

/// A file of `src/`.
pub(crate) struct File {
    /// Its path below `src/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) named: Vec<Named>,
}

/// A path that a file names; `use a::{b, c}` names `a::b` and `a::c`.
pub(crate) struct Named {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    pub(crate) before_bang: bool,
    pub(crate) scope: Scope,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Scope {
    pub(crate) in_tests: bool,
    /// How many inline modules are around.
    pub(crate) depth: usize,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
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

    pub(crate) fn module_path(&self) -> &str {
        let path = self.path.trim_end_matches(".rs");
        path.trim_end_matches("/mod")
    }

    pub(crate) fn module(&self) -> &str {
        let path = self.module_path();
        path.split_once('/').map_or(path, |(module, _)| module)
    }

    pub(crate) fn is_program(&self) -> bool {
        PROGRAM.1.contains(&self.module())
    }

    /// The module below the crate's root that `named` leads to, if it leaves that of the file.
    pub(crate) fn foreign_module<'a>(&self, named: &'a Named) -> Option<&'a str> {
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

    pub(crate) fn breach(&self, line: usize, rule: &str) -> String {
        format!("src/{}:{line}: {rule}", self.path)
    }

    pub(crate) fn breaches_by(
        &self,
        is_breach: impl Fn(&Named) -> bool,
        rule: &str,
    ) -> Vec<String> {
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
    pub(crate) fn last(&self) -> &str {
        self.segments.last().expect("a path has segments")
    }

    pub(crate) fn is_macro(&self, macros: &[&str]) -> bool {
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

pub(crate) fn source_files() -> Vec<File> {
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
