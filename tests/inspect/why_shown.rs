//! What `why` shows.

use engine_catalog::{Catalog, Members, Name};
use insta::assert_snapshot;

use super::program::Program;
use super::support::{entry, object_file, stamp};

/// Compares what is shown, with what differs from run to run replaced.
macro_rules! assert_shows {
    ($program:expr, $args:expr, $($snapshot:tt)+) => {{
        let mut settings = insta::Settings::clone_current();
        let dir = $program.dir().canonicalize().unwrap();
        settings.add_filter(&dir.display().to_string().replace('.', r"\."), "[DIR]");
        settings.bind(|| assert_snapshot!($program.shows($args), $($snapshot)+));
    }};
}

/// An entry that is current, one that it replaced, which is in a named snapshot, and one that only a
/// history mentions.
fn with_three() -> (Program, [String; 3]) {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    let put = |at_ms: i64| {
        let put = catalog.put(&entry("b1", at_ms), &stamp(1_758_240_000_000 + at_ms));
        put.unwrap().object
    };
    let [gone, member, current] = [put(1), put(2), put(3)];
    let members = Members::Objects([member].into());
    let name = Name::new("release 1").unwrap();
    catalog.create_snapshot(&members, Some(&name)).unwrap();
    let ids = [current, member, gone].map(|id| id.to_string());
    (program, ids)
}

#[test]
fn why_shows_the_way_up_to_the_names() {
    let (program, [current, member, gone]) = with_three();
    assert_shows!(program, &["why", &current], @"
    object       c935445d77fad6b57621b4172168eab5c1fa49887729e7b359563c43702f8726
    stored       entry of llamacpp/b1
    kept by      ref llamacpp/b1
    mentioned    in the history of llamacpp/b1, once: put at 2025-09-19T00:00:00.003Z by tester@here, from dd8ea06bd5cf to c935445d77fa
    ");
    assert_shows!(program, &["why", &member[..8]], @"
    object       dd8ea06bd5cfeca8928c3ff01544472342db04ea2288d21bff1e2b0cf014fe6a
    stored       entry of llamacpp/b1
    kept by      snapshot 352308c5e5e8, of which it is a member
                   named snapshot release 1
                 history of llamacpp/b1
    mentioned    in the history of llamacpp/b1, 2 times, last: put at 2025-09-19T00:00:00.003Z by tester@here, from dd8ea06bd5cf to c935445d77fa
    ");
    assert_shows!(program, &["why", &gone[..8]], @"
    object       4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33
    stored       entry of llamacpp/b1
    kept by      history of llamacpp/b1
    mentioned    in the history of llamacpp/b1, 2 times, last: put at 2025-09-19T00:00:00.002Z by tester@here, from 4a0ae150b0a8 to dd8ea06bd5cf
    ");
    assert_shows!(program, &["why", &member, "--json"], @r#"{"object":"dd8ea06bd5cfeca8928c3ff01544472342db04ea2288d21bff1e2b0cf014fe6a","stored":{"kind":"entry","name":"llamacpp/b1"},"kept":"yes","reasons":[{"by":"member","snapshot":"352308c5e5e8fca5e191f9b7846b3f5d12d3f40bbf0a194ec1a54b4e86fc05d1"},{"by":"history","name":"llamacpp/b1"}],"above":[{"object":"352308c5e5e8fca5e191f9b7846b3f5d12d3f40bbf0a194ec1a54b4e86fc05d1","reasons":[{"by":"snapshot","name":"release 1"}]}],"attached_to":[],"history":[{"ref":"llamacpp/b1","times":2,"at_ms":1758240000003,"op":"put","old":"dd8ea06bd5cfeca8928c3ff01544472342db04ea2288d21bff1e2b0cf014fe6a","new":"c935445d77fad6b57621b4172168eab5c1fa49887729e7b359563c43702f8726","actor":"tester@here"}],"removed":null,"unknown":[]}"#);
}

#[test]
fn why_tells_nothing_found_from_nothing_known() {
    let (program, [current, _, gone]) = with_three();
    let nowhere = "00".repeat(32);
    assert_shows!(program, &["why", &nowhere], @"
    | error: there is no trace of object 0000000000000000000000000000000000000000000000000000000000000000
    [exit status 1]
    ");
    assert_shows!(program, &["why", &nowhere, "--json"], @r#"
    {"object":"0000000000000000000000000000000000000000000000000000000000000000","stored":{"kind":"missing"},"kept":"no","reasons":[],"above":[],"attached_to":[],"history":[],"removed":null,"unknown":[]}
    | error: there is no trace of object 0000000000000000000000000000000000000000000000000000000000000000
    [exit status 1]
    "#);
    assert_shows!(program, &["why", "0000"], @"
    | error: no object in the store starts with 0000; give all 64 digits to look elsewhere
    [exit status 1]
    ");
    assert_shows!(program, &["why", "llamacpp/b1"], @"
    | error: invalid value 'llamacpp/b1' for '<HASH>': 'l' is not a lower-case hexadecimal digit
    | 
    | For more information, try '--help'.
    [exit status 2]
    ");
    let file = object_file(&program.root(), current.parse().unwrap());
    std::fs::remove_file(file).unwrap();
    assert_shows!(program, &["why", &current], @"
    object       c935445d77fad6b57621b4172168eab5c1fa49887729e7b359563c43702f8726
    stored       no, it is missing
    kept by      ref llamacpp/b1
    mentioned    in the history of llamacpp/b1, once: put at 2025-09-19T00:00:00.003Z by tester@here, from dd8ea06bd5cf to c935445d77fa
    unclear      object c935445d77fad6b57621b4172168eab5c1fa49887729e7b359563c43702f8726, kept by ref llamacpp/b1: it is missing
    ");
    assert_shows!(program, &["why", &gone], @"
    object       4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33
    stored       entry of llamacpp/b1
    kept by      history of llamacpp/b1
    mentioned    in the history of llamacpp/b1, 2 times, last: put at 2025-09-19T00:00:00.002Z by tester@here, from 4a0ae150b0a8 to dd8ea06bd5cf
    unclear      object c935445d77fad6b57621b4172168eab5c1fa49887729e7b359563c43702f8726, kept by ref llamacpp/b1: it is missing
    ");
}
