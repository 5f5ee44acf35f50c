//! The rules for the order of durability steps, as claims on the model disk.

use std::path::PathBuf;

use crate::disk_model::{Disk, Event};

/// What has to survive, and when.
pub(crate) struct Rules {
    pub(crate) root: PathBuf,
    /// What has to be there and survive before something gets the name, or the name is removed.
    pub(crate) before: Vec<(PathBuf, Vec<PathBuf>)>,
    /// What has to survive when the call returns.
    pub(crate) at_the_end: Vec<PathBuf>,
}

impl Rules {
    /// Drives the disk with `events`, and returns the rules that they break.
    pub(crate) fn broken(&self, disk: &mut Disk, events: &[Event]) -> Vec<String> {
        let mut broken = Vec::new();
        for event in events {
            let rules = self.broken_by(disk, event);
            broken.extend(rules.iter().map(|rule| format!("{rule}: {event:?}")));
            disk.apply(event);
        }
        for path in self.at_the_end.iter().filter(|path| !disk.survives(path)) {
            broken.push(format!("{path:?} must survive in the end"));
        }
        broken
    }

    fn broken_by(&self, disk: &Disk, event: &Event) -> Vec<String> {
        let mut broken = Vec::new();
        let mut claim = |holds: bool, rule: &str| {
            if !holds {
                broken.push(rule.to_owned());
            }
        };
        match event {
            Event::OpenToWrite { confined, .. } => {
                claim(*confined, "what is written must be confined by the kernel");
            }
            Event::Link { file, to } | Event::Rename { from: file, to, .. } => {
                // What is moved to quarantine is damaged already.
                let aside = to.starts_with(self.root.join("quarantine"));
                claim(aside || disk.is_synced(file), "content must survive first");
            }
            Event::Write(file) => {
                let is_unnamed = file.to_string_lossy().contains('#');
                let is_object = file.starts_with(self.root.join("objects"));
                claim(is_unnamed || !is_object, "objects never change");
            }
            Event::SyncAll { shared } => {
                // The kernel tells each failed write to a descriptor once.
                claim(!shared, "writers must not share a descriptor");
            }
            Event::MakeDir(_)
            | Event::Touch(_)
            | Event::SetTime(_)
            | Event::Remove(_)
            | Event::Sync(_) => {}
        }
        let Some(target) = target(event) else {
            return broken;
        };
        let is_above = matches!(event, Event::MakeDir(_)) && self.root.starts_with(target);
        let is_below = target.starts_with(&self.root);
        claim(is_above || is_below, "nothing leaves the root");
        for (_, first) in self.before.iter().filter(|(before, _)| before == target) {
            for path in first.iter().filter(|path| !disk.keeps(path)) {
                claim(false, &format!("{path:?} must survive first"));
            }
        }
        broken
    }
}

/// The path at which the event makes, replaces or removes something.
fn target(event: &Event) -> Option<&PathBuf> {
    match event {
        Event::OpenToWrite { path, .. } | Event::MakeDir(path) | Event::Remove(path) => Some(path),
        Event::Link { to, .. } | Event::Rename { to, .. } => Some(to),
        Event::Write(file) | Event::Touch(file) | Event::SetTime(file) => Some(file),
        Event::Sync(_) | Event::SyncAll { .. } => None,
    }
}
