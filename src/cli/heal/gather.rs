//! Asking one peer after the other for objects by their hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use engine_catalog::{Catalog, ObjectId, Staging};

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

    /// Has the peers asked for objects, and for the members of those that turn out to be snapshots.
    pub(super) fn bring(&mut self, mut wanted: BTreeSet<ObjectId>) -> Result<(), Failure> {
        while !wanted.is_empty() {
            let mut missing = wanted.clone();
            for at in 0..self.peers.len() {
                if !missing.is_empty() && !self.peers[at].is_given_up {
                    self.ask(at, &missing)?;
                    missing.retain(|object| !self.came.contains_key(object));
                }
            }
            if !self.is_any_read {
                let message = "no peer could be read; nothing was changed";
                return Err(Failure::Unusable(message.to_owned()));
            }
            wanted = self.members(&wanted);
        }
        Ok(())
    }

    /// Asks a peer, and notes what it has. One that cannot be read is told.
    fn ask(&mut self, at: usize, missing: &BTreeSet<ObjectId>) -> Result<(), Failure> {
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

    /// Notes which objects a peer has; what is not what its name says is told.
    fn note(&mut self, at: usize, missing: &BTreeSet<ObjectId>) {
        let asked = &self.peers[at];
        let mut count = 0;
        for object in missing {
            let has = match (&asked.peer.source, &asked.here) {
                (Source::Here(_), Some(theirs)) => theirs.has_object(object),
                (Source::Here(_), None) => Ok(false),
                (Source::Elsewhere(_), _) => match &self.staging {
                    Some(staging) => staging.has(object),
                    None => Ok(false),
                },
            };
            match has {
                Ok(true) => {
                    self.came.insert(*object, at);
                    count += 1;
                }
                Ok(false) => {}
                Err(error) => say("error", &format!("in {}: {error}", asked.peer.name)),
            }
        }
        if !asked.is_given_up || count > 0 {
            let has = format!("{count} of {}", counted(missing.len(), "object"));
            say("heal", &format!("{} has {has}", asked.peer.name));
        }
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

/// Has rsync bring objects.
fn transfer(
    staging: &Staging,
    by: &TransferArgs,
    spec: &str,
    missing: &BTreeSet<ObjectId>,
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
