//! What only a terminal gets: headers, colour, a progress bar. `script` makes a real one.

#[path = "support/program.rs"]
mod program;
#[path = "support/skip.rs"]
mod skip;

use std::process::Command;

use program::Program;

/// Runs the program on a terminal and returns all that it writes to it; `None` where there is no
/// `script`.
fn on_a_terminal(program: &Program, arguments: &str, variable: (&str, &str)) -> Option<String> {
    let binary = env!("CARGO_BIN_EXE_engine-catalog");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("stty cols 100; '{binary}' {arguments}"))
        .arg("/dev/null")
        .env("ENGINE_CATALOG_ROOT", program.root())
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env(variable.0, variable.1)
        .current_dir(program.dir())
        .output()
        .ok()?;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    Some(shown)
}

const PLAIN: (&str, &str) = ("LANG", "C");

#[test]
fn headers_are_for_terminals_and_colour_for_those_who_want_it() {
    let program = Program::with_catalog();
    program.output(
        &[
            "record",
            "--engine",
            "vllm",
            "--version",
            "1",
            "--image",
            "i",
        ],
        b"",
    );
    let Some(shown) = on_a_terminal(&program, "list", PLAIN) else {
        return skip::because("script (util-linux) is not installed");
    };
    let header = "ENGINE  VERSION  OBJECT        BUILD REF  CREATED";
    assert!(
        shown.contains(&format!("\u{1b}[1m{header}\u{1b}[0m\r\n")),
        "{shown:?}"
    );
    let shown = on_a_terminal(&program, "list", ("NO_COLOR", "1")).unwrap();
    assert!(shown.starts_with(&format!("{header}\r\n")), "{shown:?}");
    assert!(
        !program.stdout(&["list"]).0.contains("ENGINE"),
        "a pipe gets data only"
    );
}

#[test]
fn large_files_are_hashed_with_a_progress_bar() {
    let program = Program::with_catalog();
    let record = "record --engine llamacpp --version b1 --artifact";
    for (name, megabytes) in [("large", 128), ("small", 1)] {
        let file = std::fs::File::create(program.dir().join(name)).unwrap();
        file.set_len(megabytes << 20).unwrap();
    }
    let Some(shown) = on_a_terminal(&program, &format!("{record} large"), PLAIN) else {
        return skip::because("script (util-linux) is not installed");
    };
    assert!(
        shown.contains("hashing large") && shown.contains("/128.00 MiB"),
        "{shown:?}"
    );
    let shown = on_a_terminal(&program, &format!("{record} small"), PLAIN).unwrap();
    assert!(!shown.contains("hashing"), "{shown:?}");
    let piped = program.shows(&[
        "record",
        "--engine",
        "x",
        "--version",
        "b2",
        "--artifact",
        "large",
    ]);
    assert!(!piped.contains("hashing"), "{piped}");
}
