//! Whether the policy of a catalog can be heeded, and is by every program (layout.md section 5.7).

use super::{HealthCheck, plural};
use crate::catalog::Catalog;
use crate::marker::Feature;

const SET_AGAIN: &str = "give the catalog its policy again with `policy set`";

const NAME_VALID: &str = "name keys that are valid now with `policy set --signers`";
const SET_OR_REMOVE: &str = "give the catalog its policy again with `policy set`, or remove what is left with `policy remove`";

pub(super) fn check(catalog: &Catalog, features: &[Feature], now_ms: i64) -> HealthCheck {
    let name = "policy";
    let is_said = features.contains(&Feature::policy());
    let policy = match catalog.policy() {
        Ok(Some(policy)) => policy,
        Ok(None) if is_said => {
            let detail = "none, and `format` says that there is one: nothing need be signed";
            return HealthCheck::warning(name, detail).advise(SET_OR_REMOVE);
        }
        Ok(None) => return HealthCheck::ok(name, "none: nothing need be signed"),
        Err(error) => return HealthCheck::failed(name, error.to_string()).advise(SET_AGAIN),
    };
    let count = |count: usize, what| plural(u64::try_from(count).unwrap_or(u64::MAX), what);
    let rules = count(policy.rules().len(), "rule");
    let keys = count(policy.signers().keys(), "key");
    let mut detail = format!("{rules}; {keys} may sign");
    let mut advice = None;
    let accepted = policy.signers().accepted(now_ms);
    if let Some(rule) = policy.rules().iter().find(|it| it.threshold > accepted) {
        let keys = count(accepted, "key");
        detail += &format!("; `{rule}` cannot be met: {keys} can sign now");
        advice = Some(NAME_VALID);
    }
    if !is_said {
        detail += "; `format` does not say so: some programs would not heed it";
        advice = Some(SET_AGAIN);
    }
    match advice {
        Some(advice) => HealthCheck::warning(name, detail).advise(advice),
        None => HealthCheck::ok(name, detail),
    }
}
