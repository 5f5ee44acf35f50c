//! What a document says of an entry: whether it names the digest or the files, by hashes alone; and whether it
//! says something else of them, for which their names count too (layout.md section 10.6).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{Component, ComponentKind, Document, DocumentHash};
use crate::digest::Algorithm;

/// What a document says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Linkage {
    /// The answer.
    pub verdict: Verdict,
    /// Files of the entry whose hash the document gives: their recorded paths, sorted.
    pub named: Vec<String>,
    /// Those whose hash it does not give.
    pub unnamed: Vec<String>,
    /// Those that could not be hashed as the document does, each with the reason.
    pub unread: Vec<(String, String)>,
    /// What it says otherwise.
    pub contradictions: Vec<Contradiction>,
}

/// Whether a document is about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It gives the digest of the entry.
    NamesDigest,
    /// It gives hashes of files of the entry; not of all, if there are others.
    NamesFiles,
    /// It gives neither the digest, nor a hash of any file.
    NamesNone,
    /// It says something else of the entry, or of a file of it.
    Contradicts,
    /// Nobody knows.
    CannotTell(Untold),
}

impl Verdict {
    /// Returns the answer as a word, which does not change.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NamesDigest => "names-digest",
            Self::NamesFiles => "names-files",
            Self::NamesNone => "names-none",
            Self::Contradicts => "contradicts",
            Self::CannotTell(_) => "cannot-tell",
        }
    }
}

/// Why it cannot be told whether a document is about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untold {
    /// The document has no hash.
    NoHashes,
    /// It has hashes of other algorithms only.
    OtherHashes {
        /// The algorithms, sorted.
        algorithms: Vec<String>,
    },
    /// The entry has neither a manifest of its files, nor a digest of an algorithm that the document uses.
    NothingKnown,
    /// Files of the entry could not be hashed as the document does.
    Unread,
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHashes => f.write_str("it has no hash"),
            Self::OtherHashes { algorithms } => write!(
                f,
                "its hashes are of {} only, by which nothing is compared",
                algorithms.join(", ")
            ),
            Self::NothingKnown => f.write_str(
                "the entry has neither a manifest of its files, nor a digest of an algorithm that it uses",
            ),
            Self::Unread => f.write_str(
                "files of the entry are neither on disk as they were recorded, nor in the catalog",
            ),
        }
    }
}

/// Something that a document says of an entry, and that is not so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Contradiction {
    /// What the document calls it.
    pub name: String,
    /// The file of the entry that is so called, by its recorded path; `None` where it is the entry itself.
    pub path: Option<String>,
    /// The digest that the document gives.
    pub says: String,
    /// The digest that was recorded, or that of the recorded content.
    pub recorded: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            path,
            says,
            recorded,
        } = self;
        let what = path.as_deref().unwrap_or("the entry");
        write!(
            f,
            "{name:?} is {says} by the document, and {what} is {recorded}"
        )
    }
}

/// What is known of an entry.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) engine: &'a str,
    pub(crate) version: &'a str,
    pub(crate) digest: Option<&'a str>,
    /// Whether the digest is of all that the entry has: an image, or one file.
    pub(crate) is_one_thing: bool,
    pub(crate) files: Vec<KnownFile>,
}

/// A file of an entry.
#[derive(Debug)]
pub(crate) struct KnownFile {
    pub(crate) path: String,
    /// Its hashes as digests, by each algorithm of which it is known.
    pub(crate) digests: BTreeMap<Algorithm, String>,
    /// Why it is not known of others.
    pub(crate) unread: Option<String>,
}

/// The strongest first, and of two that are as strong the one that a manifest has.
const PREFERRED: [Algorithm; 3] = [Algorithm::Blake3, Algorithm::Sha512, Algorithm::Sha256];

/// The hashes by which a component is compared: those of the first algorithm that it has.
fn compared(component: &Component) -> Option<(Algorithm, Vec<&DocumentHash>)> {
    PREFERRED.into_iter().find_map(|algorithm| {
        let hashes = component.hashes.iter();
        let hashes: Vec<_> = hashes.filter(|it| it.known() == Some(algorithm)).collect();
        (!hashes.is_empty()).then_some((algorithm, hashes))
    })
}

impl Document {
    /// Returns the algorithms by which the files of an entry are to be hashed to compare them.
    pub(crate) fn algorithms(&self) -> BTreeSet<Algorithm> {
        let compared = self.components.iter().filter_map(compared);
        compared.map(|(algorithm, _)| algorithm).collect()
    }

    /// Returns what the document says of an entry.
    pub(crate) fn link(&self, known: &Known<'_>) -> Linkage {
        let algorithms = self.algorithms();
        let compared = self.components.iter().filter_map(compared);
        let given: BTreeSet<String> = compared
            .flat_map(|(_, hashes)| hashes)
            .map(ToString::to_string)
            .collect();
        let mut linkage = Linkage {
            verdict: Verdict::NamesNone,
            named: Vec::new(),
            unnamed: Vec::new(),
            unread: Vec::new(),
            contradictions: self.other_files(known),
        };
        for file in &known.files {
            let path = file.path.clone();
            let is_read = |algorithm| file.digests.contains_key(algorithm);
            if file.digests.values().any(|digest| given.contains(digest)) {
                linkage.named.push(path);
            } else if algorithms.iter().all(is_read) {
                linkage.unnamed.push(path);
            } else {
                let reason = file.unread.clone().unwrap_or_default();
                linkage.unread.push((path, reason));
            }
        }
        let names_digest = known.digest.is_some_and(|digest| self.gives(digest));
        if !names_digest && linkage.named.is_empty() && linkage.contradictions.is_empty() {
            linkage.contradictions.extend(self.other_thing(known));
        }
        linkage.verdict = if !linkage.contradictions.is_empty() {
            Verdict::Contradicts
        } else if names_digest {
            Verdict::NamesDigest
        } else if !linkage.named.is_empty() {
            Verdict::NamesFiles
        } else {
            self.judge_unnamed(known, &linkage)
        };
        linkage
    }

    /// Returns what to say where nothing is named.
    fn judge_unnamed(&self, known: &Known<'_>, linkage: &Linkage) -> Verdict {
        let hashes = || self.components.iter().flat_map(|it| &it.hashes);
        let is_comparable = |digest: &str| {
            let uses = |hash: &DocumentHash| digest.split(':').next() == Some(&*hash.algorithm);
            hashes().any(uses)
        };
        if hashes().next().is_none() {
            return Verdict::CannotTell(Untold::NoHashes);
        }
        if known.digest.is_some_and(is_comparable) && known.files.is_empty() {
            return Verdict::NamesNone;
        }
        if hashes().all(|hash| hash.known().is_none()) {
            let algorithms: BTreeSet<_> = hashes().map(|hash| hash.algorithm.clone()).collect();
            let algorithms = algorithms.into_iter().collect();
            return Verdict::CannotTell(Untold::OtherHashes { algorithms });
        }
        if known.files.is_empty() {
            return Verdict::CannotTell(Untold::NothingKnown);
        }
        match linkage.unread.is_empty() {
            true => Verdict::NamesNone,
            false => Verdict::CannotTell(Untold::Unread),
        }
    }

    /// Returns whether it gives a digest, of whatever algorithm.
    fn gives(&self, digest: &str) -> bool {
        let mut hashes = self.components.iter().flat_map(|it| &it.hashes);
        hashes.any(|hash| hash.to_string() == digest)
    }

    /// Returns the files that it names, and of which it gives another hash. A component names the only file
    /// of the entry whose path ends with its own; of several that name one file, one needs to be right, and
    /// else the one with the longest path counts.
    fn other_files(&self, known: &Known<'_>) -> Vec<Contradiction> {
        let mut called = BTreeMap::<&str, Vec<&KnownFile>>::new();
        for file in &known.files {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            called.entry(name).or_default().push(file);
        }
        // By the file: how long the path is that names it, and what is wrong, if it is.
        let mut judged = BTreeMap::<&str, (usize, Option<Contradiction>)>::new();
        for component in &self.components {
            let path = component.path.as_deref().unwrap_or_default();
            let parts: Vec<_> = names_of(path).collect();
            let Some((file, (algorithm, hashes))) = parts
                .last()
                .and_then(|name| only_one(called.get(name)?, &parts))
                .zip(compared(component))
            else {
                continue;
            };
            let Some(recorded) = file.digests.get(&algorithm) else {
                continue;
            };
            let is_right = hashes.iter().any(|hash| hash.to_string() == *recorded);
            let wrong = || Contradiction {
                name: component.name.clone(),
                path: Some(file.path.clone()),
                says: hashes[0].to_string(),
                recorded: recorded.clone(),
            };
            let (length, found) = judged.entry(&file.path).or_insert_with(|| (0, None));
            match is_right {
                true => (*length, *found) = (usize::MAX, None),
                false if parts.len() > *length => {
                    (*length, *found) = (parts.len(), Some(wrong()));
                }
                false => {}
            }
        }
        judged.into_values().filter_map(|(_, it)| it).collect()
    }

    /// Returns what it says of an entry that is one thing, where that is another thing: a package with the
    /// name and the version of the engine, or whatever a statement is about.
    fn other_thing(&self, known: &Known<'_>) -> Option<Contradiction> {
        if !known.is_one_thing {
            return None;
        }
        let file = known.files.iter().flat_map(|file| file.digests.values());
        let recorded: Vec<_> = known
            .digest
            .into_iter()
            .chain(file.map(|it| &**it))
            .collect();
        let is_meant = |component: &&Component| match component.kind {
            ComponentKind::Subject => true,
            ComponentKind::File => false,
            ComponentKind::Package => {
                let version = component.version.as_deref();
                component.name == known.engine && version == Some(known.version)
            }
        };
        let mut meant = self.components.iter().filter(is_meant);
        meant.find_map(|component| {
            let of_same = |hash: &DocumentHash| {
                let algorithm = |it: &&&str| it.split(':').next() == Some(&*hash.algorithm);
                recorded.iter().find(algorithm).copied()
            };
            let mut hashes = component.hashes.iter();
            let (hash, recorded) = hashes.find_map(|hash| Some((hash, of_same(hash)?)))?;
            Some(Contradiction {
                name: component.name.clone(),
                path: None,
                says: hash.to_string(),
                recorded: recorded.to_owned(),
            })
        })
    }
}

/// The names that a path leads through.
fn names_of(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|name| !matches!(*name, "" | "."))
}

/// Returns the file whose path ends with `parts`, if it is the only one.
fn only_one<'k>(files: &[&'k KnownFile], parts: &[&str]) -> Option<&'k KnownFile> {
    let ends = |file: &&&KnownFile| {
        let mut names = names_of(&file.path).rev();
        parts.iter().rev().all(|part| names.next() == Some(*part))
    };
    let mut found = files.iter().filter(ends);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
