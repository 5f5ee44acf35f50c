//! What has a format by its own word and is not as that has it: refused, by the place that is wrong.

use engine_catalog::DocumentError;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::samples::{OTHER, cyclonedx, parse, spdx, statement};

/// Puts a value where a pointer leads, and returns the place and the reason of the refusal.
fn with(mut document: Value, pointer: &str, value: Value) -> String {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(map), Value::Null) => drop(map.remove(key)),
        (parent, value) => *parent.pointer_mut(&format!("/{key}")).unwrap() = value,
    }
    match parse(&document) {
        Err(DocumentError::Field {
            pointer, reason, ..
        }) => format!("{pointer:?}: {reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn spdx_that_is_not_as_specified_is_refused_by_place() {
    let with = |pointer, value| {
        let mut document = spdx(&[("a", "SHA256", OTHER), ("b", "SHA256", OTHER)]);
        document["packages"] = json!([{"name": "x", "versionInfo": "1"}]);
        with(document, pointer, value)
    };
    assert_snapshot!(with("/name", Value::Null), @r#""": missing field `name`"#);
    assert_snapshot!(with("/documentNamespace", Value::Null), @r#""": missing field `documentNamespace`"#);
    assert_snapshot!(with("/files", json!({})), @r#""/files": invalid type: map, expected a sequence"#);
    assert_snapshot!(with("/packages/0/name", Value::Null), @r#""/packages/0": missing field `name`"#);
    assert_snapshot!(with("/packages/0/versionInfo", json!(1)), @r#""/packages/0/versionInfo": invalid type: integer `1`, expected a string"#);
    assert_snapshot!(with("/files/1/fileName", Value::Null), @r#""/files/1": missing field `fileName`"#);
    assert_snapshot!(with("/files/1/checksums/0/checksumValue", json!("ab")), @r#""/files/1/checksums/0": "ab" is no sha256: sha256 takes 64 lower-case hexadecimal digits"#);
    assert_snapshot!(with("/files/1/checksums/0/algorithm", json!("")), @r#""/files/1/checksums/0": a hash has an algorithm and a value"#);
}

#[test]
fn cyclonedx_that_is_not_as_specified_is_refused_by_place() {
    let with = |pointer, value| {
        let mut document = cyclonedx("library", "x", "1", ("SHA-256", OTHER));
        document["components"][0]["licenses"] = json!([{"license": {"id": "MIT"}}]);
        with(document, pointer, value)
    };
    assert_snapshot!(with("/specVersion", Value::Null), @r#""": missing field `specVersion`"#);
    assert_snapshot!(with("/components/0/name", Value::Null), @r#""/components/0": missing field `name`"#);
    assert_snapshot!(with("/components/0/type", Value::Null), @r#""/components/0": missing field `type`"#);
    assert_snapshot!(with("/components/0/hashes/0/content", json!("x".repeat(64))), @r#""/components/0/hashes/0": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is no sha256: sha256 takes 64 lower-case hexadecimal digits"#);
    assert_snapshot!(with("/components/0/licenses/0", json!({"licence": "MIT"})), @r#""/components/0/licenses/0": it has neither an id or name of a licence, nor an expression"#);
}

#[test]
fn statement_that_is_not_as_specified_is_refused_by_place() {
    let with = |pointer, value| with(statement(&[("x", OTHER)]), pointer, value);
    assert_snapshot!(with("/subject", Value::Null), @r#""": missing field `subject`"#);
    assert_snapshot!(with("/subject", json!([])), @r#""/subject": a statement is about at least one subject"#);
    assert_snapshot!(with("/subject/0/digest", Value::Null), @r#""/subject/0": missing field `digest`"#);
    assert_snapshot!(with("/subject/0/digest", json!({"sha256": "x/y"})), @r#""/subject/0/digest": "x/y" is no sha256: it is not of the form algorithm:hex, such as sha256:0f0f…"#);
    assert_snapshot!(with("/predicateType", Value::Null), @r#""": missing field `predicateType`"#);
}

#[test]
fn no_message_repeats_more_of_a_document_than_a_person_reads() {
    let mut document = spdx(&[]);
    document["packages"] = json!("x".repeat(1_000_000));
    let error = parse(&document).unwrap_err().to_string();
    assert!(error.len() < 400, "{} bytes", error.len());
}
