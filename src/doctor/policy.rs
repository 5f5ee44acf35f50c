//! Whether the policy of a catalog can be heeded, and is by every program (layout.md section 5.7).

use super::{HealthCheck, plural};
use crate::catalog::Catalog;
use crate::marker::Feature;

const SET_AGAIN: &str = "give the catalog its policy again with `policy set`";

pub(super) fn check(catalog: &Catalog, features: &[Feature]) -> HealthCheck {
    let name = "policy";
    let policy = match catalog.policy() {
        Ok(Some(policy)) => policy,
        Ok(None) => return HealthCheck::ok(name, "none: nothing need be signed"),
        Err(error) => return HealthCheck::failed(name, error.to_string()).advise(SET_AGAIN),
    };
    let count = |count: usize, what| plural(u64::try_from(count).unwrap_or(u64::MAX), what);
    let rules = count(policy.rules().len(), "rule");
    let detail = format!(
        "{rules}; {} may sign",
        count(policy.signers().keys(), "key")
    );
    if features.contains(&Feature::policy()) {
        return HealthCheck::ok(name, detail);
    }
    let detail = format!("{detail}; `format` does not say so: some programs would not heed it");
    HealthCheck::warning(name, detail).advise(SET_AGAIN)
}
