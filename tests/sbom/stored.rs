//! Documents that are attached, and the files that they are compared with: as they were recorded, or not at all.

use std::fs;

use base64ct::{Base64, Encoding};
use engine_catalog::{
    AttachedDocument, Attachment, Check, DocumentError, Error, ObjectId, Record, Untold, Verdict,
};
use serde_json::{Value, json};

use crate::samples::*;
use crate::support::Home;

fn attach(home: &Home, record: &Record, media_type: &str, payload: &[u8]) -> ObjectId {
    let attachment = Attachment {
        subject: record.object,
        media_type: media_type.parse().unwrap(),
        name: None,
        payload: payload.to_vec(),
    };
    home.catalog.attach(&attachment).unwrap()
}

fn documents(home: &Home, record: &Record) -> Vec<AttachedDocument> {
    let mut quiet = |_: engine_catalog::Progress<'_>| {};
    let documents = home.catalog.documents(record, &mut quiet).unwrap();
    documents.map(Result::unwrap).collect()
}

fn of_both_files() -> Value {
    spdx(&[
        ("server", "SHA256", SERVER_SHA256),
        ("ggml.so", "SHA256", LIBRARY_SHA256),
    ])
}

#[test]
fn documents_are_found_by_their_media_types_and_each_is_judged() {
    let home = Home::new();
    let record = record(&home, &FILES);
    let text = of_both_files().to_string();
    attach(&home, &record, "application/spdx+json", text.as_bytes());
    attach(&home, &record, "application/vnd.cyclonedx+json", b"{}");
    attach(&home, &record, "text/plain", text.as_bytes());
    let mut found = documents(&home, &record);
    found.sort_by_key(|it| it.attachment.media_type.clone());
    let [spdx, cyclonedx] = &*found else {
        panic!("{found:?}");
    };
    let (_, linkage) = spdx.read.as_ref().unwrap();
    assert_eq!(
        (&linkage.verdict, linkage.named.len()),
        (&Verdict::NamesFiles, 2)
    );
    assert_eq!(cyclonedx.read, Err(DocumentError::Unrecognised));
}

#[test]
fn document_of_another_format_than_its_media_type_says_is_told_with_both() {
    let home = Home::new();
    let record = record(&home, &FILES);
    let right = of_both_files();
    let mut newer = right.clone();
    newer["spdxVersion"] = "SPDX-9.9".into();
    for document in [right, newer] {
        for said in [
            "application/vnd.cyclonedx+json",
            "application/vnd.dev.sigstore.bundle.v0.3+json",
        ] {
            let object = attach(&home, &record, said, document.to_string().as_bytes());
            let found = documents(&home, &record);
            let expected = DocumentError::OtherType {
                expected: said.parse().unwrap(),
                found: "application/spdx+json".parse().unwrap(),
            };
            assert_eq!(found[0].read, Err(expected), "{said}");
            home.catalog.detach(&record.object, &object).unwrap();
        }
    }
}

#[test]
fn bundle_may_have_the_media_type_of_any_version() {
    let home = Home::new();
    let record = record(&home, &FILES);
    let statement = statement(&[("x", SERVER_SHA256)]).to_string();
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "dsseEnvelope": {
            "payloadType": "application/vnd.in-toto+json",
            "payload": Base64::encode_string(statement.as_bytes()),
            "signatures": [{"sig": ""}],
        },
    });
    for version in ["+json", ".v0.3+json"] {
        let media_type = format!("application/vnd.dev.sigstore.bundle{version}");
        attach(&home, &record, &media_type, bundle.to_string().as_bytes());
    }
    let found = documents(&home, &record);
    let verdicts = found
        .iter()
        .map(|it| it.read.as_ref().unwrap().1.verdict.clone());
    assert_eq!(
        verdicts.collect::<Vec<_>>(),
        [Verdict::NamesFiles, Verdict::NamesFiles]
    );
}

#[test]
fn entry_with_documents_has_its_manifest_as_before() {
    let home = Home::new();
    let record = record(&home, &FILES);
    attach(&home, &record, "text/plain", b"notes");
    assert_eq!(home.catalog.manifests(&record.object).unwrap().len(), 1);
    let check = home.catalog.check(&record).unwrap();
    assert!(matches!(check, Check::Pass { files: 2, .. }), "{check:?}");
}

#[test]
fn files_that_have_drifted_are_not_what_was_recorded() {
    let home = Home::new();
    let record = record(&home, &FILES);
    // What is there now is what the document says, and not what was recorded.
    let replaced = home.outside().join("bin/server");
    fs::write(&replaced, "abd").unwrap();
    let document = spdx(&[(
        "server",
        "SHA256",
        "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9",
    )]);
    fs::remove_file(home.outside().join("lib/ggml.so")).unwrap();
    let linkage = link(&home.catalog, &record, &document);
    assert_eq!(linkage.verdict, Verdict::CannotTell(Untold::Unread));
    let reasons: Vec<_> = linkage.unread.iter().map(|(_, reason)| &**reason).collect();
    assert_eq!(reasons, ["it is not what was recorded", "it is not there"]);
}

#[test]
fn document_after_one_that_could_not_be_linked_is_linked_as_ever() {
    let home = Home::new();
    let record = record(&home, &FILES);
    for version in ["SPDX-2.2", "SPDX-2.3"] {
        let mut document = of_both_files();
        document["spdxVersion"] = version.into();
        attach(
            &home,
            &record,
            "application/spdx+json",
            document.to_string().as_bytes(),
        );
    }
    let changing = home.outside().join("bin/server");
    let mut change = |_: engine_catalog::Progress<'_>| fs::write(&changing, "changed").unwrap();
    let documents = home.catalog.documents(&record, &mut change).unwrap();
    let [Err(Error::Artifact(_)), Ok(second)] = &documents.collect::<Vec<_>>()[..] else {
        panic!("the first file changes while it is hashed for the first");
    };
    let (_, linkage) = second.read.as_ref().unwrap();
    assert_eq!(linkage.verdict, Verdict::NamesFiles, "{linkage:?}");
    assert_eq!((linkage.named.len(), linkage.unread.len()), (1, 1));
}

#[test]
fn files_that_are_gone_are_read_from_the_catalog() {
    let home = Home::new();
    let record = record(&home, &FILES);
    home.catalog.store_files(&record, &mut |_| {}).unwrap();
    for (file, _) in FILES {
        fs::remove_file(home.outside().join(file)).unwrap();
    }
    let linkage = link(&home.catalog, &record, &of_both_files());
    assert_eq!(
        (linkage.verdict, linkage.named.len()),
        (Verdict::NamesFiles, 2)
    );
}

#[test]
fn damaged_blob_names_nothing() {
    let home = Home::new();
    let record = record(&home, &FILES[..1]);
    home.catalog.store_files(&record, &mut |_| {}).unwrap();
    fs::remove_file(home.outside().join("bin/server")).unwrap();
    let blob = format!("blobs/{}/{}", &SERVER_BLAKE3[..2], &SERVER_BLAKE3[2..]);
    fs::remove_file(home.at(&blob)).unwrap();
    fs::write(home.at(&blob), "abd").unwrap();
    let linkage = link(&home.catalog, &record, &of_both_files());
    assert_eq!(linkage.verdict, Verdict::CannotTell(Untold::Unread));
    assert!(linkage.unread[0].1.contains("is damaged"), "{linkage:?}");
}

#[test]
fn blake3_of_the_manifest_needs_no_file() {
    let home = Home::new();
    let record = record(&home, &FILES);
    for (file, _) in FILES {
        fs::remove_file(home.outside().join(file)).unwrap();
    }
    let document = cyclonedx("file", "x", "", ("BLAKE3", SERVER_BLAKE3));
    let linkage = link(&home.catalog, &record, &document);
    assert_eq!(
        (linkage.verdict, linkage.named.len()),
        (Verdict::NamesDigest, 1)
    );
    assert_eq!((linkage.unnamed.len(), linkage.unread.len()), (1, 0));
}
