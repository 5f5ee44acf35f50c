//! Files that are read, and files that are refused.

use super::*;
use crate::duration::DurationError;
use crate::filter::Pattern;
use crate::name::{Name, NameError, is_control};
use proptest::prelude::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn parse(text: &str) -> Result<Retention, RetentionError> {
    Retention::parse(text.as_bytes())
}

fn rule(engine: &str) -> RetentionRule {
    RetentionRule::new(engine.into())
}

/// A rule of all engines, with these lines.
fn with(lines: &str) -> String {
    format!("[[rule]]\nengine = '*'\n{lines}\n")
}

#[test]
fn each_key_says_what_it_is_called() {
    let text = "# all of it\r\n[[rule]]\r\nengine = \"llama*\"  # a pattern\r\nkeep-versions = 5\r\nkeep-builds = 2\r\n\
                keep-within = \"30d\"\r\nkeep-daily = 7\r\nkeep-weekly = 4\r\nkeep-monthly = 12\r\n\
                pin = [\"b4321\", \"*-lts\", \"feature/x\"]\r\n\r\n[[rule]]\r\nengine = \"vllm\"\r\n";
    let expected = RetentionRule {
        engine: "llama*".into(),
        versions: Some(5),
        builds: Some(2),
        within_ms: Some(30 * DAY),
        daily: 7,
        weekly: 4,
        monthly: 12,
        pinned: ["b4321", "*-lts", "feature/x"].map(Into::into).into(),
    };
    let rules = vec![expected, rule("vllm")];
    assert_eq!(parse(text), Ok(Retention { rules }));
}

#[test]
fn file_that_says_nothing_is_no_rules() {
    for text in ["", "\n", "# nothing", "\u{feff}# nothing\n", "rule = []"] {
        assert_eq!(parse(text), Ok(Retention::default()), "{text:?}");
    }
}

#[test]
fn every_way_to_write_it_in_toml_is_the_same() {
    let expected = RetentionRule {
        versions: Some(16),
        pinned: vec!["a".into()],
        ..rule("e")
    };
    for text in [
        "[[rule]]\nengine = 'e'\nkeep-versions = 16\npin = ['a']",
        "[[rule]]\npin = [ # those\n  'a',\n]\n\"keep-versions\" = 0x1_0\n'engine' = \"\\u0065\"",
        "rule = [{ engine = '''e''', keep-versions = +16, pin = ['a'] }]",
    ] {
        let rules = vec![expected.clone()];
        assert_eq!(parse(text), Ok(Retention { rules }), "{text}");
    }
}

#[test]
fn least_and_most_are_kept_as_they_are() {
    for (lines, expected) in [
        (
            "keep-versions = 0",
            RetentionRule {
                versions: Some(0),
                ..rule("*")
            },
        ),
        (
            "keep-versions = 4294967295\nkeep-builds = 1\nkeep-daily = 0",
            RetentionRule {
                versions: Some(4_294_967_295),
                builds: Some(1),
                ..rule("*")
            },
        ),
        (
            "keep-builds = 1\nkeep-within = '9223372036854775s'",
            RetentionRule {
                builds: Some(1),
                within_ms: Some(9_223_372_036_854_775_000),
                ..rule("*")
            },
        ),
        // Where all is kept, what is pinned is too.
        (
            "pin = ['a']",
            RetentionRule {
                pinned: vec!["a".into()],
                ..rule("*")
            },
        ),
        ("pin = []", rule("*")),
    ] {
        let rules = vec![expected];
        assert_eq!(parse(&with(lines)), Ok(Retention { rules }), "{lines}");
    }
}

#[test]
fn what_is_wrong_with_a_key_of_a_rule_is_told() {
    use RetentionValueError::{Pattern, Range, Type};
    let is = |expected, found| Type { expected, found };
    let number = |found| is("a whole number", found);
    for (lines, key, expected) in [
        ("keep-builds = 0", "keep-builds", Range { least: 1 }),
        ("keep-builds = -1", "keep-builds", Range { least: 1 }),
        ("keep-versions = -1", "keep-versions", Range { least: 0 }),
        ("keep-daily = 4294967296", "keep-daily", Range { least: 0 }),
        (
            "keep-weekly = 99999999999999999999",
            "keep-weekly",
            Range { least: 0 },
        ),
        ("keep-monthly = 1.5", "keep-monthly", number("a fraction")),
        ("keep-versions = '5'", "keep-versions", number("a string")),
        ("keep-versions = true", "keep-versions", number("a boolean")),
        ("keep-versions = [5]", "keep-versions", number("an array")),
        (
            "keep-versions = 2020-01-01",
            "keep-versions",
            number("a time"),
        ),
        ("keep-versions.x = 5", "keep-versions", number("a table")),
        (
            "keep-within = 30",
            "keep-within",
            is("a string", "a whole number"),
        ),
        (
            "keep-within = '30'",
            "keep-within",
            DurationError::Form.into(),
        ),
        (
            "keep-within = '30w'",
            "keep-within",
            DurationError::Form.into(),
        ),
        (
            "keep-within = '-1d'",
            "keep-within",
            DurationError::Form.into(),
        ),
        (
            "keep-within = ''",
            "keep-within",
            DurationError::Form.into(),
        ),
        (
            "keep-within = '9223372036854776s'",
            "keep-within",
            DurationError::TooLong.into(),
        ),
        ("pin = 'a'", "pin", is("an array", "a string")),
        ("pin = ['a', 1]", "pin", is("strings", "a whole number")),
        ("pin = ['a', '']", "pin", Pattern(NameError::Empty)),
        (
            "pin = ['a', \"\\e[2J\"]",
            "pin",
            Pattern(NameError::Control('\u{1b}')),
        ),
    ] {
        let key = key.to_owned();
        let cause = expected;
        let expected = RetentionError::Rule {
            line: 3,
            rule: 1,
            cause: RetentionRuleError::Value { key, cause },
        };
        assert_eq!(parse(&with(lines)), Err(expected), "{lines}");
    }
    for (engine, expected) in [
        ("''", Pattern(NameError::Empty)),
        ("'llamacpp/b1'", Pattern(NameError::Slash)),
        ("\"a\\u202eb\"", Pattern(NameError::Control('\u{202e}'))),
        ("['*']", is("a string", "an array")),
    ] {
        let text = format!("[[rule]]\n\nengine = {engine}\n");
        let expected = RetentionError::Rule {
            line: 3,
            rule: 1,
            cause: RetentionRuleError::Value {
                key: "engine".to_owned(),
                cause: expected,
            },
        };
        assert_eq!(parse(&text), Err(expected), "{engine}");
    }
}

#[test]
fn rule_that_means_nothing_is_refused() {
    let unknown = |key: &str| RetentionRuleError::UnknownKey {
        key: key.to_owned(),
    };
    let idle = |key: &str| RetentionRuleError::Idle {
        key: key.to_owned(),
    };
    let unreachable = |earlier| RetentionRuleError::Unreachable { earlier };
    for (text, line, rule, cause) in [
        (with("keep_versions = 5"), 3, 1, unknown("keep_versions")),
        (with("version = '1'\nengine2 = 1"), 3, 1, unknown("version")),
        (with("[rule.more]\nx = 1"), 3, 1, unknown("more")),
        (
            with("keep-daily = 7\nkeep-weekly = 1"),
            3,
            1,
            idle("keep-daily"),
        ),
        (
            with("pin = ['a']\nkeep-within = '1d'"),
            4,
            1,
            idle("keep-within"),
        ),
        (with("keep-monthly = 0"), 3, 1, idle("keep-monthly")),
        (
            "\n[[rule]]\n".to_owned(),
            2,
            1,
            RetentionRuleError::NoEngine,
        ),
        ("rule = [{}]".to_owned(), 1, 1, RetentionRuleError::NoEngine),
        (with("[[rule]]"), 3, 2, RetentionRuleError::NoEngine),
        (with("") + &with(""), 5, 2, unreachable(1)),
        (with("[[rule]]\nengine = 'vllm'"), 4, 2, unreachable(1)),
    ] {
        let expected = RetentionError::Rule { line, rule, cause };
        assert_eq!(parse(&text), Err(expected), "{text}");
    }
}

#[test]
fn rule_after_one_that_has_all_its_engines_is_refused() {
    for (engines, expected) in [
        (&["llamacpp", "llama*", "*"][..], None),
        (&["a?", "a*", "b"], None),
        (&["a", "b", "a"], Some(1)),
        (&["x", "llama*", "llamacpp"], Some(2)),
        (&["*", "*"], Some(1)),
        (&["**", "a"], Some(1)),
        (&["a?", "ab"], Some(1)),
        (&["a?*", "a*"], None),
        (&["*a*", "?a?"], Some(1)),
        (&["?", "*"], None),
        (&["a?*", "a?*"], Some(1)),
    ] {
        let rules: Vec<_> = engines
            .iter()
            .map(|it| format!("{{ engine = '{it}' }}"))
            .collect();
        let found = parse(&format!("rule = [{}]", rules.join(", ")));
        let expected = expected.map(|earlier| RetentionError::Rule {
            line: 1,
            rule: engines.len(),
            cause: RetentionRuleError::Unreachable { earlier },
        });
        assert_eq!(found.err(), expected, "{engines:?}");
    }
}

#[test]
fn what_is_no_list_of_rules_is_refused() {
    for (text, expected) in [
        ("\nrule = 5", RetentionError::NotRules { line: 2 }),
        ("[rule]\nengine = '*'", RetentionError::NotRules { line: 1 }),
        (
            "rule = [\n  'llamacpp',\n]",
            RetentionError::NotRules { line: 2 },
        ),
    ] {
        assert_eq!(parse(text), Err(expected), "{text}");
    }
    for (text, line, key) in [
        ("keep-builds = 5", 1, "keep-builds"),
        ("# a\n[[rules]]\nengine = '*'", 2, "rules"),
        ("[[rule]]\nengine = '*'\n[defaults]", 3, "defaults"),
        ("z = 1\na = 1", 1, "z"),
    ] {
        let key = key.to_owned();
        let expected = RetentionError::UnknownKey { line, key };
        assert_eq!(parse(text), Err(expected), "{text}");
    }
    for (text, expected) in [
        (with("keep-builds = 1\nkeep-builds = 2"), 4),
        (with("keep-builds ="), 3),
        (with("keep-builds = 01"), 3),
        (with("keep builds = 1"), 3),
        ("[[rule]\n".to_owned(), 1),
        ("[[rule]]\nengine = \"a".to_owned(), 2),
        ("# \u{1b}[2J\n".to_owned(), 1),
        ("rule = []\n[[rule]]\nengine = 'a'".to_owned(), 2),
        ("[".repeat(60_000), 1),
        (format!("x = {}", "[".repeat(60_000)), 1),
    ] {
        let found = parse(&text);
        let is_expected =
            |error: &_| matches!(error, RetentionError::Toml { line, .. } if *line == expected);
        assert!(found.as_ref().is_err_and(is_expected), "{found:?}");
    }
}

#[test]
fn bytes_that_are_no_text_or_too_many_are_refused() {
    let refused = Retention::parse(b"# a\n# \xff");
    assert_eq!(refused, Err(RetentionError::NotUtf8 { line: 2 }));
    let large = vec![b'\n'; Retention::MAX_BYTES + 1];
    let bytes = large.len();
    assert_eq!(
        Retention::parse(&large),
        Err(RetentionError::TooLarge { bytes })
    );
    assert_eq!(Retention::parse(&large[1..]), Ok(Retention::default()));
}

#[test]
fn messages_say_where_and_what() {
    let shown = |text: &str| parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(shown(&with("keep-builds = 0")), @"line 3, rule 1: keep-builds: expected a whole number from 1 to 4294967295");
    insta::assert_snapshot!(shown(&with("keep-within = '5'")), @"line 3, rule 1: keep-within: write a whole number and s, m, h or d, such as 90s, 10m, 24h or 30d");
    insta::assert_snapshot!(shown(&with("pin = ['']")), @"line 3, rule 1: pin: the pattern is refused: it is empty");
    insta::assert_snapshot!(shown(&with("pin = 'a'")), @"line 3, rule 1: pin: expected an array, found a string");
    insta::assert_snapshot!(shown(&with("keep-daily = 1")), @"line 3, rule 1: keep-daily without keep-versions or keep-builds says nothing: all is kept");
    insta::assert_snapshot!(shown(&with("[[rule]]\nengine = 'a'")), @"line 4, rule 2: engine: the pattern of rule 1 fits all that this one does");
    insta::assert_snapshot!(shown("[[rule]]"), @"line 1, rule 1: engine is missing");
    insta::assert_snapshot!(shown(&with("keep = 1")), @r#"line 3, rule 1: unknown key "keep""#);
    insta::assert_snapshot!(shown("rule = 1"), @"line 1: a rule begins with [[rule]]");
    insta::assert_snapshot!(shown(&with("keep-daily = 1\nkeep-daily = 1")), @"line 4: duplicate key");
    insta::assert_snapshot!(shown("\"\\e[2J\\u202e\" = 1"), @r#"line 1: unknown key "\u{1b}[2J\u{202e}", expected [[rule]]"#);
    let long = shown(&format!("\"{}\" = 1", "é".repeat(999)));
    assert!(long.chars().count() < 100, "{long}");
}

/// A text of what files are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "[[rule]]",
        "[rule]",
        "rule",
        "engine",
        "keep-versions",
        "keep-within",
        "pin",
        "x",
        "=",
        ".",
        ",",
        "[",
        "]",
        "{",
        "}",
        "\n",
        "\n",
        "\n",
        " ",
        "'*'",
        "\"a\"",
        "'30d'",
        "\"\\e\"",
        "5",
        "-1",
        "#",
        "\"",
        "'''",
        "\\",
        "\r",
        "\u{1b}",
        "\u{202e}",
        "é",
        "\0",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|it| it.concat())
}

proptest! {
    #[test]
    fn no_text_panics_and_no_message_has_a_control(
        any in prop::collection::vec(any::<u8>(), 0..64),
        made in pieces(),
        key in "\\PC{0,4}|[\\x00-\\x1f\u{85}\u{2028}\u{202e}]{1,4}",
        long in 0..200_usize,
    ) {
        let quoted: String = key.chars().map(|it| format!("\\U{:08x}", u32::from(it))).collect();
        let quoted = quoted.repeat(long);
        for text in [
            &any[..],
            made.as_bytes(),
            with(&made).as_bytes(),
            with(&format!("\"{quoted}\" = 1")).as_bytes(),
            format!("\"{quoted}\" = 1").as_bytes(),
            format!("[[rule]]\nengine = \"{quoted}\"").as_bytes(),
        ] {
            if let Err(error) = Retention::parse(text) {
                let shown = error.to_string();
                prop_assert!(!shown.contains(is_control), "{shown:?}");
                prop_assert!(shown.len() < 1000, "{shown}");
            }
        }
    }

    #[test]
    fn pattern_that_covers_another_matches_whatever_that_does(
        pattern in "[ab*?]{1,5}",
        other in "[ab*?]{1,5}",
        name in "[ab]{1,6}",
    ) {
        let matches = |pattern: &str| Pattern::from(pattern).matches(&Name::new(&name).unwrap());
        prop_assert!(!covers(&pattern, &other) || !matches(&other) || matches(&pattern));
        prop_assert!(covers("*", &other));
        prop_assert!(covers(&pattern, &pattern));
    }
}
