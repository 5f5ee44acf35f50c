//! Nothing leads out of the root, nothing that lies where it does not belong does harm, and reading
//! writes nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod foreign;
mod healing;
mod links;
mod names;
mod odd_files;
#[path = "../support/mod.rs"]
mod support;
mod untouched;

use std::fs;
use std::path::Path;

use engine_catalog::{
    BlobError, Catalog, Cause, Error, Expect, Filter, HistoryError, Manifest, Members, Name,
    ObjectError, ObjectId, PathError, ReadObjectError, Record, RefError, Snapshot, SnapshotError,
};
use support::{Home, entry, every_write, name, object_of, stamp};

type Call = fn(&Catalog) -> Result<(), Error>;

/// Every call that reads, in a catalog of [`busy_home`].
const READS: [(&str, Call); 21] = [
    ("open", |catalog| Catalog::open(catalog.root()).map(drop)),
    ("current", |catalog| {
        catalog.current(&name("llamacpp/b1")).map(drop)
    }),
    ("entry", |catalog| {
        catalog.entry(&object_of(&entry("b1", 2))).map(drop)
    }),
    ("get", |catalog| catalog.get("llamacpp:b1").map(drop)),
    ("get-retired", |catalog| {
        catalog.get("llamacpp:b2").map(drop)
    }),
    ("get-unknown", |catalog| catalog.get("x").map(drop)),
    ("exists", |catalog| catalog.exists("llamacpp:b1").map(drop)),
    ("locate", |catalog| catalog.locate("llamacpp:b1").map(drop)),
    ("resolve", |catalog| {
        let id = object_of(&entry("b1", 2)).to_string();
        catalog.resolve(&id[..10].parse().unwrap()).map(drop)
    }),
    ("find", |catalog| {
        catalog
            .find(&object_of(&entry("b1", 2)).to_string())
            .map(drop)
    }),
    ("history", |catalog| {
        catalog.history(&name("llamacpp/b1")).map(drop)
    }),
    ("list", |catalog| {
        let mut list = catalog.list(&Filter::default())?;
        list.try_for_each(|record| record.map(drop))
    }),
    ("has_changed_since", |catalog| {
        let seen = catalog.generation()?;
        catalog.has_changed_since(&seen).map(drop)
    }),
    ("state", |catalog| {
        let (object, entry) = (object_of(&entry("b1", 2)), entry("b1", 2));
        catalog.state(&Record { object, entry }).map(drop)
    }),
    ("snapshot_of", |catalog| {
        let all = Members::Current(Filter::default());
        catalog.snapshot_of(&all).map(drop)
    }),
    ("snapshots", |catalog| {
        catalog
            .snapshots()?
            .into_iter()
            .try_for_each(|it| it.map(drop))
    }),
    ("find_snapshot", |catalog| {
        catalog.find_snapshot("s0").map(drop)
    }),
    ("attachments", |catalog| {
        catalog.attachments(&attached().0).map(drop)
    }),
    ("manifests", |catalog| {
        catalog.manifests(&attached().0).map(drop)
    }),
    ("attached", |catalog| {
        let subject = attached().0;
        let mut attached = catalog.attached(&subject, None)?;
        attached.try_for_each(|found| found.map(drop))
    }),
    ("attachment", |catalog| {
        catalog.attachment(&ObjectId::from_bytes([0; 32])).map(drop)
    }),
];

fn every_read(catalog: &Catalog) -> Vec<(&'static str, Result<(), Error>)> {
    READS.map(|(call, read)| (call, read(catalog))).into()
}

/// What is attached to the current entry, as subject and object.
fn attached() -> (ObjectId, ObjectId) {
    let manifest = manifest();
    (manifest.subject, ObjectId::of(&manifest.encode().unwrap()))
}

/// A manifest of no files.
fn manifest() -> Manifest {
    let (subject, files) = (object_of(&entry("b1", 2)), [].into());
    Manifest { subject, files }
}

/// Where the attachments of the current entry are.
fn links() -> String {
    let subject = attached().0.to_string();
    format!("attachments/{}/{}", &subject[..2], &subject[2..])
}

/// A catalog with a ref that had two entries, and one that is retired. The current entry has a
/// manifest, and is the member of a snapshot.
fn busy_home() -> Home {
    let home = Home::new();
    fs::create_dir(home.at("blobs")).unwrap();
    home.put(&entry("b1", 1));
    home.put(&entry("b1", 2));
    home.put(&entry("b2", 1));
    let retired = home
        .catalog
        .retire(&name("llamacpp/b2"), Expect::Any, &stamp(2));
    assert!(retired.unwrap().is_some());
    let object = home.plant(&manifest().encode().unwrap());
    fs::create_dir_all(home.at(&links())).unwrap();
    fs::write(home.at(&links()).join(object.to_string()), "").unwrap();
    let (all, name) = (
        Members::Current(Filter::default()),
        Name::new("s0").unwrap(),
    );
    home.catalog.create_snapshot(&all, Some(&name)).unwrap();
    home
}

/// A place below the root, and which calls refuse to go on where something lies there that does not
/// belong: no other call looks there.
struct Place {
    path: String,
    is_dir: bool,
    reads: String,
    writes: String,
}

/// Every place that the calls look at in a catalog of [`busy_home`].
fn places() -> Vec<Place> {
    let object = object_of(&entry("b1", 2)).to_string();
    let (shard, rest) = object.split_at(2);
    let healed = format!("objects/{shard}/{rest}");
    let file_of = |id: ObjectId| {
        let hex = id.to_string();
        format!("objects/{}/{}", &hex[..2], &hex[2..])
    };
    let objects = [object_of(&entry("b1", 2))].into();
    let snapshot = Snapshot { objects }.id().unwrap();
    let by_object = "current entry get get-retired get-unknown exists locate find list snapshot_of";
    let all_puts = "put-same put-new put_if put_all record record_files rollback";
    let all_objects = "put-same put-new put_if put_all record record_files rollback attach \
                       snapshot snapshot_named import restore stage";
    let of_refs = "put-same put-new put_if put_all record record_files rollback retire delete \
                   snapshot import";
    let of_engine = "put-same put-new put_if put_all rollback retire import";
    let of_ref = "put-same put-new put_all rollback retire";
    let staged = "put-new put_if put_all record record_files rollback snapshot_named import \
                  stage";
    let by_hash = "current entry get get-retired get-unknown exists locate resolve find list \
                   snapshot_of";
    let by_ref = "current get get-retired get-unknown exists locate history list state snapshot_of";
    [
        (
            "objects/".to_owned(),
            &*format!("{by_hash} find_snapshot manifests attached attachment"),
            all_objects,
        ),
        (format!("objects/{shard}/"), by_hash, "put-same attach"),
        // Putting the same entry heals it.
        (healed.clone(), by_object, ""),
        (
            "refs/".to_owned(),
            &by_ref.replace("list", "list has_changed_since"),
            of_refs,
        ),
        // A listing knows from the histories what has to be there.
        (
            "refs/llamacpp/".to_owned(),
            by_ref,
            "put-same put-new put_if put_all rollback retire delete snapshot import",
        ),
        (
            "refs/llamacpp/b1".to_owned(),
            by_ref,
            &format!("{of_ref} snapshot"),
        ),
        (
            "history/".to_owned(),
            "get-retired get-unknown history",
            &format!("{all_puts} retire import"),
        ),
        ("history/llamacpp/".to_owned(), "history", of_engine),
        (
            "history/llamacpp/b1".to_owned(),
            "get-unknown history",
            of_ref,
        ),
        ("tmp/".to_owned(), "", staged),
        (
            "lock".to_owned(),
            "snapshot_of",
            &format!("{all_puts} attach detach retire snapshot snapshot_named remove_snapshot import restore"),
        ),
        ("format".to_owned(), "open", ""),
        (
            "snapshots/".to_owned(),
            "snapshots find_snapshot",
            "snapshot_named remove_snapshot",
        ),
        ("snapshots/s0".to_owned(), "snapshots find_snapshot", ""),
        (
            "attachments/".to_owned(),
            "attachments manifests attached",
            "record_files store_files attach detach",
        ),
        (
            format!("{}/", &links()[..14]),
            "attachments manifests attached",
            "attach detach",
        ),
        (
            format!("{}/", links()),
            "attachments manifests attached",
            "attach detach",
        ),
        (
            format!("{}/{}", links(), attached().1),
            "attachments manifests attached",
            "",
        ),
        ("blobs/".to_owned(), "", "store_files"),
        (file_of(attached().1), "manifests attached", ""),
        (file_of(snapshot), "find_snapshot", ""),
    ]
    .map(|(path, reads, writes)| {
        // What removes the rest has to read all that is kept.
        let collecting = match path == healed || path == "format" {
            true => "",
            false => " collect_garbage carry_out",
        };
        Place {
            is_dir: path.ends_with('/'),
            path: path.trim_end_matches('/').to_owned(),
            reads: reads.to_owned(),
            writes: format!("{writes}{collecting}").trim_start().to_owned(),
        }
    })
    .into()
}

/// The failed file operation behind an error, wherever it happened.
fn path_error(error: &Error) -> Option<&PathError> {
    match error {
        Error::Path(error)
        | Error::Blob(BlobError::Path(error))
        | Error::Object(ReadObjectError::Path(error))
        | Error::Unreadable {
            cause: ReadObjectError::Path(error),
            ..
        }
        | Error::UnreadableSnapshot {
            cause: ReadObjectError::Path(error),
            ..
        }
        | Error::UnreadableAttachment {
            cause: ReadObjectError::Path(error),
            ..
        }
        | Error::Ref(RefError::Path(error))
        | Error::Snapshot(SnapshotError::Path(error))
        | Error::History(HistoryError::Path(error)) => Some(error),
        _ => None,
    }
}

/// The calls that failed, all of them because of what is at `place`.
fn refused(
    results: Vec<(&'static str, Result<(), Error>)>,
    place: &Path,
    is_cause: impl Fn(&Cause) -> bool,
) -> String {
    let mut refused = Vec::new();
    for (call, result) in results {
        let Err(error) = result else { continue };
        // Of an engine that could not be recorded nothing can be stored.
        if let Error::NoManifest { .. } = error {
            continue;
        }
        let is_expected = match &error {
            // An object of any kind may be that large; an entry may not.
            Error::Object(ReadObjectError::Refused {
                object,
                cause: ObjectError::TooLarge { size, limit },
            })
            | Error::Unreadable {
                cause:
                    ReadObjectError::Refused {
                        object,
                        cause: ObjectError::TooLarge { size, limit },
                    },
                ..
            }
            | Error::UnreadableSnapshot {
                cause:
                    ReadObjectError::Refused {
                        object,
                        cause: ObjectError::TooLarge { size, limit },
                    },
                ..
            }
            | Error::UnreadableAttachment {
                cause:
                    ReadObjectError::Refused {
                        object,
                        cause: ObjectError::TooLarge { size, limit },
                    },
                ..
            } => {
                let (size, limit) = (*size, *limit);
                place.ends_with(&object.to_string()[2..])
                    && is_cause(&Cause::TooLarge { size, limit })
            }
            // Of a reachable object it is said which; of all else, where.
            Error::Unsure { reason, .. } => {
                let id = place.iter().rev().take(2).collect::<Vec<_>>();
                let id: String = id.iter().rev().map(|it| it.to_string_lossy()).collect();
                reason.contains(&*place.to_string_lossy()) || reason.contains(&id)
            }
            error => path_error(error).is_some_and(|PathError { path, cause, .. }| {
                path.starts_with(place) && is_cause(cause)
            }),
        };
        assert!(is_expected, "{call}: {error:?}");
        refused.push(call);
    }
    refused.join(" ")
}
