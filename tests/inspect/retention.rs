//! The file `retention.toml` of a catalog: how it is read, and what is said of it.

use std::fs;
use std::os::unix::fs::symlink;

use engine_catalog::{
    Cause, Error, ErrorKind, Expect, Filter, Health, Members, Retention, RetentionError, Slug,
    VerifyScope,
};
use insta::assert_snapshot;

use super::support::{Home, entry, name, stamp};
use super::{NOW_MS, check};

const RULES: &str = "[[rule]]\nengine = 'llama*'\nkeep-versions = 2\n";

/// A catalog with that file.
fn with(text: &str) -> Home {
    let home = Home::new();
    home.put(&entry("b1", 1));
    fs::write(home.at("retention.toml"), text).unwrap();
    home
}

/// What `doctor` says.
fn told(home: &Home) -> String {
    let diagnosis = home.catalog.diagnose(NOW_MS).unwrap();
    let check = check(&diagnosis, "retention");
    let advice = check.advice.unwrap_or("none");
    let told = format!("{}: {}\nadvice: {advice}", check.status, check.detail);
    told.replace(home.catalog.root().to_str().unwrap(), "[ROOT]")
}

#[test]
fn catalog_says_what_its_file_does() {
    let home = with(RULES);
    let expected = Retention::parse(RULES.as_bytes()).unwrap();
    assert_eq!(home.catalog.retention().unwrap(), Some(expected));
    fs::write(home.at("retention.toml"), "").unwrap();
    let nothing = home.catalog.retention().unwrap();
    assert_eq!(nothing, Some(Retention::default()));
    fs::remove_file(home.at("retention.toml")).unwrap();
    assert_eq!(home.catalog.retention().unwrap(), None);
}

#[test]
fn wrong_file_is_refused_by_its_path() {
    let home = with("[[rule]]\nengine = 'a'\nkeep-builds = 0");
    let error = home.catalog.retention().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let file = home.at("retention.toml");
    match &error {
        Error::Retention {
            path,
            cause: RetentionError::Rule { line: 3, .. },
        } => assert_eq!(*path, file),
        other => panic!("{other:?}"),
    }
    let shown = error.to_string().replace(file.to_str().unwrap(), "[FILE]");
    assert_snapshot!(shown, @"[FILE] is refused: line 3, rule 1: keep-builds: expected a whole number from 1 to 4294967295");
}

#[test]
fn what_is_no_file_or_too_large_is_not_read() {
    let home = with(&"#".repeat(65_537));
    let cause = || match home.catalog.retention().unwrap_err() {
        Error::Path(error) => error.cause,
        other => panic!("{other:?}"),
    };
    assert!(matches!(cause(), Cause::TooLarge { limit: 65_536, .. }));
    let file = home.at("retention.toml");
    fs::remove_file(&file).unwrap();
    fs::write(home.at("rules"), RULES).unwrap();
    symlink("rules", &file).unwrap();
    assert!(matches!(cause(), Cause::Link));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(cause(), Cause::NotRegular { .. }));
}

#[test]
fn verify_knows_the_file_and_that_it_is_one() {
    let found = |home: &Home| {
        let report = home.catalog.verify(&VerifyScope::default(), &|_| {});
        let found = report.unwrap().findings.into_iter();
        let found = found.filter(|it| it.path.as_os_str() == "retention.toml");
        found.map(|it| it.slug).collect::<Vec<_>>()
    };
    let home = with(RULES);
    assert_eq!(found(&home), []);
    fs::remove_file(home.at("retention.toml")).unwrap();
    fs::create_dir(home.at("retention.toml")).unwrap();
    assert_eq!(found(&home), [Slug::FileType]);
}

#[test]
fn doctor_says_how_many_rules_there_are() {
    assert_snapshot!(told(&with(RULES)), @"
    ok: 1 rule
    advice: none
    ");
    assert_snapshot!(told(&with("# none so far\n")), @"
    ok: 0 rules
    advice: none
    ");
    assert_snapshot!(told(&Home::new()), @"
    ok: none: all that refs have held is kept
    advice: none
    ");
}

#[test]
fn doctor_says_what_is_wrong_with_the_rules() {
    let home = with("[[rule]]\nengine = 'a'\nkeep = 5");
    assert_snapshot!(told(&home), @r#"
    failed: [ROOT]/retention.toml is refused: line 3, rule 1: unknown key "keep"
    advice: correct `retention.toml`, or take it away: then all that refs have held is kept
    "#);
    fs::remove_file(home.at("retention.toml")).unwrap();
    fs::create_dir(home.at("retention.toml")).unwrap();
    let diagnosis = home.catalog.diagnose(NOW_MS).unwrap();
    assert_eq!(check(&diagnosis, "retention").status, Health::Failed);
}

#[test]
fn doctor_names_rules_of_no_engine() {
    let text = format!("{RULES}[[rule]]\nengine = 'vlm*'\n[[rule]]\nengine = 'tgi'\n");
    let home = with(&text);
    assert_snapshot!(told(&home), @"
    warning: 3 rules; of no engine: `vlm*`, `tgi`
    advice: compare these patterns in `retention.toml` with the engines that `list` shows
    ");
    // One whose last version is retired is an engine too.
    let llama = name("llamacpp/b1");
    let retired = home.catalog.retire(&llama, Expect::Any, &stamp(2));
    retired.unwrap();
    assert_snapshot!(told(&home), @"
    warning: 3 rules; of no engine: `vlm*`, `tgi`
    advice: compare these patterns in `retention.toml` with the engines that `list` shows
    ");
    // Where there is no engine yet, rules may come first.
    let home = Home::new();
    fs::write(home.at("retention.toml"), text).unwrap();
    assert_snapshot!(told(&home), @"
    ok: 3 rules
    advice: none
    ");
}

#[test]
fn bundle_and_import_bring_no_rules() {
    let home = with(RULES);
    let all = Members::Current(Filter::default());
    let snapshot = home.catalog.snapshot_of(&all).unwrap();
    let bundle = home.outside().join("bundle");
    home.catalog.capture(&bundle, &snapshot).unwrap();
    assert!(!bundle.join("retention.toml").exists());
    let other = Home::new();
    other.catalog.import(&home.catalog, &stamp(2)).unwrap();
    assert_eq!(other.catalog.retention().unwrap(), None);
}
