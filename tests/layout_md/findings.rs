//! Section 11.1: what a checker finds.

use engine_catalog::Slug;

use crate::document::{quoted, table};

#[test]
fn findings_are_those_of_the_library() {
    let rows = table("### 11.1 Findings of a checker");
    let said = rows.iter().filter(|row| row[0].starts_with('`'));
    let said: Vec<_> = said.map(|row| (quoted(&row[0])[0], &*row[1])).collect();
    let known = Slug::ALL.iter();
    let known: Vec<_> = known
        .map(|slug| (slug.as_str(), slug.severity().as_str()))
        .collect();
    assert_eq!(said, known);
}
