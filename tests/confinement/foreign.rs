//! Files that are not of the format, as rsync, editors and people leave them. Readers pass over them,
//! whatever they are, and nobody removes them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use engine_catalog::{Filter, Members, ObjectId};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::support::{Home, entry, garbage, name, object_of, stamp};
use super::{READS, attached, busy_home, every_write, links, manifest};

/// Names that no engine, version or object has.
const NAMES: [&[u8]; 19] = [
    b".latest_rsync",
    b".b1.Xy12Za",
    b".b1.swp",
    b"b1~",
    b"#b1#",
    b"b 1",
    b"%",
    b"%4",
    b"%zz",
    b"%41",
    b"%2e%2e",
    b"%c3%bc",
    b"%FF",
    b"%00",
    b"%0A",
    b"gr\xc3\xbcn",
    b"\xff\xfe",
    b"new:0123",
    b"a*b",
];

/// Makes a file of an odd kind or another, with content that must not be read.
fn make(path: &Path, number: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    match number % 4 {
        0 => fs::write(path, "garbage").unwrap(),
        1 => mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap(),
        2 => std::os::unix::fs::symlink("/nothing/there", path).unwrap(),
        _ => {
            fs::create_dir(path).unwrap();
            fs::write(path.join("b1"), "garbage").unwrap();
        }
    }
}

/// Fills a catalog with foreign files, and returns where they are.
fn litter(home: &Home) -> Vec<PathBuf> {
    let object = object_of(&entry("b1", 2)).to_string();
    let (shard, rest) = object.split_at(2);
    let mut made = Vec::new();
    let links = links();
    for dir in [
        "refs",
        "refs/llamacpp",
        "history",
        "history/llamacpp",
        "snapshots",
        "attachments",
        &links[..14],
        &links,
    ] {
        made.extend(NAMES.map(|name| home.at(dir).join(OsStr::from_bytes(name))));
    }
    let id = ObjectId::from_bytes([0xab; 32]).to_string();
    for name in [
        &id[1..],
        &format!("{id}0"),
        &format!(".{id}"),
        &id.to_uppercase(),
    ] {
        made.push(home.at(&links).join(name));
    }
    let upper = ObjectId::from_bytes([0xab; 32]).to_string().to_uppercase();
    for name in [
        ".rsync-partial".to_owned(),
        "AB".to_owned(),
        format!("AB/{}", &upper[2..]),
        "abc".to_owned(),
        "a".to_owned(),
        "zz".to_owned(),
        "lost+found".to_owned(),
        object.clone(),
        format!("{shard}/.{rest}.Xy12Za"),
        format!("{shard}/{}", rest.to_uppercase()),
        format!("{shard}/{}", &rest[1..]),
        format!("{shard}/{rest}0"),
        format!("{shard}/{rest}.tmp"),
        format!("{shard}/{rest}~"),
        format!("{shard}/tmp_obj_x"),
    ] {
        made.push(home.at("objects").join(name));
    }
    made.extend([".git", "README", "refs.bak", "cache", "tmp/.x.Xy12Za"].map(|name| home.at(name)));
    for (number, path) in made.iter().enumerate() {
        let is_parent = path.ends_with("AB");
        make(path, if is_parent { 3 } else { number });
    }
    made
}

#[test]
fn readers_pass_over_foreign_files() {
    let (clean, home) = (busy_home(), busy_home());
    litter(&home);
    let (b1, object) = (name("llamacpp/b1"), object_of(&entry("b1", 2)));
    for (call, read) in READS {
        assert!(read(&home.catalog).is_ok(), "{call}");
    }
    let [clean, catalog] = [&clean.catalog, &home.catalog];
    let list = |catalog: &engine_catalog::Catalog| -> Vec<_> {
        catalog
            .list(&Filter::default())
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    assert_eq!(list(catalog), list(clean));
    assert_eq!(catalog.current(&b1).unwrap(), clean.current(&b1).unwrap());
    assert_eq!(catalog.history(&b1).unwrap(), clean.history(&b1).unwrap());
    for id in ["llamacpp:b1", "llamacpp:b2", "unknown"] {
        assert_eq!(catalog.get(id).unwrap(), clean.get(id).unwrap(), "{id}");
        assert_eq!(
            catalog.exists(id).unwrap(),
            clean.exists(id).unwrap(),
            "{id}"
        );
    }
    for digits in [4, 10, 64] {
        let prefix = object.to_string()[..digits].parse().unwrap();
        assert_eq!(catalog.resolve(&prefix).unwrap(), Some(object), "{digits}");
    }
    assert_eq!(catalog.resolve(&"abab".parse().unwrap()).unwrap(), None);
    let names = |catalog: &engine_catalog::Catalog| -> Vec<_> {
        let listed = catalog.snapshots().unwrap().into_iter();
        listed.map(Result::unwrap).collect()
    };
    assert_eq!(names(catalog), names(clean));
    let all = Members::Current(Filter::default());
    assert_eq!(
        catalog.snapshot_of(&all).unwrap(),
        clean.snapshot_of(&all).unwrap()
    );
    let (subject, attachment) = attached();
    assert_eq!(catalog.attachments(&subject).unwrap(), [attachment]);
    assert_eq!(catalog.manifests(&subject).unwrap(), [manifest()]);
}

#[test]
fn writers_leave_foreign_files_where_they_are() {
    let home = busy_home();
    let made = litter(&home);
    for (call, result) in every_write(&home.catalog) {
        assert!(result.is_ok(), "{call}: {result:?}");
    }
    for path in made {
        // That is for what nobody finishes: collection removes it.
        let is_temporary = path.starts_with(home.at("tmp"));
        let is_there = path.symlink_metadata().is_ok();
        assert_eq!(is_there, !is_temporary, "{}", path.display());
    }
}

#[test]
fn collection_leaves_empty_directories_that_are_not_of_the_format() {
    let home = busy_home();
    let foreign = [
        "objects/zz",
        "objects/abc",
        "blobs/.partial",
        "attachments/x",
    ];
    let foreign = foreign.map(str::to_owned).into_iter();
    let foreign: Vec<_> = foreign.chain([format!("{}x", &links()[..15])]).collect();
    let own = ["objects/00", "blobs/ab", "attachments/ab"];
    for dir in foreign.iter().map(String::as_str).chain(own) {
        fs::create_dir_all(home.at(dir)).unwrap();
    }
    let collected = home.catalog.collect_garbage(&garbage::options(), &stamp(9));
    assert!(collected.unwrap().undone.is_empty());
    for dir in foreign {
        assert!(home.at(&dir).is_dir(), "{dir}");
    }
    for dir in own {
        assert!(!home.at(dir).exists(), "{dir}");
    }
}

#[test]
fn directories_and_links_named_like_an_object_do_not_resolve() {
    let home = busy_home();
    let ids = [0xcd, 0xce].map(|byte| ObjectId::from_bytes([byte; 32]));
    make(&home.object(&ids[0]), 3);
    make(&home.object(&ids[1]), 2);
    for id in ids {
        let prefix = id.to_string().parse().unwrap();
        assert_eq!(home.catalog.resolve(&prefix).unwrap(), None);
        assert!(
            home.catalog.entry(&id).is_err(),
            "it is not absent, it is damaged"
        );
    }
}
