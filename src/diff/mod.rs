//! What differs between two entries, field by field, flag by flag and file by file.

mod files;
mod flags;

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

pub use files::{FileChange, diff_files};
pub use flags::FlagChange;

use crate::entry::EngineEntry;

/// One field in which two entries differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldDiff {
    /// Name of the field; `files` for what a manifest says.
    pub field: &'static str,
    /// How it differs.
    #[serde(flatten)]
    pub difference: Difference,
}

/// How a field differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
#[non_exhaustive]
pub enum Difference {
    /// A single value changed, appeared or disappeared.
    Value {
        /// The value in the first entry; `None` where the field is absent.
        from: Option<String>,
        /// The value in the second entry; `None` where the field is absent.
        to: Option<String>,
    },
    /// Elements of a list left or came.
    List {
        /// Elements of the first list that the second lacks, in order.
        removed: Vec<String>,
        /// Elements of the second list that the first lacks, in order.
        added: Vec<String>,
    },
    /// Flags left, came, or have another value.
    Flags {
        /// Flags that both lists have once, with different values, in order.
        changed: Vec<FlagChange>,
        /// Flags of the first list that the second lacks, in order.
        removed: Vec<String>,
        /// Flags of the second list that the first lacks, in order.
        added: Vec<String>,
    },
    /// Files left, came, or have another content or mode.
    Files {
        /// Files that both have, and that differ, by path.
        changed: Vec<FileChange>,
        /// Paths of files that only the first has.
        removed: Vec<String>,
        /// Paths of files that only the second has.
        added: Vec<String>,
    },
    /// A list holds the same elements in another order.
    Order {
        /// The list in the first entry.
        from: Vec<String>,
        /// The list in the second entry.
        to: Vec<String>,
    },
}

/// Returns the fields in which `from` and `to` differ, in the order of [`EngineEntry`]; none where
/// the entries are equal.
///
/// What else can be compared: [`diff_files`] two manifests, and
/// [`Catalog::compare_files`](crate::Catalog::compare_files) those of two entries;
/// [`compare`](crate::compare()) two sets of entries, such as snapshots;
/// [`Catalog::compare_runs`](crate::Catalog::compare_runs) the engines of two runs; and
/// [`Catalog::compare_with`](crate::Catalog::compare_with) two catalogs.
#[must_use]
pub fn diff(from: &EngineEntry, to: &EngineEntry) -> Vec<FieldDiff> {
    let text = |value: &str| Some(value.to_owned());
    let paths = |entry: &EngineEntry| {
        let artifacts = entry.artifacts.iter();
        Some(artifacts.map(|path| path.display().to_string()).collect())
    };
    [
        ("id", value(text(&from.id), text(&to.id))),
        ("engine", value(text(&from.engine), text(&to.engine))),
        ("version", value(text(&from.version), text(&to.version))),
        (
            "build_ref",
            value(from.build_ref.clone(), to.build_ref.clone()),
        ),
        ("digest", value(from.digest.clone(), to.digest.clone())),
        (
            "build_flags",
            list(
                from.build_flags.clone(),
                to.build_flags.clone(),
                flags::diff_flags,
            ),
        ),
        ("artifacts", list(paths(from), paths(to), diff_elements)),
        (
            "created_ms",
            value(
                text(&from.created_ms.to_string()),
                text(&to.created_ms.to_string()),
            ),
        ),
    ]
    .into_iter()
    .filter_map(|(field, difference)| {
        Some(FieldDiff {
            field,
            difference: difference?,
        })
    })
    .collect()
}

fn value(from: Option<String>, to: Option<String>) -> Option<Difference> {
    (from != to).then_some(Difference::Value { from, to })
}

fn list(
    from: Option<Vec<String>>,
    to: Option<Vec<String>>,
    diff: fn(&[String], &[String]) -> Option<Difference>,
) -> Option<Difference> {
    if from == to {
        return None;
    }
    // An absent list and an empty one are different records, but share their elements.
    if from.iter().flatten().next().is_none() && to.iter().flatten().next().is_none() {
        let shown = |list: Option<Vec<String>>| list.map(|_| "(empty list)".to_owned());
        return value(shown(from), shown(to));
    }
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    diff(&from, &to).or(Some(Difference::Order { from, to }))
}

fn diff_elements(from: &[String], to: &[String]) -> Option<Difference> {
    let (removed, added) = (without(from, to), without(to, from));
    let differ = !removed.is_empty() || !added.is_empty();
    differ.then_some(Difference::List { removed, added })
}

/// The elements of `list` that are left when each element of `other` takes one of its kind away.
fn without<T: Clone + Eq + Hash>(list: &[T], other: &[T]) -> Vec<T> {
    let mut taken = HashMap::<&T, usize>::new();
    for element in other {
        *taken.entry(element).or_default() += 1;
    }
    let mut left = list.to_vec();
    left.retain(|element| match taken.get_mut(element) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    fn with_flags(flags: Option<&[&str]>) -> EngineEntry {
        EngineEntry {
            build_flags: flags.map(strings),
            ..EngineEntry::new("llamacpp", "b1", 0)
        }
    }

    #[test]
    fn equal_entries_differ_in_nothing() {
        let entry = with_flags(Some(&["-O3"]));
        assert_eq!(diff(&entry, &entry), []);
    }

    #[test]
    fn values_and_absence_are_told_apart() {
        let from = EngineEntry::new("llamacpp", "b1", 0);
        let to = EngineEntry {
            build_ref: Some("b1".into()),
            created_ms: 5,
            ..from.clone()
        };
        let value = |field, from: Option<&str>, to: Option<&str>| FieldDiff {
            field,
            difference: Difference::Value {
                from: from.map(Into::into),
                to: to.map(Into::into),
            },
        };
        assert_eq!(
            diff(&from, &to),
            [
                value("build_ref", None, Some("b1")),
                value("created_ms", Some("0"), Some("5"))
            ]
        );
        assert_eq!(
            diff(&with_flags(None), &with_flags(Some(&[]))),
            [value("build_flags", None, Some("(empty list)"))]
        );
    }

    #[test]
    fn lists_differ_by_element_by_count_and_by_order() {
        let with_paths = |paths: &[&str]| EngineEntry {
            artifacts: paths.iter().map(Into::into).collect(),
            ..EngineEntry::new("llamacpp", "b1", 0)
        };
        let changed = |from: &[&str], to: &[&str]| {
            let mut found = diff(&with_paths(from), &with_paths(to));
            assert_eq!(found.len(), 1);
            found.remove(0).difference
        };
        assert_eq!(
            changed(&["/a", "/b"], &["/b", "/c"]),
            Difference::List {
                removed: strings(&["/a"]),
                added: strings(&["/c"])
            }
        );
        assert_eq!(
            changed(&["/a"], &["/a", "/a"]),
            Difference::List {
                removed: vec![],
                added: strings(&["/a"])
            }
        );
        assert_eq!(
            changed(&["/a", "/b"], &["/b", "/a"]),
            Difference::Order {
                from: strings(&["/a", "/b"]),
                to: strings(&["/b", "/a"])
            }
        );
    }
}
