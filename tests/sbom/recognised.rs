//! What is recognised, and what of it is kept.

use engine_catalog::{ComponentKind, Document, DocumentError, DocumentFormat};
use serde_json::{Value, json};

use crate::samples::{OTHER, cyclonedx, parse, spdx, statement};

#[test]
fn spdx_is_reduced_to_packages_and_files() {
    let mut document = spdx(&[("./bin/server", "SHA256", &OTHER.to_uppercase())]);
    document["packages"] = json!([
        {
            "name": "ggml", "SPDXID": "SPDXRef-ggml", "versionInfo": "0.5.0",
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT OR Apache-2.0",
            "checksums": [{"algorithm": "SHA1", "checksumValue": "85ed0817af83a24ad8da68c2b5094de69833983c"}],
            "externalRefs": [
                {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a"},
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                 "referenceLocator": "pkg:generic/ggml@0.5.0"},
            ],
        },
        {"name": "none", "licenseConcluded": "NONE"},
    ]);
    let document = parse(&document).unwrap();
    assert_eq!(
        (document.format, &*document.version),
        (DocumentFormat::Spdx, "2.3")
    );
    assert_eq!(document.name.as_deref(), Some("llamacpp"));
    assert_eq!(
        document.identifier.as_deref(),
        Some("https://example.org/llamacpp")
    );
    let [ggml, none, file] = &*document.components else {
        panic!("{:?}", document.components);
    };
    assert_eq!((ggml.kind, &*ggml.name), (ComponentKind::Package, "ggml"));
    assert_eq!(ggml.version.as_deref(), Some("0.5.0"));
    assert_eq!(ggml.purl.as_deref(), Some("pkg:generic/ggml@0.5.0"));
    assert_eq!(ggml.licences, ["MIT OR Apache-2.0"]);
    assert_eq!(
        ggml.hashes[0].to_string(),
        "sha1:85ed0817af83a24ad8da68c2b5094de69833983c"
    );
    assert_eq!(none.licences, [""; 0]);
    assert_eq!(
        (file.kind, &*file.name),
        (ComponentKind::File, "./bin/server")
    );
    assert_eq!(file.hashes[0].to_string(), format!("sha256:{OTHER}"));
}

#[test]
fn cyclonedx_is_reduced_to_components_wherever_they_are() {
    let library = |name: &str| json!({"type": "library", "name": name});
    let mut nested = library("inner");
    nested["externalReferences"] = json!([
        {"type": "website", "url": "https://example.org", "hashes": [{"alg": "SHA-256", "content": OTHER}]},
        {"type": "distribution", "url": "https://example.org/x", "hashes": [{"alg": "SHA-256", "content": OTHER}]},
    ]);
    let mut outer = library("outer");
    outer["group"] = json!("@node-llama-cpp");
    outer["components"] = json!([nested]);
    outer["licenses"] = json!([
        {"license": {"id": "MIT"}}, {"license": {"name": "of my own"}}, {"expression": "ISC OR 0BSD"},
    ]);
    let document = parse(&json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "serialNumber": "urn:uuid:1",
        "metadata": {"component": {"type": "application", "name": "engine", "version": "b1"}},
        "components": [outer],
    }))
    .unwrap();
    assert_eq!(
        (document.format, &*document.version),
        (DocumentFormat::CycloneDx, "1.5")
    );
    assert_eq!(document.name.as_deref(), Some("engine"));
    assert_eq!(document.identifier.as_deref(), Some("urn:uuid:1"));
    let names: Vec<_> = document.components.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["engine", "@node-llama-cpp/outer", "inner"]);
    assert_eq!(
        document.components[1].licences,
        ["MIT", "of my own", "ISC OR 0BSD"]
    );
    let hashes: Vec<_> = document.components[2]
        .hashes
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        hashes,
        [format!("sha256:{OTHER}")],
        "what is distributed, and no website"
    );
}

#[test]
fn statement_is_reduced_to_its_subjects() {
    let document = parse(&statement(&[("server", OTHER), ("ggml.so", OTHER)])).unwrap();
    assert_eq!(
        (document.format, &*document.version),
        (DocumentFormat::InToto, "v1")
    );
    assert_eq!(
        document.predicate_type.as_deref(),
        Some("https://slsa.dev/provenance/v1")
    );
    let names: Vec<_> = document.components.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["server", "ggml.so"]);
    assert_eq!(document.components[0].kind, ComponentKind::Subject);
    assert_eq!(
        document.components[0].hashes[0].to_string(),
        format!("sha256:{OTHER}")
    );
}

/// A document of a format and a version, with as little in it as can be.
fn of_version(format: DocumentFormat, version: &str) -> Value {
    let mut document = match format {
        DocumentFormat::Spdx => spdx(&[]),
        DocumentFormat::CycloneDx => cyclonedx("library", "x", "1", ("SHA-256", OTHER)),
        _ => statement(&[("x", OTHER)]),
    };
    let (key, value) = match format {
        DocumentFormat::Spdx => ("spdxVersion", format!("SPDX-{version}")),
        DocumentFormat::CycloneDx => ("specVersion", version.to_owned()),
        _ => ("_type", format!("https://in-toto.io/Statement/{version}")),
    };
    document[key] = value.into();
    document
}

#[test]
fn versions_that_are_not_known_are_told_from_damage() {
    use DocumentFormat::{CycloneDx, InToto, Spdx};
    for (format, version) in [
        (Spdx, "2.2"),
        (Spdx, "2.3"),
        (CycloneDx, "1.2"),
        (CycloneDx, "1.3"),
        (CycloneDx, "1.4"),
        (CycloneDx, "1.5"),
        (CycloneDx, "1.6"),
        (CycloneDx, "1.7"),
        (InToto, "v0.1"),
        (InToto, "v1"),
    ] {
        let document = parse(&of_version(format, version)).unwrap();
        assert_eq!((document.format, &*document.version), (format, version));
    }
    for (format, version) in [
        (Spdx, "2.1"),
        (Spdx, "2.4"),
        (CycloneDx, "1.1"),
        (CycloneDx, "1.8"),
        (CycloneDx, "2.0"),
        (InToto, "v0.2"),
        (InToto, "v1.1"),
    ] {
        let found = version.to_owned();
        let expected = DocumentError::Version { format, found };
        assert_eq!(parse(&of_version(format, version)), Err(expected));
    }
}

#[test]
fn spdx_3_is_recognised_and_not_read() {
    let context = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
    for context in [json!(context), json!(["https://example.org/own", context])] {
        let error = parse(&json!({"@context": context, "@graph": []})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is SPDX \"3.0.1\", and 2.2 and 2.3 are read"
        );
    }
}

#[test]
fn what_is_none_of_the_formats_is_not_guessed() {
    let unrecognised = [
        json!({}),
        json!({"bomFormat": "cyclonedx", "specVersion": "1.6"}),
        json!({"bomFormat": 1, "spdxVersion": 2, "_type": null, "payloadType": [], "mediaType": {}}),
        json!({"_type": "https://example.org/Statement/v1"}),
        json!({"@context": "https://schema.org", "@graph": []}),
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json"}),
    ];
    for document in unrecognised {
        assert_eq!(
            parse(&document),
            Err(DocumentError::Unrecognised),
            "{document}"
        );
    }
    for bytes in [
        "",
        "[]",
        // The values of the keys in some order, without the keys.
        "[\"SPDX-2.3\",null,null,null,null,null]",
        "SPDXVersion: SPDX-2.3",
        "<bom/>",
        "{",
        "{} {}",
        "\u{feff}{}",
        "\"x\"",
    ] {
        let error = Document::parse(bytes.as_bytes()).unwrap_err();
        assert!(
            matches!(error, DocumentError::NotJson { .. }),
            "{bytes:?}: {error}"
        );
    }
}
