//! What the file system can do, as trying it out tells.

use std::path::Path;

use super::{Health, HealthCheck};
use crate::catalog::Catalog;
use crate::durable::{Ability, Outcome, Root};
use crate::layout;

/// What it takes to make a new file without replacing another. One of these is enough.
const PUBLISHING: [Ability; 2] = [Ability::HardLinks, Ability::RenameNoReplace];

pub(super) fn check(catalog: &Catalog) -> Vec<HealthCheck> {
    let root = &catalog.root;
    let unknown = |why: String| {
        let why = Outcome::Unknown(why);
        Ability::ALL.map(|ability| (ability, why.clone())).into()
    };
    let outcomes: Vec<_> = match catalog.require_writable() {
        Ok(()) if catalog.is_pristine() => unknown(
            "nothing is tried out where no writer has been, as in a proof bundle".to_owned(),
        ),
        Ok(()) => root.probe(),
        Err(error) => unknown(error.to_string()),
    };
    judge(outcomes, folded(root))
}

/// Returns where the case of names is ignored, as far as reading tells.
fn folded(root: &Root) -> Option<String> {
    if root.is_same_file(layout::FORMAT, &layout::FORMAT.to_ascii_uppercase()) {
        return Some("`FORMAT` is the same file as `format`".to_owned());
    }
    let named = [layout::REFS, layout::HISTORY, layout::SNAPSHOTS];
    let folds = named.iter().find(|dir| root.folds_case(Path::new(dir)));
    folds.map(|dir| format!("{dir}/ is marked as a directory in which case is ignored"))
}

fn judge(outcomes: Vec<(Ability, Outcome)>, folded: Option<String>) -> Vec<HealthCheck> {
    let can_publish = PUBLISHING.iter().any(|way| {
        let mut outcomes = outcomes.iter();
        outcomes.any(|(ability, outcome)| ability == way && *outcome == Outcome::Works)
    });
    let judged = outcomes.into_iter().map(|(ability, outcome)| {
        let outcome = match (&folded, ability) {
            (Some(folded), Ability::Case) => Outcome::Lacks(folded.clone()),
            _ => outcome,
        };
        let Assumed {
            name,
            works,
            lacking,
            advice,
        } = assumed(ability, can_publish);
        match outcome {
            Outcome::Works => HealthCheck::ok(name, works),
            Outcome::Unknown(why) => HealthCheck::unknown(name, why),
            Outcome::Lacks(why) => HealthCheck::new(name, lacking, why).advise(advice),
        }
    });
    judged.collect()
}

/// What is made of an ability.
struct Assumed {
    name: &'static str,
    /// What is said where it is there.
    works: &'static str,
    /// How bad it is where it is not.
    lacking: Health,
    advice: &'static str,
}

fn assumed(ability: Ability, can_publish: bool) -> Assumed {
    const MOVE: &str = "put the catalog on another file system: ext4, XFS or btrfs";
    let of_publishing = if can_publish {
        Health::Warning
    } else {
        Health::Failed
    };
    let (name, works, lacking, advice) = match ability {
        Ability::Rename => (
            "rename",
            "a file can be renamed over another",
            Health::Failed,
            MOVE,
        ),
        Ability::RenameNoReplace => (
            "rename-noreplace",
            "a file can be renamed without replacing another",
            of_publishing,
            "hard links do instead, where there are any",
        ),
        Ability::HardLinks => (
            "hard-links",
            "a file can have a second name",
            of_publishing,
            "renaming without replacing does instead, where it works",
        ),
        Ability::UnnamedFiles => (
            "unnamed-files",
            "a file can be made without a name (O_TMPFILE)",
            Health::Warning,
            "what a killed writer leaves in tmp/ has to be removed there, nothing else",
        ),
        Ability::LongNames => (
            "long-names",
            "names may have 255 bytes",
            Health::Failed,
            MOVE,
        ),
        Ability::Case => ("case", "case matters in names", Health::Failed, MOVE),
        Ability::Locks => (
            "locks",
            "a lock (flock) excludes others",
            Health::Failed,
            MOVE,
        ),
        Ability::SyncDirectory => (
            "sync-directory",
            "directories can be synced",
            Health::Failed,
            MOVE,
        ),
        Ability::SyncFileSystem => (
            "sync-file-system",
            "the file system can be synced",
            Health::Failed,
            MOVE,
        ),
        Ability::BirthTimes => (
            "birth-times",
            "it is told when a directory was made",
            Health::Warning,
            "writing takes longer: directories are synced each time",
        ),
        Ability::Modes => (
            "modes",
            "files keep their modes",
            Health::Warning,
            "objects are not protected from being written to by mistake",
        ),
    };
    Assumed {
        name,
        works,
        lacking,
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses that are not ok, where these abilities are lacking and the others work.
    fn judged(lacking: &[Ability]) -> Vec<(&'static str, Health)> {
        let outcome = |ability: &Ability| match lacking.contains(ability) {
            true => Outcome::Lacks("it does not".to_owned()),
            false => Outcome::Works,
        };
        let outcomes = Ability::ALL.map(|ability| (ability, outcome(&ability)));
        let checks = judge(outcomes.into(), None).into_iter();
        let checks = checks.map(|check| (check.name, check.status));
        checks.filter(|(_, status)| *status != Health::Ok).collect()
    }

    #[test]
    fn one_way_to_publish_is_enough() {
        assert_eq!(judged(&[]), []);
        let [links, rename] = PUBLISHING;
        assert_eq!(judged(&[links]), [("hard-links", Health::Warning)]);
        assert_eq!(judged(&[rename]), [("rename-noreplace", Health::Warning)]);
        assert_eq!(
            judged(&[links, rename]),
            [
                ("rename-noreplace", Health::Failed),
                ("hard-links", Health::Failed)
            ]
        );
    }

    #[test]
    fn case_that_is_ignored_anywhere_fails_also_where_trying_it_is_fine() {
        let outcomes = vec![(Ability::Case, Outcome::Works)];
        let [check] = &judge(outcomes, Some("refs/ folds".to_owned()))[..] else {
            unreachable!("one ability gives one check")
        };
        assert_eq!(
            (check.status, &*check.detail),
            (Health::Failed, "refs/ folds")
        );
    }
}
