//! The handoff: the JSON file by which a pool manager learns which engine it has. Others have fields in
//! it too, which stay.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use engine_catalog::Record;
use serde_json::{Map, Value, json};

use crate::Result;
use crate::request::Mode;

/// Returns what a provisioner says of an engine: its identity, and how to start it.
pub(crate) fn fields(record: &Record, mode: Mode) -> Map<String, Value> {
    let mut fields = Map::new();
    record.identity().merge_into(&mut fields);
    let flags = record.entry.build_flags.as_deref().unwrap_or_default();
    fields.insert("provisioning_mode".to_owned(), json!(mode.as_str()));
    fields.insert("flags".to_owned(), json!(flags));
    let first = record.entry.artifacts.first();
    // Null takes the place of what an engine of the other kind had left.
    let (binary, image) = match mode {
        Mode::Container => (None, first),
        Mode::Source | Mode::Package => (first, None),
    };
    fields.insert("binary_path".to_owned(), json!(binary));
    fields.insert("image_ref".to_owned(), json!(image));
    fields
}

/// Reads the handoff at `path`; an empty one where there is none.
pub(crate) fn read(path: &Path) -> Result<Map<String, Value>> {
    let fail = |why: &dyn std::fmt::Display| format!("handoff {}: {why}", path.display());
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(fail(&error).into()),
    };
    match serde_json::from_slice(&text).map_err(|error| fail(&error))? {
        Value::Object(object) => Ok(object),
        _ => Err(fail(&"it is no JSON object").into()),
    }
}

/// Sets `fields` in the handoff at `path`. Readers find the old file or the new one, whole; when this
/// returns, the new one survives a power cut.
pub(crate) fn write(path: &Path, fields: Map<String, Value>) -> Result<()> {
    let mut handoff = read(path)?;
    handoff.extend(fields);
    // A field without a value says nothing.
    handoff.retain(|name, value| {
        !(value.is_null() && ["binary_path", "image_ref"].contains(&&**name))
    });
    let name = path.file_name().ok_or("--handoff names no file")?;
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    };
    let temporary = dir.join(format!(".{}.{}", name.display(), std::process::id()));
    let publish = || -> std::io::Result<()> {
        fs::create_dir_all(&dir)?;
        let mut file = File::create(&temporary)?;
        serde_json::to_writer_pretty(&file, &handoff)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(&dir)?.sync_all()
    };
    publish().map_err(|error| {
        // It is there only if it was not renamed.
        let _ = fs::remove_file(&temporary);
        format!("cannot write handoff {}: {error}", path.display()).into()
    })
}
