//! What other systems are told of entries: their identity, their JSON, and what two of them differ in.

use engine_catalog::{Difference, EngineEntry, EngineIdentity, FieldDiff, diff};
use serde_json::json;

use super::support::{Home, entry};

#[test]
fn entries_differ_field_by_field() {
    let home = Home::new();
    let older = EngineEntry {
        build_flags: Some(vec!["-a".into(), "-b".into()]),
        ..entry("b1", 1)
    };
    let newer = EngineEntry {
        build_flags: Some(vec!["-b".into(), "-c".into()]),
        digest: Some(format!("blake3:{}", "0f".repeat(32))),
        ..entry("b1", 2)
    };
    let records = [&older, &newer].map(|entry| home.put(entry));
    let [older, newer] = records.map(|object| home.catalog.entry(&object).unwrap().unwrap());
    let found = diff(&older, &newer);
    let fields: Vec<_> = found.iter().map(|difference| difference.field).collect();
    assert_eq!(fields, ["digest", "build_flags", "created_ms"]);
    let flags = Difference::Flags {
        changed: vec![],
        removed: vec!["-a".into()],
        added: vec!["-c".into()],
    };
    assert_eq!(
        found[1],
        FieldDiff {
            field: "build_flags",
            difference: flags
        }
    );
    let shown = serde_json::to_value(&found[2]).unwrap();
    assert_eq!(
        shown,
        json!({"field": "created_ms", "kind": "value", "from": "1", "to": "2"})
    );
    assert_eq!(diff(&newer, &newer), []);
}

#[test]
fn identity_has_the_fields_that_other_systems_take() {
    let home = Home::new();
    let digest = format!("blake3:{}", "0f".repeat(32));
    let object = home.put(&EngineEntry {
        digest: Some(digest.clone()),
        id: "mine".into(),
        ..entry("b1", 1)
    });
    let identity = home.catalog.get("mine").unwrap().unwrap().identity();
    let value = serde_json::to_value(&identity).unwrap();
    let expected = json!({
        "engine": "llamacpp",
        "engine_version": "b1",
        "engine_digest": digest,
        "engine_catalog_id": "mine",
        "object": object.to_string(),
    });
    assert_eq!(value, expected);
    assert_eq!(
        serde_json::from_value::<EngineIdentity>(value).unwrap(),
        identity
    );

    home.put(&entry("b2", 1));
    let plain = home
        .catalog
        .find("llamacpp/b2")
        .unwrap()
        .unwrap()
        .identity();
    let value = serde_json::to_value(&plain).unwrap();
    assert!(value["engine_digest"].is_null() && value.get("engine_digest").is_some());
}

#[test]
fn entries_have_the_names_of_the_data_model_in_json_and_no_others() {
    let full = json!({
        "id": "llamacpp:b1", "engine": "llamacpp", "version": "b1", "build_ref": null,
        "digest": null, "build_flags": null, "artifacts": ["/opt/x"], "created_ms": 1,
    });
    let read: EngineEntry = serde_json::from_value(full.clone()).unwrap();
    assert_eq!(
        read,
        EngineEntry {
            artifacts: vec!["/opt/x".into()],
            ..entry("b1", 1)
        }
    );
    assert_eq!(serde_json::to_value(&read).unwrap(), full);
    let mut short = full.clone();
    for optional in ["build_ref", "digest", "build_flags"] {
        short.as_object_mut().unwrap().remove(optional);
    }
    assert_eq!(serde_json::from_value::<EngineEntry>(short).unwrap(), read);
    for (key, value) in [
        ("extra", json!(1)),
        ("created_ms", json!("1")),
        ("artifacts", json!(null)),
    ] {
        let mut other = full.clone();
        other[key] = value;
        assert!(
            serde_json::from_value::<EngineEntry>(other).is_err(),
            "{key}"
        );
    }
}
