//! What readers see of a catalog, and that what they see agrees with a reader that was made from the
//! specification alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use engine_catalog::{
    Catalog, Change, Error, ErrorKind, Filter, Keep, Members, Name, ObjectId, RefName, Snapshot,
    VerifyScope,
};

use super::super::readable;
use super::super::reader::{Line, Reader};
use super::sample::{NAMES, entry, id, name};

/// What can be read, or what kind of error there is in its place.
type Seen<T> = Result<T, ErrorKind>;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) refs: BTreeMap<RefName, Seen<Option<ObjectId>>>,
    pub(super) histories: BTreeMap<RefName, Seen<Vec<Change>>>,
    pub(super) snapshots: BTreeMap<Name, Seen<Option<(ObjectId, Snapshot)>>>,
    /// The manifests of the entry A.
    pub(super) manifests: Seen<usize>,
    /// The documents about it; none of them where one cannot be read.
    pub(super) documents: Seen<usize>,
}

pub(super) fn seen<T>(result: Result<T, Error>) -> Seen<T> {
    result.map_err(|error| {
        let kind = error.kind();
        readable(error);
        kind
    })
}

impl View {
    /// Looks at all that can be read.
    pub(super) fn new(catalog: &Catalog) -> Self {
        let listed = seen(catalog.list(&Filter::default()));
        let listed = listed.into_iter().flatten().filter_map(|it| seen(it).ok());
        let mut names: BTreeSet<_> = listed.map(|record| record.name()).collect();
        names.extend((0..NAMES.len()).map(name));
        let of = |name: &RefName| {
            let current = seen(catalog.current(name));
            (name.clone(), current.map(|it| it.map(|it| it.object)))
        };
        let named = seen(catalog.snapshots()).into_iter().flatten();
        let named: Vec<_> = named.filter_map(|it| seen(it).ok()).collect();
        let snapshot = |name: Name| {
            let found = seen(catalog.find_snapshot(name.as_str()));
            (name, found)
        };
        Self {
            refs: names.iter().map(of).collect(),
            histories: (names.iter())
                .map(|name| (name.clone(), seen(catalog.history(name))))
                .collect(),
            snapshots: named.into_iter().map(|it| snapshot(it.name)).collect(),
            manifests: seen(catalog.manifests(&id('A'))).map(|it| it.len()),
            documents: seen(documents(catalog, &id('A'))),
        }
    }

    /// Requires that another reader, if it can open the catalog, sees the same.
    pub(super) fn assert_is_what_the_specification_says(&self, reader: &Reader) {
        for (name, ours) in &self.refs {
            let (engine, version) = (name.engine().to_string(), name.version().to_string());
            let theirs = reader.held(&(engine.clone(), version.clone()));
            let theirs = theirs.map(|held| held.map(|(id, _)| id));
            let ours = ours.map(|held| held.map(|id| id.to_string()));
            assert_agreed(ours, theirs, name);
            let ours = self.histories[name].clone();
            let ours = ours.map(|lines| lines.iter().map(line).collect::<Vec<_>>());
            assert_agreed(ours, reader.history(&(engine, version)), name);
        }
        for (name, ours) in &self.snapshots {
            let ours = ours
                .clone()
                .map(|found| found.map(|(id, _)| id.to_string()));
            let theirs = reader.snapshot(name.as_str());
            assert_agreed(ours, theirs.map(|found| found.map(|(id, _)| id)), name);
        }
        let theirs = reader.manifests(&id('A').to_string());
        assert_agreed(self.manifests, theirs.map(|it| it.len()), &"manifests");
        let theirs = reader.documents(&id('A').to_string());
        assert_agreed(self.documents, theirs.map(|it| it.len()), &"documents");
    }
}

/// How many documents there are about an object.
fn documents(catalog: &Catalog, subject: &ObjectId) -> Result<usize, Error> {
    let mut attached = catalog.attached(subject, None)?;
    attached.try_fold(0, |count, found| found.map(|_| count + 1))
}

pub(super) fn line(change: &Change) -> Line {
    Line {
        at: change.at_ms,
        op: change.op.to_string(),
        old: change.old.map(|id| id.to_string()),
        new: change.new.map(|id| id.to_string()),
        actor: change.actor.to_string(),
    }
}

fn assert_agreed<T: Debug + PartialEq>(
    ours: Seen<T>,
    theirs: Result<T, String>,
    what: &impl Debug,
) {
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{what:?}"),
        (Err(_), Err(_)) => {}
        _ => panic!("{what:?}: {ours:?}, by the specification {theirs:?}"),
    }
}

/// Calls every other reader, none of which has to find anything.
pub(super) fn read_all(catalog: &Catalog) {
    for spec in ["e:v", "x", "e/v", "e/w", &id('A').to_string()] {
        let found = seen(catalog.find(spec));
        if let Ok(Some(record)) = found {
            let _ = (seen(catalog.state(&record)), seen(catalog.check(&record)));
        }
        let _ = (seen(catalog.get(spec)), seen(catalog.exists(spec)));
        let _ = seen(catalog.locate(spec));
        let _ = seen(catalog.find_snapshot(spec));
    }
    for letter in ['A', 'B', 'C', 'D', 'S', 'M', 'T', 'U'] {
        let id = id(letter);
        let prefix = id.to_string()[..9].parse().expect("it is a prefix");
        let _ = (
            seen(catalog.resolve(&prefix)),
            seen(catalog.attachments(&id)),
        );
        let _ = (
            seen(catalog.why(&id, &Keep::new(0))),
            seen(catalog.manifests(&id)),
        );
        let _ = (seen(documents(catalog, &id)), seen(catalog.attachment(&id)));
        if let Ok(Some(snapshot)) = seen(catalog.snapshot(&id)) {
            let _ = seen(catalog.members(&snapshot));
        }
        if let Ok(Some(found)) = seen(catalog.entry(&id)) {
            assert_eq!(found, entry(letter), "another entry under its id");
        }
    }
    let _ = seen(catalog.snapshot_of(&Members::Current(Filter::default())));
    let _ = (
        seen(catalog.features()),
        seen(catalog.diagnose(7)).map(|it| it.status()),
    );
    for finding in verify(catalog) {
        assert!(!finding.message.is_empty() && !finding.advice().is_empty());
    }
}

pub(super) fn verify(catalog: &Catalog) -> Vec<engine_catalog::Finding> {
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    report.expect("what cannot be read is found").findings
}
