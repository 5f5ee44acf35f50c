//! Holds the architecture: the order of the modules, and what each file of `src/` may name.
//!
//! Files are read as tokens, so comments, documentation and strings may say anything. Every rule
//! is a function from a file to what breaks it there, and has a test that it can be broken.

mod breaches;
mod file;
mod rules;

use file::{File, source_files};
use rules::*;

/// The modules from bottom to top. A file imports only from modules before its own; the files of
/// one directory are one module.
const LAYERS: [(&str, &[&str]); 8] = [
    (
        "L0 pure",
        &[
            "as_text",
            "hash",
            "name",
            "digest",
            "secrets",
            "identity",
            "entry",
            "filter",
            "manifest",
            "attachment",
            "sshsig",
            "allowed_signers",
            "sbom",
            "diff",
            "change",
            "lineage",
            "forward",
            "duration",
            "retention",
            "prefer",
            "policy",
            "marker",
            "events",
        ],
    ),
    (
        "L1 format",
        &[
            "cbor",
            "schema",
            "entry_codec",
            "entry_json",
            "index_json",
            "manifest_codec",
            "attachment_codec",
            "snapshot",
            "object",
        ],
    ),
    ("L2 disk", &["layout", "durable", "artifact"]),
    (
        "L3 stores",
        &[
            "quarantine",
            "hashed",
            "objects",
            "blobs",
            "history",
            "refs",
            "ref_time",
            "generation",
            "snapshots",
            "attachments",
            "removed",
        ],
    ),
    ("L4 catalog", &["error", "catalog"]),
    (
        "L5 work",
        &[
            "record",
            "drift",
            "store_files",
            "sboms",
            "materialize",
            "compare",
            "run",
            "verify",
            "repair",
            "reach",
            "gc",
            "doctor",
            "capture",
            "import",
            "staging",
            "peers",
            "watch",
        ],
    ),
    ("library", &["guide", "lib"]),
    PROGRAM,
];

/// A crate of its own, which sees of the library what any other crate sees.
const PROGRAM: (&str, &[&str]) = ("program", &["cli", "main"]);

/// Crates that only one place names, so that only that place has to change with them.
const CONFINED: [(&str, &str); 5] = [
    ("serde_cbor", "cbor.rs"),
    ("rustix", "durable/"),
    ("tracing", "events.rs"),
    ("ssh_key", "sshsig/"),
    ("toml", "retention/"),
];

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
