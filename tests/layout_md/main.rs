//! Holds `layout.md` to the library: every example, limit and error in it is checked through the
//! public API. An example is a fenced block whose info string says how it is read; editing one, or
//! changing what the library does with it, fails here.

#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(feature = "bundle")]
mod bundle;
mod document;
mod dump;
mod findings;
mod garbage;
mod histories;
#[cfg(feature = "signatures")]
#[path = "../support/keygen.rs"]
mod keygen;
mod marker;
mod names;
mod objects;
#[cfg(feature = "signatures")]
mod policies;
mod rejected;
mod rejected_attachments;
mod rejected_sets;
#[cfg(feature = "retention")]
mod retention;
mod scratch;
#[cfg(feature = "signatures")]
mod signatures;
#[path = "../support/mod.rs"]
mod support;
mod tree;

use std::collections::BTreeSet;
use std::fs;

use document::LAYOUT;

#[test]
fn every_section_that_the_sources_cite_exists() {
    let headings: BTreeSet<_> = LAYOUT
        .lines()
        .filter(|line| line.starts_with("## ") || line.starts_with("### "))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    let sources = walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut cited = 0;
    for file in sources.into_iter().map(Result::unwrap) {
        if file.path().extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let text = fs::read_to_string(file.path()).unwrap();
        let words = text.replace("//!", " ").replace("///", " ");
        let words: Vec<_> = words.split_whitespace().collect();
        for window in words.windows(2) {
            if window[0] != "section" && window[0] != "sections" {
                continue;
            }
            let number = window[1].trim_matches(|c: char| !c.is_ascii_digit());
            // Those of RFC 8949 and of layout.md cannot be confused.
            if number.is_empty() || number == "4.2.1" {
                continue;
            }
            cited += 1;
            assert!(
                headings.contains(number),
                "{} cites section {number}",
                file.path().display()
            );
        }
    }
    assert!(cited > 5, "only {cited} citations were found");
    for section in 1..=13 {
        assert!(headings.contains(section.to_string().as_str()), "{section}");
    }
}

#[test]
fn every_example_block_is_checked() {
    let known = [
        "",
        "ebnf",
        "cddl",     // read by people
        "sh",       // run by people
        "sh rsync", // run by tests/raw_rsync/
        "bundle",
        "limits",
        "markers",
        "names",
        "refused-names",
        "foreign-names",
        "dump",
        "allowed-signers",
        "signature",
        "policies",
        "retentions",
        "toml",
        "signature-dump",
        "removed-lines",
        "history-lines",
        "refused-history-lines",
        "history-walks",
        "disconnected-histories",
    ];
    let mut inside = false;
    for line in LAYOUT.lines() {
        if let Some(info) = line.strip_prefix("```") {
            inside = !inside;
            assert!(!inside || known.contains(&info), "nothing checks {info:?}");
        }
    }
}
