//! Small documents, and an engine of two files whose hashes are known answers of FIPS 180-4.

use engine_catalog::{Artifacts, Catalog, Document, Linkage, PreparedEngine, Record, RefName};
use serde_json::{Value, json};

use crate::support::{Home, stamp};

/// The contents of the files, and their SHA-256.
pub(crate) const SERVER: &str = "abc";
pub(crate) const LIBRARY: &str = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
pub(crate) const SERVER_SHA256: &str =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
pub(crate) const LIBRARY_SHA256: &str =
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
/// The SHA-512 and the BLAKE3 hash of the first.
pub(crate) const SERVER_SHA512: &str = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
pub(crate) const SERVER_BLAKE3: &str =
    "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
/// That of neither.
pub(crate) const OTHER: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The files of the engine, below the directory of the test.
pub(crate) const FILES: [(&str, &str); 2] = [("bin/server", SERVER), ("lib/ggml.so", LIBRARY)];

/// Records an engine of some of the files.
pub(crate) fn record(home: &Home, files: &[(&str, &str)]) -> Record {
    record_with(home, files, None)
}

pub(crate) fn record_with(home: &Home, files: &[(&str, &str)], digest: Option<&str>) -> Record {
    let paths = files.iter().map(|(path, content)| {
        let path = home.outside().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    });
    let artifacts = Artifacts::Files(paths.collect());
    let prepared = PreparedEngine {
        digest: digest.map(str::to_owned),
        ..PreparedEngine::new("llamacpp", "b1", artifacts, 1)
    };
    home.catalog.record(&prepared, &stamp(1)).unwrap();
    let name: RefName = "llamacpp/b1".parse().unwrap();
    home.catalog.current(&name).unwrap().unwrap()
}

/// What a document says of an entry.
pub(crate) fn link(catalog: &Catalog, record: &Record, document: &Value) -> Linkage {
    let document = parse(document).unwrap();
    let linkage = catalog.link_document(record, &document, &mut |_| {});
    linkage.unwrap()
}

pub(crate) fn parse(document: &Value) -> Result<Document, engine_catalog::DocumentError> {
    Document::parse(&serde_json::to_vec(document).unwrap())
}

/// An SPDX document of files, each with one checksum.
pub(crate) fn spdx(files: &[(&str, &str, &str)]) -> Value {
    let files = files.iter().map(|(name, algorithm, value)| {
        json!({
            "fileName": name, "SPDXID": "SPDXRef-File", "licenseConcluded": "MIT",
            "checksums": [{"algorithm": algorithm, "checksumValue": value}],
        })
    });
    json!({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "llamacpp",
        "documentNamespace": "https://example.org/llamacpp", "packages": [],
        "files": files.collect::<Vec<_>>(),
    })
}

/// A CycloneDX document of one component with one hash.
pub(crate) fn cyclonedx(kind: &str, name: &str, version: &str, hash: (&str, &str)) -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [{
            "type": kind, "name": name, "version": version,
            "hashes": [{"alg": hash.0, "content": hash.1}],
        }],
    })
}

/// SLSA provenance of some subjects, each with a SHA-256.
pub(crate) fn statement(subjects: &[(&str, &str)]) -> Value {
    let subjects = subjects.iter();
    let subjects =
        subjects.map(|(name, sha256)| json!({"name": name, "digest": {"sha256": sha256}}));
    json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": subjects.collect::<Vec<_>>(),
        "predicateType": "https://slsa.dev/provenance/v1", "predicate": {"buildDefinition": {}},
    })
}
