//! What the recipe relies on is not collected meanwhile, on neither side, for it shares the collection lock of
//! both. Each test shows also that without this something goes.

use std::time::Duration;

use engine_catalog::{
    Catalog, Error, ErrorKind, GcOptions, LockWait, ObjectId, Retention, RetentionRule,
};

use crate::assert_sound;
use crate::recipe::Recipe;
use crate::support::observe::cause;
use crate::support::{Home, entry, name, stamp};

/// Removes at once all that nothing keeps, and old builds; or finds that others are there. Returns whether it
/// did.
fn collects(home: &Home) -> bool {
    let at_once = LockWait::default().at_most(Duration::ZERO);
    let catalog = Catalog::open(home.catalog.root()).expect("it is a catalog");
    let mut options = GcOptions::new(i64::MAX);
    options.keep.grace_ms = 0;
    options.keep.retention = Retention {
        rules: vec![RetentionRule {
            builds: Some(1),
            ..RetentionRule::new("*".into())
        }],
    };
    match catalog
        .with_lock_wait(at_once)
        .collect_garbage(&options, &stamp(9))
    {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Busy);
            assert_eq!(cause(&error).path, home.at("objects"));
            false
        }
    }
}

fn current(home: &Home) -> Result<Option<ObjectId>, Error> {
    let current = home.catalog.current(&name("llamacpp/b1"));
    current.map(|found| found.map(|it| it.object))
}

/// A catalog, and another that has its only entry and nothing that names it.
fn both() -> (Home, Home, ObjectId) {
    let (from, to) = (Home::new(), Home::new());
    let object = from.put(&entry("b1", 1));
    to.catalog
        .store(&[entry("b1", 1)])
        .expect("it can be stored");
    (from, to, object)
}

#[test]
fn object_that_is_there_already_is_not_collected_before_its_names_come() {
    for (left_out, is_safe) in [("", true), ("; flock -s 7", false)] {
        let (from, to, object) = both();
        let Some(recipe) = Recipe::new(from.catalog.root(), to.catalog.root(), "*") else {
            return;
        };
        let recipe = recipe.without(left_out);
        // After step 2, which passed over what is there.
        let ran = recipe.run_with_halt("sync", 1, || assert_ne!(collects(&to), is_safe));
        ran.expect("it comes to its end");
        if !is_safe {
            assert!(matches!(current(&to), Err(Error::Dangling { .. })));
            continue;
        }
        assert_sound(to.catalog.root());
        assert!(collects(&to), "nobody has the lock any more");
        assert_eq!(current(&to).expect("it is there"), Some(object));
    }
}

#[test]
fn object_whose_name_was_read_is_not_collected_before_it_was_copied() {
    for (left_out, is_safe) in [("", true), ("flock -s 6; ", false)] {
        let (from, to) = (Home::new(), Home::new());
        let object = from.put(&entry("b1", 1));
        let Some(recipe) = Recipe::new(from.catalog.root(), to.catalog.root(), "*") else {
            return;
        };
        let recipe = recipe.without(left_out);
        // After step 1. Writers may go on.
        let ran = recipe.run_with_halt("rsync", 2, || {
            from.put(&entry("b1", 2));
            assert_ne!(collects(&from), is_safe);
        });
        assert_eq!(ran.is_ok(), is_safe, "{ran:?}");
        // It looks whether each is there.
        let came = is_safe.then_some(object);
        assert_eq!(current(&to).expect("nothing is damaged"), came);
        assert_sound(to.catalog.root());
        assert!(collects(&from), "nobody has the lock any more");
    }
}
