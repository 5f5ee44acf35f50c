//! CycloneDX JSON, 1.2 to 1.7 (ECMA-424): the components, whether one is in the metadata or in another, with
//! their hashes and licences.

use serde::Deserialize;

use super::parts::DocumentHash;
use super::read::{parts, shown};
use super::{Component, ComponentKind, Document, DocumentError, DocumentFormat};

const FORMAT: DocumentFormat = DocumentFormat::CycloneDx;
const VERSIONS: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "specVersion")]
    spec: String,
}

#[derive(Deserialize)]
struct Bom {
    #[serde(rename = "serialNumber")]
    serial_number: Option<String>,
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Vec<Part>,
}

#[derive(Deserialize)]
struct Metadata {
    component: Option<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    group: Option<String>,
    name: String,
    version: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    licenses: Vec<Licence>,
    #[serde(default, rename = "externalReferences")]
    references: Vec<Reference>,
    #[serde(default)]
    components: Vec<Part>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    hashes: Vec<Hash>,
}

#[derive(Deserialize)]
struct RawHash {
    alg: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(try_from = "RawHash")]
struct Hash(DocumentHash);

impl TryFrom<RawHash> for Hash {
    type Error = String;

    fn try_from(hash: RawHash) -> Result<Self, String> {
        DocumentHash::new(&hash.alg, &hash.content).map(Self)
    }
}

#[derive(Deserialize)]
struct RawLicence {
    license: Option<Named>,
    expression: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(try_from = "RawLicence")]
struct Licence(String);

impl TryFrom<RawLicence> for Licence {
    type Error = &'static str;

    fn try_from(licence: RawLicence) -> Result<Self, &'static str> {
        let named = licence.license.and_then(|it| it.id.or(it.name));
        let said = named.or(licence.expression);
        said.map(Self)
            .ok_or("it has neither an id or name of a licence, nor an expression")
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Document, DocumentError> {
    let Version { spec: version } = parts(FORMAT, bytes)?;
    if !VERSIONS.contains(&&*version) {
        return Err(DocumentError::Version {
            format: FORMAT,
            found: shown(&version),
        });
    }
    let bom: Bom = parts(FORMAT, bytes)?;
    let about = bom.metadata.and_then(|metadata| metadata.component);
    let name = about.as_ref().map(Part::name);
    let mut components = Vec::new();
    for part in about.into_iter().chain(bom.components) {
        part.add_to(&mut components);
    }
    Ok(Document {
        format: FORMAT,
        version,
        media_type: FORMAT.media_type(),
        name,
        identifier: bom.serial_number,
        predicate_type: None,
        components,
    })
}

impl Part {
    fn name(&self) -> String {
        match &self.group {
            Some(group) if !group.is_empty() => format!("{group}/{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// Adds it, and after it those in it. What nests deeper than JSON is read was refused.
    fn add_to(self, components: &mut Vec<Component>) {
        let is_file = self.kind == "file";
        let name = self.name();
        // What is distributed as the component has its hashes there.
        let references = self.references.into_iter();
        let distributed = references.filter(|it| it.kind == "distribution");
        let distributed = distributed.flat_map(|it| it.hashes);
        let hashes = self.hashes.into_iter().chain(distributed).map(|it| it.0);
        components.push(Component {
            kind: match is_file {
                true => ComponentKind::File,
                false => ComponentKind::Package,
            },
            path: is_file.then(|| name.clone()),
            name,
            version: self.version.filter(|it| !it.is_empty()),
            purl: self.purl,
            licences: self.licenses.into_iter().map(|it| it.0).collect(),
            hashes: hashes.collect(),
        });
        for part in self.components {
            part.add_to(components);
        }
    }
}
