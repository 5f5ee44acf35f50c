//! The manifest of the files of a recorded engine: what it says, when it is attached, and which files
//! make another build.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use engine_catalog::{
    Artifacts, Error, ErrorKind, Manifest, ManifestFile, ObjectId, PreparedEngine, Snapshot,
};

use super::recording::{Build, record};
use super::support::{Home, entry, listing, name, stamp};

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What a manifest has to say of a file.
fn file(content: &str, mode: u32) -> ManifestFile {
    ManifestFile {
        mode,
        size: content.len() as u64,
        blake3: ObjectId::of(content.as_bytes()),
    }
}

/// A manifest of the two files of a build.
fn of_two(build: &Build, subject: ObjectId, server: ManifestFile, lib: ManifestFile) -> Manifest {
    let path = |name: &str| build.at(name).into_os_string().into_string().unwrap();
    let files = [(path("llama-server"), server), (path("libggml.so"), lib)].into();
    Manifest { subject, files }
}

/// A build with known modes.
fn build() -> Build {
    let build = Build::new();
    chmod(&build.at("llama-server"), 0o755);
    chmod(&build.at("libggml.so"), 0o644);
    build
}

fn manifests(home: &Home, subject: &ObjectId) -> Vec<Manifest> {
    home.catalog.manifests(subject).unwrap()
}

/// The only attachment of an entry, and its link.
fn only_attachment(home: &Home, subject: &ObjectId) -> (ObjectId, std::path::PathBuf) {
    let attached = home.catalog.attachments(subject).unwrap();
    let [object] = attached[..] else {
        panic!("{attached:?}")
    };
    let hex = subject.to_string();
    let dir = home.at("attachments").join(&hex[..2]).join(&hex[2..]);
    (object, dir.join(object.to_string()))
}

#[test]
fn recorded_engine_has_a_manifest_of_path_mode_size_and_hash_of_every_file() {
    let (home, build) = (Home::new(), build());
    chmod(&build.at("libggml.so"), 0o4711);
    let subject = record(&home, &build.prepared(7)).put.object;
    let expected = of_two(&build, subject, file("abc", 0o755), file("def", 0o4711));
    let (object, link) = only_attachment(&home, &subject);
    assert_eq!(object, ObjectId::of(&expected.encode().unwrap()));
    assert_eq!(manifests(&home, &subject), [expected]);
    assert_eq!(fs::read(&link).unwrap(), b"");
    assert_eq!(manifests(&home, &object), [], "it has none itself");
}

#[test]
fn files_are_named_as_they_are_found_and_once_each() {
    let (home, build) = (Home::new(), build());
    symlink("llama-server", build.at("current")).unwrap();
    let files = ["current", "libggml.so", "llama-server"].map(|file| build.at(file));
    let engine = PreparedEngine {
        artifacts: Artifacts::Files(files.into()),
        ..build.prepared(7)
    };
    let subject = record(&home, &engine).put.object;
    let expected = of_two(&build, subject, file("abc", 0o755), file("def", 0o644));
    assert_eq!(manifests(&home, &subject), [expected]);
}

#[test]
fn images_and_entries_that_were_put_have_no_manifest() {
    let home = Home::new();
    let image = Artifacts::Image("registry.example/vllm:1".into());
    let recorded = record(&home, &PreparedEngine::new("vllm", "1", image, 1));
    for subject in [recorded.put.object, home.put(&entry("b1", 1))] {
        assert_eq!(home.catalog.attachments(&subject).unwrap(), []);
        assert_eq!(manifests(&home, &subject), []);
    }
}

#[test]
fn recording_the_same_files_again_attaches_nothing_more() {
    let (home, build) = (Home::new(), build());
    let first = record(&home, &build.prepared(7));
    let before = ["attachments", "refs", "history"].map(|dir| listing(&home.at(dir)));
    for ms in [7, 8] {
        assert!(record(&home, &build.prepared(ms)).put.is_unchanged());
    }
    let after = ["attachments", "refs", "history"].map(|dir| listing(&home.at(dir)));
    assert_eq!(after, before);
    only_attachment(&home, &first.put.object);
}

#[test]
fn other_library_or_mode_alone_is_another_build() {
    let (home, build) = (Home::new(), build());
    let first = record(&home, &build.prepared(1));
    fs::write(build.at("libggml.so"), "ghi").unwrap();
    let second = record(&home, &build.prepared(2));
    assert_eq!(second.put.previous, Some(first.put.object));
    assert_eq!(second.entry.digest, first.entry.digest);
    assert_eq!(second.entry.id, first.entry.id);
    chmod(&build.at("llama-server"), 0o700);
    let third = record(&home, &build.prepared(3));
    assert_eq!(third.put.previous, Some(second.put.object));
    for (subject, server, library) in [
        (first.put.object, file("abc", 0o755), file("def", 0o644)),
        (second.put.object, file("abc", 0o755), file("ghi", 0o644)),
        (third.put.object, file("abc", 0o700), file("ghi", 0o644)),
    ] {
        let expected = of_two(&build, subject, server, library);
        assert_eq!(manifests(&home, &subject), [expected]);
    }
}

/// Entries are the same if their bytes are, whatever is attached to them.
#[test]
fn same_entry_with_other_files_has_a_manifest_of_each_and_is_unchanged_with_either() {
    let (home, build) = (Home::new(), build());
    let first = record(&home, &build.prepared(1));
    fs::write(build.at("libggml.so"), "ghi").unwrap();
    let second = record(&home, &build.prepared(1));
    assert_eq!(second.put.object, first.put.object);
    let subject = first.put.object;
    let both =
        ["def", "ghi"].map(|lib| of_two(&build, subject, file("abc", 0o755), file(lib, 0o644)));
    let is_there =
        |found: &[Manifest]| found.len() == 2 && both.iter().all(|it| found.contains(it));
    assert!(is_there(&manifests(&home, &subject)));
    for library in ["def", "ghi"] {
        fs::write(build.at("libggml.so"), library).unwrap();
        assert!(record(&home, &build.prepared(2)).put.is_unchanged());
        assert!(is_there(&manifests(&home, &subject)));
    }
}

#[test]
fn recording_an_entry_that_was_put_attaches_its_manifest_and_changes_nothing_else() {
    let (home, build) = (Home::new(), build());
    let made = record(&Home::new(), &build.prepared(7));
    let subject = home.put(&made.entry);
    assert_eq!(manifests(&home, &subject), []);
    let before = ["refs", "history"].map(|dir| listing(&home.at(dir)));
    assert!(record(&home, &build.prepared(9)).put.is_unchanged());
    let expected = of_two(&build, subject, file("abc", 0o755), file("def", 0o644));
    assert_eq!(manifests(&home, &subject), [expected]);
    assert_eq!(
        ["refs", "history"].map(|dir| listing(&home.at(dir))),
        before
    );
}

#[test]
fn manifest_that_is_damaged_or_missing_is_there_again_after_the_next_record() {
    let (home, build) = (Home::new(), build());
    let first = record(&home, &build.prepared(7));
    let subject = first.put.object;
    let good = manifests(&home, &subject);
    let (object, link) = only_attachment(&home, &subject);
    let file = home.object(&object);
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let replace = |size: Option<u64>| {
        remove(&file);
        fs::write(&file, "damaged").unwrap();
        if let Some(size) = size {
            let file = fs::File::options().write(true).open(&file).unwrap();
            file.set_len(size).unwrap();
        }
    };
    let damages: [(&str, &dyn Fn()); 6] = [
        ("damaged", &|| replace(None)),
        ("larger than any object", &|| replace(Some(1 << 40))),
        ("missing", &|| remove(&file)),
        ("a directory", &|| {
            remove(&file);
            fs::create_dir(&file).unwrap();
        }),
        ("a link", &|| {
            remove(&file);
            symlink("/dev/null", &file).unwrap();
        }),
        ("not attached", &|| remove(&link)),
    ];
    for (what, damage) in damages {
        damage();
        match home.catalog.manifests(&subject) {
            Ok(found) => assert_eq!((what, found), ("not attached", vec![])),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damage, "{what}"),
        }
        assert!(
            record(&home, &build.prepared(8)).put.is_unchanged(),
            "{what}"
        );
        assert_eq!(manifests(&home, &subject), good, "{what}");
        assert!(!file.symlink_metadata().unwrap().is_symlink(), "{what}");
    }
    assert_eq!(fs::read_dir(home.at("quarantine")).unwrap().count(), 4);
}

#[test]
fn attachment_of_an_unknown_schema_is_passed_over_and_kept() {
    let (home, build) = (Home::new(), build());
    let subject = record(&home, &build.prepared(7)).put.object;
    let (object, link) = only_attachment(&home, &subject);
    let newer = home.plant(b"\xa1\x66schema\x6bsignature/9");
    fs::write(link.with_file_name(newer.to_string()), "").unwrap();
    assert_eq!(manifests(&home, &subject).len(), 1);
    let mut both = [object, newer];
    both.sort();
    assert_eq!(home.catalog.attachments(&subject).unwrap(), both);
    assert!(record(&home, &build.prepared(8)).put.is_unchanged());
    assert_eq!(home.catalog.attachments(&subject).unwrap(), both);
}

#[test]
fn attachment_that_describes_something_else_is_damage_and_hinders_no_record() {
    let (home, build) = (Home::new(), build());
    let subject = record(&home, &build.prepared(7)).put.object;
    let (_, link) = only_attachment(&home, &subject);
    let mut manifest = manifests(&home, &subject).remove(0);
    manifest.subject = ObjectId::of(b"something else");
    let of_another = manifest.encode().unwrap();
    let snapshot = Snapshot::default().encode().unwrap();
    for bytes in [&of_another, &snapshot] {
        let planted = home.plant(bytes);
        let misplaced = link.with_file_name(planted.to_string());
        fs::write(&misplaced, "").unwrap();
        let error = home.catalog.manifests(&subject).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damage);
        assert!(
            matches!(error, Error::MisplacedAttachment { subject: s, object }
                if (s, object) == (subject, planted))
        );
        assert!(record(&home, &build.prepared(8)).put.is_unchanged());
        fs::remove_file(misplaced).unwrap();
    }
}

#[test]
fn record_is_not_acknowledged_where_something_else_has_the_name_of_the_link() {
    let (home, build) = (Home::new(), build());
    let subject = record(&home, &build.prepared(7)).put.object;
    let (_, link) = only_attachment(&home, &subject);
    let odd: [&dyn Fn(); 2] = [&|| fs::create_dir(&link).unwrap(), &|| {
        fs::remove_dir(&link).unwrap();
        symlink("/dev/null", &link).unwrap();
    }];
    fs::remove_file(&link).unwrap();
    for plant in odd {
        plant();
        let error = home
            .catalog
            .record(&build.prepared(8), &stamp(1))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damage);
        assert!(
            error.to_string().contains(link.to_str().unwrap()),
            "{error}"
        );
        assert!(home.catalog.attachments(&subject).is_err());
    }
    let current = home.catalog.current(&name("llamacpp/b1")).unwrap();
    assert_eq!(current.unwrap().object, subject);
}
