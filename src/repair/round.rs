//! One round of repairs: what is done about each finding.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::contents::Contents;
use super::copies::Copies;
use super::report::Action;
use crate::durable::{PathError, Root};
use crate::hash::ObjectId;
use crate::history;
use crate::layout;
use crate::lineage::{Lines, committed, lead_to, parse_history, parse_line};
use crate::name::RefName;
use crate::schema::MAX_OBJECT_BYTES;
use crate::verify::{Finding, Slug};
use crate::{attachments, objects, quarantine, refs};

pub(super) struct Round<'r, 'f> {
    root: &'r Root,
    findings: &'f [Finding],
    copies: Copies<'r>,
    from: &'r [&'r Root],
    /// Known once objects are restored, which manifests are among.
    contents: OnceCell<Contents<'r>>,
}

impl<'r, 'f> Round<'r, 'f> {
    pub(super) fn new(root: &'r Root, from: &'r [&'r Root], findings: &'f [Finding]) -> Self {
        Self {
            root,
            findings,
            from,
            contents: OnceCell::new(),
            copies: Copies::find(root, from, wanted(root, findings), findings),
        }
    }

    /// Does what can be done about each finding. What has a copy comes first, before the copy may be
    /// moved aside; then other objects, for what a ref is restored to has to be there; histories last,
    /// which depend on what the refs hold.
    pub(super) fn run(&self) -> BTreeMap<Finding, Action> {
        let has_copy = |finding: &Finding| {
            let object = finding.object.filter(|_| is_restorable(finding));
            object.is_some_and(|object| self.copies.has(&object))
        };
        let order = |finding: &&Finding| match finding.path.iter().next() {
            _ if has_copy(finding) => 0,
            Some(top) if top == layout::OBJECTS => 1,
            Some(top) if top == layout::HISTORY => 3,
            _ => 2,
        };
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(order);
        let mut done = BTreeMap::new();
        for finding in findings {
            let action = self.act(finding).unwrap_or_else(|error| Action::Failed {
                message: error.to_string(),
            });
            if action != Action::Nothing {
                done.insert(finding.clone(), action);
            }
        }
        done
    }

    fn act(&self, finding: &Finding) -> Result<Action, PathError> {
        let path = &finding.path;
        match (finding.slug, finding.object) {
            (Slug::ObjectMode, Some(object)) => self.set_mode(&object),
            (Slug::ObjectForm, _) => self.move_aside(path),
            (_, Some(blob)) if is_of_blob(finding) => match self.contents().restore(&blob)? {
                Some(from) => Ok(Action::Restored { from }),
                None if finding.slug == Slug::Unreadable => Ok(Action::Nothing),
                None => self.move_aside(path),
            },
            (Slug::LinkMisplaced, Some(object)) => self.attach_rightly(path, object),
            (Slug::LinkNotEmpty, _) => self.rewrite(path, b""),
            (Slug::FileType, Some(_)) if finding.is_below(layout::ATTACHMENTS) => {
                self.rewrite(path, b"")
            }
            (_, Some(object)) if is_restorable(finding) => match self.restore(&object)? {
                // A copy that is there no more was moved itself: the next round finds it.
                Action::Nothing if !self.copies.has(&object) && is_damaged_file(finding) => {
                    self.move_aside(path)
                }
                action => Ok(action),
            },
            _ => match &finding.name {
                Some(name) => self.act_on_ref(finding.slug, path, name),
                None if finding.slug == Slug::FileType && may_be_moved(path) => {
                    self.move_aside(path)
                }
                None => Ok(Action::Nothing),
            },
        }
    }

    fn contents(&self) -> &Contents<'r> {
        let find = || Contents::find(self.root, self.from, &wanted_blobs(self.findings));
        self.contents.get_or_init(find)
    }

    fn act_on_ref(&self, slug: Slug, path: &Path, name: &RefName) -> Result<Action, PathError> {
        let is_of_ref = *path == layout::ref_file(name).path();
        match slug {
            Slug::RefMalformed | Slug::RefWrongKind | Slug::RefMisplaced => self.restore_ref(name),
            Slug::FileType if is_of_ref => self.restore_ref(name),
            Slug::FileType | Slug::HistoryMalformed => self.rewrite_history(name),
            Slug::HistoryDisconnected => match refs::read(self.root, name) {
                Ok(None) => self.restore_ref(name),
                _ => self.rewrite_history(name),
            },
            _ => Ok(Action::Nothing),
        }
    }

    /// Restores an object from a copy, if there is one.
    fn restore(&self, object: &ObjectId) -> Result<Action, PathError> {
        let Some((bytes, from)) = self.copies.read(object) else {
            return Ok(Action::Nothing);
        };
        self.write(object, &bytes)?;
        Ok(Action::Restored { from })
    }

    fn set_mode(&self, object: &ObjectId) -> Result<Action, PathError> {
        let path = layout::object(object).path();
        match self.root.read(&path, MAX_OBJECT_BYTES)? {
            // Of one that is damaged there is another finding.
            Some(bytes) if ObjectId::of(&bytes) == *object => {
                self.write(object, &bytes)?;
                Ok(Action::ModeSet)
            }
            _ => Ok(Action::Nothing),
        }
    }

    fn write(&self, object: &ObjectId, bytes: &[u8]) -> Result<(), PathError> {
        objects::write_all(self.root, &BTreeMap::from([(*object, bytes)]))
    }

    fn move_aside(&self, path: &Path) -> Result<Action, PathError> {
        let to = quarantine::move_aside(self.root, path)?;
        Ok(to.map_or(Action::Nothing, |to| Action::MovedAside { to }))
    }

    fn rewrite(&self, path: &Path, bytes: &[u8]) -> Result<Action, PathError> {
        let kept = quarantine::replace(self.root, path, bytes)?;
        Ok(Action::Rewritten { kept })
    }

    /// Attaches an object to what it says that it describes, and moves aside the link that leads to it
    /// from something else.
    fn attach_rightly(&self, path: &Path, object: ObjectId) -> Result<Action, PathError> {
        if let Ok(Some((described, _))) = objects::read_any(self.root, &object)
            && let Some(subject) = described.subject()
        {
            attachments::add_all(self.root, &[(subject, object)].into())?;
        }
        self.move_aside(path)
    }

    /// Points a ref at what the last line of its history says, if that is an entry of its name.
    fn restore_ref(&self, name: &RefName) -> Result<Action, PathError> {
        let Some(object) = history::last_entry(self.root, name)? else {
            return Ok(Action::Nothing);
        };
        self.restore(&object)?;
        if !self.is_entry_of(name, &object) {
            return Ok(Action::Nothing);
        }
        let path = layout::ref_file(name).path();
        let _lock = history::LockedHistory::lock(self.root, name)?;
        self.rewrite(&path, object.to_line().as_bytes())
    }

    /// Keeps of a history the lines that took effect, as far as they can be read. What took effect is
    /// known only of a ref that is right itself.
    fn rewrite_history(&self, name: &RefName) -> Result<Action, PathError> {
        let current = match refs::read(self.root, name) {
            Ok(Some(object)) if !self.is_entry_of(name, &object) => return Ok(Action::Nothing),
            Ok(current) => current,
            Err(_) => return Ok(Action::Nothing),
        };
        let path = layout::history(name).path();
        let bytes = match self.root.read(&path, layout::MAX_HISTORY_BYTES) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) if error.cause.is_damage() => Vec::new(),
            Err(error) => return Err(error),
        };
        // The ref may have been restored meanwhile.
        let is_right = |lines: Lines| lead_to(&lines.changes, current);
        if !bytes.is_empty() && parse_history(&bytes).is_ok_and(is_right) {
            return Ok(Action::Nothing);
        }
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        let changes = committed(lines.filter_map(parse_line).collect(), current);
        let lines: String = changes.iter().map(|change| format!("{change}\n")).collect();
        let _lock = match history::LockedHistory::lock(self.root, name) {
            // What lies in its place is something that cannot be locked.
            Err(error) if error.cause.is_damage() => None,
            lock => Some(lock?),
        };
        self.rewrite(&path, lines.as_bytes())
    }

    fn is_entry_of(&self, name: &RefName, object: &ObjectId) -> bool {
        let entry = objects::read_entry(self.root, object).ok().flatten();
        let own = entry.and_then(|entry| entry.ref_name().ok());
        own.as_ref() == Some(name)
    }
}

/// Whether the finding is resolved by a right copy of a blob.
fn is_of_blob(finding: &Finding) -> bool {
    let is_content = matches!(
        finding.slug,
        Slug::BlobHash | Slug::FileType | Slug::Unreadable
    );
    is_content && finding.is_below(layout::BLOBS)
}

/// Returns the blobs of which a right copy resolves something that was found.
pub(super) fn wanted_blobs(findings: &[Finding]) -> Vec<ObjectId> {
    let wanted = findings.iter().filter(|finding| is_of_blob(finding));
    wanted.filter_map(|finding| finding.object).collect()
}

/// Returns the objects of which a right copy resolves something that was found.
pub(super) fn wanted(root: &Root, findings: &[Finding]) -> BTreeSet<ObjectId> {
    let wanted = findings.iter().filter(|finding| is_restorable(finding));
    let wanted = wanted.filter_map(|finding| finding.object);
    // Only the history knows what a ref held that cannot be read.
    let unread = findings.iter().filter(|finding| !is_restorable(finding));
    let unread = unread.filter_map(|finding| finding.name.as_ref());
    let held = unread.filter_map(|name| history::last_entry(root, name).ok()?);
    let held = held.filter(|object| objects::read_entry(root, object).is_ok_and(|it| it.is_none()));
    wanted.chain(held).collect()
}

/// Whether the finding is resolved by a right copy of its object.
fn is_restorable(finding: &Finding) -> bool {
    match finding.slug {
        Slug::RefDangling
        | Slug::SnapshotDangling
        | Slug::MemberMissing
        | Slug::LinkDangling
        | Slug::LinkSubjectMissing
        | Slug::HistoryObjectMissing
        | Slug::ObjectHash
        | Slug::ObjectTooLarge => true,
        Slug::FileType | Slug::Unreadable => finding.is_below(layout::OBJECTS),
        _ => false,
    }
}

/// Whether it is the file of the object that is damaged, and not only out of reach.
fn is_damaged_file(finding: &Finding) -> bool {
    let is_damaged = matches!(
        finding.slug,
        Slug::ObjectHash | Slug::ObjectTooLarge | Slug::FileType
    );
    is_damaged && finding.is_below(layout::OBJECTS)
}

/// Whether what lies in the place of a directory may be moved aside: where that takes no name out of
/// sight that keeps objects from being collected, and not all objects at once.
fn may_be_moved(path: &Path) -> bool {
    let (top, depth) = (path.iter().next(), path.iter().count());
    let is_in = |tops: [&str; 2]| {
        tops.iter()
            .any(|known| top.is_some_and(|top| top == *known))
    };
    match depth {
        1 => is_in([layout::TMP, layout::CACHE]),
        _ => is_in([layout::OBJECTS, layout::HISTORY]),
    }
}
