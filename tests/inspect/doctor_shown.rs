//! What `doctor` shows.

use std::fs;

use engine_catalog::Catalog;
use insta::assert_snapshot;

use super::program::Program;
use super::support::{entry, stamp};

/// Compares what is shown, with what differs between machines replaced.
macro_rules! assert_shows {
    ($program:expr, $args:expr, $($snapshot:tt)+) => {{
        let mut settings = insta::Settings::clone_current();
        let dir = $program.dir().canonicalize().unwrap();
        settings.add_filter(&dir.display().to_string().replace('.', r"\."), "[DIR]");
        // How wide a column is depends on what the machine has.
        settings.add_filter(r" {2,}", "  ");
        settings.add_filter(r"(?m)^\w+ +(file-system|local|space|inodes)  .*\n( +->.*\n)?", "[STATUS] $1 [FOUND]\n");
        settings.add_filter(r#"Linux [0-9][^\s"]+"#, "Linux [RELEASE]");
        settings.add_filter(r#""(file-system|local|space|inodes)","status":"\w+","detail":"[^"]*"(,"advice":"[^"]*")?"#, r#""$1","status":"[STATUS]","detail":"[FOUND]""#);
        settings.add_filter(r#""file_system":\{"name":("\w+"|null),"magic":\d+,"read_only":false,"free_bytes":\d+,"free_inodes":(\d+|null)\}"#, r#""file_system":{"name":"[TYPE]","magic":0,"read_only":false,"free_bytes":0,"free_inodes":0}"#);
        settings.add_filter(r#""oldest_ms":\d+"#, r#""oldest_ms":0"#);
        settings.bind(|| assert_snapshot!($program.shows($args), $($snapshot)+));
    }};
}

fn with_an_entry() -> Program {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    catalog.put(&entry("b1", 1), &stamp(1)).unwrap();
    program
}

#[test]
fn doctor_shows_a_line_for_each_check_and_each_count() {
    let program = with_an_entry();
    assert_shows!(program, &["doctor"], @"
    ok  format  format 1, no features
    ok  policy  none: nothing need be signed
    ok  retention  none: all that refs have held is kept
    [STATUS] file-system [FOUND]
    [STATUS] local [FOUND]
    ok  mount  read and write
    [STATUS] space [FOUND]
    [STATUS] inodes [FOUND]
    ok  kernel  Linux [RELEASE]
    ok  clock  not behind the newest change
    ok  directories  each is one, on the file system of the root
    ok  permissions  this user may read and write, and not everybody may
    ok  counts  everything could be listed
    ok  leftovers  nothing in tmp/
    ok  quarantine  nothing was moved aside
    ok  rename  a file can be renamed over another
    ok  rename-noreplace  a file can be renamed without replacing another
    ok  hard-links  a file can have a second name
    ok  unnamed-files  a file can be made without a name (O_TMPFILE)
    ok  long-names  names may have 255 bytes
    ok  case  case matters in names
    ok  locks  a lock (flock) excludes others
    ok  sync-directory  directories can be synced
    ok  sync-file-system  the file system can be synced
    ok  birth-times  it is told when a directory was made
    ok  modes  files keep their modes
    count  refs  1 file, 65 B
    count  histories  1 file, 87 B
    count  objects  1 file, 88 B
    count  snapshots  0 files, 0 B
    count  attachments  0 files, 0 B
    count  blobs  0 files, 0 B
    ");
    assert_shows!(program, &["doctor", "--json"], @r#"{"root":"[DIR]/catalog","format":1,"features":[],"file_system":{"name":"[TYPE]","magic":0,"read_only":false,"free_bytes":0,"free_inodes":0},"counts":{"refs":{"files":1,"bytes":65,"oldest_ms":0},"histories":{"files":1,"bytes":87,"oldest_ms":0},"objects":{"files":1,"bytes":88,"oldest_ms":0},"snapshots":{"files":0,"bytes":0,"oldest_ms":null},"attachments":{"files":0,"bytes":0,"oldest_ms":null},"blobs":{"files":0,"bytes":0,"oldest_ms":null},"tmp":{"files":0,"bytes":0,"oldest_ms":null},"quarantine":{"files":0,"bytes":0,"oldest_ms":null}},"checks":[{"name":"format","status":"ok","detail":"format 1, no features"},{"name":"policy","status":"ok","detail":"none: nothing need be signed"},{"name":"retention","status":"ok","detail":"none: all that refs have held is kept"},{"name":"file-system","status":"[STATUS]","detail":"[FOUND]"},{"name":"local","status":"[STATUS]","detail":"[FOUND]"},{"name":"mount","status":"ok","detail":"read and write"},{"name":"space","status":"[STATUS]","detail":"[FOUND]"},{"name":"inodes","status":"[STATUS]","detail":"[FOUND]"},{"name":"kernel","status":"ok","detail":"Linux [RELEASE]"},{"name":"clock","status":"ok","detail":"not behind the newest change"},{"name":"directories","status":"ok","detail":"each is one, on the file system of the root"},{"name":"permissions","status":"ok","detail":"this user may read and write, and not everybody may"},{"name":"counts","status":"ok","detail":"everything could be listed"},{"name":"leftovers","status":"ok","detail":"nothing in tmp/"},{"name":"quarantine","status":"ok","detail":"nothing was moved aside"},{"name":"rename","status":"ok","detail":"a file can be renamed over another"},{"name":"rename-noreplace","status":"ok","detail":"a file can be renamed without replacing another"},{"name":"hard-links","status":"ok","detail":"a file can have a second name"},{"name":"unnamed-files","status":"ok","detail":"a file can be made without a name (O_TMPFILE)"},{"name":"long-names","status":"ok","detail":"names may have 255 bytes"},{"name":"case","status":"ok","detail":"case matters in names"},{"name":"locks","status":"ok","detail":"a lock (flock) excludes others"},{"name":"sync-directory","status":"ok","detail":"directories can be synced"},{"name":"sync-file-system","status":"ok","detail":"the file system can be synced"},{"name":"birth-times","status":"ok","detail":"it is told when a directory was made"},{"name":"modes","status":"ok","detail":"files keep their modes"}]}"#);
}

#[test]
fn doctor_says_what_to_do_about_what_it_finds() {
    let program = with_an_entry();
    fs::write(
        program.root().join("format"),
        "engine-catalog 1\nro-compat packs\n",
    )
    .unwrap();
    fs::write(program.root().join("quarantine"), "").unwrap();
    assert_shows!(program, &["doctor"], @r#"
    warning  format  format 1; ro-compat packs, unknown
      -> this program can only read the catalog: use the newer version that made it
    ok  policy  none: nothing need be signed
    ok  retention  none: all that refs have held is kept
    [STATUS] file-system [FOUND]
    [STATUS] local [FOUND]
    ok  mount  read and write
    [STATUS] space [FOUND]
    [STATUS] inodes [FOUND]
    ok  kernel  Linux [RELEASE]
    ok  clock  not behind the newest change
    failed  directories  quarantine is a regular file, not a directory
      -> take away what is mounted, linked or lies in its place
    ok  permissions  this user may read and write, and not everybody may
    failed  counts  cannot list [DIR]/catalog/quarantine: it leads through something that is not a directory
    ok  leftovers  nothing in tmp/
    unknown  quarantine  quarantine/ cannot be listed
    unknown  rename  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  rename-noreplace  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  hard-links  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  unnamed-files  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  long-names  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  case  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  locks  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  sync-directory  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  sync-file-system  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  birth-times  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    unknown  modes  the catalog at [DIR]/catalog can only be read: it has the feature "packs", which this program does not know
    count  refs  1 file, 65 B
    count  histories  1 file, 87 B
    count  objects  1 file, 88 B
    count  snapshots  0 files, 0 B
    count  attachments  0 files, 0 B
    count  blobs  0 files, 0 B
    [exit status 1]
    "#);
}

#[test]
fn doctor_cannot_run_without_a_catalog_that_it_knows() {
    let program = Program::without_catalog();
    assert_shows!(program, &["doctor"], @"
    | error: there is no catalog at [DIR]/catalog
    | hint: make one with `engine-catalog --root [DIR]/catalog init`, or name another with --root or ENGINE_CATALOG_ROOT
    [exit status 3]
    ");
    let program = Program::with_catalog();
    fs::write(program.root().join("format"), "engine-catalog 2\n").unwrap();
    assert_shows!(program, &["doctor"], @r#"
    | error: the catalog at [DIR]/catalog is not supported: it says format "2", this program supports format 1
    | hint: a newer version of engine-catalog has written it: use that one
    [exit status 3]
    "#);
}
