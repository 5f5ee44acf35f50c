//! SPDX JSON, 2.2 and 2.3 (ISO/IEC 5962): packages and files, with their checksums and licences.

use serde::Deserialize;

use super::parts::DocumentHash;
use super::read::{parts, shown};
use super::{Component, ComponentKind, Document, DocumentError, DocumentFormat};

const FORMAT: DocumentFormat = DocumentFormat::Spdx;
const VERSIONS: [&str; 2] = ["2.2", "2.3"];

#[derive(Deserialize)]
struct Spdx {
    name: String,
    #[serde(rename = "documentNamespace")]
    namespace: String,
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    name: String,
    version_info: Option<String>,
    package_file_name: Option<String>,
    license_concluded: Option<String>,
    license_declared: Option<String>,
    #[serde(default)]
    checksums: Vec<Checksum>,
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    file_name: String,
    license_concluded: Option<String>,
    #[serde(default)]
    checksums: Vec<Checksum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    reference_type: String,
    reference_locator: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawChecksum {
    algorithm: String,
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(try_from = "RawChecksum")]
struct Checksum(DocumentHash);

impl TryFrom<RawChecksum> for Checksum {
    type Error = String;

    fn try_from(checksum: RawChecksum) -> Result<Self, String> {
        DocumentHash::new(&checksum.algorithm, &checksum.checksum_value).map(Self)
    }
}

pub(super) fn read(bytes: &[u8], version: &str) -> Result<Document, DocumentError> {
    let known = version.strip_prefix("SPDX-");
    let Some(version) = known.filter(|it| VERSIONS.contains(it)) else {
        return Err(DocumentError::Version {
            format: FORMAT,
            found: shown(known.unwrap_or(version)),
        });
    };
    let document: Spdx = parts(FORMAT, bytes)?;
    let packages = document.packages.into_iter().map(Package::summed_up);
    let files = document.files.into_iter().map(File::summed_up);
    Ok(Document {
        format: FORMAT,
        version: version.to_owned(),
        media_type: FORMAT.media_type(),
        name: Some(document.name),
        identifier: Some(document.namespace),
        predicate_type: None,
        components: packages.chain(files).collect(),
    })
}

impl Package {
    fn summed_up(self) -> Component {
        let mut references = self.external_refs.into_iter();
        let purl = references.find(|it| it.reference_type == "purl");
        Component {
            kind: ComponentKind::Package,
            name: self.name,
            version: self.version_info.filter(|it| !it.is_empty()),
            purl: purl.map(|it| it.reference_locator),
            licences: licences([self.license_concluded, self.license_declared]),
            hashes: hashes(self.checksums),
            path: self.package_file_name.filter(|it| !it.is_empty()),
        }
    }
}

impl File {
    fn summed_up(self) -> Component {
        Component {
            kind: ComponentKind::File,
            path: Some(self.file_name.clone()),
            name: self.file_name,
            version: None,
            purl: None,
            licences: licences([self.license_concluded, None]),
            hashes: hashes(self.checksums),
        }
    }
}

fn hashes(checksums: Vec<Checksum>) -> Vec<DocumentHash> {
    checksums.into_iter().map(|it| it.0).collect()
}

/// The licence that was concluded, or else the one that was declared.
fn licences(said: [Option<String>; 2]) -> Vec<String> {
    let is_said = |it: &String| !["", "NOASSERTION", "NONE"].contains(&it.as_str());
    let said = said.into_iter().flatten().find(is_said);
    said.into_iter().collect()
}
