//! Asking one peer after the other for objects and blobs by their hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use engine_catalog::{Catalog, Error, Needed, ObjectId, Staging};

use super::Peer;
use crate::cli::failure::{Failure, say};
use crate::cli::pull::{Source, TransferArgs, open};
use crate::cli::verify::counted;
use crate::cli::{Status, open_source, signals};

/// What the staging stands for: any peer, so that two that heal one catalog come one after the other.
const STAGED_FOR: &str = "heal";

/// What came from peers.
pub(super) struct Gathered<'a> {
    catalog: &'a Catalog,
    peers: Vec<Asked>,
    transfer: &'a TransferArgs,
    /// Where one that is elsewhere brings what it has.
    staging: Option<Staging>,
    /// The staging as a catalog, once there is something in it.
    staged: Option<Catalog>,
    /// Which peer has what.
    came: BTreeMap<ObjectId, usize>,
    is_any_read: bool,
}

/// A peer, and what became of it.
struct Asked {
    peer: Peer,
    /// One of this machine, once it was opened.
    here: Option<Catalog>,
    /// It could not be read, and is not asked again.
    is_given_up: bool,
}

/// Removes what is left of one that was interrupted.
pub(super) fn clear(catalog: &Catalog) -> Result<(), Failure> {
    Ok(catalog.unstage(STAGED_FOR)?)
}

impl<'a> Gathered<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        peers: Vec<Peer>,
        transfer: &'a TransferArgs,
    ) -> Result<Self, Failure> {
        let asked = |peer| Asked {
            peer,
            here: None,
            is_given_up: false,
        };
        Ok(Self {
            catalog,
            peers: peers.into_iter().map(asked).collect(),
            transfer,
            staging: None,
            staged: None,
            came: BTreeMap::new(),
            is_any_read: false,
        })
    }

    /// Has the peers asked for what is needed, and for the members of what turns out to be a snapshot.
    pub(super) fn bring(&mut self, mut needed: Needed) -> Result<(), Failure> {
        while !needed.is_empty() {
            let mut missing = needed.clone();
            for at in 0..self.peers.len() {
                if !missing.is_empty() && !self.peers[at].is_given_up {
                    self.ask(at, &missing)?;
                    missing.retain(|id| !self.came.contains_key(id));
                }
            }
            if !self.is_any_read {
                let message = "no peer could be read; nothing was changed";
                return Err(Failure::Unusable(message.to_owned()));
            }
            needed = self.members(&needed.objects).into();
        }
        Ok(())
    }

    /// Asks a peer, and notes what it has. One that cannot be read is told.
    fn ask(&mut self, at: usize, missing: &Needed) -> Result<(), Failure> {
        let asked = match &self.peers[at].peer.source {
            Source::Here(path) if self.peers[at].here.is_none() => {
                open_source(path).map(|theirs| self.peers[at].here = Some(theirs))
            }
            Source::Here(_) => Ok(()),
            Source::Elsewhere(spec) => {
                let staging = match self.staging.take() {
                    Some(staging) => staging,
                    None => self.catalog.stage(STAGED_FOR)?,
                };
                let staging = self.staging.insert(staging);
                match transfer(staging, self.transfer, spec, missing) {
                    Ok(theirs) => {
                        self.staged = Some(theirs);
                        Ok(())
                    }
                    // It is this catalog that cannot be written.
                    Err(failure @ Failure::Catalog(_)) => return Err(failure),
                    Err(failure) => Err(failure),
                }
            }
        };
        if let Err(failure) = asked {
            // What fails because this is to end is not the fault of the peer.
            signals::end_if_one_came();
            let _ = failure.report();
            self.peers[at].is_given_up = true;
        } else {
            self.is_any_read = true;
        }
        // Also what came before it failed.
        self.note(at, missing);
        Ok(())
    }

    /// Notes what of that a peer has; what is not what its name says is told.
    fn note(&mut self, at: usize, missing: &Needed) {
        let mut has = Needed::default();
        for id in &missing.objects {
            if self.is_there(
                at,
                |staging| staging.has(id),
                |theirs| theirs.has_object(id),
            ) {
                has.objects.insert(*id);
            }
        }
        for (id, &size) in &missing.blobs {
            let came = |staging: &Staging| staging.has_blob(id, size);
            if self.is_there(at, came, |theirs| theirs.has_blob(id, size)) {
                has.blobs.insert(*id, size);
            }
        }
        let asked = &self.peers[at];
        if !asked.is_given_up || !has.is_empty() {
            let counts = [
                (has.objects.len(), missing.objects.len(), "object"),
                (has.blobs.len(), missing.blobs.len(), "blob"),
            ];
            let counts = counts.into_iter().filter(|(_, all, _)| *all > 0);
            let counts = counts.map(|(has, all, what)| format!("{has} of {}", counted(all, what)));
            let counts: Vec<_> = counts.collect();
            say(
                "heal",
                &format!("{} has {}", asked.peer.name, counts.join(", ")),
            );
        }
        let came = has.objects.into_iter().chain(has.blobs.into_keys());
        self.came.extend(came.map(|id| (id, at)));
    }

    /// Returns whether a peer has something: where it is elsewhere, whether that has come.
    fn is_there(
        &self,
        at: usize,
        came: impl Fn(&Staging) -> Result<bool, Error>,
        has: impl Fn(&Catalog) -> Result<bool, Error>,
    ) -> bool {
        let asked = &self.peers[at];
        let found = match asked.peer.source {
            Source::Here(_) => asked.here.as_ref().map(has),
            Source::Elsewhere(_) => self.staging.as_ref().map(came),
        };
        found.is_some_and(|found| {
            found.unwrap_or_else(|error| {
                say("error", &format!("in {}: {error}", asked.peer.name));
                false
            })
        })
    }

    /// Returns what is missing here of the members of those of these that are snapshots.
    fn members(&self, of: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
        let mut missing = BTreeSet::new();
        for object in of {
            let theirs = self.came.get(object).map(|&at| &self.peers[at].here);
            let theirs = theirs.and_then(|here| here.as_ref().or(self.staged.as_ref()));
            let Some(Ok(Some(snapshot))) = theirs.map(|theirs| theirs.snapshot(object)) else {
                continue;
            };
            let is_new = |member: &ObjectId| {
                !self.came.contains_key(member)
                    && !of.contains(member)
                    && !matches!(self.catalog.has_object(member), Ok(true))
            };
            missing.extend(snapshot.objects.into_iter().filter(is_new));
        }
        missing
    }

    /// Returns the catalogs to take copies from.
    pub(super) fn from(&self) -> Vec<&Catalog> {
        let here = self.peers.iter().filter_map(|asked| asked.here.as_ref());
        self.staged.iter().chain(here).collect()
    }

    /// Returns where a peer elsewhere has an object that was taken from the staging.
    pub(super) fn peer_of(&self, object: &ObjectId, from: &Path) -> Option<String> {
        let place = from.strip_prefix(self.staged.as_ref()?.root()).ok()?;
        let asked = &self.peers[*self.came.get(object)?];
        Some(format!("{}/{}", asked.peer.name, place.display()))
    }

    /// Removes what came, and returns how the command ends; what could not be used stays for the next one.
    pub(super) fn end(self, ended: Result<Status, Failure>) -> Result<Status, Failure> {
        drop(self.staged);
        let Some(staging) = self.staging else {
            return ended;
        };
        match ended {
            Ok(status) => {
                staging.finish()?;
                Ok(status)
            }
            Err(failure) => {
                let _ = staging.leave();
                Err(failure)
            }
        }
    }
}

/// Has rsync bring what is missing.
fn transfer(
    staging: &Staging,
    by: &TransferArgs,
    spec: &str,
    missing: &Needed,
) -> Result<Catalog, Failure> {
    let wanted = staging.want(missing)?;
    let mut rsync = by.rsync(spec);
    rsync.bring_texts(staging, &wanted)?;
    let theirs = open(staging, spec).map_err(|failure| match failure {
        // It is what came that cannot be read.
        Failure::Catalog(error) => Failure::Unusable(format!("{spec}: {error}")),
        failure => failure,
    })?;
    rsync.bring(staging, &wanted)?;
    rsync.say("heal");
    Ok(theirs)
}
