//! What must hold after a cut, whatever the cut has left.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fs, panic};

use walkdir::WalkDir;

use crate::facts::{Facts, facts};
use crate::scene::Operation;
use crate::states::Tree;
use crate::support::garbage::removed;

/// When the cut came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The operation was under way.
    InFlight,
    /// It had returned.
    Acknowledged,
}

pub(crate) struct Judge {
    pub(crate) operation: Operation,
    /// What is said without the operation, and with it.
    pub(crate) before: Facts,
    pub(crate) after: Facts,
    /// Where states are put to be looked at: where the operation was observed, so that all paths are
    /// the same.
    pub(crate) place: PathBuf,
    /// What doing it again led to, and was found to be right.
    pub(crate) ended_right: BTreeSet<Vec<(PathBuf, Vec<u8>)>>,
}

impl Judge {
    /// Puts a state where it can be looked at, and says what is wrong with it.
    pub(crate) fn wrong(&mut self, tree: &Tree, moment: Moment) -> Option<String> {
        self.lay_out(tree);
        let keeps = self.operation.keeps;
        let found = facts(&self.place, keeps);
        let is_right = match moment {
            Moment::InFlight => self.is_between(&found),
            Moment::Acknowledged => found == self.after,
        };
        if !is_right {
            return Some(format!("it says {found:#?}"));
        }
        // Whoever is told of a failure does it again.
        let root = self.place.join("root");
        let acts = self
            .operation
            .killed
            .into_iter()
            .chain([self.operation.act]);
        if panic::catch_unwind(|| acts.for_each(|act| act(&root))).is_err() {
            return Some("doing it again fails".to_owned());
        }
        let ended = ended(&self.place);
        if self.ended_right.contains(&ended) {
            return None;
        }
        let again = facts(&self.place, keeps);
        if again != self.after {
            return Some(format!("after doing it again it says {again:#?}"));
        }
        self.ended_right.insert(ended);
        None
    }

    fn lay_out(&self, tree: &Tree) {
        let _ = fs::remove_dir_all(&self.place);
        fs::create_dir_all(&self.place).expect("there is room");
        for (path, content) in tree {
            let place = self.place.join(path);
            let Some(bytes) = content else {
                fs::create_dir(place).expect("there is room");
                continue;
            };
            fs::write(&place, bytes).expect("there is room");
            // The model knows no modes, and a checker looks at those of objects.
            if path.iter().any(|part| part == "objects") {
                let read_only = fs::Permissions::from_mode(0o444);
                fs::set_permissions(&place, read_only).expect("it is ours");
            }
        }
    }

    /// Whether each of the things that are said is as before or as after.
    fn is_between(&self, found: &Facts) -> bool {
        let known = self.before.keys().chain(self.after.keys());
        let mut things = known.chain(found.keys());
        things.all(|thing| {
            let said = found.get(thing);
            said == self.before.get(thing) || said == self.after.get(thing)
        })
    }
}

/// The files that are there in the end, but for scratch, whose names are never the same.
fn ended(place: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = WalkDir::new(place).sort_by_file_name().into_iter();
    let files = files
        .filter_entry(|file| file.file_name() != "tmp")
        .flatten();
    let read = |file: walkdir::DirEntry| {
        let content = match file.path().strip_prefix(place) {
            // It says when.
            Ok(path) if path == Path::new("root/removed") => {
                Some(removed(&place.join("root")).join(" ").into_bytes())
            }
            _ => fs::read(file.path()).ok(),
        };
        (file.into_path(), content)
    };
    let files = files.map(read);
    files
        .map(|(path, content)| (path, content.unwrap_or_default()))
        .collect()
}
