//! A reader of catalogs of format 1 that was made from `layout.md` alone, with std, ciborium and
//! blake3, and nothing of the library. Section numbers are those of `layout.md`.

mod cbor;
mod history;
mod marker;
mod names;
mod object;
mod sets;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(crate) use history::{Line, committed, leads_to, parse_history, parse_line, undo};
pub(crate) use marker::{Access, NotReadable, judge_marker};
pub(crate) use names::{check_name, decode_name, encode_name};
pub(crate) use object::{Attachment, Entry, File, Manifest, Object, Wrong, parse_object};
pub(crate) use sets::Snapshot;

/// What is wrong, in words.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// An engine and a version.
pub(crate) type Name = (String, String);

pub(crate) struct Reader {
    root: PathBuf,
    /// The file system that the catalog lies on.
    device: u64,
}

impl Reader {
    /// Sections 2 and 7.5: the marker comes before anything else.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let device = fs::metadata(root).map_err(|error| error.to_string())?.dev();
        let root = root.to_owned();
        let reader = Self { root, device };
        let marker = reader.file("format", 65_536)?.ok_or("no catalog")?;
        judge_marker(&marker).map_err(|why| format!("the marker is refused: {why:?}"))?;
        Ok(reader)
    }

    /// What is at `path`, reached without links and mounts; none where it is absent.
    fn look(&self, path: &str) -> Result<Option<fs::Metadata>> {
        let (mut at, mut last) = (self.root.clone(), None);
        for part in path.split('/') {
            at.push(part);
            let found = match fs::symlink_metadata(&at) {
                Ok(found) => found,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(format!("{path}: {error}")),
            };
            if found.is_symlink() || found.dev() != self.device {
                return Err(format!("{path}: a link or a mount"));
            }
            last = Some(found);
        }
        Ok(last)
    }

    /// Section 1: the content of a regular file of no more than `limit` bytes.
    fn file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(found) = self.look(path)? else {
            return Ok(None);
        };
        if !found.is_file() || found.len() > limit {
            return Err(format!("{path}: no regular file, or too large"));
        }
        let bytes = fs::read(self.root.join(path));
        bytes.map(Some).map_err(|error| error.to_string())
    }

    /// The file names in a directory, with whether each is a directory; an absent one is empty.
    fn list(&self, path: &str) -> Result<Vec<(String, bool)>> {
        if self.look(path)?.is_none() {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for found in fs::read_dir(self.root.join(path)).map_err(|error| error.to_string())? {
            let found = found.map_err(|error| error.to_string())?;
            let is_dir = found.file_type().map_err(|error| error.to_string())?;
            // No name of this format is anything but UTF-8.
            if let Ok(name) = found.file_name().into_string() {
                names.push((name, is_dir.is_dir()));
            }
        }
        Ok(names)
    }

    /// The names below `refs/` or `history/`. What is foreign is passed over.
    fn names(&self, top: &str) -> Result<BTreeSet<Name>> {
        let mut names = BTreeSet::new();
        for (engine, is_dir) in self.list(top)? {
            let is_engine = |name: &String| is_dir && !name.contains('/');
            let Some(engine_name) = decode_name(&engine).filter(is_engine) else {
                continue;
            };
            for (version, _) in self.list(&format!("{top}/{engine}"))? {
                if let Some(version) = decode_name(&version) {
                    names.insert((engine_name.clone(), version));
                }
            }
        }
        Ok(names)
    }

    /// Section 5: what each ref holds. Section 7.5: the histories are asked too.
    pub(crate) fn current(&self) -> Result<BTreeMap<Name, (String, Entry)>> {
        let mut names = self.names("refs")?;
        names.extend(self.names("history")?);
        let mut current = BTreeMap::new();
        for name in names {
            if let Some(held) = self.held(&name)? {
                current.insert(name, held);
            }
        }
        Ok(current)
    }

    /// The entry that a ref holds, with its id.
    pub(crate) fn held(&self, name: &Name) -> Result<Option<(String, Entry)>> {
        let mut missing = None;
        // The ref may have moved before its object was looked for.
        while let Some(id) = self.read_ref(name)? {
            if missing.as_ref() == Some(&id) {
                return Err(format!("{name:?}: {id} is missing"));
            }
            match self.entry(&id)? {
                None => missing = Some(id),
                Some(entry) if (&entry.engine, &entry.version) == (&name.0, &name.1) => {
                    return Ok(Some((id, entry)));
                }
                Some(_) => return Err(format!("{name:?}: an entry of another name")),
            }
        }
        Ok(None)
    }

    fn read_ref(&self, name: &Name) -> Result<Option<String>> {
        self.read_id(&path("refs", name))
    }

    /// The content of a ref, or of a named snapshot.
    fn read_id(&self, path: &str) -> Result<Option<String>> {
        let Some(bytes) = self.file(path, 65)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(|_| "not an id and a line feed")?;
        let id = text.strip_suffix('\n').filter(|id| is_object_id(id));
        let id = id.map(|id| Some(id.to_owned()));
        id.ok_or("not an id and a line feed".into())
    }

    /// Section 6: the lines that took effect, of every history.
    pub(crate) fn histories(&self) -> Result<BTreeMap<Name, Vec<Line>>> {
        let names = self.names("history")?.into_iter();
        names
            .map(|name| self.history(&name).map(|lines| (name, lines)))
            .collect()
    }

    pub(crate) fn history(&self, name: &Name) -> Result<Vec<Line>> {
        loop {
            let before = self.read_ref(name)?;
            let bytes = self.file(&path("history", name), 67_108_864)?;
            let held = self.read_ref(name)?;
            if held != before {
                continue;
            }
            let lines = parse_history(&bytes.unwrap_or_default())
                .map_err(|number| format!("{name:?}: line {number} is damaged"))?;
            if !leads_to(&lines, held.as_deref()) {
                return Err(format!("{name:?}: the history does not lead to the ref"));
            }
            return Ok(committed(lines, held));
        }
    }

    /// Section 4: the object of that id, where an entry is expected.
    pub(crate) fn entry(&self, id: &str) -> Result<Option<Entry>> {
        match self.object(id, Some("engine-entry/1"))? {
            None => Ok(None),
            Some(Ok(Object::Entry(entry))) => Ok(Some(entry)),
            Some(other) => Err(format!("{id}: {other:?}")),
        }
    }

    /// Section 4: the object of that id, or what is wrong with its bytes.
    pub(crate) fn object(
        &self,
        id: &str,
        expected: Option<&str>,
    ) -> Result<Option<std::result::Result<Object, Wrong>>> {
        let limit = match expected {
            Some("engine-entry/1") => 1_048_576,
            _ => 67_108_864,
        };
        let path = format!("objects/{}/{}", &id[..2], &id[2..]);
        let bytes = self.file(&path, limit)?;
        Ok(bytes.map(|bytes| parse_object(&bytes, id, expected)))
    }
}

/// Section 1: the ref or the history of a name.
fn path(top: &str, (engine, version): &Name) -> String {
    format!("{top}/{}/{}", encode_name(engine), encode_name(version))
}

pub(crate) fn is_object_id(text: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(is_hex)
}
