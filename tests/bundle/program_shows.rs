//! What a person sees of `capture` and `import`.

use std::fs;
use std::path::Path;
use std::process::Command;

use engine_catalog::{Catalog, Filter};
use insta::assert_snapshot;

use crate::program::Program;
use crate::sample::{assert_same, names};
use crate::support::skip;

const KNOWN: &str = r#"{"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
    "build_flags": [], "artifacts": ["/opt/x"], "created_ms": 1758240000000}"#;
const REBUILT: &str = r#"{"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
    "build_ref": "b4321", "build_flags": ["-O3"],
    "artifacts": ["/opt/x"], "created_ms": 1758240000001}"#;
const OTHER: &str = r#"{"id": "vllm:0.9.2", "engine": "vllm", "version": "0.9.2",
    "artifacts": ["/opt/vllm"], "created_ms": 1758240000000}"#;

macro_rules! assert_shows {
    ($program:expr, $shown:expr, $($snapshot:tt)+) => {
        let dir = $program.dir().canonicalize().unwrap().display().to_string();
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(&dir.replace('.', r"\.").replace('+', r"\+"), "[DIR]");
        settings.bind(|| assert_snapshot!($shown, $($snapshot)+));
    };
}

fn with(entries: &[&str]) -> Program {
    let program = Program::with_catalog();
    for entry in entries {
        assert!(program.output(&["put"], entry.as_bytes()).status.success());
    }
    program
}

#[test]
fn capture_prints_the_snapshot_and_says_where_the_bundle_is() {
    let program = with(&[KNOWN, OTHER]);
    assert_shows!(program, program.shows(&["capture", "--out", "all"]), @"
    93828a4a01d153c5841e3951514d8bb3bc876f8f3fc9e62bb2a9e7e010358c92
    | capture: 2 entries in all
    ");
    assert_shows!(program, program.shows(&["capture", "--out", "all"]), @"
    | error: there is something at all already
    | hint: nothing is ever put in the place of something: name another directory
    [exit status 1]
    ");
    assert_shows!(program, program.shows(&["--json", "capture", "--out", "again"]), @r#"{"bundle":"again","entries":2,"snapshot":"93828a4a01d153c5841e3951514d8bb3bc876f8f3fc9e62bb2a9e7e010358c92"}"#);
    assert_same(&program.dir().join("all"), &program.dir().join("again"));
    assert_shows!(program, program.shows(&["capture", "--out", "some", "--engine", "v*", "--engine", "tgi"]), @"
    81f69d846abb703b6a263b621049e25a54076f5ba7bdcf3d8ade0f22d0010306
    | capture: 1 entry in some
    ");
    assert_shows!(program, program.shows(&["--root", "some", "list", "--json"]), @r#"{"object":"a46ba06ed1f5a6a567b271f8c337716cc61fe6b2a1b25ec024c22c5612838963","state":"current","entry":{"id":"vllm:0.9.2","engine":"vllm","version":"0.9.2","build_ref":null,"digest":null,"build_flags":null,"artifacts":["/opt/vllm"],"created_ms":1758240000000}}"#);
    assert_shows!(program, program.shows(&["capture", "--out", "none", "--engine", "tgi"]), @"
    | error: no entry is of such an engine
    [exit status 1]
    ");
    assert!(!program.dir().join("none").exists());
}

#[test]
fn capture_takes_a_snapshot_by_name_or_digits_and_a_part_of_it() {
    let program = with(&[KNOWN, OTHER]);
    // In a bundle a snapshot has a name.
    let captured = |args: &[&str]| {
        let (id, status) = program.stdout(&[&["capture"], args].concat());
        assert_eq!(status, 0, "{args:?}");
        id.trim().to_owned()
    };
    let id = captured(&["--out", "all"]);
    assert_eq!(
        captured(&[
            "--root",
            "all",
            "--snapshot",
            "captured",
            "--out",
            "by-name"
        ]),
        id
    );
    assert_eq!(
        captured(&[
            "--root",
            "all",
            "--snapshot",
            &id[..8],
            "--out",
            "by-digits"
        ]),
        id
    );
    for copy in ["by-name", "by-digits"] {
        assert_same(&program.dir().join("all"), &program.dir().join(copy));
    }
    let part = [
        "--root",
        "all",
        "--snapshot",
        "captured",
        "--engine",
        "vllm",
    ];
    assert_ne!(captured(&[&part[..], &["--out", "part"]].concat()), id);
    assert_eq!(names(&program.dir().join("part/refs")), ["vllm"]);
    assert_shows!(program, program.shows(&["capture", "--snapshot", "nightly", "--out", "x"]), @r#"
    | error: there is no snapshot "nightly"
    [exit status 1]
    "#);
}

/// The only directory in `dir`.
fn only(dir: &Path) -> String {
    let names = names(dir);
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}

#[test]
fn capture_follows_the_conventions_of_proof_bundles() {
    let program = with(&[KNOWN]);
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = program.command();
        command
            .arg("capture")
            .args(args)
            .envs(variables.iter().copied());
        // Where git is.
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.output().unwrap()
    };
    let id = [("LLORCH_RUN_ID", "run-1")];
    assert!(run(&[], &id).status.success());
    assert!(
        program
            .dir()
            .join(".proof_bundle/determinism/run-1/format")
            .exists()
    );
    let variables = [id[0], ("LLORCH_PROOF_DIR", "proofs")];
    assert!(run(&["--type", "e2e-haiku"], &variables).status.success());
    assert!(program.dir().join("proofs/e2e-haiku/run-1/format").exists());
    let refused = run(&[], &[("LLORCH_RUN_ID", "../run")]);
    assert_eq!(refused.status.code(), Some(2));

    // Outside of a repository, the time alone.
    assert!(run(&["--type", "unit"], &[]).status.success());
    let name = only(&program.dir().join(".proof_bundle/unit"));
    assert!(name.parse::<u64>().unwrap() > 1_700_000_000, "{name}");
    if skip::program("git").is_none() {
        return;
    }
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(program.dir()).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    let who = ["-c", "user.name=me", "-c", "user.email=me@example.org"];
    git(&[&who[..], &["commit", "--quiet", "--allow-empty", "-m", "x"]].concat());
    assert!(run(&["--type", "bdd"], &[]).status.success());
    let name = only(&program.dir().join(".proof_bundle/bdd"));
    let head = git(&["rev-parse", "HEAD"]);
    let (time, commit) = name.rsplit_once('-').unwrap();
    assert_eq!(commit, &head[..8]);
    let is_time = |at, c: char| {
        if at == 8 {
            c == '-'
        } else {
            c.is_ascii_digit()
        }
    };
    assert!(
        time.len() == 15 && time.chars().enumerate().all(|(at, c)| is_time(at, c)),
        "{name}"
    );
}

#[test]
fn import_shows_what_changed_and_what_conflicts() {
    let (from, to) = (with(&[KNOWN, OTHER]), with(&[REBUILT]));
    assert!(
        from.output(&["capture", "--out", "bundle"], b"")
            .status
            .success()
    );
    let bundle = from.dir().join("bundle").display().to_string();
    assert_shows!(to, to.shows(&["import", &bundle]), @"
    conflict  llamacpp  b4321  9960efed7264  6cdceb1b43f1  build_ref,build_flags,created_ms
    created   vllm      0.9.2  -             a46ba06ed1f5
    | import: 1 created, 0 forward, 0 same, 0 kept, 1 conflict
    | hint: `diff OURS THEIRS` shows how they differ
    | hint: `--prefer ENGINE/VERSION=theirs`, or =ours, chooses
    [exit status 1]
    ");
    assert_shows!(to, to.shows(&["import", &bundle, "--json"]), @r#"
    {"outcome":"conflict","engine":"llamacpp","version":"b4321","ours":"9960efed7264ff12832d06a684963abe3db67f2e875f1bd471ff6b009252eded","theirs":"6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64","differences":[{"field":"build_ref","kind":"value","from":"b4321","to":null},{"field":"build_flags","kind":"flags","changed":[],"removed":["-O3"],"added":[]},{"field":"created_ms","kind":"value","from":"1758240000001","to":"1758240000000"}]}
    | import: 0 created, 0 forward, 1 same, 0 kept, 1 conflict
    | hint: `diff OURS THEIRS` shows how they differ
    | hint: `--prefer ENGINE/VERSION=theirs`, or =ours, chooses
    [exit status 1]
    "#);
    let fresh = Program::with_catalog();
    assert_shows!(fresh, fresh.shows(&["--json", "import", &bundle]), @r#"
    {"outcome":"created","engine":"llamacpp","version":"b4321","ours":null,"theirs":"6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64","differences":null}
    {"outcome":"created","engine":"vllm","version":"0.9.2","ours":null,"theirs":"a46ba06ed1f5a6a567b271f8c337716cc61fe6b2a1b25ec024c22c5612838963","differences":null}
    | import: 2 created, 0 forward, 0 same, 0 kept, 0 conflict
    "#);
    assert_shows!(fresh, fresh.shows(&["import", &bundle]), @"| import: 0 created, 0 forward, 2 same, 0 kept, 0 conflict");
    let opened = Catalog::open_read_only(fresh.root()).unwrap();
    assert_eq!(opened.list(&Filter::default()).unwrap().count(), 2);
}

#[test]
fn import_tells_damage_by_its_exit_status() {
    let (from, to) = (with(&[KNOWN, OTHER]), Program::with_catalog());
    assert!(
        from.output(&["capture", "--out", "bundle"], b"")
            .status
            .success()
    );
    let bundle = from.dir().join("bundle");
    fs::write(bundle.join("refs/vllm/0.9.2"), "damaged").unwrap();
    let bundle = bundle.display().to_string();
    assert_shows!(from, to.shows(&["import", &bundle]), @"
    created  llamacpp  b4321  -  6cdceb1b43f1
    | error: in the source: ref vllm/0.9.2 is damaged: [DIR]/bundle/refs/vllm/0.9.2 does not hold 64 hexadecimal digits and a line feed
    | import: 1 created, 0 forward, 0 same, 0 kept, 0 conflict
    | error: something could not be read
    [exit status 3]
    ");
    let nothing = to.dir().join("nothing").display().to_string();
    assert_shows!(to, to.shows(&["import", &nothing]), @"
    | error: [DIR]/nothing is neither a catalog nor a proof bundle
    [exit status 3]
    ");
}

#[test]
fn whoever_only_looks_at_a_bundle_leaves_it_as_it_is() {
    let program = with(&[KNOWN, OTHER]);
    for out in ["looked at", "untouched"] {
        assert_eq!(program.stdout(&["capture", "--out", out]).1, 0);
    }
    let object = program.stdout(&["snapshot", "create", "--print-id"]).0;
    for args in [
        &["list"][..],
        &["get", "vllm/0.9.2"],
        &["history", "vllm/0.9.2"],
        &["check", "--all"],
        &["snapshot", "list"],
        &["snapshot", "show", "captured"],
        &["snapshot", "diff", "captured"],
        &["snapshot", "create", "--print-id"],
        &["capture", "--out", "copy"],
        &["verify"],
        &["verify", "--budget", "1s"],
        &["why", object.trim()],
        &["doctor"],
    ] {
        let args = [&["--root", "looked at"], args].concat();
        assert_ne!(program.stdout(&args).1, 3, "{args:?}");
        let dir = program.dir();
        assert_same(&dir.join("looked at"), &dir.join("untouched"));
    }
}
