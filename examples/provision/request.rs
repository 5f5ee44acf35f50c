//! What is asked for, and the id under which a second run finds what the first has made.
//!
//! The version of an engine is often known only when it is built, so the id does not contain it: it is
//! made of everything that decides what comes out. The place of the build is no part of it.

use std::path::PathBuf;

use engine_catalog::{EngineEntry, ObjectId, PreparedEngine, find_secret};

use crate::Result;

/// How an engine is provided.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Source,
    Package,
    Container,
}

impl Mode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Package => "package",
            Self::Container => "container",
        }
    }
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) engine: String,
    pub(crate) mode: Mode,
    /// The version, where it is known before anything is built.
    pub(crate) version: Option<String>,
    /// What it is made from, for the record.
    pub(crate) build_ref: Option<String>,
    /// In their one form.
    pub(crate) flags: Vec<String>,
    /// What else decides what comes out, each with its name.
    pub(crate) terms: Vec<(&'static str, String)>,
}

impl Request {
    /// Returns `engine:mode-` and 32 hexadecimal digits, which are those of another request for another
    /// one, and of this one on every node and for ever.
    pub(crate) fn id(&self) -> String {
        let (engine, mode) = (&self.engine, self.mode.as_str());
        let asked = (engine, mode, &self.version, &self.flags, &self.terms);
        let text = serde_json::to_string(&asked).expect("texts and lists of them are JSON");
        let digest = ObjectId::of(text.as_bytes()).to_string();
        format!("{engine}:{mode}-{}", &digest[..32])
    }

    /// Returns the file name below a build directory that no other request has.
    pub(crate) fn directory(&self) -> String {
        self.id().replace([':', '/'], "-")
    }

    /// Refuses what the catalog would not record, before twenty minutes are spent on it.
    pub(crate) fn refuse_early(&self) -> Result<()> {
        let version = self.version.as_deref().unwrap_or("unknown");
        let draft = EngineEntry {
            id: self.id(),
            build_ref: self.build_ref.clone(),
            build_flags: Some(self.flags.clone()),
            artifacts: vec![PathBuf::from("unknown")],
            ..EngineEntry::new(&self.engine, version, 0)
        };
        draft.refuse_secrets()?;
        draft.validate()?;
        // Not recorded, but shown.
        let mut terms = self.terms.iter();
        terms.try_for_each(|(name, text)| refuse_secret(name, text))
    }

    /// Returns what is to be recorded of what came out.
    pub(crate) fn prepared(&self, prepared: Prepared, created_ms: i64) -> PreparedEngine {
        let Prepared { version, artifacts } = prepared;
        PreparedEngine {
            id: Some(self.id()),
            build_ref: self.build_ref.clone(),
            build_flags: (!self.flags.is_empty()).then(|| self.flags.clone()),
            ..PreparedEngine::new(&self.engine, &version, artifacts, created_ms)
        }
    }
}

/// Refuses a text that looks like it contains a credential, and does not repeat it.
pub(crate) fn refuse_secret(name: &str, text: &str) -> Result<()> {
    match find_secret(text) {
        Some(kind) => Err(format!("{name} looks like it contains {kind}").into()),
        None => Ok(()),
    }
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) version: String,
    pub(crate) artifacts: engine_catalog::Artifacts,
}
