//! Deliberately damaged catalogs, by name.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use ciborium::Value;
use engine_catalog::{
    EngineEntry, Filter, Manifest, ManifestFile, Members, Name, ObjectId, Snapshot, encode_entry,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::{Home, entry, object_of, ordered_map, to_cbor};

/// The current entry of `llamacpp/b1`, the one before it, and the entry of `llamacpp/b2`.
pub(crate) fn current() -> ObjectId {
    object_of(&entry("b1", 2))
}

pub(crate) fn earlier() -> ObjectId {
    object_of(&entry("b1", 1))
}

pub(crate) fn other() -> ObjectId {
    object_of(&other_entry())
}

pub(crate) fn other_entry() -> EngineEntry {
    EngineEntry {
        artifacts: vec!["/opt/x".into()],
        ..entry("b2", 1)
    }
}

/// The manifest that is attached to [`other`].
fn manifest_bytes() -> Vec<u8> {
    let file = ManifestFile {
        mode: 0o755,
        size: 3,
        blake3: ObjectId::of(b"abc"),
    };
    let manifest = Manifest {
        subject: other(),
        files: BTreeMap::from([("/opt/x".to_owned(), file)]),
    };
    manifest.encode().unwrap()
}

pub(crate) fn manifest() -> ObjectId {
    ObjectId::of(&manifest_bytes())
}

/// The snapshot that is named `release`: of the current entries.
pub(crate) fn snapshot() -> ObjectId {
    Snapshot {
        objects: [current(), other()].into(),
    }
    .id()
    .unwrap()
}

/// The link of the manifest, below the root.
pub(crate) fn link() -> String {
    link_of(&other(), &manifest())
}

fn link_of(subject: &ObjectId, object: &ObjectId) -> String {
    let hex = subject.to_string();
    format!("attachments/{}/{}/{object}", &hex[..2], &hex[2..])
}

/// A catalog of two refs, of which one had another entry before, with an attachment and a named
/// snapshot. Nothing is found in it.
pub(crate) fn sound() -> Home {
    let home = Home::new();
    home.put(&entry("b1", 1));
    home.put(&entry("b1", 2));
    home.put(&other_entry());
    object(&home, &manifest_bytes());
    write(&home, &link(), b"");
    let members = Members::Current(Filter::default());
    let name = Name::new("release").unwrap();
    home.catalog.create_snapshot(&members, Some(&name)).unwrap();
    home
}

/// Puts bytes at a path, in the place of what is there.
pub(crate) fn write(home: &Home, path: &str, bytes: impl AsRef<[u8]>) {
    write_file(&home.at(path), bytes.as_ref());
}

fn write_file(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    remove(path);
    fs::write(path, bytes).unwrap();
}

pub(crate) fn remove(path: &Path) {
    let _ = match path.is_dir() && !path.is_symlink() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
}

/// Puts bytes where the object `id` belongs, with the mode of an object.
pub(crate) fn set(home: &Home, id: &ObjectId, bytes: &[u8]) {
    let path = home.object(id);
    write_file(&path, bytes);
    fs::set_permissions(path, Permissions::from_mode(0o444)).unwrap();
}

/// Puts bytes where the object with their hash belongs.
pub(crate) fn object(home: &Home, bytes: &[u8]) -> ObjectId {
    let id = ObjectId::of(bytes);
    set(home, &id, bytes);
    id
}

pub(crate) fn lose(home: &Home, id: &ObjectId) {
    fs::remove_file(home.object(id)).unwrap();
}

/// Changes the first byte of an object.
fn spoil(home: &Home, id: &ObjectId) {
    let mut bytes = fs::read(home.object(id)).unwrap();
    bytes[0] ^= 1;
    set(home, id, &bytes);
}

pub(crate) fn fifo(path: &Path) {
    remove(path);
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// Makes a file of so many zeros that take no room.
pub(crate) fn huge(path: &Path, size: u64) {
    write_file(path, b"");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(size).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o444)).unwrap();
}

/// Names a snapshot of these members, whatever they are.
fn name_snapshot(home: &Home, name: &str, members: &[ObjectId]) -> ObjectId {
    let objects = members.iter().copied().collect();
    let id = object(home, &Snapshot { objects }.encode().unwrap());
    write(home, &format!("snapshots/{name}"), format!("{id}\n"));
    id
}

const B1: &str = "refs/llamacpp/b1";
const HISTORY: &str = "history/llamacpp/b1";

fn history(home: &Home) -> String {
    fs::read_to_string(home.at(HISTORY)).unwrap()
}

type Damage = fn(&Home);

/// Every case, which damages a [`sound`] catalog.
pub(crate) const CASES: &[(&str, Damage)] = &[
    ("object-truncated", |home| {
        let bytes = fs::read(home.object(&current())).unwrap();
        set(home, &current(), &bytes[..bytes.len() - 1]);
    }),
    ("object-empty", |home| set(home, &current(), b"")),
    ("object-under-a-wrong-name", |home| {
        let wrong = home.object(&ObjectId::from_bytes([0xab; 32]));
        fs::create_dir_all(wrong.parent().unwrap()).unwrap();
        fs::rename(home.object(&current()), wrong).unwrap();
    }),
    ("object-with-content-of-another", |home| {
        let bytes = fs::read(home.object(&other())).unwrap();
        set(home, &earlier(), &bytes);
    }),
    ("object-not-canonical", |home| {
        let mut bytes = encode_entry(&entry("b1", 3)).unwrap();
        // A map of six with its length in a byte of its own.
        bytes.splice(0..1, [0xb8, 0x06]);
        let id = object(home, &bytes);
        write(home, B1, format!("{id}\n"));
    }),
    ("object-no-cbor", |home| {
        object(home, b"\xff");
    }),
    ("object-too-large", |home| {
        let id = ObjectId::from_bytes([0xcd; 32]);
        huge(&home.object(&id), (64 << 20) + 1);
    }),
    ("entry-too-large", |home| {
        let entry = Value::from("engine-entry/1");
        let padding = Value::from("x".repeat(1 << 20));
        let fields = vec![("schema", entry), ("id", padding)];
        object(home, &to_cbor(&ordered_map(fields)));
    }),
    ("object-of-another-mode", |home| {
        let path = home.object(&current());
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }),
    ("object-of-a-newer-program", |home| {
        let fields = vec![("schema", Value::from("engine-entry/9"))];
        let id = object(home, &to_cbor(&ordered_map(fields)));
        // What names it is not judged.
        write(home, "refs/llamacpp/b9", format!("{id}\n"));
        write(home, "history/llamacpp/b9", "");
        name_snapshot(home, "newer", &[id]);
        write(home, "snapshots/newest", format!("{id}\n"));
        write(home, &link_of(&current(), &id), "");
    }),
    ("object-is-a-link", |home| {
        let path = home.object(&current());
        fs::rename(&path, home.outside().join("elsewhere")).unwrap();
        symlink(home.outside().join("elsewhere"), path).unwrap();
    }),
    ("object-is-a-directory", |home| {
        let path = home.object(&current());
        remove(&path);
        fs::create_dir(path).unwrap();
    }),
    ("object-is-a-fifo", |home| fifo(&home.object(&current()))),
    ("shard-is-a-file", |home| {
        let hex = current().to_string();
        write(home, &format!("objects/{}", &hex[..2]), "");
    }),
    ("blob-of-another-hash", |home| {
        let good = ObjectId::of(b"good").to_string();
        write(
            home,
            &format!("blobs/{}/{}", &good[..2], &good[2..]),
            "good",
        );
        write(home, &format!("blobs/00/{}", "0".repeat(62)), "bad");
    }),
    ("manifest-foreign", |home| {
        let files = BTreeMap::new();
        let subject = other();
        let foreign = Manifest { subject, files }.encode().unwrap();
        let foreign = object(home, &foreign);
        write(home, &link_of(&other(), &foreign), "");
    }),
    ("ref-absent", |home| {
        home.put(&entry("b9", 1));
        remove(&home.at("refs/llamacpp/b9"));
    }),
    ("ref-torn", |home| {
        write(home, B1, &current().to_string()[..30]);
    }),
    ("ref-torn-without-history", |home| {
        write(home, B1, "");
        remove(&home.at(HISTORY));
    }),
    ("ref-dangling", |home| lose(home, &current())),
    ("ref-object-damaged", |home| spoil(home, &current())),
    ("ref-wrong-kind", |home| {
        write(home, B1, format!("{}\n", snapshot()));
    }),
    ("ref-misplaced", |home| {
        write(home, B1, format!("{}\n", other()));
    }),
    ("ref-is-a-directory", |home| {
        remove(&home.at(B1));
        fs::create_dir(home.at(B1)).unwrap();
    }),
    ("ref-is-a-fifo", |home| fifo(&home.at(B1))),
    ("ref-is-a-link", |home| {
        fs::rename(home.at(B1), home.at("refs/llamacpp/%zz")).unwrap();
        symlink("%zz", home.at(B1)).unwrap();
    }),
    ("ref-is-huge", |home| huge(&home.at(B1), 10 << 30)),
    ("engine-is-a-link", |home| {
        fs::rename(home.at("refs/llamacpp"), home.at("refs/.moved")).unwrap();
        symlink(".moved", home.at("refs/llamacpp")).unwrap();
    }),
    ("ref-gone", |home| remove(&home.at(B1))),
    ("history-gone", |home| remove(&home.at(HISTORY))),
    ("history-line-malformed", |home| {
        let lines = history(home).replacen(" put ", " pot ", 1);
        write(home, HISTORY, lines);
    }),
    ("history-disconnected", |home| {
        let first = history(home).lines().next().unwrap().to_owned();
        write(home, HISTORY, first + "\n");
    }),
    ("history-torn", |home| {
        let torn = format!("{}1 put {}", history(home), current());
        write(home, HISTORY, torn);
    }),
    ("history-object-gone", |home| lose(home, &earlier())),
    ("history-is-a-directory", |home| {
        remove(&home.at(HISTORY));
        fs::create_dir(home.at(HISTORY)).unwrap();
    }),
    ("history-is-huge", |home| huge(&home.at(HISTORY), 10 << 30)),
    ("snapshot-torn", |home| {
        write(home, "snapshots/release", "6c");
    }),
    ("snapshot-dangling", |home| lose(home, &snapshot())),
    ("snapshot-object-damaged", |home| spoil(home, &snapshot())),
    ("snapshot-wrong-kind", |home| {
        write(home, "snapshots/release", format!("{}\n", other()));
    }),
    ("snapshot-is-a-fifo", |home| {
        fifo(&home.at("snapshots/release"));
    }),
    ("member-gone", |home| {
        let gone = ObjectId::from_bytes([0xef; 32]);
        name_snapshot(home, "more", &[other(), gone]);
    }),
    ("member-damaged", |home| {
        name_snapshot(home, "more", &[earlier()]);
        spoil(home, &earlier());
    }),
    ("member-no-entry", |home| {
        name_snapshot(home, "more", &[manifest(), other()]);
    }),
    ("attachment-gone", |home| lose(home, &manifest())),
    ("attachment-damaged", |home| spoil(home, &manifest())),
    ("attachment-of-another", |home| {
        fs::remove_file(home.at(&link())).unwrap();
        write(home, &link_of(&current(), &manifest()), "");
    }),
    ("attachment-no-attachment", |home| {
        write(home, &link_of(&current(), &other()), "");
    }),
    ("link-not-empty", |home| write(home, &link(), "x")),
    ("link-is-a-directory", |home| {
        remove(&home.at(&link()));
        fs::create_dir(home.at(&link())).unwrap();
    }),
    ("subject-gone", |home| {
        let subject = object_of(&entry("b3", 1));
        let manifest = Manifest {
            subject,
            files: BTreeMap::new(),
        };
        let id = object(home, &manifest.encode().unwrap());
        write(home, &link_of(&subject, &id), "");
    }),
    ("one-id-twice", |home| {
        let id = entry("b1", 1).id;
        home.put(&EngineEntry {
            id,
            ..EngineEntry::new("vllm", "1", 1)
        });
    }),
    ("names-that-differ-in-case", |home| {
        let upper = entry("B1", 1);
        home.put(&upper);
        home.put(&EngineEntry::new("LLAMAcpp", "b1", 1));
        let members = Members::Current(Filter::default());
        let name = Name::new("Release").unwrap();
        home.catalog.create_snapshot(&members, Some(&name)).unwrap();
    }),
    ("foreign-files", |home| {
        for path in [
            "notes.txt",
            "objects/README",
            "objects/ab/.cdef.X1y2Z3",
            "objects/ab/cdef",
            "refs/stray",
            "refs/llamacpp/.b1.X1y2Z3",
            "history/.partial/b1",
            "snapshots/a b",
            "attachments/x",
            "attachments/ab/x",
            "attachments/ab/cdef/y",
            "blobs/x",
            "blobs/ab/x",
        ] {
            write(home, path, "");
        }
        let (subject, _) = link()
            .rsplit_once('/')
            .map(|(a, b)| (a.to_owned(), b.len()))
            .unwrap();
        write(home, &format!("{subject}/x"), "");
    }),
    ("files-in-place-of-directories", |home| {
        write(home, "cache", "");
        write(home, "blobs", "");
        write(home, "attachments/ab", "");
        remove(&home.at("tmp"));
        symlink("/tmp", home.at("tmp")).unwrap();
    }),
    ("leftovers", |home| {
        write(home, "tmp/new-0123456789abcdef", "half");
        write(home, "quarantine/refs.llamacpp.b1.0123456789abcdef", "bad");
    }),
];

pub(crate) fn case(name: &str) -> Damage {
    let found = CASES.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no case {name}")).1
}
