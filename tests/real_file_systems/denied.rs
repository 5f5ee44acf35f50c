//! Parts of a catalog that may no longer be looked into: a user who is not root gets a typed error
//! that names the path, everything else can be read as before, and nothing is lost.

use std::io;
use std::path::Path;

use engine_catalog::{Catalog, Error, ErrorKind, Filter, Slug, VerifyScope};

use crate::calls::{all, snapshot};
use crate::support::nobody::{self, set_mode};
use crate::support::observe::{assert_clean, cause, is_kind};
use crate::support::sample::{entry, name};
use crate::support::{garbage, object_file, object_of, stamp};
use crate::{catalog, state};

pub(crate) fn act(role: &str, scratch: &Path) {
    match role {
        "denied" => deny_each_part(&scratch.join("root")),
        _ => unreachable!("there is no such role"),
    }
}

#[test]
fn part_that_may_not_be_read_is_named_and_the_rest_is_read() {
    nobody::play("denied", act);
}

/// The calls that read, by what they need to look into.
const READS: [&str; 6] = ["current", "history", "list", "get", "snapshots", "verify"];

fn read(catalog: &Catalog, what: &str) -> Result<(), Error> {
    match what {
        "current" => catalog.current(&name("e0")).map(drop),
        "history" => catalog.history(&name("e0")).map(drop),
        "list" => catalog
            .list(&Filter::default())?
            .try_for_each(|it| it.map(drop)),
        "get" => catalog.get("nobody knows").map(drop),
        "snapshots" => catalog.find_snapshot("s").map(drop),
        _ => catalog.verify(&VerifyScope::Everything, &|_| {}).map(drop),
    }
}

/// Which parts there are, and what cannot be read without each of them.
fn parts(root: &Path) -> Vec<(String, Vec<&'static str>)> {
    let file = object_file(root, object_of(&entry("e0", "old")));
    let shard = file.parent().and_then(|dir| dir.strip_prefix(root).ok());
    let shard = shard.expect("it is below the root").display().to_string();
    let of_objects = vec!["current", "list", "get", "snapshots"];
    vec![
        ("objects".to_owned(), of_objects),
        (shard, vec!["current", "list", "get"]),
        ("refs".to_owned(), vec!["current", "history", "list", "get"]),
        (
            "refs/e0".to_owned(),
            vec!["current", "history", "list", "get"],
        ),
        // Which refs there are is known from both.
        ("history".to_owned(), vec!["history", "list", "get"]),
        ("history/e0".to_owned(), vec!["history", "list", "get"]),
        ("snapshots".to_owned(), vec!["snapshots"]),
        ("attachments".to_owned(), vec![]),
        ("tmp".to_owned(), vec![]),
        ("lock".to_owned(), vec![]),
    ]
}

fn deny_each_part(root: &Path) {
    let catalog = catalog(root);
    let made = catalog.create_snapshot(&all(), Some(&snapshot("s")));
    made.expect("it can be made");
    std::fs::create_dir(root.join("attachments")).expect("there is room");
    let stored = catalog.store(&[entry("stored", "x")]);
    let stored = stored.expect("there is room")[0];
    let before = state(&catalog);
    for (part, fails) in parts(root) {
        let path = root.join(&part);
        let own = if path.is_dir() { 0o755 } else { 0o644 };
        set_mode(&path, 0);
        let again = Catalog::open(root).expect("it can be opened");
        for catalog in [&catalog, &again] {
            for what in READS {
                let result = read(catalog, what);
                assert_eq!(
                    result.is_err(),
                    fails.contains(&what),
                    "{part}, {what}: {result:?}"
                );
                let Err(error) = result else { continue };
                assert_denied(&error, &path);
            }
        }
        let collected = catalog.collect_garbage(&garbage::options(), &stamp(1));
        collected.expect_err("it cannot be told what is kept");
        let report = catalog.verify(&VerifyScope::Everything, &|_| {});
        let report = report.expect("it goes on");
        let found = |it: &&engine_catalog::Finding| {
            it.slug == Slug::Unreadable && it.path.starts_with(&part)
        };
        let is_read = part == "lock";
        assert_eq!(
            report.findings.iter().any(|it| found(&it)),
            !is_read,
            "{part}: {:?}",
            report.findings
        );
        set_mode(&path, own);
        assert_eq!(state(&catalog), before, "{part}");
        let is_there = catalog.has_object(&stored).expect("it can be read");
        assert!(is_there, "{part}");
        assert_clean(root);
    }
    deny_root(root, &catalog);
    assert_eq!(state(&catalog), before);
}

/// Whoever had it open before goes on as far as the kernel lets him, and nobody opens it anew.
fn deny_root(root: &Path, catalog: &Catalog) {
    set_mode(root, 0);
    let error = Catalog::open(root).expect_err("it may not be opened");
    assert_denied(&error, root);
    for what in READS {
        match read(catalog, what) {
            Err(error) => assert_denied(&error, root),
            Ok(()) => assert_eq!(what, "verify", "everything is below the root"),
        }
    }
    let put = catalog.put(&entry("e0", "new"), &stamp(1));
    assert_denied(&put.expect_err("it may not be entered"), root);
    set_mode(root, 0o755);
}

fn assert_denied(error: &Error, path: &Path) {
    let is_denied = is_kind(error, io::ErrorKind::PermissionDenied);
    assert!(
        is_denied && error.kind() == ErrorKind::Unavailable,
        "{error:?}"
    );
    let named = &cause(error).path;
    assert!(
        named.starts_with(path),
        "{} is not named: {error}",
        path.display()
    );
}
