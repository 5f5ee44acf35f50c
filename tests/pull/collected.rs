//! Collectors at work here and at the source, which is written to meanwhile.
//!
//! `ENGINE_CATALOG_TEST_SECONDS` says for how long [2].

use std::fs;
use std::path::Path;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine_catalog::{
    Artifacts, Catalog, Error, Filter, GcOptions, Keep, Members, Name, PreparedEngine, Retention,
    RetentionRule,
};

use crate::peer::{Peer, assert_sound};
use crate::support::crowd::{Done, work_time};
use crate::support::{name, stamp};

/// A time after all that happens here: milliseconds since the Unix epoch.
const LATER_MS: i64 = 4_000_000_000_000;

const VERSIONS: i64 = 12;

/// Collects all that nothing keeps, and all but the last build of each version.
fn collect(catalog: &Catalog) {
    let rule = RetentionRule {
        builds: Some(1),
        ..RetentionRule::new("*".into())
    };
    let keep = Keep {
        retention: Retention { rules: vec![rule] },
        grace_ms: 0,
        now_ms: LATER_MS,
    };
    let options = GcOptions {
        keep,
        ..GcOptions::new(LATER_MS)
    };
    let collected = catalog.collect_garbage(&options, &stamp(1));
    collected.expect("nothing hides what is kept");
}

/// Records builds with files, takes some back, and names what is current for a moment.
fn write(theirs: &Catalog, file: &Path, at: i64) {
    let version = format!("{}", at % VERSIONS);
    fs::write(file, format!("content {at}")).unwrap();
    let files = Artifacts::Files(vec![file.to_owned()]);
    let build = PreparedEngine::new("tgi", &version, files, at);
    theirs.record(&build, &stamp(at)).unwrap();
    if at % 5 == 0 {
        match theirs.rollback(&name(&format!("tgi/{version}")), None, &stamp(at)) {
            Ok(_) | Err(Error::Gone { .. } | Error::NoEarlierEntry { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    if at % 7 == 0 {
        let (all, captured) = (Members::Current(Filter::default()), Name::new("s").unwrap());
        theirs.remove_snapshot(&captured).unwrap();
        theirs.create_snapshot(&all, Some(&captured)).unwrap();
    }
}

/// Everything that came has come with what belongs to it.
fn assert_whole(ours: &Catalog) {
    assert_sound(ours);
    for record in ours.list(&Filter::default()).unwrap() {
        let record = record.unwrap();
        if record.entry.engine == "tgi" {
            let manifests = ours.manifests(&record.object).unwrap();
            assert_eq!(manifests.len(), 1, "{record:?}");
        }
    }
}

/// Pulls by a way over and over, and returns how often that was done, and how often it said what was missing.
fn pull_over_and_over(peer: &Peer, pull: &dyn Fn() -> (i32, String)) -> (u32, u32) {
    let theirs = &peer.theirs;
    let (file, is_still) = (theirs.outside().join("server"), RwLock::new(()));
    for at in 0..VERSIONS {
        write(&theirs.catalog, &file, at);
    }
    let (mut done, mut failed) = (0, 0);
    let is_over = AtomicBool::new(false);
    let again = |pause_ms, act: &dyn Fn(i64)| {
        for at in VERSIONS.. {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            // As fast as they can they would take all the time of those whom they are to disturb.
            thread::sleep(Duration::from_millis(pause_ms));
            let _at_work = is_still.read().unwrap();
            act(at);
        }
    };
    thread::scope(|scope| {
        let _over = Done(&is_over);
        scope.spawn(|| again(60, &|at| write(&theirs.catalog, &file, at)));
        scope.spawn(|| again(15, &|_| collect(&theirs.catalog)));
        let ours = peer.catalog();
        scope.spawn(move || again(15, &|_| collect(&ours)));
        let end = Instant::now() + work_time() / 2;
        while Instant::now() < end || done == 0 {
            let (status, said) = pull();
            if status == 0 {
                done += 1;
                assert_whole(&peer.catalog());
                continue;
            }
            assert!(status == 3 && said.contains("missing"), "{said}");
            failed += 1;
            // What came before is no harm to the next.
            let _still = is_still.write().unwrap();
            let (status, said) = pull();
            assert_eq!(status, 0, "{said}");
            assert_whole(&peer.catalog());
        }
    });
    let (status, said) = pull();
    assert_eq!(status, 0, "{said}");
    assert_whole(&peer.catalog());
    for version in 0..VERSIONS {
        let name = name(&format!("tgi/{version}"));
        let theirs = theirs.catalog.current(&name).unwrap();
        assert_eq!(peer.catalog().current(&name).unwrap(), theirs);
    }
    (done, failed)
}

fn tell((done, failed): (u32, u32)) {
    println!("{done} pulls were done, {failed} came too late for something");
}

#[test]
fn pull_from_elsewhere_is_whole_or_says_what_the_source_has_collected() {
    let Some(peer) = Peer::new() else { return };
    tell(pull_over_and_over(&peer, &|| {
        let output = peer.pull(&[]);
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }));
}

#[test]
fn pull_from_a_directory_is_whole_or_says_what_the_source_has_collected() {
    let Some(peer) = Peer::new() else { return };
    let source = peer.theirs.catalog.root().display().to_string();
    tell(pull_over_and_over(&peer, &|| {
        let output = peer.ours.output(&["pull", &source], b"");
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }));
}
