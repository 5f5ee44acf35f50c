//! Statements in envelopes.

use engine_catalog::{DocumentError, DocumentFormat, MediaType};
use serde_json::{Value, json};

use crate::samples::{OTHER, parse, statement};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for some in bytes.chunks(3) {
        let byte = |at| some.get(at).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at > some.len() { '=' } else { digit.into() });
        }
    }
    text
}

fn envelope(payload: &Value) -> Value {
    json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": base64(&serde_json::to_vec(payload).unwrap()),
        "signatures": [{"keyid": "", "sig": "MEUCIQ"}],
    })
}

fn bundle(media_type: &str, envelope: &Value) -> Value {
    json!({"mediaType": media_type, "verificationMaterial": {}, "dsseEnvelope": envelope})
}

/// The place, and the reason.
fn refused(document: &Value) -> (String, String) {
    match parse(document) {
        Err(DocumentError::Field {
            pointer, reason, ..
        }) => (pointer, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn statement_is_read_from_an_envelope_and_from_a_bundle() {
    let bare = parse(&statement(&[("x", OTHER)])).unwrap();
    let envelope = envelope(&statement(&[("x", OTHER)]));
    let old = "application/vnd.dev.sigstore.bundle+json";
    let new = "application/vnd.dev.sigstore.bundle.v0.3+json";
    for (document, format, media_type) in [
        (
            envelope.clone(),
            DocumentFormat::Dsse,
            "application/vnd.dsse.envelope.v1+json",
        ),
        (
            bundle(&format!("{old};version=0.1"), &envelope),
            DocumentFormat::SigstoreBundle,
            old,
        ),
        (
            bundle(&format!("{old};version=0.2"), &envelope),
            DocumentFormat::SigstoreBundle,
            old,
        ),
        (bundle(new, &envelope), DocumentFormat::SigstoreBundle, new),
    ] {
        let media_type: MediaType = media_type.parse().unwrap();
        assert_eq!(DocumentFormat::of(&media_type), Some(format));
        let mut expected = bare.clone();
        (expected.format, expected.media_type) = (format, media_type);
        assert_eq!(parse(&document), Ok(expected));
    }
    let newer = bundle("application/vnd.dev.sigstore.bundle.v0.4+json", &envelope);
    assert!(matches!(parse(&newer), Err(DocumentError::Version { .. })));
}

#[test]
fn envelope_of_anything_else_is_refused_by_place() {
    let good = envelope(&statement(&[("x", OTHER)]));
    let with = |key: &str, value: Value| {
        let mut envelope = good.clone();
        envelope[key] = value;
        envelope
    };
    assert_eq!(
        refused(&with("payload", json!("not base64!"))).0,
        "/payload"
    );
    assert_eq!(refused(&with("signatures", json!([]))).0, "/signatures");
    assert_eq!(refused(&with("signatures", json!([{}]))).0, "/signatures/0");

    let mut damaged = statement(&[("x", OTHER)]);
    damaged["subject"][0]["digest"] = json!([]);
    let (place, reason) = refused(&envelope(&damaged));
    assert_eq!(place, "/payload");
    assert!(reason.contains("\"/subject/0/digest\""), "{reason}");
}

#[test]
fn what_is_signed_and_no_statement_is_told_from_damage() {
    let mut text = envelope(&json!("text"));
    text["payloadType"] = json!("text/plain");
    let mut message = bundle("application/vnd.dev.sigstore.bundle.v0.3+json", &text);
    let format = DocumentFormat::SigstoreBundle;
    let found = "text/plain".to_owned();
    assert_eq!(
        parse(&message),
        Err(DocumentError::NoStatement { format, found })
    );
    message.as_object_mut().unwrap().remove("dsseEnvelope");
    message["messageSignature"] = json!({"signature": "MEUCIQ"});
    for (document, format) in [
        (text, DocumentFormat::Dsse),
        (message, DocumentFormat::SigstoreBundle),
    ] {
        assert_eq!(parse(&document).unwrap_err().unread(), Some(format));
    }
}

#[test]
fn envelope_in_an_envelope_is_no_statement() {
    let inner = envelope(&statement(&[("x", OTHER)]));
    assert_eq!(refused(&envelope(&inner)).0, "/payload");
}
