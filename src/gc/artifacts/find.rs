//! Which files go: what the entries in the store name, what is there, and what was recorded of it. Reads no file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::kept::Kept;
use super::under::{Found, Places, Spot, Under};
use super::{ArtifactFile, ArtifactLeft, ArtifactOptions, ArtifactRoom, LeftReason};
use crate::artifact::can_hash;
use crate::catalog::Catalog;
use crate::digest::{Algorithm, check_digest};
use crate::drift::describes;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::hashed::HashedFile;
use crate::object::Object;
use crate::objects;
use crate::reach::{Keep, Kind, Kinds, Reach, Reasons, Unknown};

/// What is found out of the files of engines.
#[derive(Debug, Default)]
pub(in crate::gc) struct Findings {
    pub(in crate::gc) files: Vec<ArtifactFile>,
    pub(in crate::gc) left: Vec<ArtifactLeft>,
    /// How many bytes go.
    pub(in crate::gc) bytes: u64,
    pub(in crate::gc) room: Option<ArtifactRoom>,
    /// What may name any of the files that would go.
    pub(in crate::gc) unknown: Vec<Unknown>,
}

/// The entries in the store, and what they name.
#[derive(Debug)]
pub(in crate::gc) struct Survey<'a> {
    catalog: &'a Catalog,
    pub(super) options: &'a ArtifactOptions,
    pub(super) places: Places<'a>,
    /// Of each entry the absolute paths of its artifacts.
    pub(super) entries: BTreeMap<ObjectId, Vec<PathBuf>>,
    pub(super) room: Option<ArtifactRoom>,
    /// Builds that were to give way, and cannot.
    pub(super) passed_over: Vec<(ObjectId, LeftReason)>,
}

/// What the record of an entry says of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Recorded {
    /// `None` where only a digest was recorded.
    pub(super) bytes: Option<u64>,
    pub(super) digest: String,
}

/// A path that entries name which go.
struct Claim {
    entry: ObjectId,
    recorded: BTreeSet<(ObjectId, Recorded)>,
}

impl<'a> Survey<'a> {
    pub(in crate::gc) fn of(
        catalog: &'a Catalog,
        options: &'a ArtifactOptions,
        keep: &'a Keep,
    ) -> Result<Self, Error> {
        Ok(Self {
            catalog,
            options,
            places: Places::below(Under::open(catalog, options)?, keep),
            entries: BTreeMap::new(),
            room: None,
            passed_over: Vec::new(),
        })
    }

    /// Takes note of an object that is in the store.
    pub(in crate::gc) fn see(&mut self, id: ObjectId, object: &Object) {
        if let Object::Entry(entry) = object {
            let files = entry.artifacts.iter().filter(|path| path.is_absolute());
            // Less what says nothing, such as a slash at the end.
            let files = files.map(|path| path.components().collect());
            self.entries.insert(id, files.collect());
        }
    }

    /// Takes note of what was not reached. What cannot be read names nothing that could go.
    pub(in crate::gc) fn see_dead(&mut self, objects: &[HashedFile], reach: &Reach<Kinds>) {
        for file in objects {
            if !reach.objects.contains_key(&file.id)
                && let Ok(Some((object, _))) = objects::read_any(self.catalog.root_dir(), &file.id)
            {
                self.see(file.id, &object);
            }
        }
    }

    /// Returns what the manifests of an entry that describe it say of its files, or else its digest of the first.
    pub(super) fn recorded(&self, object: &ObjectId) -> BTreeMap<PathBuf, BTreeSet<Recorded>> {
        let mut recorded = BTreeMap::<PathBuf, BTreeSet<_>>::new();
        let Ok(Some(entry)) = objects::read_entry(self.catalog.root_dir(), object) else {
            return recorded;
        };
        let manifests = self.catalog.each_manifest(object).into_iter();
        let manifests = manifests.flatten().flatten();
        for manifest in manifests.filter(|manifest| describes(manifest, &entry)) {
            for (path, file) in &manifest.files {
                let says = Recorded {
                    bytes: Some(file.size),
                    digest: format!("{}:{}", Algorithm::Blake3, file.blake3),
                };
                recorded.entry(path.into()).or_default().insert(says);
            }
        }
        let can_check = |digest: &String| {
            let algorithm = check_digest(digest).ok().flatten();
            algorithm.is_some_and(can_hash)
        };
        let first = entry.artifacts.first().filter(|it| it.is_absolute());
        if let (true, Some(first), Some(digest)) =
            (recorded.is_empty(), first, entry.digest.filter(can_check))
        {
            let bytes = None;
            recorded.insert(first.clone(), [Recorded { bytes, digest }].into());
        }
        recorded
    }

    /// Returns what goes, and what stays of what might.
    pub(in crate::gc) fn findings(mut self, reach: &Reach<Kinds>) -> Findings {
        let mut findings = Findings::default();
        let claims = self.claims(reach);
        let kept = match claims.is_empty() {
            true => Kept::default(),
            false => self.kept(reach),
        };
        let mut counted = BTreeSet::new();
        for (path, claim) in claims {
            match self.places.look(&path) {
                Found::Nothing => {}
                Found::Unknown(error) => {
                    let error = error.clone();
                    let reason = LeftReason::Failed { error };
                    findings.left.push(claim.left(path, 0, reason));
                }
                Found::Something(spot) => match claim.judge(&path, spot, &kept) {
                    Ok(file) => {
                        if counted.insert(spot.id) {
                            findings.bytes = findings.bytes.saturating_add(file.bytes);
                        }
                        findings.files.push(file);
                    }
                    Err(reason) => findings.left.push(claim.left(path, spot.bytes, reason)),
                },
            }
        }
        self.add_passed_over(&mut findings.left);
        findings.room = self.room.map(|room| ArtifactRoom {
            bytes_after: room.bytes_before.saturating_sub(findings.bytes),
            ..room
        });
        if !findings.files.is_empty() {
            let unknown = kept.unknown.iter().map(Unknown::because_of);
            findings.unknown = unknown.chain(foreign(reach)).collect();
        }
        findings
    }

    /// Returns the paths that entries name which go, with what was recorded.
    fn claims(&self, reach: &Reach<Kinds>) -> BTreeMap<PathBuf, Claim> {
        let mut claims = BTreeMap::<PathBuf, Claim>::new();
        for (entry, paths) in &self.entries {
            if reach.objects.contains_key(entry) || paths.is_empty() {
                continue;
            }
            let recorded = self.recorded(entry);
            for path in paths {
                let claim = claims.entry(path.clone()).or_insert_with(|| Claim {
                    entry: *entry,
                    recorded: BTreeSet::new(),
                });
                let says = recorded.get(path).into_iter().flatten();
                claim.recorded.extend(says.map(|it| (*entry, it.clone())));
            }
        }
        claims
    }

    fn kept(&mut self, reach: &Reach<Kinds>) -> Kept {
        let mut kept = Kept::default();
        let staying = self.entries.iter();
        for (entry, paths) in staying.filter(|(entry, _)| reach.objects.contains_key(entry)) {
            let mut absent = Vec::new();
            for path in paths {
                match self.places.look(path) {
                    Found::Nothing => absent.push(path),
                    found => kept.add(*entry, found),
                }
            }
            if !absent.is_empty() {
                let recorded = self.recorded(entry);
                let of_absent = absent.into_iter().filter_map(|path| recorded.get(path));
                for it in of_absent.flatten() {
                    kept.add_absent(*entry, it.digest.clone());
                }
            }
        }
        kept
    }

    fn add_passed_over(&mut self, left: &mut Vec<ArtifactLeft>) {
        for (entry, reason) in std::mem::take(&mut self.passed_over) {
            for path in self.entries.get(&entry).into_iter().flatten() {
                let spot = self.places.spot(path).filter(|spot| spot.takes_room);
                left.extend(spot.map(|spot| ArtifactLeft {
                    bytes: spot.bytes,
                    path: path.clone(),
                    entry,
                    reason: reason.clone(),
                }));
            }
        }
        left.sort_by(|one, other| (&one.path, one.entry).cmp(&(&other.path, other.entry)));
    }
}

impl Claim {
    /// Returns the file that goes, or why it does not.
    fn judge(&self, path: &Path, spot: &Spot, kept: &Kept) -> Result<ArtifactFile, LeftReason> {
        if let Some(by) = kept.naming(spot) {
            return Err(LeftReason::Named { by });
        }
        if let Err(reason) = &spot.place {
            return Err(reason.clone());
        }
        let fitting = self.recorded.iter().filter(|(_, it)| it.fits(spot));
        let Some((entry, _)) = fitting.clone().next() else {
            let sizes = self.recorded.iter().find_map(|(_, it)| it.bytes);
            return Err(match sizes {
                Some(recorded) => LeftReason::Size {
                    recorded,
                    found: spot.bytes,
                },
                None => LeftReason::NothingRecorded,
            });
        };
        if let Some(by) = fitting.clone().find_map(|(_, it)| kept.missing(&it.digest)) {
            return Err(LeftReason::Named { by });
        }
        let digests: BTreeSet<_> = fitting.map(|(_, it)| it.digest.clone()).collect();
        Ok(ArtifactFile {
            path: path.to_owned(),
            bytes: spot.bytes,
            digests: digests.into_iter().collect(),
            entry: *entry,
        })
    }

    fn left(&self, path: PathBuf, bytes: u64, reason: LeftReason) -> ArtifactLeft {
        ArtifactLeft {
            path,
            bytes,
            entry: self.entry,
            reason,
        }
    }
}

impl Recorded {
    pub(super) fn fits(&self, spot: &Spot) -> bool {
        self.bytes.is_none_or(|bytes| bytes == spot.bytes)
    }
}

/// Returns the objects that stay and that may be entries of a newer version: nobody here knows which files they name.
/// What is only attached to an entry has none of its own.
fn foreign(reach: &Reach<Kinds>) -> impl Iterator<Item = Unknown> {
    let may_name = |object: &&ObjectId| {
        reach.objects.get(*object).is_some_and(|kinds| {
            let has = |wanted: &dyn Fn(Kind) -> bool| kinds.find(wanted).is_some();
            let is_held = |kind| !matches!(kind, Kind::Attachment | Kind::Young);
            has(&is_held) || !has(&|kind| kind == Kind::Attachment)
        })
    };
    reach.foreign.iter().filter(may_name).map(|object| {
        Unknown::because_of(format_args!(
            "object {object} is of an unknown schema, and may name files"
        ))
    })
}
