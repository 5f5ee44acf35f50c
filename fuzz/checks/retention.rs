//! What is kept of which engines.

use std::fmt::Write as _;

use engine_catalog::{Name, Retention, RetentionError, RetentionRule, RetentionRuleError};

use super::readable;

/// Rules: what is refused is told in a line that shows no control, and what is accepted means the same when it is
/// written in the plainest way, obeys the limits, and has no rule that the ones before it leave nothing to.
pub fn retention(bytes: &[u8]) {
    let read = match Retention::parse(bytes) {
        Ok(read) => read,
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains(char::is_control), "{shown:?}");
            assert!(shown.len() < 1000, "{shown}");
            return readable(error);
        }
    };
    for (at, rule) in read.rules.iter().enumerate() {
        let engine = rule.engine.to_string();
        assert!(!engine.is_empty() && !engine.contains('/'));
        assert_ne!(rule.builds, Some(0));
        assert!(rule.within_ms.is_none_or(|it| it >= 0 && it % 1000 == 0));
        let counts = rule.daily + rule.weekly + rule.monthly;
        let keeps_some = rule.within_ms.is_some() || counts > 0;
        assert!(rule.is_limited() || !keeps_some);
        let before = &read.rules[..at];
        assert!(before.iter().all(|it| it.engine != rule.engine));
        // One that stands only for itself.
        if let (Ok(name), false) = (Name::new(&engine), engine.contains(['*', '?'])) {
            assert!(before.iter().all(|it| !it.engine.matches(&name)));
        }
    }
    let plain: String = read.rules.iter().map(plain).collect();
    if plain.len() + 100 > Retention::MAX_BYTES {
        return;
    }
    assert_eq!(Retention::parse(plain.as_bytes()), Ok(read.clone()));
    // A rule more is read too, and what is wrong with it is told of it.
    let more = format!("{plain}[[rule]]\nkeep-builds = 1\n");
    let refused = Retention::parse(more.as_bytes());
    let (rule, cause) = (read.rules.len() + 1, RetentionRuleError::NoEngine);
    let line = plain.lines().count() + 1;
    assert_eq!(refused, Err(RetentionError::Rule { line, rule, cause }));
}

/// The text of a rule, with each key in its line. What no name can match is in no pattern, so that a quote and
/// a backslash are all that is to be escaped.
fn plain(rule: &RetentionRule) -> String {
    let quoted = |text: String| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{text}\"")
    };
    let mut text = format!("[[rule]]\nengine = {}\n", quoted(rule.engine.to_string()));
    let mut add = |key: &str, value: String| {
        writeln!(text, "{key} = {value}").expect("writing to a string succeeds");
    };
    for (key, value) in [
        ("keep-versions", rule.versions),
        ("keep-builds", rule.builds),
        ("keep-daily", Some(rule.daily).filter(|it| *it > 0)),
        ("keep-weekly", Some(rule.weekly).filter(|it| *it > 0)),
        ("keep-monthly", Some(rule.monthly).filter(|it| *it > 0)),
    ] {
        if let Some(value) = value {
            add(key, value.to_string());
        }
    }
    if let Some(within_ms) = rule.within_ms {
        add("keep-within", quoted(format!("{}s", within_ms / 1000)));
    }
    let pinned: Vec<_> = rule
        .pinned
        .iter()
        .map(|it| quoted(it.to_string()))
        .collect();
    add("pin", format!("[{}]", pinned.join(", ")));
    text
}
