//! Proof bundles that are made meanwhile: whole, or not at all.

use engine_catalog::{Catalog, Error, Filter, Members, Name};

use super::assert_sound;
use super::writers::STEADY;

/// Captures what is current, and what has a name.
pub(super) fn capture(catalog: &Catalog) {
    let members = Members::Current(Filter::default());
    let snapshot = catalog
        .snapshot_of(&members)
        .expect("what is current is there");
    let out = catalog.root().with_file_name("bundle");
    match catalog.capture(&out, &snapshot) {
        Ok(_) => assert_whole(&out),
        // Of what was current a moment ago.
        Err(Error::MissingMember { .. }) => {}
        Err(error) => unreachable!("{error}"),
    }
    let named = Name::new("to be captured").expect("it is a name");
    catalog
        .create_snapshot(&members, Some(&named))
        .expect("what is current is there");
    let found = catalog
        .find_snapshot(named.as_str())
        .expect("it can be read");
    let (_, snapshot) = found.expect("it has a name");
    catalog
        .capture(&out, &snapshot)
        .expect("what has a name stays");
    assert_whole(&out);
    catalog.remove_snapshot(&named).expect("it can be removed");
}

/// Requires that a bundle is sound, and removes it.
fn assert_whole(out: &std::path::Path) {
    let bundle = Catalog::open_read_only(out).expect("it is one");
    assert_sound(&bundle);
    let steady = bundle.get(STEADY).expect("it can be read");
    let steady = steady.expect("it was always current").object;
    assert_eq!(
        bundle.manifests(&steady).expect("they can be read").len(),
        1
    );
    drop(bundle);
    std::fs::remove_dir_all(out).expect("nobody else has it");
}
