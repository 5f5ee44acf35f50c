//! An engine that others built: a directory with a binary and its libraries, such as an npm package
//! or a wheel, unpacked. It is only read as files; nothing of it is run.

use std::path::PathBuf;

use engine_catalog::Artifacts;
use serde_json::Value;

use crate::arguments::PackageArgs;
use crate::flags::normalized;
use crate::plan::{Step, Way};
use crate::request::{Mode, Prepared, Request};
use crate::{Result, libraries};

pub(crate) struct Package {
    request: Request,
    dir: PathBuf,
    /// The binary first.
    files: Vec<PathBuf>,
    version: String,
}

impl Package {
    pub(crate) fn new(engine: &str, version: Option<&str>, args: &PackageArgs) -> Result<Self> {
        let dir = libraries::real(&args.dir)?;
        let binary = libraries::real(&dir.join(&args.binary))?;
        if !binary.starts_with(&dir) {
            return Err(format!("{} is not in {}", binary.display(), dir.display()).into());
        }
        let mut files = libraries::all(&dir)?;
        files.retain(|file| *file != binary);
        files.insert(0, binary);
        let stated = stated(&dir)?;
        let version = version.map(str::to_owned);
        let version = version.or_else(|| stated.as_ref().map(|(_, version)| version.clone()));
        let version = version.ok_or("no package.json tells a version: give --version")?;
        // Which files there are is part of what is asked for; what is in them, the record's manifest
        // tells.
        let mut terms = vec![("directory", dir.display().to_string())];
        let paths = files.iter().map(|file| file.display().to_string());
        terms.extend(paths.map(|path| ("file", path)));
        let request = Request {
            engine: engine.to_owned(),
            mode: Mode::Package,
            version: Some(version.clone()),
            build_ref: stated.map(|(name, version)| format!("{name}@{version}")),
            flags: normalized(&args.flags)?,
            terms,
        };
        Ok(Self {
            request,
            dir,
            files,
            version,
        })
    }
}

/// Returns the name and version that the npm package in `dir` states.
fn stated(dir: &std::path::Path) -> Result<Option<(String, String)>> {
    let file = dir.join("package.json");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read {}: {error}", file.display()).into()),
    };
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| format!("{} is no JSON: {error}", file.display()))?;
    let field = |name: &str| json[name].as_str().map(str::to_owned);
    Ok(field("name").zip(field("version")))
}

impl Way for Package {
    fn request(&self) -> &Request {
        &self.request
    }

    fn steps(&self) -> Vec<Step> {
        let (count, dir) = (self.files.len(), self.dir.display());
        vec![Step::new("record", format!("{count} files of {dir}"))]
    }

    fn prepare(&self, _afresh: bool) -> Result<Prepared> {
        Ok(Prepared {
            version: self.version.clone(),
            artifacts: Artifacts::Files(self.files.clone()),
        })
    }
}
