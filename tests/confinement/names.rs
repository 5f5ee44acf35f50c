//! Engines, versions, ids and actors with names that could be paths.

use std::fs;
use std::path::Path;

use engine_catalog::{
    EngineEntry, EntryError, Error, Expect, Filter, Members, Name, NameError, RefName,
    RefNameError, Stamp,
};

use super::support::{Home, files, listing, stamp};

/// Names that are paths, look encoded, or surprise somebody.
fn hostile() -> Vec<String> {
    let spaceless = ". .. ... / // ./ ../ /etc/passwd a/../../b ../../outside ..\\..\\x a/b a//b a/ \
        .hidden .b1.Xy12Za -rf --help %2e%2e %2E%2E %2F %2f % %00 %zz ~ ~root $HOME * ? a|b CON nul \
        b1~ #b1# grün エンジン \u{202e}gnp \u{feff} 🦙 A a lock format gru\u{308}n";
    let mut names: Vec<String> = spaceless.split_whitespace().map(Into::into).collect();
    let others = [
        "",
        " ",
        "a b",
        "\0",
        "a\0b",
        "a\nb",
        "\r",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{9b}",
    ];
    names.extend(others.map(Into::into));
    for (unit, counts) in [
        ("a", &[255, 256, 300][..]),
        ("/", &[85, 86]),
        ("../", &[100]),
        ("ü", &[42, 43, 300]),
    ] {
        names.extend(counts.iter().map(|&count| unit.repeat(count)));
    }
    names
}

/// What `Name` says of a text has to be what every call does with it.
fn expected(text: &str) -> Result<(), NameError> {
    Name::new(text).map(drop)
}

/// A catalog beside files that nothing may touch.
fn guarded() -> (Home, std::collections::BTreeMap<std::path::PathBuf, String>) {
    let home = Home::new();
    for file in ["outside", "b", "passwd", "etc/passwd"] {
        let file = home.outside().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "precious").unwrap();
    }
    let around = around(&home);
    (home, around)
}

/// Everything around the root, and nothing of what is in it.
fn around(home: &Home) -> std::collections::BTreeMap<std::path::PathBuf, String> {
    let mut around = listing(home.outside());
    around.retain(|path, _| !path.starts_with(home.catalog.root()));
    around
}

/// Requires that every file is where the layout has one, and stands for a name.
fn assert_orderly(home: &Home) {
    for dir in ["refs", "history"] {
        for file in files(&home.at(dir)) {
            let parts: Vec<_> = Path::new(&file)
                .iter()
                .map(|part| part.to_str().unwrap())
                .collect();
            let [engine, version] = parts[..] else {
                panic!("{file}")
            };
            assert!(
                RefName::from_file_names(engine, version).is_some(),
                "{file}"
            );
        }
    }
    let mut top: Vec<_> = fs::read_dir(home.catalog.root())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    top.sort();
    assert_eq!(top, ["format", "history", "lock", "objects", "refs", "tmp"]);
}

/// Uses a name in every call that takes one, and requires that it comes back as it was given.
fn use_name(home: &Home, ref_name: &RefName) {
    let catalog = &home.catalog;
    let (engine, version) = (ref_name.engine().as_str(), ref_name.version().as_str());
    let [old, new] = [1, 2].map(|ms| EngineEntry {
        id: "x".into(),
        ..EngineEntry::new(engine, version, ms)
    });
    let old = catalog.put(&old, &stamp(1)).unwrap().object;
    let put = catalog.put(&new, &stamp(2)).unwrap();
    assert_eq!(put.previous, Some(old));
    let current = catalog.current(ref_name).unwrap().unwrap();
    assert_eq!((current.object, &current.entry), (put.object, &new));
    assert_eq!(current.name(), *ref_name);
    let filter = Filter {
        engine: Some(engine.into()),
        version: Some(version.into()),
    };
    let is_pattern = ref_name.to_string().contains(['*', '?']);
    let mut listed = catalog.list(&filter).unwrap().map(Result::unwrap);
    assert!(listed.any(|record| record == current));
    assert!(is_pattern || listed.next().is_none());
    assert_eq!(catalog.find(&ref_name.to_string()).unwrap(), Some(current));
    assert_eq!(
        catalog.rollback(ref_name, None, &stamp(3)).unwrap().object,
        old
    );
    assert_eq!(
        catalog
            .retire(ref_name, Expect::Object(old), &stamp(4))
            .unwrap(),
        Some(old)
    );
    assert_eq!(catalog.current(ref_name).unwrap(), None);
    assert_eq!(catalog.history(ref_name).unwrap().len(), 4);
}

#[test]
fn name_of_a_snapshot_is_stored_reversibly_or_refused() {
    let (home, before) = guarded();
    let catalog = &home.catalog;
    let members = Members::Objects([].into());
    let mut given = 0;
    for text in hostile() {
        let Ok(name) = Name::new(&text) else {
            assert_eq!(catalog.find_snapshot(&text).unwrap(), None, "{text:?}");
            continue;
        };
        let id = catalog.create_snapshot(&members, Some(&name)).unwrap();
        let found = catalog.find_snapshot(&text).unwrap().unwrap();
        assert_eq!(found.0, id, "{text:?}");
        given += 1;
    }
    let listed = catalog.snapshots().unwrap();
    assert_eq!(listed.len(), given);
    for file in files(&home.at("snapshots")) {
        assert!(Name::from_file_name(&file).is_some(), "{file}");
    }
    for named in listed {
        let name = named.unwrap().name;
        assert!(catalog.remove_snapshot(&name).unwrap().is_some());
    }
    assert_eq!(files(&home.at("snapshots")), [""; 0]);
    assert_eq!(around(&home), before);
}

#[test]
fn engine_is_stored_reversibly_or_refused() {
    let (home, before) = guarded();
    for text in hostile() {
        let result = home.catalog.put(
            &EngineEntry {
                id: "x".into(),
                ..EngineEntry::new(&text, "1", 1)
            },
            &stamp(1),
        );
        let reason = match expected(&text) {
            Ok(()) if text.contains('/') => Err(NameError::Slash),
            expected => expected,
        };
        match (result, reason) {
            (Ok(_), Ok(())) => {
                let ref_name = RefName::new(&text, "1").unwrap();
                home.catalog.delete("x", &stamp(1)).unwrap();
                fs::remove_dir_all(home.at("history")).unwrap();
                use_name(&home, &ref_name);
            }
            (Err(error), Err(reason)) => {
                let refused = RefNameError::Engine {
                    text: text.clone(),
                    cause: reason,
                };
                assert_eq!(RefName::new(&text, "1"), Err(refused.clone()));
                let Error::Entry { cause, .. } = error else {
                    panic!("{error:?}")
                };
                assert_eq!(cause, EntryError::Name(refused));
            }
            (result, reason) => panic!("{text:?}: {result:?}, expected {reason:?}"),
        }
        assert_eq!(around(&home), before, "{text:?}");
    }
    assert_orderly(&home);
}

#[test]
fn version_is_stored_reversibly_or_refused() {
    let (home, before) = guarded();
    let mut stored = 0;
    for text in hostile() {
        match expected(&text) {
            Ok(()) => {
                use_name(&home, &RefName::new("llamacpp", &text).unwrap());
                stored += 1;
            }
            Err(cause) => {
                let refused = RefNameError::Version {
                    text: text.clone(),
                    cause,
                };
                assert_eq!(RefName::new("llamacpp", &text), Err(refused.clone()));
                let entry = EngineEntry {
                    id: "x".into(),
                    ..EngineEntry::new("llamacpp", &text, 1)
                };
                match home.catalog.put(&entry, &stamp(1)) {
                    Err(Error::Entry { cause, .. }) => {
                        assert_eq!(cause, EntryError::Name(refused));
                    }
                    other => panic!("{text:?}: {other:?}"),
                }
            }
        }
        assert_eq!(around(&home), before, "{text:?}");
    }
    assert_orderly(&home);
    // No two names share a file: each has one of its own.
    assert_eq!(files(&home.at("history")).len(), stored);
    assert!(stored > 40);
}

#[test]
fn names_are_refused_for_what_is_wrong_with_them() {
    for (text, expected) in [
        ("", Some(NameError::Empty)),
        ("a\0b", Some(NameError::Control('\0'))),
        ("\u{9b}", Some(NameError::Control('\u{9b}'))),
        (&"a".repeat(300), Some(NameError::TooLong { length: 300 })),
        (&"ü".repeat(43), Some(NameError::TooLong { length: 258 })),
        ("..", None),
        ("/etc/passwd", None),
        ("%2e%2e", None),
        (".hidden", None),
    ] {
        assert_eq!(Name::new(text).err(), expected, "{text:?}");
    }
}

/// The controls of layout.md section 3.
fn is_control(c: char) -> bool {
    let others = ['\u{61c}', '\u{200e}', '\u{200f}'];
    c.is_control()
        || others.contains(&c)
        || ('\u{2028}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

#[test]
fn id_is_no_path_at_all() {
    let (home, before) = guarded();
    for id in hostile() {
        let entry = EngineEntry {
            id: id.clone(),
            ..EngineEntry::new("llamacpp", "b1", 1)
        };
        let result = home.catalog.put(&entry, &stamp(1));
        let control = id.chars().find(|c| is_control(*c));
        match (result, control) {
            (Ok(_), None) => {
                assert_eq!(home.catalog.get(&id).unwrap().unwrap().entry, entry);
                assert!(home.catalog.exists(&id).unwrap());
                assert!(home.catalog.find(&id).unwrap().is_some());
                assert!(home.catalog.delete(&id, &stamp(1)).unwrap());
            }
            (Err(Error::Entry { cause, .. }), Some(found)) => {
                assert_eq!(cause, EntryError::Control { field: "id", found });
            }
            (Err(Error::Entry { cause, .. }), None) if id.is_empty() => {
                assert_eq!(cause, EntryError::Empty { field: "id" });
            }
            (result, _) => panic!("{id:?}: {result:?}"),
        }
        // Whatever was asked for, asking is harmless.
        home.catalog.get(&id).unwrap();
        home.catalog.locate(&id).unwrap();
        assert_eq!(around(&home), before, "{id:?}");
    }
    assert_orderly(&home);
}

#[test]
fn actor_comes_back_from_history_as_it_was_given() {
    let (home, before) = guarded();
    let (mut ms, mut actors) = (0, Vec::new());
    for text in hostile() {
        match Stamp::new(&text, 1) {
            Ok(stamp) => {
                ms += 1;
                home.catalog
                    .put(&EngineEntry::new("llamacpp", "b1", ms), &stamp)
                    .unwrap();
                actors.push(text);
            }
            Err(error) => assert_eq!(Err(error), expected(&text)),
        }
    }
    let history = home
        .catalog
        .history(&"llamacpp/b1".parse().unwrap())
        .unwrap();
    assert!(
        history
            .iter()
            .map(|change| change.actor.as_str())
            .eq(&actors)
    );
    assert_eq!(around(&home), before);
    assert_orderly(&home);
}
