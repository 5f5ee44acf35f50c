//! SBOMs and statements.

use std::collections::BTreeSet;

use engine_catalog::{Document, DocumentFormat};
use serde_json::Value;

use super::readable;

/// What a message is not longer than, however long the document is.
const MOST: usize = 2000;

/// A document: what it says stands in it, as a plain JSON parser reads it; and what is not used, or is between
/// its parts, changes nothing.
pub fn document(bytes: &[u8]) {
    let document = match Document::parse(bytes) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.to_string().len() < MOST, "{error}");
            return readable(error);
        }
    };
    let start = bytes.iter().position(|it| *it == b'{').expect("an object");
    let (before, after) = bytes.split_at(start + 1);
    let more = [before, b"\"not used\":[null,{\"a\":1}],", after, b" \n"].concat();
    assert_eq!(Document::parse(&more).as_ref(), Ok(&document));
    for more in [&b"{}"[..], b",", b"\0"] {
        assert!(Document::parse(&[bytes, more].concat()).is_err());
    }
    assert_eq!(document.media_type, document.format.media_type());
    // What is in an envelope is in base64 there.
    if [DocumentFormat::Dsse, DocumentFormat::SigstoreBundle].contains(&document.format) {
        return;
    }
    let Ok(plain) = serde_json::from_slice::<Value>(bytes) else {
        // What is not used may have more digits, or lone surrogates.
        return;
    };
    let mut said = BTreeSet::new();
    texts(&plain, &mut said);
    let says = |text: &str| said.contains(&text.to_ascii_lowercase());
    for component in &document.components {
        let name = &component.name;
        // In CycloneDX a group may come before it.
        let parts =
            (0..name.len()).filter(|at| name.is_char_boundary(*at) && name[*at..].starts_with('/'));
        let mut parts = parts.map(|at| (&name[..at], &name[at + 1..]));
        // A subject need not have one.
        assert!(
            name.is_empty() || says(name) || parts.any(|(group, name)| says(group) && says(name)),
            "{name:?}"
        );
        let others = component.version.iter().chain(&component.purl);
        let hashes = component.hashes.iter().map(|it| &it.value);
        for text in others.chain(&component.licences).chain(hashes) {
            assert!(says(text), "{text:?}");
        }
    }
}

/// All texts, in lower case.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.to_ascii_lowercase())),
        Value::Array(values) => values.iter().for_each(|it| texts(it, found)),
        Value::Object(members) => members.values().for_each(|it| texts(it, found)),
        _ => {}
    }
}
