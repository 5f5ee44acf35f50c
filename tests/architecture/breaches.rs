//! Every rule can be broken, and nothing else breaks it.

use crate::file::File;
use crate::rules::*;
use crate::{MAX_LINES, Rule};

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
