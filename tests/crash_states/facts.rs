//! What is said on a disk, of each thing that an operation may change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{Catalog, Error, Filter, ObjectId, VerifyScope};
use walkdir::WalkDir;

use crate::support::garbage::removed;
use crate::support::sample::name;

/// What is said of each thing, by its name, in words.
pub(crate) type Facts = BTreeMap<String, String>;

/// Reads all there is: also what cannot be read, what a checker finds, and where contents are that
/// must not be lost.
pub(crate) fn facts(place: &Path, keeps: &[&str]) -> Facts {
    let mut facts = Facts::new();
    of_catalog(&place.join("root"), "", &mut facts);
    for content in keeps {
        let kept = has_file_with(&place.join("root"), content);
        facts.insert(format!("{content:?} is kept"), kept.to_string());
    }
    let engine = place.join("engine");
    if engine.exists() {
        facts.insert("files of the engine".to_owned(), files(&engine));
    }
    // What is made whole under its name is there from the first moment on.
    let bundle = place.join("bundle");
    if bundle.exists() {
        of_catalog(&bundle, "bundle: ", &mut facts);
        facts.insert("files of the bundle".to_owned(), files(&bundle));
    }
    facts
}

fn of_catalog(root: &Path, whose: &str, facts: &mut Facts) {
    let mut note = |what: &str, said: Result<String, Error>| {
        let said = said.unwrap_or_else(|error| format!("error: {error}"));
        facts.insert(format!("{whose}{what}"), said);
    };
    let catalog = match Catalog::open_read_only(root) {
        Ok(catalog) => catalog,
        Err(error) => return note("catalog", Err(error)),
    };
    let listed = catalog.list(&Filter::default());
    let listed = listed.and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let (listed, failed) = listed.map_or_else(|error| (Vec::new(), Some(error)), |it| (it, None));
    note("list", failed.map_or(Ok(String::new()), Err));
    let listed = listed.into_iter().map(|record| record.entry.engine);
    let engines: BTreeSet<_> = listed.chain(["d", "e"].map(str::to_owned)).collect();
    for engine in engines {
        note(&format!("ref {engine}"), of_ref(&catalog, &engine));
        for change in catalog.history(&name(&engine)).unwrap_or_default() {
            let object = change.new.or(change.old).expect("a change has one of them");
            match catalog.entry(&object) {
                Ok(entry) if entry.is_none() => {}
                entry => note(
                    &format!("object {object}"),
                    entry.map(|_| "it is there".to_owned()),
                ),
            }
        }
    }
    for top in ["attachments", "blobs", "objects"] {
        for file in files_in(&root.join(top)) {
            note(&format!("file {}", file.display()), Ok(String::new()));
        }
    }
    if root.join("removed").exists() {
        note("removed", Ok(removed(root).join(", ")));
    }
    for named in catalog.snapshots().unwrap_or_default() {
        let said = named.and_then(|named| {
            let found = catalog.find_snapshot(named.name.as_str())?;
            let (object, snapshot) = found.expect("it was listed");
            catalog.members(&snapshot)?;
            Ok(format!("{} is {object}", named.name))
        });
        note("snapshot", said);
    }
    let policy = fs::read_to_string(root.join("policy")).ok();
    let is_there = policy.is_some();
    note("policy", Ok(format!("{policy:?}")));
    let features = catalog.features();
    let features = features.map(|it| it.into_iter().map(|it| it.name).collect::<Vec<_>>());
    if is_there && features.as_ref().is_ok_and(Vec::is_empty) {
        note("policy that some would not heed", Ok(String::new()));
    }
    note("features", features.map(|it| it.join(" ")));
    for (blob, bytes) in catalog.blobs().unwrap_or_default() {
        note(&format!("blob {blob}"), Ok(format!("{bytes} bytes")));
    }
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    let findings = report.expect("verifying does not fail").findings;
    for fault in findings.iter().filter(|finding| finding.is_fault()) {
        let what = format!("{} {}", fault.slug, fault.path.display());
        note(&what, Ok(fault.message.clone()));
    }
}

/// What a ref holds, held before, and leads to.
fn of_ref(catalog: &Catalog, engine: &str) -> Result<String, Error> {
    let name = name(engine);
    let history = catalog.history(&name)?;
    let Some(current) = catalog.current(&name)? else {
        return Ok(format!("none, {history:?}"));
    };
    let object = current.object;
    let attached = catalog.attachments(&object)?;
    let manifests = catalog.manifests(&object)?.len();
    let documents = catalog.attached(&object, None)?;
    let documents = documents.collect::<Result<Vec<_>, _>>()?.len();
    let artifacts = current
        .entry
        .artifacts
        .iter()
        .map(|path| fs::read(path).ok());
    let artifacts: Vec<_> = artifacts.map(|it| it.map(|it| ObjectId::of(&it))).collect();
    Ok(format!(
        "{object}, {attached:?}, {manifests} manifests, {documents} documents, {artifacts:?}, {history:?}"
    ))
}

/// Whether a file has this content, other than in `tmp/`, where it might be removed.
fn has_file_with(root: &Path, content: &str) -> bool {
    let files = WalkDir::new(root).into_iter().filter_map(Result::ok);
    let mut files = files.filter(|file| !file.path().starts_with(root.join("tmp")));
    files.any(|file| fs::read(file.path()).is_ok_and(|bytes| bytes == content.as_bytes()))
}

fn files_in(top: &Path) -> Vec<PathBuf> {
    let found = WalkDir::new(top).into_iter().filter_map(Result::ok);
    let files = found.filter(|file| file.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

fn files(top: &Path) -> String {
    let files = WalkDir::new(top)
        .sort_by_file_name()
        .into_iter()
        .map(|file| {
            let file = file.expect("the test can read its own directory");
            let content = fs::read(file.path()).map(|bytes| ObjectId::of(&bytes).to_string());
            format!(
                "{} {}\n",
                file.path().display(),
                content.unwrap_or_default()
            )
        });
    files.collect()
}
