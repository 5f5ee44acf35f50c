//! Damaged objects: putting the same entry again makes them good, whatever lies in their place, and
//! keeps the bad file in `quarantine/`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use engine_catalog::{Artifacts, Error, ObjectId, PreparedEngine, encode_entry};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::busy_home;
use super::support::{Home, entry, files, listing, name, object_of, stamp};

/// Puts something in the place of an object's file, which held the given bytes.
type Damage = fn(&Path, &[u8]);

const DAMAGES: [(&str, Damage); 11] = [
    ("flipped", |file, good| {
        let mut bad = good.to_vec();
        bad[40] ^= 1;
        fs::write(file, bad).unwrap();
    }),
    ("cut short", |file, good| {
        fs::write(file, &good[..good.len() - 1]).unwrap();
    }),
    ("empty", |file, _| fs::write(file, "").unwrap()),
    ("zeros", |file, good| {
        fs::write(file, vec![0; good.len()]).unwrap();
    }),
    ("longer", |file, good| {
        fs::write(file, [good, b"\0"].concat()).unwrap();
    }),
    ("huge", |file, _| {
        fs::File::create(file).unwrap().set_len(10 << 30).unwrap();
    }),
    ("a link to the same bytes", |file, good| {
        let outside = file.ancestors().nth(4).unwrap().join("good-copy");
        fs::write(&outside, good).unwrap();
        symlink(outside, file).unwrap();
    }),
    ("a link to nothing", |file, _| {
        symlink("../nothing", file).unwrap();
    }),
    ("a directory", |file, good| {
        fs::create_dir(file).unwrap();
        fs::write(file.join("inside"), good).unwrap();
    }),
    ("a FIFO", |file, _| node(file, FileType::Fifo)),
    ("a socket", |file, _| node(file, FileType::Socket)),
];

fn node(file: &Path, kind: FileType) {
    mknodat(CWD, file, kind, Mode::from_raw_mode(0o600), 0).unwrap();
}

fn damage(home: &Home, object: &ObjectId, how: Damage) {
    let file = home.object(object);
    let good = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    how(&file, &good);
}

/// The names in `quarantine/`.
fn quarantined(home: &Home) -> Vec<String> {
    let Ok(entries) = fs::read_dir(home.at("quarantine")) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The listing of one thing and what is below it, by paths relative to it; without the ctimes, which
/// renaming changes.
fn kept(top: &Path) -> Vec<String> {
    let below = listing(top).into_iter();
    let shown = below.map(|(path, shown)| {
        let (meta, content) = shown.rsplit_once(']').unwrap();
        let meta = meta.split_once(" times ").unwrap().0;
        format!("{:?} {meta} {content}", path.strip_prefix(top).unwrap())
    });
    shown.collect()
}

#[test]
fn putting_the_same_entry_heals_its_object_and_keeps_the_bad_file() {
    for (what, how) in DAMAGES {
        let home = busy_home();
        let object = object_of(&entry("b1", 2));
        damage(&home, &object, how);
        assert!(
            home.catalog.current(&name("llamacpp/b1")).is_err(),
            "{what}"
        );
        let bad = kept(&home.object(&object));
        let changing = ["refs", "history"].map(|dir| listing(&home.at(dir)));

        let put = home.catalog.put(&entry("b1", 2), &stamp(9)).unwrap();
        assert!(put.is_unchanged(), "{what}");
        let stat = fs::symlink_metadata(home.object(&object)).unwrap();
        assert!(
            stat.is_file() && stat.permissions().mode() & 0o7777 == 0o444,
            "{what}"
        );
        let bytes = fs::read(home.object(&object)).unwrap();
        assert_eq!(bytes, encode_entry(&entry("b1", 2)).unwrap(), "{what}");
        let current = home.catalog.current(&name("llamacpp/b1")).unwrap().unwrap();
        assert_eq!(current.entry, entry("b1", 2), "{what}");

        let moved = quarantined(&home);
        assert!(
            moved.len() == 1 && moved[0].starts_with("objects."),
            "{what}: {moved:?}"
        );
        assert_eq!(kept(&home.at("quarantine").join(&moved[0])), bad, "{what}");
        assert_eq!(
            ["refs", "history"].map(|dir| listing(&home.at(dir))),
            changing,
            "{what}"
        );
        assert!(files(&home.at("tmp")).is_empty(), "{what}");
    }
}

#[test]
fn file_to_which_a_damaged_object_links_is_not_touched() {
    let home = busy_home();
    let object = object_of(&entry("b1", 2));
    damage(&home, &object, DAMAGES[6].1);
    let outside = home.outside().join("good-copy");
    let before = listing(&outside);
    assert!(home.object(&object).is_symlink() && !before.is_empty());
    home.put(&entry("b1", 2));
    assert_eq!(listing(&outside), before);
}

#[test]
fn every_bad_file_is_kept() {
    let home = busy_home();
    let object = object_of(&entry("b1", 2));
    for (_, how) in DAMAGES {
        damage(&home, &object, how);
        home.put(&entry("b1", 2));
    }
    assert_eq!(quarantined(&home).len(), DAMAGES.len());
    assert_eq!(
        home.catalog.get("llamacpp:b1").unwrap().unwrap().object,
        object
    );
}

#[test]
fn put_all_and_record_heal_as_put_does() {
    let home = Home::new();
    let image = Artifacts::Image("registry.example/x".into());
    let prepared = PreparedEngine::new("vllm", "1", image, 1);
    let recorded = home.catalog.record(&prepared, &stamp(1)).unwrap();
    let entries: Vec<_> = (0..20).map(|n| entry(&format!("b{n}"), 1)).collect();
    let puts = home.catalog.put_all(&entries, &stamp(1)).unwrap();
    for (put, (_, how)) in puts.iter().zip(DAMAGES) {
        damage(&home, &put.object, how);
    }
    damage(&home, &recorded.put.object, DAMAGES[0].1);

    let again = home.catalog.put_all(&entries, &stamp(1)).unwrap();
    assert!(again.iter().all(engine_catalog::Put::is_unchanged));
    assert_eq!(
        home.catalog.record(&prepared, &stamp(1)).unwrap().entry,
        recorded.entry
    );
    for entry in &entries {
        let current = home
            .catalog
            .current(&entry.ref_name().unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(current.entry, *entry);
    }
    assert_eq!(quarantined(&home).len(), DAMAGES.len() + 1);
}

#[test]
fn rollback_to_a_damaged_entry_is_refused_and_changes_nothing() {
    for (what, how) in DAMAGES {
        let home = busy_home();
        let older = object_of(&entry("b1", 1));
        damage(&home, &older, how);
        let before = listing(home.outside());
        let rolled = home.catalog.rollback(&name("llamacpp/b1"), None, &stamp(9));
        assert!(
            matches!(rolled, Err(Error::Object(_))),
            "{what}: {rolled:?}"
        );
        assert_eq!(listing(home.outside()), before, "{what}");

        // An entry that is not current is healed by putting it, too.
        home.put(&entry("b1", 1));
        assert_eq!(
            home.catalog.entry(&older).unwrap(),
            Some(entry("b1", 1)),
            "{what}"
        );
        assert_eq!(quarantined(&home).len(), 1, "{what}");
    }
}
