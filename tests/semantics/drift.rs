//! What `check` takes for drift, and what it does not read.

use std::collections::BTreeMap;
use std::fs;

use engine_catalog::{ArtifactError, Check, DriftKind, Error, Manifest, ObjectId, Record};

use crate::recording::{Build, record};
use crate::support::Home;

/// A catalog with an engine of two files.
fn recorded() -> (Home, Build, Record) {
    let (home, build) = (Home::new(), Build::new());
    let recorded = record(&home, &build.prepared(1));
    let record = recorded.record();
    (home, build, record)
}

/// Attaches a manifest of these files, as a peer may bring it in.
fn attach(home: &Home, manifest: &Manifest) -> ObjectId {
    let object = home.plant(&manifest.encode().unwrap());
    let subject = manifest.subject.to_string();
    let links = home.at(&format!("attachments/{}/{}", &subject[..2], &subject[2..]));
    fs::create_dir_all(&links).unwrap();
    fs::write(links.join(object.to_string()), "").unwrap();
    object
}

#[test]
fn manifest_of_other_files_does_not_let_drift_pass() {
    let (home, build, record) = recorded();
    fs::write(build.at("libggml.so"), "another").unwrap();
    let is_drift = || matches!(home.catalog.check(&record).unwrap(), Check::Drift(_));
    assert!(is_drift());
    let subject = record.object;
    let files = BTreeMap::new();
    attach(&home, &Manifest { subject, files });
    assert!(is_drift());
    let own = home.catalog.manifests(&subject).unwrap();
    let mut files = own
        .into_iter()
        .find(|it| it.files.len() == 2)
        .unwrap()
        .files;
    files.pop_last();
    attach(&home, &Manifest { subject, files });
    assert!(is_drift());
}

#[test]
fn file_that_changes_while_it_is_compared_is_an_error() {
    for change in ["append", "overwrite"] {
        let (home, build, record) = recorded();
        let server = build.at("llama-server");
        let mut is_first = true;
        let checked = home.catalog.check_with_progress(&record, &mut |at| {
            if at.path == server && at.done > 0 && std::mem::take(&mut is_first) {
                let mut content = fs::read(&server).unwrap();
                match change {
                    "append" => content.push(0),
                    _ => content[0] ^= 1,
                }
                fs::write(&server, content).unwrap();
            }
        });
        let Err(Error::Artifact(ArtifactError::Changed(path))) = checked else {
            panic!("{change}: {checked:?}")
        };
        assert_eq!(path, server);
    }
}

#[test]
fn file_of_another_size_is_not_read() {
    let (home, build, record) = recorded();
    let server = build.at("llama-server");
    // As large as a disk, and sparse.
    let file = fs::File::options().write(true).open(&server).unwrap();
    file.set_len(8 << 40).unwrap();
    let checked = home.catalog.check_with_progress(&record, &mut |at| {
        assert_ne!(at.path, server, "its size says enough");
    });
    let Check::Drift(drift) = checked.unwrap() else {
        panic!("it has drifted")
    };
    assert_eq!(drift.len(), 1);
    assert!(matches!(drift[0].how, DriftKind::Size { found, .. } if found == 8 << 40));
}
