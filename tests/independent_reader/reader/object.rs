//! Section 4: objects, checked in the seven steps of section 4.1.

use ciborium::Value;

use super::cbor::{self, Fields, bytes, hash, integer, list, text};
use super::names::{check_name, is_control};

/// An entry, by the table of section 4.2.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) digest: Option<String>,
    pub(crate) engine: String,
    pub(crate) version: String,
    pub(crate) artifacts: Vec<String>,
    pub(crate) build_ref: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) build_flags: Option<Vec<String>>,
}

/// A manifest, by the table of section 4.4.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manifest {
    pub(crate) files: Vec<File>,
    pub(crate) subject: Vec<u8>,
}

/// A file of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    pub(crate) mode: i64,
    pub(crate) path: String,
    pub(crate) size: i64,
    pub(crate) blake3: Vec<u8>,
}

/// An attachment, by the table of section 4.5.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attachment {
    pub(crate) name: Option<String>,
    pub(crate) payload: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) media_type: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    Entry(Entry),
    /// The ids of its members.
    Snapshot(Vec<Vec<u8>>),
    Manifest(Manifest),
    Attachment(Attachment),
}

impl Object {
    /// The id of what it describes, if it describes anything.
    pub(crate) fn subject(&self) -> Option<&[u8]> {
        match self {
            Self::Manifest(manifest) => Some(&manifest.subject),
            Self::Attachment(attachment) => Some(&attachment.subject),
            Self::Entry(_) | Self::Snapshot(_) => None,
        }
    }
}

/// Section 4.6: what bytes can be that are not the object that is wanted.
#[derive(Debug, PartialEq)]
pub(crate) enum Wrong {
    /// They do not hash to the id.
    Hash,
    /// They never were an object of this format.
    NoObject(String),
    /// A newer program can read them.
    UnknownSchema(String),
    /// A good object, perhaps, of this schema, which is not the one that is expected.
    OtherKind(String),
    /// They never were an object of the kind that they say.
    Broken(String),
}

/// Steps 2 to 7. The first, the size, comes before anything is read.
pub(crate) fn parse_object(
    bytes: &[u8],
    id: &str,
    expected: Option<&str>,
) -> Result<Object, Wrong> {
    if blake3::hash(bytes).to_hex().as_str() != id {
        return Err(Wrong::Hash);
    }
    let value = cbor::parse(bytes).map_err(Wrong::NoObject)?;
    let schema = schema(&value).ok_or(Wrong::NoObject("no schema".into()))?;
    let (decode, limit): (fn(Fields) -> _, _) = match schema.as_str() {
        "engine-entry/1" => (entry, 1_048_576),
        "snapshot/1" => (snapshot, 67_108_864),
        "artifacts/1" => (manifest, 67_108_864),
        "attachment/1" => (attachment, 67_108_864),
        _ => return Err(Wrong::UnknownSchema(schema)),
    };
    if expected.is_some_and(|expected| expected != schema) {
        return Err(Wrong::OtherKind(schema));
    }
    let checked = || {
        if bytes.len() > limit {
            return Err("too large for its kind".to_owned());
        }
        let mut fields = Fields::of(value.clone())?;
        fields.required("schema")?;
        let object = decode(fields)?;
        if cbor::encode(value)? != bytes {
            return Err("not in deterministic encoding".into());
        }
        match &object {
            Object::Entry(entry) => check_entry(entry)?,
            Object::Snapshot(members) => check_members(members)?,
            Object::Manifest(manifest) => check_manifest(manifest)?,
            Object::Attachment(attachment) => check_attachment(attachment)?,
        }
        Ok(object)
    };
    checked().map_err(Wrong::Broken)
}

fn schema(value: &Value) -> Option<String> {
    let mut pairs = value.as_map()?.iter();
    let (_, schema) = pairs.find(|(key, _)| key.as_text() == Some("schema"))?;
    schema.as_text().map(str::to_owned)
}

fn entry(mut fields: Fields) -> Result<Object, String> {
    let entry = Entry {
        id: text(fields.required("id")?)?,
        digest: fields.optional("digest").map(text).transpose()?,
        engine: text(fields.required("engine")?)?,
        version: text(fields.required("version")?)?,
        artifacts: list(fields.required("artifacts")?, text)?,
        build_ref: fields.optional("build_ref").map(text).transpose()?,
        created_ms: integer(fields.required("created_ms")?)?,
        build_flags: {
            let flags = fields.optional("build_flags");
            flags.map(|flags| list(flags, text)).transpose()?
        },
    };
    fields.end()?;
    Ok(Object::Entry(entry))
}

fn snapshot(mut fields: Fields) -> Result<Object, String> {
    let members = list(fields.required("objects")?, hash)?;
    fields.end()?;
    Ok(Object::Snapshot(members))
}

fn manifest(mut fields: Fields) -> Result<Object, String> {
    let file = |value: Value| {
        let mut fields = Fields::of(value)?;
        let file = File {
            mode: integer(fields.required("mode")?)?,
            path: text(fields.required("path")?)?,
            size: integer(fields.required("size")?)?,
            blake3: hash(fields.required("blake3")?)?,
        };
        fields.end()?;
        Ok(file)
    };
    let manifest = Manifest {
        files: list(fields.required("files")?, file)?,
        subject: hash(fields.required("subject")?)?,
    };
    fields.end()?;
    Ok(Object::Manifest(manifest))
}

fn attachment(mut fields: Fields) -> Result<Object, String> {
    let attachment = Attachment {
        name: fields.optional("name").map(text).transpose()?,
        payload: bytes(fields.required("payload")?)?,
        subject: hash(fields.required("subject")?)?,
        media_type: text(fields.required("media_type")?)?,
    };
    fields.end()?;
    Ok(Object::Attachment(attachment))
}

/// The rules of section 4.2.
fn check_entry(entry: &Entry) -> Result<(), String> {
    for name in [&entry.engine, &entry.version] {
        check_name(name).map_err(|why| format!("{name:?} is no name: {why:?}"))?;
    }
    if entry.engine.contains('/') {
        return Err("an engine with a slash".into());
    }
    for line in [Some(&entry.id), entry.build_ref.as_ref()]
        .into_iter()
        .flatten()
    {
        if line.is_empty() || line.contains(is_control) {
            return Err(format!("{line:?} is empty, or has a control"));
        }
    }
    if entry.digest.as_ref().is_some_and(|text| !is_digest(text)) {
        return Err("not a digest".into());
    }
    let is_path = |path: &String| !path.is_empty() && !path.contains('\0');
    if !entry.artifacts.iter().all(is_path) {
        return Err("an artifact path that is empty, or contains U+0000".into());
    }
    Ok(())
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, value)) = text.split_once(':') else {
        return false;
    };
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_lower);
    let is_value = |byte: u8| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte);
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    algorithm.split(['+', '.', '_', '-']).all(is_part)
        && match algorithm {
            "blake3" | "sha256" => value.len() == 64 && value.bytes().all(is_hex),
            "sha512" => value.len() == 128 && value.bytes().all(is_hex),
            _ => !value.is_empty() && value.bytes().all(is_value),
        }
}

/// The rules of section 4.3.
fn check_members(members: &[Vec<u8>]) -> Result<(), String> {
    if members.windows(2).all(|pair| pair[0] < pair[1]) {
        Ok(())
    } else {
        Err("members that are not ascending and unique".into())
    }
}

/// The rules of section 4.4.
fn check_manifest(manifest: &Manifest) -> Result<(), String> {
    let are_sorted = |pair: &[File]| pair[0].path.as_bytes() < pair[1].path.as_bytes();
    if !manifest.files.windows(2).all(are_sorted) {
        return Err("files that are not ascending and unique".into());
    }
    for file in &manifest.files {
        if !file.path.starts_with('/') || file.path.contains('\0') {
            return Err(format!("{:?} is no absolute path", file.path));
        }
        if !(0..=4095).contains(&file.mode) || file.size < 0 {
            return Err("a mode or size out of range".into());
        }
    }
    Ok(())
}

/// The rules of section 4.5.
fn check_attachment(attachment: &Attachment) -> Result<(), String> {
    if let Some(name) = &attachment.name {
        check_name(name).map_err(|why| format!("{name:?} is no name: {why:?}"))?;
    }
    let is_first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &&str| {
        (1..=127).contains(&part.len())
            && part.starts_with(is_first)
            && part.chars().all(|c| is_first(c) || "!#$&^_.+-".contains(c))
    };
    let parts: Vec<_> = attachment.media_type.split('/').collect();
    if parts.len() == 2 && parts.iter().all(is_part) {
        Ok(())
    } else {
        Err(format!("{:?} is no media type", attachment.media_type))
    }
}
