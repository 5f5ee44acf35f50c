//! Section 2: the format marker.

use std::collections::BTreeSet;
use std::fs;

use engine_catalog::{Error, MarkerError};

use crate::document::{json_string, lines};
use crate::scratch::{Scratch, entry, stamp};

#[test]
fn markers_are_judged_as_section_2_says() {
    let scratch = Scratch::new();
    let mut seen = BTreeSet::new();
    for line in lines("markers") {
        let (marker, expected) = json_string(&line);
        // Who cannot judge signatures does not know that feature.
        if !cfg!(feature = "signatures") && marker.contains("ro-compat policy") {
            continue;
        }
        scratch.write("format", &marker);
        let found = match scratch.open() {
            Ok(catalog) => match catalog.put(&entry(1), &stamp()) {
                Ok(_) => "read and write".to_owned(),
                Err(Error::ReadOnlyFeature { feature, .. }) => {
                    catalog.get("llamacpp:b4321").unwrap();
                    format!("read only: {feature}")
                }
                Err(other) => panic!("{marker:?}: {other:?}"),
            },
            Err(Error::Format { cause, .. }) => {
                let variant = match cause {
                    MarkerError::NotAMarker => "NotAMarker",
                    MarkerError::Version { .. } => "Version",
                    MarkerError::Feature { .. } => "Feature",
                    MarkerError::Line { .. } => "Line",
                    other => panic!("{other:?}"),
                };
                format!("refused: {variant}")
            }
            Err(other) => panic!("{marker:?}: {other:?}"),
        };
        assert_eq!(found, expected, "{marker:?}");
        seen.insert(found);
    }
    let all = if cfg!(feature = "signatures") { 7 } else { 6 };
    assert_eq!(seen.len(), all, "an outcome has no example: {seen:?}");
}

#[test]
fn new_catalog_has_the_first_marker_of_the_examples() {
    let scratch = Scratch::new();
    let (first, _) = json_string(&lines("markers")[0]);
    assert_eq!(fs::read_to_string(scratch.at("format")).unwrap(), first);
}
