//! Two catalogs side by side.

use std::fs;

use Standing::{Conflict, Created, Forward, Kept, OnlyHere, RetiredHere, RetiredThere};
use engine_catalog::{Catalog, Error, Filter, ImportSide, Members, RefError, Standing};

use crate::support::{Home, entry, listing, stamp};
use crate::{home_of, object};

#[test]
fn each_ref_that_differs_stands_as_an_import_would_find_it() {
    for (ours, theirs, expected) in [
        (&[][..], &[][..], None),
        (&[(1, 1)], &[(1, 2)], None),
        (&[], &[(1, 1), (0, 2)], None),
        (&[], &[(1, 1)], Some(Created)),
        (&[(2, 1), (0, 2)], &[(1, 1)], Some(Created)),
        (&[(1, 1)], &[(1, 1), (2, 2)], Some(Forward)),
        (&[(1, 1), (2, 2)], &[(1, 1)], Some(Kept)),
        (&[(1, 1)], &[(2, 1)], Some(Conflict)),
        (&[(1, 1)], &[], Some(OnlyHere)),
        (&[(1, 1), (0, 2)], &[(1, 1)], Some(RetiredHere)),
        (&[(1, 1)], &[(1, 1), (0, 2)], Some(RetiredThere)),
        (&[(1, 1)], &[(2, 1), (0, 2)], Some(RetiredThere)),
    ] {
        let case = format!("{ours:?} {theirs:?}");
        let [ours, theirs] = [ours, theirs].map(home_of);
        let compared = ours.catalog.compare_with(&theirs.catalog).unwrap();
        assert!(compared.problems.is_empty(), "{case}");
        let standings: Vec<_> = compared.refs.iter().map(|it| it.standing).collect();
        assert_eq!(standings, Vec::from_iter(expected), "{case}");
        for found in &compared.refs {
            let objects = [&found.ours, &found.theirs].map(|it| Some(it.as_ref()?.object));
            assert_eq!(objects, [&ours, &theirs].map(crate::current), "{case}");
        }
    }
}

#[test]
fn equal_catalogs_have_the_snapshot_of_either() {
    let homes = [home_of(&[(1, 1), (2, 2)]), home_of(&[(2, 9)])];
    for (version, build) in [("b2", 1), ("b3", 7)] {
        for home in &homes {
            home.put(&entry(version, build));
        }
    }
    let compared = homes[0].catalog.compare_with(&homes[1].catalog).unwrap();
    assert!(compared.is_equal());
    for home in &homes {
        let all = Members::Current(Filter::default());
        assert_eq!(home.catalog.snapshot_of(&all).unwrap(), compared.common);
    }
}

#[test]
fn comparing_writes_nothing_and_waits_for_nobody() {
    let (ours, theirs) = (home_of(&[(1, 1), (2, 2)]), home_of(&[(1, 1), (3, 3)]));
    let roots = [ours.catalog.root(), theirs.catalog.root()];
    // As a long repair holds them.
    let locks = roots.map(|root| fs::File::open(root.join("lock")).unwrap());
    locks.iter().for_each(|lock| lock.lock().unwrap());
    let before = roots.map(listing);
    let closed = roots.map(|root| Catalog::open_read_only(root).unwrap());
    assert_eq!(closed[0].compare_with(&closed[1]).unwrap().refs.len(), 1);
    assert_eq!(roots.map(listing), before);
}

#[test]
fn what_cannot_be_read_is_told_and_never_equal() {
    let homes = [Home::new(), Home::new()];
    for home in &homes {
        for version in ["b1", "b2", "b3"] {
            home.put(&entry(version, 1));
        }
    }
    let [ours, theirs] = &homes;
    fs::write(ours.at("refs/llamacpp/b1"), "damaged").unwrap();
    fs::write(theirs.at("refs/llamacpp/b2"), "damaged").unwrap();
    let newer = theirs.catalog.put(&entry("b3", 2), &stamp(2)).unwrap();
    fs::remove_file(theirs.object(&newer.object)).unwrap();
    let compared = ours.catalog.compare_with(&theirs.catalog).unwrap();
    assert!(!compared.is_equal() && compared.refs.is_empty());
    let problems: Vec<_> = compared
        .problems
        .iter()
        .map(|it| (it.at, &it.cause))
        .collect();
    assert!(
        matches!(
            problems[..],
            [
                (ImportSide::Here, Error::Ref(RefError::Damaged { .. })),
                (ImportSide::Source, Error::Ref(RefError::Damaged { .. })),
                (ImportSide::Source, Error::Dangling { .. }),
            ]
        ),
        "{problems:?}"
    );
}

#[test]
fn what_is_the_same_need_not_be_readable() {
    let homes = [home_of(&[(1, 1)]), home_of(&[(1, 1)])];
    fs::remove_file(homes[1].object(&object(1).unwrap())).unwrap();
    assert!(
        homes[0]
            .catalog
            .compare_with(&homes[1].catalog)
            .unwrap()
            .is_equal()
    );
}
