//! Section 5.8: what is kept of which engines.

use std::collections::BTreeSet;
use std::fmt::Debug;

use engine_catalog::{
    Name, Retention, RetentionError, RetentionRule, RetentionRuleError, RetentionValueError,
};

use crate::document::{blocks, json_string, lines, quoted, table};
use crate::scratch::Scratch;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The name of what is wrong.
fn reason(error: RetentionError) -> &'static str {
    use RetentionRuleError as Rule;
    use RetentionValueError as Value;
    match error {
        RetentionError::Toml { .. } => "Toml",
        RetentionError::UnknownKey { .. } => "UnknownKey",
        RetentionError::NotRules { .. } => "NotRules",
        RetentionError::Rule { cause, .. } => match cause {
            Rule::UnknownKey { .. } => "UnknownKey",
            Rule::NoEngine => "NoEngine",
            Rule::Idle { .. } => "Idle",
            Rule::Unreachable { .. } => "Unreachable",
            Rule::Value { cause, .. } => match cause {
                Value::Type { .. } => "Type",
                Value::Range { .. } => "Range",
                Value::Duration(_) => "Duration",
                Value::Pattern(_) => "Pattern",
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn engines_have_the_rules_that_section_5_8_says() {
    let mut refused = BTreeSet::new();
    for line in lines("retentions") {
        let (text, expected) = json_string(&line);
        let found = Retention::parse(text.as_bytes());
        if let Some(why) = expected.strip_prefix("refused: ") {
            let found = reason(found.unwrap_err());
            assert_eq!(found, why, "{text:?}");
            refused.insert(found);
            continue;
        }
        let rules = found.expect(&line).rules;
        for engine in expected.split(", ") {
            let (engine, expected) = engine.split_once(' ').unwrap();
            let engine = Name::new(engine).unwrap();
            let rule = rules.iter().position(|it| it.engine.matches(&engine));
            let rule = rule.map_or_else(|| "-".to_owned(), |at| (at + 1).to_string());
            assert_eq!(rule, expected, "{engine} {line}");
        }
    }
    assert_eq!(refused.len(), 10, "a reason has no example");
}

#[test]
fn example_of_section_5_8_has_every_key_and_says_what_it_does() {
    let example = &blocks("toml")[0];
    let first = RetentionRule {
        engine: "llamacpp".into(),
        versions: Some(5),
        builds: Some(2),
        within_ms: Some(30 * DAY),
        daily: 7,
        weekly: 4,
        monthly: 12,
        pinned: vec!["b4321".into(), "*-lts".into()],
    };
    let second = RetentionRule {
        versions: Some(3),
        ..RetentionRule::new("v*".into())
    };
    let rules = vec![first, second];
    let found = Retention::parse(example.as_bytes());
    assert_eq!(found, Ok(Retention { rules }));
    let (first, _) = example.split_once("\n\n").unwrap();
    let keys = first
        .lines()
        .filter_map(|line| Some(line.split_once(" = ")?.0));
    let rows = table("### 5.8 Retention");
    let said = rows[1..].iter().map(|row| quoted(&row[0])[0]);
    assert!(keys.eq(said), "{rows:?}");
}

/// Gives the input of a row of section 11 to the library, and returns the error; `None` for the other rows.
pub(super) fn provoke(row: u32) -> Option<Box<dyn Debug>> {
    let scratch = Scratch::new();
    scratch.write("retention.toml", "[[rule]]\nengine = '*'\nkeep-builds = 0");
    (row == 75).then(|| Box::new(scratch.catalog.retention().unwrap_err()) as _)
}
