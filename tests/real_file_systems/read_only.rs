//! File systems that turn read-only between operations, and writable again.

use std::io;

use engine_catalog::{Catalog, Error};

use crate::calls::{Why, calls};
use crate::support::mount::{Kind, Mounted};
use crate::support::observe::{assert_clean, is_kind};
use crate::{catalog, state};

pub(crate) fn is_read_only(error: &Error) -> bool {
    is_kind(error, io::ErrorKind::ReadOnlyFilesystem)
}

#[test]
fn file_system_that_turned_read_only_is_read_and_not_written() {
    for kind in Kind::ALL {
        let Some(file_system) = Mounted::new(kind) else {
            return;
        };
        let scratch = tempfile::tempdir().expect("there is room");
        let root = file_system.path().join("root");
        let before = state(&catalog(&root));
        let opened = Catalog::open(&root).expect("there is a catalog");
        file_system.remount("ro");
        let calls = calls(scratch.path());
        for catalog in [&opened, &Catalog::open(&root).expect("it can be read")] {
            for call in &calls {
                let error = (call.act)(catalog).expect_err("it cannot be written");
                let is_typed = matches!(&error, Why::Error(error) if is_read_only(error));
                assert!(is_typed, "{kind:?}, {}: {error}", call.what);
            }
            assert_eq!(state(catalog), before, "{kind:?}");
        }
        let elsewhere = file_system.path().join("elsewhere");
        let error = Catalog::create(elsewhere).expect_err("it cannot be written");
        assert!(is_read_only(&error), "{error}");
        file_system.remount("rw");
        for call in &calls {
            (call.prepare)(&opened);
            let done = (call.act)(&opened);
            assert!(done.is_ok(), "{kind:?}, {}", call.what);
        }
        assert_clean(&root);
    }
}
