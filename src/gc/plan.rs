//! What goes: everything in the store that no ref, named snapshot, history or young object leads to.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::artifacts::Survey;
use super::{ArtifactFile, ArtifactLeft, ArtifactRoom};
use super::{GcOptions, Leftover, LongHistory, histories, scratch};
use crate::attachments::Link;
use crate::catalog::Catalog;
use crate::cbor;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::hashed::{self, HashedFile};
use crate::layout;
use crate::reach::{self, Kind, Kinds, Reach, Reasons, Unknown};
use crate::retention::{Decision, KeptBy};

/// What a collection does, as things are.
///
/// It follows from the options and from the catalog alone, and the files of engines where they are of concern: two
/// that are equal were made of the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GcPlan {
    /// By what it was made.
    pub options: GcOptions,
    /// What becomes of what refs hold, and of what they have held and is in the store, of those engines that a
    /// rule of retention is of.
    pub decisions: Vec<Decision>,
    /// The objects that go, sorted.
    pub objects: Vec<Garbage>,
    /// The blobs that go, sorted.
    pub blobs: Vec<Garbage>,
    /// The links that go, each a subject and what is attached to it: their subjects go, or are gone.
    pub links: Vec<Link>,
    /// The histories that lose their oldest lines.
    pub histories: Vec<LongHistory>,
    /// What goes that writers and transfers have left in `tmp/`.
    pub leftovers: Vec<Leftover>,
    /// The files of engines that go, outside of the catalog, sorted.
    pub artifacts: Vec<ArtifactFile>,
    /// How many bytes they have; those of a file with several names once.
    pub artifact_bytes: u64,
    /// The files that stay of engines that go, or that were to give way, sorted. One that is missing is none.
    pub artifacts_left: Vec<ArtifactLeft>,
    /// How much room files of engines take, where there is a limit of it.
    pub artifact_room: Option<ArtifactRoom>,
    /// How many objects and blobs nothing keeps but their age.
    pub young: usize,
    /// How many objects nothing keeps but that refs have held them.
    pub historic: usize,
    /// Damage that may hide what keeps objects: while there is any, nothing goes.
    pub unknown: Vec<Unknown>,
}

impl GcPlan {
    /// Returns the hash by which the plan is called where it was carried out.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        ObjectId::of(&cbor::encode(self))
    }

    /// Returns what becomes of those refs that go.
    pub fn retired(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|it| it.retires())
    }

    /// Returns how many bytes the files in the catalog have that go.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let files = self.objects.iter().chain(&self.blobs).map(|it| it.bytes);
        let histories = self.histories.iter();
        let histories = histories.map(|it| it.bytes.saturating_sub(it.kept_bytes));
        let leftovers = self.leftovers.iter().map(|it| it.bytes);
        let all = files.chain(histories).chain(leftovers);
        all.fold(0, u64::saturating_add)
    }

    /// Leaves out these objects, with what is attached to them and the links to it.
    pub(super) fn spare(&mut self, objects: impl IntoIterator<Item = ObjectId>) {
        let mut todo: Vec<_> = objects.into_iter().collect();
        let mut spared = BTreeSet::new();
        while let Some(object) = todo.pop() {
            if spared.insert(object) {
                let from = self.links.partition_point(|(subject, _)| *subject < object);
                let of_object = self.links[from..].iter().take_while(|it| it.0 == object);
                todo.extend(of_object.map(|(_, attached)| *attached));
            }
        }
        self.links.retain(|(subject, _)| !spared.contains(subject));
        self.objects.retain(|it| !spared.contains(&it.id));
    }

    /// Returns the entries whose files may go another time.
    pub(super) fn waiting(left: &[ArtifactLeft]) -> impl Iterator<Item = ObjectId> {
        left.iter()
            .filter(|it| it.reason.may_pass())
            .map(|it| it.entry)
    }

    /// Returns where a plan of the same options does something else, or for other reasons, if it does.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let decision = first_difference(&self.decisions, &other.decisions);
        let history = || first_difference(&self.histories, &other.histories);
        let name = decision
            .map(|it| &it.name)
            .or_else(|| history().map(|it| &it.name));
        let object = || first_difference(&self.objects, &other.objects);
        let blob = || first_difference(&self.blobs, &other.blobs);
        let link = || first_difference(&self.links, &other.links);
        let file = first_difference(&self.artifacts, &other.artifacts).map(|it| &it.path);
        let left = || first_difference(&self.artifacts_left, &other.artifacts_left);
        let file = file.or_else(|| left().map(|it| &it.path));
        let leftover = || first_difference(&self.leftovers, &other.leftovers);
        Some(if let Some(name) = name {
            format!("ref {name}")
        } else if let Some(it) = object() {
            format!("object {}", it.id)
        } else if let Some(it) = blob() {
            format!("blob {}", it.id)
        } else if let Some((subject, _)) = link() {
            format!("what is attached to {subject}")
        } else if let Some(path) = file {
            format!("file {}", path.display())
        } else if (self.artifact_room, self.artifact_bytes)
            != (other.artifact_room, other.artifact_bytes)
        {
            "the room that files of engines take".to_owned()
        } else if let Some(it) = leftover() {
            format!("tmp/{}", it.name)
        } else {
            return None;
        })
    }

    /// Returns whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.retired().next().is_none()
            && self.objects.is_empty()
            && self.blobs.is_empty()
            && self.links.is_empty()
            && self.histories.is_empty()
            && self.leftovers.is_empty()
            && self.artifacts.is_empty()
    }
}

/// Returns the first element of either that the other does not have at its place.
fn first_difference<'a, T: PartialEq>(one: &'a [T], other: &'a [T]) -> Option<&'a T> {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    one.get(same).or(other.get(same))
}

/// A file that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Garbage {
    /// The object, or the blob.
    pub id: ObjectId,
    /// Its size in bytes.
    pub bytes: u64,
    /// When its file was last changed or moved: milliseconds since the Unix epoch.
    pub changed_ms: i64,
}

impl From<HashedFile> for Garbage {
    fn from(file: HashedFile) -> Self {
        Self {
            id: file.id,
            bytes: file.bytes,
            changed_ms: file.changed_ms,
        }
    }
}

/// How often it is looked for garbage while others change what is found.
const MOST_LOOKS: u32 = 10;

impl Catalog {
    /// Returns what a [collection](Self::collect_garbage) would do now. It reads and checks all that is kept,
    /// takes no lock and writes nothing: while others write it may tell of what they are about to use.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the store cannot be listed, and [`Error::Under`] where files of engines are to go
    /// below a directory that is none, or is part of the catalog. Damage that hides what keeps objects is among
    /// the plan's [unknown](GcPlan::unknown).
    pub fn plan_gc(&self, options: &GcOptions) -> Result<GcPlan, Error> {
        let mut plan = self.look_gc(options)?;
        for _ in 1..MOST_LOOKS {
            if plan.unknown.is_empty() {
                break;
            }
            let before = plan.unknown;
            plan = self.look_gc(options)?;
            // What is damaged stays as it is. What another collection has removed, of a name that was read before
            // it went, is not missed by whoever looks again.
            if plan.unknown == before {
                break;
            }
        }
        Ok(plan)
    }

    /// As [`plan_gc`](Self::plan_gc), by looking once.
    pub(super) fn look_gc(&self, options: &GcOptions) -> Result<GcPlan, Error> {
        let (root, keep) = (self.root_dir(), &options.keep);
        // Before the roots: what came since is of no concern.
        let objects = hashed::list(root, layout::OBJECTS)?;
        let blobs = hashed::list(root, layout::BLOBS)?;
        let survey = options.artifacts.as_ref();
        let mut survey = survey.map(|it| Survey::of(self, it, keep)).transpose()?;
        let mut standing = self.standing(keep);
        let roots = standing.roots().chain(reach::young(&objects, keep));
        let mut reach: Reach<Kinds> = reach::mark_and_see(root, roots, &mut |id, object| {
            if let Some(survey) = &mut survey {
                survey.see(id, object);
            }
        });
        if let Some(survey) = &mut survey {
            survey.see_dead(&objects, &reach);
            if survey.make_room(&mut standing.decisions, &reach) {
                let roots = standing.roots().chain(reach::young(&objects, keep));
                reach = reach::mark(root, roots);
            }
        }
        let files = survey.map(|it| it.findings(&reach)).unwrap_or_default();
        let is_there = |id| objects.binary_search_by_key(&id, |it| it.id).is_ok();
        let kept_only_by = |kind| {
            let kept = reach.objects.iter();
            let kept = kept.filter(|(id, kinds)| kinds.is_only(kind) && is_there(**id));
            kept.count()
        };
        let (young, historic) = (kept_only_by(Kind::Young), kept_only_by(Kind::History));
        let dead_blobs = blobs.into_iter();
        let dead_blobs = dead_blobs.filter(|it| !reach.blobs.contains_key(&it.id));
        let (young_blobs, blobs): (Vec<_>, Vec<_>) =
            dead_blobs.partition(|it| keep.is_young(it.changed_ms));
        // Of what a history names and the store has not, there is nothing to decide.
        let is_told = |it: &Decision| {
            let has_rule = !it.kept_by.contains(&KeptBy::NoRule);
            has_rule && (it.is_current || is_there(it.object))
        };
        let mut unknown = standing.unknown;
        for part in [layout::REFS, layout::HISTORY] {
            // Creating a catalog makes both: without one, what it held is somewhere else.
            if !objects.is_empty() && !root.has(Path::new(part)) {
                let path = root.path().join(part);
                unknown.push(Unknown::because_of(format_args!(
                    "{} is missing",
                    path.display()
                )));
            }
        }
        let histories = histories::find(self, options, &standing.decisions, &mut unknown)?;
        standing.decisions.retain(is_told);
        let dead_objects = objects.into_iter();
        let dead_objects = dead_objects.filter(|it| !reach.objects.contains_key(&it.id));
        unknown.extend(reach.unknown.iter().cloned());
        unknown.extend(files.unknown);
        unknown.sort_unstable();
        unknown.dedup();
        let waiting: Vec<_> = GcPlan::waiting(&files.left).collect();
        let mut plan = GcPlan {
            options: options.clone(),
            decisions: standing.decisions,
            objects: dead_objects.map(Garbage::from).collect(),
            blobs: blobs.into_iter().map(Garbage::from).collect(),
            links: dead_links(&reach),
            histories,
            leftovers: scratch::find(root, keep)?,
            artifacts: files.files,
            artifact_bytes: files.bytes,
            artifacts_left: files.left,
            artifact_room: files.room,
            young: young + young_blobs.len(),
            historic,
            unknown,
        };
        plan.spare(waiting);
        Ok(plan)
    }
}

/// Returns the links of what is not reached.
fn dead_links(reach: &Reach<Kinds>) -> Vec<Link> {
    let dead = reach
        .links
        .iter()
        .filter(|(subject, _)| !reach.objects.contains_key(subject));
    dead.flat_map(|(subject, objects)| objects.iter().map(|object| (*subject, *object)))
        .collect()
}
