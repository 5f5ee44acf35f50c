//! A source that is written to meanwhile, which is no harm.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use engine_catalog::Catalog;

use crate::peer::{Peer, assert_sound};
use crate::support::{entry, name, stamp};

#[test]
fn pulls_from_a_source_that_changes_all_the_time_bring_what_it_had_at_some_moment() {
    let Some(peer) = Peer::new() else { return };
    let stop = AtomicBool::new(false);
    let root = peer.theirs.catalog.root().to_owned();
    let mut last = None;
    thread::scope(|scope| {
        scope.spawn(|| {
            let catalog = Catalog::open(&root).unwrap();
            for at in 1.. {
                let (version, name) = (
                    format!("b{}", at % 5),
                    name(&format!("llamacpp/b{}", at % 5)),
                );
                catalog.put(&entry(&version, at), &stamp(at)).unwrap();
                if at % 7 == 0 {
                    catalog.rollback(&name, None, &stamp(at)).unwrap();
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..4 {
            let output = peer.pull(&[]);
            last = Some(String::from_utf8(output.stderr).unwrap());
            assert_eq!(output.status.code(), Some(0), "{last:?}");
            assert_sound(&peer.catalog());
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(peer.pull(&[]).status.success());
    for version in 0..5 {
        let name = name(&format!("llamacpp/b{version}"));
        let theirs = peer.theirs.catalog.current(&name).unwrap();
        assert_eq!(peer.catalog().current(&name).unwrap(), theirs, "{last:?}");
    }
}
