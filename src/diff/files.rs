//! What differs between the files of two engines.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Difference, FieldDiff};
use crate::manifest::{Manifest, ManifestFile};

/// A file that has another content or mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path in the second engine.
    pub path: String,
    /// Its path in the first engine, where that is another.
    pub was: Option<String>,
    /// What it was.
    pub from: ManifestFile,
    /// What it is.
    pub to: ManifestFile,
}

/// Returns what differs between the files of two engines; `None` where that is their paths at most,
/// which [`diff`](crate::diff()) shows.
///
/// Two files are the same one if they have the same path, else if they are the only ones with that
/// file name which are left, for a build directory is often another.
#[must_use]
pub fn diff_files(from: &Manifest, to: &Manifest) -> Option<FieldDiff> {
    let (mut gone, mut new) = (
        Vec::new(),
        by_name(to, |path| !from.files.contains_key(path)),
    );
    let mut changed = Vec::new();
    let mut compare = |was: &String, path: &String, to: ManifestFile| {
        let from = from.files[was];
        if from != to {
            let (path, was) = (path.clone(), (was != path).then(|| was.clone()));
            changed.push(FileChange {
                path,
                was,
                from,
                to,
            });
        }
    };
    for (path, file) in &to.files {
        if from.files.contains_key(path) {
            compare(path, path, *file);
        }
    }
    for (name, paths) in by_name(from, |path| !to.files.contains_key(path)) {
        match (&paths[..], new.get(name).map(Vec::as_slice)) {
            (&[was], Some(&[path])) => {
                new.remove(name);
                compare(was, path, to.files[path]);
            }
            _ => gone.extend(paths),
        }
    }
    let sorted = |mut paths: Vec<&String>| -> Vec<_> {
        paths.sort_unstable();
        paths.into_iter().cloned().collect()
    };
    let (removed, added) = (sorted(gone), sorted(new.into_values().flatten().collect()));
    changed.sort_by(|a, b| a.path.cmp(&b.path));
    let differ = !changed.is_empty() || !removed.is_empty() || !added.is_empty();
    differ.then_some(FieldDiff {
        field: "files",
        difference: Difference::Files {
            changed,
            removed,
            added,
        },
    })
}

/// The paths of a manifest that are wanted, by file name.
fn by_name(manifest: &Manifest, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<&str, Vec<&String>> {
    let mut names = BTreeMap::<_, Vec<_>>::new();
    for path in manifest.files.keys().filter(|path| is_wanted(path)) {
        let name = path.rsplit('/').next().unwrap_or(path);
        names.entry(name).or_default().push(path);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::ObjectId;

    fn manifest(files: &[(&str, &str)]) -> Manifest {
        let file = |content: &str| ManifestFile {
            mode: 0o755,
            size: content.len() as u64,
            blake3: ObjectId::of(content.as_bytes()),
        };
        let files = files.iter();
        Manifest {
            subject: ObjectId::of(b""),
            files: files
                .map(|(path, content)| ((*path).to_owned(), file(content)))
                .collect(),
        }
    }

    /// Changed files as `was -> path`, and those that left and came.
    fn found(
        from: &[(&str, &str)],
        to: &[(&str, &str)],
    ) -> (Vec<String>, Vec<String>, Vec<String>) {
        let Some(found) = diff_files(&manifest(from), &manifest(to)) else {
            return Default::default();
        };
        let Difference::Files {
            changed,
            removed,
            added,
        } = found.difference
        else {
            unreachable!("files differ as files");
        };
        let shown = |it: FileChange| match it.was {
            Some(was) => format!("{was} -> {}", it.path),
            None => it.path,
        };
        (changed.into_iter().map(shown).collect(), removed, added)
    }

    #[test]
    fn files_are_the_same_by_path_and_then_by_name() {
        let from = [
            ("/b1/server", "1"),
            ("/b1/libggml.so", "1"),
            ("/opt/same", "1"),
            ("/opt/else", "1"),
        ];
        let to = [
            ("/b2/server", "1"),
            ("/b2/libggml.so", "2"),
            ("/opt/same", "1"),
            ("/opt/else", "2"),
        ];
        let changed = ["/b1/libggml.so -> /b2/libggml.so", "/opt/else"].map(str::to_owned);
        assert_eq!(found(&from, &to), (changed.to_vec(), vec![], vec![]));
        assert_eq!(found(&from, &from), Default::default());
    }

    #[test]
    fn a_name_that_is_not_the_only_one_is_not_guessed_at() {
        let from = [("/b1/a/lib.so", "1"), ("/b1/b/lib.so", "2")];
        let to = [("/b2/a/lib.so", "1")];
        let texts = |list: &[&str]| -> Vec<_> { list.iter().map(|it| (*it).to_owned()).collect() };
        assert_eq!(
            found(&from, &to),
            (
                vec![],
                texts(&["/b1/a/lib.so", "/b1/b/lib.so"]),
                texts(&["/b2/a/lib.so"])
            )
        );
    }

    #[test]
    fn a_mode_is_a_difference() {
        let from = manifest(&[("/server", "1")]);
        let mut to = from.clone();
        to.files.get_mut("/server").expect("it is there").mode = 0o644;
        assert!(diff_files(&from, &to).is_some());
    }
}
