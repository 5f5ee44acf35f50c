//! Whether it can be told what is to be kept of which engines, and is of engines that there are (layout.md section
//! 5.8).

use std::collections::BTreeSet;
use std::path::Path;

use super::tree::some_of;
use super::{HealthCheck, plural};
use crate::catalog::Catalog;
use crate::durable::{PathError, Root};
use crate::layout;
use crate::name::{Name, RefName};
use crate::retention::{Retention, RetentionRule};

const CORRECT: &str =
    "correct `retention.toml`, or take it away: then all that refs have held is kept";

const COMPARE: &str =
    "compare these patterns in `retention.toml` with the engines that `list` shows";

pub(super) fn check(catalog: &Catalog) -> HealthCheck {
    let name = "retention";
    let retention = match catalog.retention() {
        Ok(Some(retention)) => retention,
        Ok(None) => return HealthCheck::ok(name, "none: all that refs have held is kept"),
        Err(error) => return HealthCheck::failed(name, error.to_string()).advise(CORRECT),
    };
    let rules = u64::try_from(retention.rules.len()).unwrap_or(u64::MAX);
    let detail = plural(rules, "rule");
    let of_none = of_none(&retention, &engines(&catalog.root).unwrap_or_default());
    if of_none.is_empty() {
        return HealthCheck::ok(name, detail);
    }
    let detail = format!("{detail}; of no engine: {}", some_of(&of_none));
    HealthCheck::warning(name, detail).advise(COMPARE)
}

/// Returns the patterns of rules that no engine matches; none where there is no engine yet.
fn of_none(retention: &Retention, engines: &BTreeSet<Name>) -> Vec<String> {
    let is_of_none = |rule: &&RetentionRule| {
        !engines.is_empty() && !engines.iter().any(|it| rule.engine.matches(it))
    };
    let rules = retention.rules.iter().filter(is_of_none);
    rules.map(|rule| format!("`{}`", rule.engine)).collect()
}

/// Returns the engines that have refs, or had. What cannot be listed has a check of its own.
fn engines(root: &Root) -> Result<BTreeSet<Name>, PathError> {
    let mut engines = BTreeSet::new();
    for top in [layout::REFS, layout::HISTORY] {
        let dirs = root.list(Path::new(top))?.into_iter();
        // Any version will do.
        let names = dirs.filter_map(|(dir, _)| RefName::from_file_names(&dir, "0"));
        engines.extend(names.map(|it| it.engine().clone()));
    }
    Ok(engines)
}
