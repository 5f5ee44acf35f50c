//! What the recipe brings, and what it leaves where it is.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, Expect};

use crate::assert_sound;
use crate::recipe::Recipe;
use crate::support::{Home, attach, entry, files, name, stamp};

#[test]
fn new_place_gets_a_catalog_and_nothing_else() {
    let from = Home::new();
    let object = from.put(&entry("b1", 1));
    from.put(&entry("b1", 2));
    attach(from.catalog.root(), object, b"\xa1\x66schema\x66note/9");
    for (path, content) in [
        ("tmp/left", "x"),
        ("cache/index", "x"),
        ("peers", "elsewhere:/a"),
        ("policy", ""),
        ("retention.toml", ""),
        ("quarantine/bad", "x"),
        ("objects/.abc.XXXXXX", "x"),
    ] {
        let path = from.at(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("there is room");
        fs::write(path, content).expect("there is room");
    }
    symlink("/etc/passwd", from.at("refs/llamacpp/planted")).expect("there is room");
    let to = from.outside().join("to");
    let Some(recipe) = Recipe::new(from.catalog.root(), &to, "*") else {
        return;
    };
    recipe.run().expect("it succeeds");
    assert_sound(&to);
    let mut expected = files(from.catalog.root());
    expected.retain(|path| {
        ![
            "tmp/",
            "cache/",
            "peers",
            "policy",
            "retention.toml",
            "quarantine/",
            "objects/.",
        ]
        .iter()
        .any(|it| path.starts_with(it))
    });
    assert_eq!(files(&to), expected);
    assert!(to.join("refs/llamacpp/planted").symlink_metadata().is_err());
    let mode = crate::support::object_file(&to, object)
        .metadata()
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o444);
}

#[test]
fn refs_of_one_second_and_what_was_retired_come_along() {
    let from = Home::new();
    for version in ["b1", "b2"] {
        from.put(&entry(version, 1));
    }
    let to = from.outside().join("to");
    let Some(recipe) = Recipe::new(from.catalog.root(), &to, "*") else {
        return;
    };
    recipe.run().expect("it succeeds");
    let copied = fs::metadata(to.join("refs/llamacpp/b1"))
        .expect("it is there")
        .modified()
        .expect("it has a time");
    from.put(&entry("b1", 2));
    // As a change within the second would have it.
    let changed = fs::File::open(from.at("refs/llamacpp/b1")).expect("it is there");
    changed.set_modified(copied).expect("it is ours");
    from.catalog
        .retire(&name("llamacpp/b2"), Expect::Any, &stamp(2))
        .expect("it is there");
    recipe.run().expect("it succeeds");
    let copy = Catalog::open_read_only(&to).expect("it is a catalog");
    assert!(
        from.catalog
            .compare_with(&copy)
            .expect("both can be read")
            .is_equal()
    );
    assert_eq!(
        copy.history(&name("llamacpp/b2"))
            .expect("it can be read")
            .len(),
        2
    );
    assert_sound(&to);
}

#[test]
fn engines_of_others_are_left_alone() {
    let (from, to) = (Home::new(), Home::new());
    from.put(&entry("b1", 1));
    let own = engine_catalog::EngineEntry::new("vllm", "1", 1);
    to.put(&own);
    let Some(recipe) = Recipe::new(from.catalog.root(), to.catalog.root(), "llamacpp*") else {
        return;
    };
    from.put(&engine_catalog::EngineEntry::new("vllm", "1", 2));
    recipe.run().expect("it succeeds");
    let current = to.catalog.current(&name("vllm/1")).expect("it can be read");
    assert_eq!(current.expect("it is there").entry, own);
    assert!(
        to.catalog
            .current(&name("llamacpp/b1"))
            .expect("it can be read")
            .is_some()
    );
    assert_sound(to.catalog.root());
}

#[test]
fn ref_whose_object_is_missing_there_is_not_spread() {
    let from = Home::new();
    let object = from.put(&entry("b1", 1));
    fs::remove_file(from.object(&object)).expect("it is there");
    let to = Home::new();
    let Some(recipe) = Recipe::new(from.catalog.root(), to.catalog.root(), "*") else {
        return;
    };
    let said = recipe.run().expect_err("it stops");
    assert!(said.contains(&object.to_string()[2..]), "{said}");
    assert_eq!(files(&to.at("refs")), [] as [String; 0]);
    assert_sound(to.catalog.root());
}

#[test]
fn catalog_of_another_format_is_not_written_to() {
    let (from, to) = (Home::new(), Home::new());
    from.put(&entry("b1", 1));
    fs::write(from.at("format"), "engine-catalog 1\ncompat x\n").expect("there is room");
    let Some(recipe) = Recipe::new(from.catalog.root(), to.catalog.root(), "*") else {
        return;
    };
    recipe.run().expect_err("it stops");
    assert_eq!(files(&to.at("objects")), [] as [String; 0]);
}

#[test]
fn names_wait_for_whoever_holds_the_lock_of_the_destination() {
    let (from, to) = (Home::new(), Home::new());
    let object = from.put(&entry("b1", 1));
    let Some(recipe) = Recipe::new(from.catalog.root(), to.catalog.root(), "*") else {
        return;
    };
    let lock = fs::File::open(to.at("lock")).expect("it is there");
    // As a writer has it.
    lock.lock_shared().expect("nobody has it");
    let mut shell = recipe.start();
    while !to.object(&object).exists() {
        assert!(shell.try_wait().expect("it was started").is_none());
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(300));
    assert!(shell.try_wait().expect("it was started").is_none());
    assert_eq!(files(&to.at("refs")), [] as [String; 0]);
    lock.unlock().expect("it is ours");
    assert!(shell.wait().expect("it ends").success());
    assert!(
        to.catalog
            .current(&name("llamacpp/b1"))
            .expect("it can be read")
            .is_some()
    );
}
