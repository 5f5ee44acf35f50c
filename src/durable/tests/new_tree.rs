//! Trees: whole under their names, or gone.

use super::*;

/// A tree on its way to `path`, with a file in it.
fn tree(path: &Path) -> NewTree {
    let mut tree = NewTree::begin(path).unwrap();
    let file = Path::new("a/b/file");
    tree.add(file, b"content", TreeFile::Plain).unwrap();
    tree
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn tree_has_no_name_until_it_is_published() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("tree");
    let tree = tree(&path);
    let found = names(scratch.path());
    assert!(
        found.len() == 1 && found[0].starts_with(".tree."),
        "{found:?}"
    );
    let mode = fs::metadata(scratch.path().join(&found[0])).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else sees it");
    assert_eq!(tree.publish().unwrap(), Published::New);
    assert_eq!(names(scratch.path()), ["tree"]);
    assert_eq!(fs::read(path.join("a/b/file")).unwrap(), b"content");
}

#[test]
fn tree_replaces_nothing_that_appears_meanwhile() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("tree");
    let appear: [fn(&Path); 4] = [
        |path| fs::write(path, "mine").unwrap(),
        |path| symlink("nowhere", path).unwrap(),
        |path| fs::create_dir_all(path.join("mine")).unwrap(),
        |path| {
            fs::create_dir(path).unwrap();
            assert_eq!(tree(path).publish().unwrap(), Published::New);
        },
    ];
    for appear in appear {
        let tree = tree(&path);
        appear(&path);
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        assert_eq!(tree.publish().unwrap(), Published::Exists);
        assert_eq!(names(scratch.path()), ["tree"], "nothing else is left");
        assert_eq!(fs::symlink_metadata(&path).unwrap().file_type(), kind);
        assert!(!is_vacant(&path).unwrap());
        if kind.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn dropped_tree_takes_what_was_made_for_it_and_nothing_else() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("made/deep/tree");
    drop(tree(&path));
    assert_eq!(names(scratch.path()), [""; 0]);

    let begun = tree(&path);
    fs::write(scratch.path().join("made/mine"), "mine").unwrap();
    drop(begun);
    assert_eq!(names(scratch.path()), ["made"]);
    assert_eq!(names(&scratch.path().join("made")), ["mine"]);
}

#[test]
fn tree_is_not_led_astray_by_a_link_in_it() {
    let scratch = tempfile::tempdir().unwrap();
    let elsewhere = scratch.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let mut tree = tree(&scratch.path().join("tree"));
    let found = names(scratch.path());
    let hidden = found.iter().find(|name| name.starts_with('.')).unwrap();
    let dir = scratch.path().join(hidden).join("a");
    fs::rename(&dir, scratch.path().join("aside")).unwrap();
    symlink(&elsewhere, &dir).unwrap();
    let error = tree.add(Path::new("a/new"), b"", TreeFile::Plain);
    assert!(matches!(error.unwrap_err().cause, Cause::Link));
    drop(tree);
    assert_eq!(names(&elsewhere), [""; 0]);
}

#[test]
fn long_names_leave_room_for_the_hidden_one() {
    let scratch = tempfile::tempdir().unwrap();
    let name = "a".repeat(255);
    let tree = tree(&scratch.path().join(&name));
    assert_eq!(tree.publish().unwrap(), Published::New);
    assert_eq!(names(scratch.path()), [name]);
}
