//! What a program that subscribes to `tracing` is told: its log, as a person reads it.

mod support;

use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};

use engine_catalog::{Catalog, EngineEntry, Expect};
use insta::assert_snapshot;
use support::{Home, entry, name, object_of, stamp};
use tracing::field::Empty;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns the lines that a subscriber writes while `work` is done, with short object ids.
fn logged(work: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_max_level(tracing::Level::TRACE)
        .without_time()
        .with_ansi(false)
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let is_id = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut short = text.clone();
    for id in words.filter(is_id) {
        short = short.replace(id, &id[..8]);
    }
    short
}

#[test]
fn every_change_of_a_ref_is_an_event_and_what_changes_nothing_is_none() {
    let (home, source) = (Home::new(), Home::new());
    let [first, second] = [entry("b1", 1), entry("b1", 2)];
    let b1 = name("llamacpp/b1");
    source.put(&entry("b2", 1));
    let catalog = &home.catalog;
    let lines = logged(|| {
        catalog.put(&first, &stamp(1)).unwrap();
        catalog.put(&first, &stamp(2)).unwrap();
        catalog.put_all(&[second], &stamp(3)).unwrap();
        catalog.rollback(&b1, None, &stamp(4)).unwrap();
        catalog.retire(&b1, Expect::Any, &stamp(5)).unwrap();
        catalog.retire(&b1, Expect::Any, &stamp(6)).unwrap();
        catalog.import(&source.catalog, &stamp(7)).unwrap();
        catalog.import(&source.catalog, &stamp(8)).unwrap();
    });
    assert_snapshot!(lines, @r#"
    INFO engine_catalog: put engine="llamacpp" engine_version="b1" object="4a0ae150" actor="tester@here"
    INFO engine_catalog: put engine="llamacpp" engine_version="b1" object="dd8ea06b" previous="4a0ae150" actor="tester@here"
    INFO engine_catalog: rollback engine="llamacpp" engine_version="b1" object="4a0ae150" previous="dd8ea06b" actor="tester@here"
    INFO engine_catalog: retire engine="llamacpp" engine_version="b1" previous="4a0ae150" actor="tester@here"
    INFO engine_catalog: pull engine="llamacpp" engine_version="b2" object="b8ff2155" actor="tester@here"
    "#);
}

#[test]
fn what_is_refused_or_fails_is_an_event_that_shows_no_secret() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let secret = EngineEntry {
        build_flags: Some(vec![
            "--hf-token=hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ012345".into(),
        ]),
        ..entry("b2", 1)
    };
    let catalog = &home.catalog;
    let reader = Catalog::open_read_only(catalog.root()).unwrap();
    let lines = logged(|| {
        catalog.put(&secret, &stamp(2)).unwrap_err();
        let stale = catalog.put_if(&entry("b1", 2), Expect::Absent, &stamp(3));
        stale.unwrap_err();
        let never = catalog.rollback(&name("llamacpp/b9"), None, &stamp(4));
        never.unwrap_err();
        fs::write(home.at("refs/llamacpp/b1"), "?").unwrap();
        catalog.put(&entry("b1", 2), &stamp(5)).unwrap_err();
    });
    assert!(!lines.contains("hf_aBcD"), "{lines}");
    let lines = lines.replace(&home.outside().display().to_string(), "…");
    assert_snapshot!(lines, @r#"
     WARN engine_catalog: refused call="put" error="entry \"llamacpp:b2\" is refused: build_flags[0] looks like it contains an access token; records are immutable and shared, so it is not stored"
     WARN engine_catalog: refused call="put" error="ref llamacpp/b1 is not as expected: expected no current entry, found 4a0ae150"
     WARN engine_catalog: refused call="rollback" error="the history of llamacpp/b9 has no earlier entry"
    ERROR engine_catalog: failed call="put" error="ref llamacpp/b1 is damaged: …/catalog/refs/llamacpp/b1 does not hold 64 hexadecimal digits and a line feed"
    "#);
    let lines = logged(|| drop(reader.put(&entry("b1", 2), &stamp(6)).unwrap_err()));
    assert!(
        lines.contains(" WARN engine_catalog: refused call=\"put\""),
        "{lines}"
    );
}

#[test]
fn a_repair_tells_what_it_did_and_what_remains() {
    let home = Home::new();
    let good = home.put(&entry("b1", 1));
    let lost = home.put(&entry("b2", 1));
    fs::copy(home.object(&good), home.at("tmp/copy")).unwrap();
    for object in [good, lost] {
        fs::remove_file(home.object(&object)).unwrap();
    }
    let lines = logged(|| drop(home.catalog.repair(&[], &|_| {}).unwrap()));
    assert_snapshot!(lines, @r#"
    WARN engine_catalog: repair slug="ref-dangling" path="refs/llamacpp/b1" action="restored from tmp/copy" remains=false
    WARN engine_catalog: repair slug="ref-dangling" path="refs/llamacpp/b2" action="nothing done" remains=true
    "#);
}

#[test]
fn an_identity_gives_its_fields_to_spans() {
    let with_digest = EngineEntry {
        digest: Some("other:00ff".into()),
        ..entry("b1", 1)
    };
    let lines = logged(|| {
        for entry in [with_digest, entry("b2", 1)] {
            let identity = entry.identity(object_of(&entry));
            identity
                .span()
                .in_scope(|| tracing::info!(pool_id = "pool-0", "placed"));
            let request = tracing::info_span!("request", engine_version = Empty, object = Empty);
            identity.record_in(&request);
            request.in_scope(|| tracing::info!("admitted"));
        }
    });
    assert_snapshot!(lines, @r#"
    INFO engine{engine="llamacpp" engine_version="b1" engine_digest="other:00ff" engine_catalog_id="llamacpp:b1" object="357ac314"}: events: placed pool_id="pool-0"
    INFO request{engine_version="b1" object="357ac314"}: events: admitted
    INFO engine{engine="llamacpp" engine_version="b2" engine_catalog_id="llamacpp:b2" object="b8ff2155"}: events: placed pool_id="pool-0"
    INFO request{engine_version="b2" object="b8ff2155"}: events: admitted
    "#);
}
