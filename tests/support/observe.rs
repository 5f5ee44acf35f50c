//! What a test sees of a catalog: its state for readers, the cause of an error, and what is left of
//! writes that failed.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use engine_catalog::{
    BlobError, Catalog, Cause, Error, ErrorKind, Filter, HistoryError, ObjectId, PathError,
    ReadObjectError, RefError, RefName, SnapshotError,
};
use walkdir::WalkDir;

use crate::support::object_file;

/// Returns the failed file operation behind an error.
pub(crate) fn cause(error: &Error) -> &PathError {
    match error {
        Error::Path(error)
        | Error::Ref(RefError::Path(error))
        | Error::History(HistoryError::Path(error))
        | Error::Snapshot(SnapshotError::Path(error))
        | Error::Object(ReadObjectError::Path(error))
        | Error::Blob(BlobError::Path(error))
        | Error::Unreadable {
            cause: ReadObjectError::Path(error),
            ..
        }
        | Error::UnreadableSnapshot {
            cause: ReadObjectError::Path(error),
            ..
        } => error,
        _ => unreachable!("not a file operation: {error:?}"),
    }
}

pub(crate) fn is_kind(error: &Error, kind: io::ErrorKind) -> bool {
    matches!(&cause(error).cause, Cause::Io(error) if error.kind() == kind)
}

/// What each ref holds, the lines of its history that took effect, and what is attached to its entry. And
/// for each snapshot, by its name, its object and its members.
pub(crate) type State = BTreeMap<String, (Option<ObjectId>, Vec<String>)>;

/// Returns what a reader sees of all refs that there are.
pub(crate) fn state(catalog: &Catalog) -> State {
    let listed = catalog.list(&Filter::default()).expect("it can be listed");
    let names: Vec<_> = listed
        .map(|record| record.expect("it can be read").name())
        .collect();
    state_of(catalog, &names)
}

/// Returns what a reader sees of some refs, whether there are such or not.
pub(crate) fn state_of(catalog: &Catalog, names: &[RefName]) -> State {
    let of = |name: &RefName| {
        let current = catalog.current(name).expect("it can be read");
        let history = catalog.history(name).expect("it can be read");
        let mut lines: Vec<_> = history.iter().map(ToString::to_string).collect();
        let object = current.map(|it| it.object);
        lines.extend(object.iter().flat_map(|it| manifests(catalog, it)));
        lines.extend(object.iter().flat_map(|it| documents(catalog, it)));
        (name.to_string(), (object, lines))
    };
    names.iter().map(of).collect()
}

/// The files that the manifests of an entry list.
fn manifests(catalog: &Catalog, subject: &ObjectId) -> Vec<String> {
    match catalog.manifests(subject) {
        Ok(manifests) => {
            let files = manifests.iter().map(|it| format!("files {:?}", it.files));
            files.collect()
        }
        Err(error) if error.kind() == ErrorKind::Damage => vec!["damaged manifest".to_owned()],
        Err(error) => unreachable!("it can be read: {error:?}"),
    }
}

/// The documents that are attached to an entry.
fn documents(catalog: &Catalog, subject: &ObjectId) -> Vec<String> {
    let attached = catalog.attached(subject, None).expect("they can be listed");
    let shown = attached.map(|found| match found {
        Ok(found) => {
            let (kind, payload) = (found.attachment.media_type, found.attachment.payload);
            format!("document {kind} {}", String::from_utf8_lossy(&payload))
        }
        Err(error) if error.kind() == ErrorKind::Damage => "damaged document".to_owned(),
        Err(error) => unreachable!("it can be read: {error:?}"),
    });
    shown.collect()
}

/// Returns what a reader sees of the snapshot with this name, whether there is one or not.
pub(crate) fn snapshot_state(catalog: &Catalog, name: &str) -> State {
    let found = catalog.find_snapshot(name).expect("it can be read");
    let members = found.iter().flat_map(|(_, snapshot)| &snapshot.objects);
    let members = members.map(ToString::to_string).collect();
    let object = found.as_ref().map(|(object, _)| *object);
    State::from([(format!("snapshot {name}"), (object, members))])
}

/// Returns the files in `objects/` that are not what their names promise.
pub(crate) fn partial_objects(root: &Path) -> Vec<PathBuf> {
    let found = WalkDir::new(root.join("objects")).min_depth(2);
    let paths = found
        .into_iter()
        .map(|it| it.expect("it can be read").into_path());
    let is_whole = |path: &PathBuf| {
        let bytes = fs::read(path).expect("it can be read");
        object_file(root, ObjectId::of(&bytes)) == *path
    };
    paths.filter(|path| !is_whole(path)).collect()
}

/// Returns the contents of the files that are left in `tmp/`.
pub(crate) fn leftovers(root: &Path) -> Vec<Vec<u8>> {
    let files = fs::read_dir(root.join("tmp")).expect("it is there");
    let paths = files.map(|file| file.expect("it can be read").path());
    paths
        .map(|path| fs::read(path).expect("it can be read"))
        .collect()
}

/// Requires that every object is whole, and that nothing is left of what failed.
pub(crate) fn assert_clean(root: &Path) {
    assert_eq!(partial_objects(root), [] as [PathBuf; 0]);
    assert_eq!(leftovers(root), [] as [Vec<u8>; 0]);
}
