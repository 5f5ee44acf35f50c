//! Catalogs that are made of anything: what readers and writers may do with them.

mod act;
mod plant;
mod sample;
mod view;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{Action, Catalog, ObjectId, Repaired};

use super::readable;
use super::reader::{Reader, committed, parse_line};
use super::scratch::{Content, Tree, tree};
use act::{Acknowledged, act};
use plant::{Place, SOUND, read};
use sample::{expand, name};
use view::{View, line, read_all, seen};

/// A ref and a history of any bytes, in a catalog that is sound else.
///
/// The input is three texts with `|` between: letters of calls (`act.rs`; `f` for repair, `F` for
/// repair from a sound catalog), the ref, and the history. `-` is one that is absent.
pub fn lines(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'|');
    let mut part = || parts.next().unwrap_or(b"-");
    let (calls, files) = (part(), [("refs", part()), ("history", part())]);
    let place = Place::new();
    place.plant(SOUND);
    for (top, text) in files {
        let file = place.root().join(top).join("e/v");
        let made = match text {
            b"-" => fs::remove_file(file),
            text => fs::write(file, expand(text)),
        };
        made.expect("it is there and can be written");
    }
    exercise(&place, calls);
}

/// A catalog that is made of anything.
///
/// The first line of the input has letters of calls, as in [`lines`]. The others say what is made, as
/// `plant.rs` says, from a sound catalog; from nothing, if the first has a `0`.
pub fn open(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let calls = lines.next().unwrap_or_default();
    let place = Place::new();
    if !calls.contains(&b'0') {
        place.plant(SOUND);
    }
    place.plant(lines.next().unwrap_or_default());
    exercise(&place, calls);
}

/// The most calls of an input.
const MOST_CALLS: usize = 6;

fn exercise(place: &Place, calls: &[u8]) {
    let root = place.root();
    let before = tree(place.top());
    let reader = Reader::open(&root);
    let opened = Catalog::open_read_only(&root);
    assert_eq!(opened.is_ok(), reader.is_ok(), "{opened:?}");
    let Ok(catalog) = opened.map_err(readable) else {
        let _ = Catalog::create(&root).map_err(readable);
        return assert_outside(&before, place);
    };
    let view = View::new(&catalog);
    read_all(&catalog);
    if let Ok(reader) = &reader {
        view.assert_is_what_the_specification_says(reader);
    }
    assert!(tree(place.top()) == before, "a reader has written");
    let catalog = Catalog::open(&root).expect("it was opened before");
    assert_eq!(View::new(&catalog), view);
    assert!(tree(place.top()) == before, "a reader has written");
    let other = Place::new();
    other.plant(SOUND);
    let other = Catalog::open_read_only(other.root()).expect("it is sound");
    let calls = calls.iter().filter(|byte| **byte != b'0');
    for call in calls.take(MOST_CALLS) {
        match call {
            b'f' => repair(&catalog, &[]),
            b'F' => repair(&catalog, &[&other]),
            call => write(&catalog, *call, &other),
        }
        assert_outside(&before, place);
    }
}

fn assert_outside(before: &Tree, place: &Place) {
    let outside = |tree: &Tree| {
        let outside = tree.iter().filter(|(path, _)| path.starts_with("outside"));
        outside
            .map(|(path, item)| (path.clone(), item.clone()))
            .collect::<Tree>()
    };
    let now = tree(place.top());
    assert_eq!(
        outside(before),
        outside(&now),
        "it was written outside of the root"
    );
    let tops = now.keys().filter(|path| path.components().count() == 1);
    assert!(tops.eq(["outside", "root"].map(PathBuf::from).iter()));
}

/// Calls a writer, and requires that what it acknowledges is there, and everything else still is.
fn write(catalog: &Catalog, call: u8, other: &Catalog) {
    let (before, tree_before) = (View::new(catalog), tree(catalog.root()));
    let history = catalog.root().join("history/e/v");
    let text = read(&history).ok();
    let done = seen(act(catalog, call, other)).unwrap_or(Acknowledged::Nothing);
    done.assert_is_there(catalog);
    let after = View::new(catalog);
    for (name, lines) in &before.histories {
        let Ok(lines) = lines else { continue };
        let now = after.histories[name]
            .as_ref()
            .expect("it could be read before");
        assert!(
            now.starts_with(lines),
            "{name}: lines that took effect are lost"
        );
        let most = if done.may_have_changed(name) { 2 } else { 0 };
        assert!(now.len() <= lines.len() + most, "{name}: {now:?}");
        if let Ok(held) = after.refs[name]
            && now.len() > lines.len()
        {
            assert_eq!(now.last().and_then(|it| it.new), held, "{name}");
        }
    }
    let unchanged = |name| !done.may_have_changed(name);
    for (name, held) in before.refs.iter().filter(|(name, _)| unchanged(name)) {
        // What was refused may have brought the object that a ref lacked.
        let is_mended = held.is_err() && after.refs[name].is_ok();
        assert!(is_mended || after.refs[name] == *held, "{name}: {held:?}");
    }
    // What could not be read stays as it is, for a person to look at.
    if let (Some(Err(_)), Some(text)) = (before.histories.get(&name(0)), text) {
        let now = read(&history).unwrap_or_default();
        assert!(now.starts_with(&text), "a history that is damaged was cut");
    }
    let kept = |path: &Path| {
        ["objects", "quarantine", "attachments"]
            .iter()
            .any(|top| path.starts_with(top))
    };
    assert_kept(&tree_before, &tree(catalog.root()), kept);
}

fn object_file(id: &ObjectId) -> PathBuf {
    let id = id.to_string();
    ["objects", &id[..2], &id[2..]].iter().collect()
}

/// Requires that every content is somewhere still.
fn assert_kept(before: &Tree, after: &Tree, which: impl Fn(&Path) -> bool) {
    let empty = Content::File(ObjectId::of(b""));
    let says_something =
        |content: &Content| !matches!(content, Content::Directory) && *content != empty;
    let after: BTreeSet<_> = after.values().map(|item| &item.content).collect();
    for (path, item) in before.iter().filter(|(path, _)| which(path)) {
        let is_kept = !says_something(&item.content) || after.contains(&item.content);
        assert!(is_kept, "{} is lost: {:?}", path.display(), item.content);
    }
}

/// Repairs, and requires that nothing is lost by it, and nothing remains lost that another catalog has.
fn repair(catalog: &Catalog, from: &[&Catalog]) {
    let (before, tree_before) = (View::new(catalog), tree(catalog.root()));
    let history = read(&catalog.root().join("history/e/v"));
    let Ok(report) = seen(catalog.repair(from, &|_| {})) else {
        return;
    };
    let has_failed = |it: &Repaired| matches!(it.action, Action::Failed { .. });
    // What lies in the place of all objects is for a person to look at.
    let has_no_place = !catalog.root().join("objects").is_dir();
    for lost in &report.lost {
        let is_there = |peer: &&Catalog| tree(peer.root()).contains_key(&object_file(&lost.object));
        let is_excused = has_no_place || report.repairs.iter().any(has_failed);
        assert!(is_excused || !from.iter().any(is_there), "{lost:?}");
    }
    let (after, tree_after) = (View::new(catalog), tree(catalog.root()));
    assert_kept(&tree_before, &tree_after, |_| true);
    for (name, held) in before
        .refs
        .iter()
        .filter(|(_, held)| matches!(held, Ok(Some(_))))
    {
        assert_eq!(after.refs[name], *held, "{name}");
        if let Ok(lines) = &before.histories[name] {
            assert_eq!(after.histories[name].as_ref(), Ok(lines), "{name}");
        }
    }
    for (name, found) in before.snapshots.iter().filter(|(_, found)| found.is_ok()) {
        assert_eq!(after.snapshots.get(name), Some(found), "{name}");
    }
    let v = name(0);
    if let (Err(_), Ok(lines), Ok(bytes)) = (&before.histories[&v], &after.histories[&v], history)
        && let (Ok(held), true) = (before.refs[&v], before.refs[&v] == after.refs[&v])
    {
        let parsed = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .filter_map(parse_line);
        let kept = committed(parsed.collect(), held.map(|id| id.to_string()));
        assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), kept);
    }
    let again = catalog
        .repair(from, &|_| {})
        .expect("it could be repaired before");
    let done: Vec<_> = again
        .repairs
        .iter()
        .filter(|it| it.action.is_change())
        .collect();
    assert!(done.is_empty(), "repairing again does more: {done:?}");
    assert_eq!(again.after.findings, report.after.findings);
    let contents = |tree: Tree| -> Vec<_> {
        let items = tree.into_iter();
        items.map(|(path, item)| (path, item.content)).collect()
    };
    assert_eq!(
        contents(tree(catalog.root())),
        contents(tree_after),
        "repairing again changes it"
    );
}
