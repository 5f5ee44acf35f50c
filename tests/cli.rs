//! What a person sees: output, messages and exit status of every command, as snapshots.

#[path = "support/program.rs"]
mod program;

use insta::assert_snapshot;
use program::Program;

/// An entry whose object id is a known answer of layout.md.
const KNOWN: &str = r#"{"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
    "build_flags": [], "artifacts": ["/opt/x"], "created_ms": 1758240000000}"#;
const KNOWN_OBJECT: &str = "6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64";

/// The same version, rebuilt.
const REBUILT: &str = r#"{"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
    "build_ref": "b4321", "build_flags": ["-DGGML_CUDA=ON", "-O3"],
    "artifacts": ["/opt/x"], "created_ms": 1758240000001}"#;
const REBUILT_OBJECT: &str = "a2f11985b92c";

/// Compares what is shown, with what differs from run to run replaced.
macro_rules! assert_shows {
    ($program:expr, $shown:expr, $($snapshot:tt)+) => {
        let dir = $program.dir().canonicalize().unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(&regex_escape(&dir.display().to_string()), "[DIR]");
        settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +(put|retire|rollback)", "[TIME]  $1");
        settings.add_filter(r"\d+ (second|minute|hour|day|week|month|year)s? ago", "[AGE] ago");
        settings.add_filter(r"tester@\S+", "tester@[HOST]");
        settings.bind(|| assert_snapshot!($shown, $($snapshot)+));
    };
}

/// Path characters that mean something in a regular expression.
fn regex_escape(path: &str) -> String {
    path.replace('.', r"\.").replace('+', r"\+")
}

fn with_two_entries() -> Program {
    let program = Program::with_catalog();
    for entry in [KNOWN, REBUILT] {
        let status = program.output(&["put"], entry.as_bytes()).status;
        assert!(status.success());
    }
    program
}

#[test]
fn init_makes_a_catalog_once() {
    let program = Program::without_catalog();
    assert_shows!(program, program.shows(&["init"]), @"| init: made a catalog at [DIR]/catalog");
    assert_shows!(program, program.shows(&["init"]), @"| init: there is a catalog already at [DIR]/catalog");
    assert_shows!(program, program.shows(&["init", "--json"]), @r#"{"created":false,"root":"[DIR]/catalog"}"#);
    std::fs::write(program.dir().join("notes.txt"), "mine").unwrap();
    let dir = program.dir().display().to_string();
    assert_shows!(program, program.shows(&["--root", &dir, "init"]), @r#"
    | error: [DIR] is not empty: it contains "catalog"
    | hint: name an empty directory, or one that does not exist yet
    [exit status 1]
    "#);
}

#[test]
fn without_a_catalog_every_command_says_how_to_make_one() {
    let program = Program::without_catalog();
    assert_shows!(program, program.shows(&["list"]), @"
    | error: there is no catalog at [DIR]/catalog
    | hint: make one with `engine-catalog --root [DIR]/catalog init`, or name another with --root or ENGINE_CATALOG_ROOT
    [exit status 3]
    ");
    for command in [
        &["get", "x"][..],
        &["history", "a/b"],
        &["diff", "x", "y"],
        &["retire", "a/b"],
        &["rollback", "a/b"],
        &["record", "--engine", "a", "--version", "b", "--image", "c"],
    ] {
        assert_eq!(
            program.shows(command),
            program.shows(&["list"]),
            "{command:?}"
        );
    }
    assert_eq!(
        program.shows_with_input(&["put"], KNOWN),
        program.shows(&["list"])
    );
    assert!(!program.root().exists(), "looking for a catalog makes none");
}

#[test]
fn put_prints_the_object_id_of_each_entry() {
    let program = Program::with_catalog();
    let both = format!("[{KNOWN}, {REBUILT}]");
    assert_shows!(program, program.shows_with_input(&["put"], &both), @"
    6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64
    a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b
    | put: 2 stored, 0 unchanged
    ");
    assert_shows!(program, program.shows_with_input(&["put"], REBUILT), @"
    a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b
    | put: 0 stored, 1 unchanged
    ");
    std::fs::write(
        program.dir().join("entries.json"),
        format!("{KNOWN}\n{REBUILT}"),
    )
    .unwrap();
    assert_shows!(program, program.shows(&["put", "entries.json", "--json"]), @r#"
    {"engine":"llamacpp","version":"b4321","object":"6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64","previous":"a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b","unchanged":false}
    {"engine":"llamacpp","version":"b4321","object":"a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b","previous":"6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64","unchanged":false}
    | put: 2 stored, 0 unchanged
    "#);
}

#[test]
fn put_refuses_bad_input_and_stores_nothing_of_it() {
    let program = Program::with_catalog();
    let refuses = |input: &str| program.shows_with_input(&["put"], input);
    assert_shows!(program, refuses(""), @"
    | error: standard input: there is no entry in it
    [exit status 1]
    ");
    assert_shows!(program, refuses("{"), @"
    | error: standard input: not JSON: EOF while parsing an object at line 1 column 1
    [exit status 1]
    ");
    assert_shows!(program, refuses(&format!("{KNOWN} {}", KNOWN.replace("engine", "motor"))), @"
    | error: standard input: entry 2: unknown field `motor`, expected one of `id`, `engine`, `version`, `build_ref`, `digest`, `build_flags`, `artifacts`, `created_ms` at line 1 column 32
    [exit status 1]
    ");
    assert_shows!(program, refuses(&KNOWN.replace("1758240000000", "\"now\"")), @r#"
    | error: standard input: entry 1: invalid type: string "now", expected i64 at line 2 column 67
    [exit status 1]
    "#);
    assert_shows!(program, refuses(&KNOWN.replace("\"b4321\"", "\"\"")), @r#"
    | error: standard input: entry 1: version "" is no name: it is empty
    [exit status 1]
    "#);
    assert_shows!(program, refuses(&KNOWN.replace("[]", r#"["-DHF_TOKEN=hunter2"]"#)), @"
    | error: standard input: entry 1: build_flags[0] looks like it contains a token, password or secret that is given a value; records are immutable and shared, so it is not stored: leave it out, or refer to it by a variable such as ${HF_TOKEN}
    [exit status 1]
    ");
    assert_shows!(program, refuses(&format!("[{KNOWN}, {}]", KNOWN.replace("llamacpp:b4321", ""))), @"
    | error: standard input: entry 2: id is empty
    [exit status 1]
    ");
    assert_shows!(program, program.shows(&["put", "absent.json"]), @"
    | error: cannot read absent.json: No such file or directory (os error 2)
    [exit status 1]
    ");
    assert_eq!(program.shows(&["list"]), "");
}

#[test]
fn get_shows_an_entry_by_every_name_it_has() {
    let program = with_two_entries();
    assert_shows!(program, program.shows(&["get", "llamacpp/b4321"]), @"
    object       a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b
    state        current
    id           llamacpp:b4321
    engine       llamacpp
    version      b4321
    build_ref    b4321
    build_flags  -DGGML_CUDA=ON
                 -O3
    artifacts    /opt/x
    created      2025-09-19T00:00:00.001Z ([AGE] ago)
    ");
    assert_shows!(program, program.shows(&["get", "llamacpp:b4321", "--json"]), @r#"{"object":"a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b","state":"current","entry":{"id":"llamacpp:b4321","engine":"llamacpp","version":"b4321","build_ref":"b4321","digest":null,"build_flags":["-DGGML_CUDA=ON","-O3"],"artifacts":["/opt/x"],"created_ms":1758240000001}}"#);
    assert_shows!(program, program.shows(&["get", REBUILT_OBJECT, "--identity"]), @r#"{"engine":"llamacpp","engine_version":"b4321","engine_digest":null,"engine_catalog_id":"llamacpp:b4321","object":"a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b"}"#);
    assert_shows!(program, program.shows(&["get", &KNOWN_OBJECT[..4]]), @"
    object       6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64
    state        superseded
    id           llamacpp:b4321
    engine       llamacpp
    version      b4321
    build_flags  (none)
    artifacts    /opt/x
    created      2025-09-19T00:00:00.000Z ([AGE] ago)
    ");
    assert_eq!(
        program.shows(&["get", KNOWN_OBJECT]),
        program.shows(&["get", "6cdc"])
    );
}

#[test]
fn get_cbor_prints_the_bytes_of_the_object() {
    let program = with_two_entries();
    let printed = program.output(&["get", KNOWN_OBJECT, "--cbor"], b"").stdout;
    let file = program.root().join("objects/6c").join(&KNOWN_OBJECT[2..]);
    assert_eq!(printed, std::fs::read(file).unwrap());
    assert_eq!(printed.len(), 122);
}

#[test]
fn get_says_what_is_not_there() {
    let program = with_two_entries();
    assert_shows!(program, program.shows(&["get", "vllm/0.9.2"]), @r#"
    | error: no entry is found for "vllm/0.9.2": tried engine/version, id and object id
    [exit status 1]
    "#);
    assert_shows!(program, program.shows(&["get", "feedbeef"]), @r#"
    | error: no entry is found for "feedbeef": tried engine/version, id and object id
    [exit status 1]
    "#);
    program.shows(&["retire", "llamacpp/b4321"]);
    assert_shows!(program, program.shows(&["get", "llamacpp/b4321"]), @"
    | error: llamacpp/b4321 is retired: its `history` shows its entries, `rollback` brings it back
    [exit status 1]
    ");
}

#[test]
fn list_is_sorted_and_filtered() {
    let program = with_two_entries();
    for (engine, version) in [
        ("vllm", "0.9.2"),
        ("llamacpp", "b4330"),
        ("tgi", "3.0-grün"),
    ] {
        let entry = KNOWN
            .replace("llamacpp:b4321", "other")
            .replace("\"llamacpp\"", &format!("{engine:?}"));
        let entry = entry.replace("\"b4321\"", &format!("{version:?}"));
        assert!(program.output(&["put"], entry.as_bytes()).status.success());
    }
    assert_shows!(program, program.shows(&["list"]), @"
    llamacpp  b4321     a2f11985b92c  b4321  [AGE] ago
    llamacpp  b4330     16b6e1b93ca6  -      [AGE] ago
    tgi       3.0-grün  ad80f948426b  -      [AGE] ago
    vllm      0.9.2     22250656728c  -      [AGE] ago
    ");
    assert_shows!(program, program.shows(&["list", "--engine", "llama*", "--version", "b432?"]), @"llamacpp  b4321  a2f11985b92c  b4321  [AGE] ago");
    assert_shows!(program, program.shows(&["list", "--engine", "tgi", "--json"]), @r#"{"object":"ad80f948426b926a3df30e642921e758ec76668439e1b2bcb1d6cbe61b0c42cc","state":"current","entry":{"id":"other","engine":"tgi","version":"3.0-grün","build_ref":null,"digest":null,"build_flags":[],"artifacts":["/opt/x"],"created_ms":1758240000000}}"#);
    assert_shows!(program, program.shows(&["list", "--engine", "triton"]), @"");
}

#[test]
fn list_goes_on_after_damage_and_exits_with_3() {
    let program = with_two_entries();
    let other = KNOWN.replace("llamacpp", "vllm");
    assert!(program.output(&["put"], other.as_bytes()).status.success());
    let reference = std::fs::read_to_string(program.root().join("refs/llamacpp/b4321")).unwrap();
    let object = program
        .root()
        .join("objects")
        .join(&reference[..2])
        .join(reference[2..].trim());
    let mut bytes = std::fs::read(&object).unwrap();
    bytes[20] ^= 1;
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, bytes).unwrap();
    assert_shows!(program, program.shows(&["list"]), @"
    vllm  b4321  b0bed719d52e  -  [AGE] ago
    | error: ref llamacpp/b4321 cannot be read: object a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b is refused: its content hashes to 129a233d34b02ec1ba31be417600067b01558b18db658eb34ffe3198bb3af8bc
    | error: something could not be read
    [exit status 3]
    ");
    std::fs::remove_file(&object).unwrap();
    assert_shows!(program, program.shows(&["get", "llamacpp/b4321"]), @"
    | error: ref llamacpp/b4321 holds object a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b, which is missing
    | hint: `put` of the same entry heals it, and so does `heal --from` another catalog that has the object; `record` makes a new entry current
    [exit status 3]
    ");
    assert!(
        program
            .output(&["put"], REBUILT.as_bytes())
            .status
            .success()
    );
    assert_eq!(
        program.stdout(&["list"]).1,
        0,
        "putting the entry again heals it"
    );
}

#[test]
fn history_rollback_and_retire_tell_one_story() {
    let program = with_two_entries();
    assert_shows!(program, program.shows(&["rollback", "llamacpp/b4321"]), @"
    6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64
    | rollback: llamacpp/b4321: a2f11985b92c -> 6cdceb1b43f1
    ");
    assert_shows!(program, program.shows(&["rollback", "llamacpp/b4321"]), @"
    | error: the history of llamacpp/b4321 has no earlier entry
    | hint: `history` shows what there was
    [exit status 1]
    ");
    assert_shows!(program, program.shows(&["retire", "llamacpp/b4321"]), @"
    6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64
    | retire: llamacpp/b4321; `rollback` brings it back
    ");
    assert_shows!(program, program.shows(&["retire", "llamacpp/b4321"]), @"
    | error: there is no ref llamacpp/b4321
    [exit status 1]
    ");
    assert_shows!(program, program.shows(&["rollback", "llamacpp/b4321", "--to", "a2f1"]), @"
    a2f11985b92cb3c0446c82b2381654e19c653ed280c2732397544569aa0a873b
    | rollback: llamacpp/b4321: retired -> a2f11985b92c
    ");
    assert_shows!(program, program.shows(&["rollback", "llamacpp/b4321", "--to", "feed"]), @"
    | error: no entry of the history starts with feed
    [exit status 1]
    ");
    assert_shows!(program, program.shows(&["history", "llamacpp/b4321"]), @"
    [TIME]  rollback  -             a2f11985b92c  tester@[HOST]
    [TIME]  retire    6cdceb1b43f1  -             tester@[HOST]
    [TIME]  rollback  a2f11985b92c  6cdceb1b43f1  tester@[HOST]
    [TIME]  put       6cdceb1b43f1  a2f11985b92c  tester@[HOST]
    [TIME]  put       -             6cdceb1b43f1  tester@[HOST]
    ");
    assert_shows!(program, program.shows(&["history", "vllm/0.9.2"]), @"
    | error: there is no history of vllm/0.9.2
    [exit status 1]
    ");
    let (json, _) = program.stdout(&["history", "llamacpp/b4321", "--json"]);
    let ops: Vec<String> = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|change| change["op"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ops, ["rollback", "retire", "rollback", "put", "put"]);
}

#[test]
fn diff_shows_fields_and_exits_with_1_where_there_are_any() {
    let program = with_two_entries();
    assert_shows!(program, program.shows(&["diff", KNOWN_OBJECT, "llamacpp/b4321"]), @"
    build_ref
      + b4321
    build_flags
      + -DGGML_CUDA=ON
      + -O3
    created_ms
      - 1758240000000
      + 1758240000001
    [exit status 1]
    ");
    assert_shows!(program, program.shows(&["diff", KNOWN_OBJECT, "llamacpp/b4321", "--json"]), @r#"
    {"field":"build_ref","kind":"value","from":null,"to":"b4321"}
    {"field":"build_flags","kind":"flags","changed":[],"removed":[],"added":["-DGGML_CUDA=ON","-O3"]}
    {"field":"created_ms","kind":"value","from":"1758240000000","to":"1758240000001"}
    [exit status 1]
    "#);
    assert_shows!(program, program.shows(&["diff", "llamacpp/b4321", "llamacpp:b4321"]), @"");
}

#[test]
fn wrong_usage_exits_with_2_and_names_the_argument() {
    let program = Program::with_catalog();
    assert_shows!(program, program.shows(&["history", "llamacpp"]), @r#"
    | error: invalid value 'llamacpp' for '<ENGINE/VERSION>': "llamacpp" is not of the form engine/version
    | 
    | For more information, try '--help'.
    [exit status 2]
    "#);
    assert_shows!(program, program.shows(&["rollback", "a/b", "--to", "XYZ1"]), @"
    | error: invalid value 'XYZ1' for '--to <OBJECT>': 'X' is not a lower-case hexadecimal digit
    | 
    | For more information, try '--help'.
    [exit status 2]
    ");
    assert_shows!(program, program.shows(&["record", "--engine", "a", "--version", "b"]), @"
    | error: the following required arguments were not provided:
    |   <--artifact <PATH>...|--image <IMAGE>|--from <SPEC>>
    | 
    | Usage: engine-catalog record --engine <ENGINE> --version <VERSION> <--artifact <PATH>...|--image <IMAGE>|--from <SPEC>>
    | 
    | For more information, try '--help'.
    [exit status 2]
    ");
    assert_shows!(program, program.shows(&["man", "nothing"]), @r#"
    | error: there is no command "nothing"
    [exit status 2]
    "#);
}

#[test]
fn no_record_can_write_to_the_terminal_as_it_likes() {
    let program = Program::with_catalog();
    let hostile = KNOWN.replace("[]", r#"["\u001b[2Jgone", "a\nb"]"#);
    assert!(
        program
            .output(&["put"], hostile.as_bytes())
            .status
            .success()
    );
    let (shown, _) = program.stdout(&["get", "llamacpp/b4321"]);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(
        shown.contains(r"\u{1b}[2Jgone") && shown.contains(r"a\nb"),
        "{shown:?}"
    );
    let hostile = KNOWN.replace("[]", "[\"\u{9b}2J\u{202e}gone\"]");
    assert!(
        program
            .output(&["put"], hostile.as_bytes())
            .status
            .success()
    );
    let (json, _) = program.stdout(&["get", "llamacpp/b4321", "--json"]);
    assert!(json.contains(r"\u009b2J\u202egone"), "{json:?}");
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["entry"]["build_flags"][0], "\u{9b}2J\u{202e}gone");
}

#[test]
fn put_repeats_no_secret_whatever_else_is_wrong() {
    let program = Program::with_catalog();
    let url = "https://me:hunter2@host.example/x";
    for (from, to) in [
        (
            r#""build_flags": []"#,
            r#""build_flags": "HF_TOKEN=hunter2""#.to_owned(),
        ),
        (r#""build_flags": []"#, format!(r#""digest": "{url}""#)),
        (
            r#""build_flags": []"#,
            r#""HF_TOKEN=hunter2": []"#.to_owned(),
        ),
        (r#""b4321""#, r#""HF_TOKEN=hunter2\n""#.to_owned()),
        (r#""llamacpp""#, r#""HF_TOKEN=hunter2/x""#.to_owned()),
        ("1758240000000", r#""HF_TOKEN=hunter2""#.to_owned()),
    ] {
        let shown = program.shows_with_input(&["put"], &KNOWN.replace(from, &to));
        assert!(shown.contains("looks like it contains"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn put_takes_nothing_but_objects_and_each_key_once() {
    let program = Program::with_catalog();
    let refuses = |input: &str| program.shows_with_input(&["put"], input);
    let twice = KNOWN.replace(r#""engine":"#, r#""id": "other", "engine":"#);
    assert_shows!(program, refuses(&twice), @"
    | error: standard input: entry 1: duplicate field `id` at line 1 column 29
    [exit status 1]
    ");
    let array = r#"[["id", "e", "v", null, null, null, ["/x"], 1]]"#;
    assert_shows!(program, refuses(array), @"
    | error: standard input: entry 1: it is not an object
    [exit status 1]
    ");
}

#[test]
fn help_of_the_program() {
    let program = Program::without_catalog();
    assert_shows!(program, program.shows(&["-h"]), @"
    Durable, auditable records of prepared LLM inference engines

    Usage: engine-catalog [OPTIONS] <COMMAND>

    Commands:
      init         Make a catalog
      record       Record a prepared engine: its files, or its image
      put          Store entries given as JSON, exactly as they are
      get          Show an entry
      list         List the current entries, by engine and version
      history      Show how the current entry of an engine and version changed, newest first
      diff         Show what differs between two entries, two snapshots, or the engines of two runs
      check        Compare the files of engines with what was recorded
      attach       Attach a document to an entry or a snapshot
      attachments  List the documents that are attached to an entry or a snapshot
      sign         Sign an entry or a snapshot, and attach the signature
      signatures   List the signatures of an entry or a snapshot, and what each is worth
      policy       Say which refs may hold only what is signed
      sbom         Show the SBOMs and provenance of an entry, and what they say of it
      blobs        Keep the files of engines in the catalog
      materialize  Write the files of an engine from the catalog to a directory
      rollback     Make an earlier entry current again
      retire       Take an engine and version out of the listing
      snapshot     Name and compare sets of entries
      verify       Read and check everything, and repair what can be repaired
      heal         Restore what is damaged or missing from other catalogs
      why          Show what keeps an object, or that nothing does
      prune        Retire old versions and remove old builds, by rules
      gc           Remove what nothing keeps
      doctor       Report on the place that the catalog lies in, and on its size
      capture      Make a proof bundle: a directory that anyone can check years later
      import       Bring in the entries of a proof bundle, of another catalog, or of a JSON index
      compare      Show what differs between this catalog and another one, here or on another machine
      pull         Bring in what another catalog has, here or on another machine
      export       Write the current entries, or those of a snapshot, as NDJSON
      completions  Print a script that completes commands in a shell
      man          Print a manual page (roff)
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --root <DIR>       The catalog's directory [default: $ENGINE_CATALOG_ROOT, else engine-catalog
                             in the XDG data directory]
          --json             Print JSON, one value a line, with keys that do not change
          --wait <DURATION>  Give up on a lock that others hold after this long, such as 0s, 30s or 10m
                             [default: wait as long as it takes]
    ");
}

#[test]
fn every_command_has_help_a_manual_page_and_completions() {
    let program = Program::without_catalog();
    let (overview, _) = program.stdout(&["--help"]);
    let commands = overview
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let commands = commands.map_while(|line| line.split_whitespace().next());
    let commands: Vec<_> = commands.filter(|command| *command != "help").collect();
    assert!(commands.len() >= 11, "{commands:?}");
    for command in commands {
        let (help, status) = program.stdout(&[command, "--help"]);
        assert_eq!(status, 0, "{command}");
        assert!(help.contains("Usage: engine-catalog"), "{command}: {help}");
        let (page, _) = program.stdout(&["man", command]);
        assert!(
            page.contains(&format!(".TH engine-catalog-{command} 1")),
            "{page}"
        );
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (script, status) = program.stdout(&["completions", shell]);
        assert!(status == 0 && script.contains("rollback"), "{shell}");
    }
}
