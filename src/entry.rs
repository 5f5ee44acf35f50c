//! The record itself: what an [`EngineEntry`] says about a prepared engine, and when it is valid.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::digest::{DigestError, check_digest};
use crate::hash::ObjectId;
use crate::identity::EngineIdentity;
use crate::name::{RefName, RefNameError, is_control};
use crate::secrets::{SecretKind, find_secret};

/// What is known of one prepared engine: a binary with its libraries, or an image.
///
/// The eight fields of the engine-catalog specification, and their names in JSON. An optional
/// field that is absent is `null` or left out in JSON, and an absent key in the stored object
/// (layout.md section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineEntry {
    /// Stable id, by convention `engine:version` or `engine:version@digest`.
    pub id: String,
    /// The engine: `llamacpp`, `vllm`, `tgi`, `triton`.
    pub engine: String,
    /// Semantic or upstream version.
    pub version: String,
    /// Git ref or commit, or image tag, that the engine was made from.
    #[serde(default)]
    pub build_ref: Option<String>,
    /// Digest of the binary or image, `algorithm:hex`.
    #[serde(default)]
    pub digest: Option<String>,
    /// CMake and command line flags that influence run-time determinism, in the caller's order.
    #[serde(default)]
    pub build_flags: Option<Vec<String>>,
    /// Absolute paths of the binary and its libraries, the binary first; or an image reference.
    pub artifacts: Vec<PathBuf>,
    /// When the engine was prepared: milliseconds since the Unix epoch.
    pub created_ms: i64,
}

impl EngineEntry {
    /// Returns an entry with id `engine:version` and nothing optional.
    ///
    /// ```
    /// use engine_catalog::EngineEntry;
    ///
    /// let entry = EngineEntry {
    ///     build_ref: Some("b4321".into()),
    ///     artifacts: vec!["/opt/llamacpp/b4321/llama-server".into()],
    ///     ..EngineEntry::new("llamacpp", "b4321", 1_758_240_000_000)
    /// };
    /// assert_eq!(entry.id, "llamacpp:b4321");
    /// ```
    #[must_use]
    pub fn new(engine: &str, version: &str, created_ms: i64) -> Self {
        Self {
            id: format!("{engine}:{version}"),
            engine: engine.to_owned(),
            version: version.to_owned(),
            build_ref: None,
            digest: None,
            build_flags: None,
            artifacts: Vec::new(),
            created_ms,
        }
    }

    /// Returns the name of the ref under which this entry is current.
    ///
    /// # Errors
    ///
    /// [`RefNameError`] where engine or version is no name.
    pub fn ref_name(&self) -> Result<RefName, RefNameError> {
        RefName::new(&self.engine, &self.version)
    }

    /// Checks that this entry can be an object: names, id, digest and paths are well-formed.
    ///
    /// Every stored entry has passed this check, when it was written and when it was read.
    ///
    /// # Errors
    ///
    /// [`EntryError`] names the field and what is wrong with it.
    pub fn validate(&self) -> Result<(), EntryError> {
        self.ref_name()?;
        for (field, text) in self.one_line_fields() {
            if text.is_empty() {
                return Err(EntryError::Empty { field });
            }
            if let Some(found) = text.chars().find(|c| is_control(*c)) {
                return Err(EntryError::Control { field, found });
            }
        }
        if let Some(digest) = &self.digest {
            check_digest(digest).map_err(|cause| EntryError::Digest {
                digest: digest.clone(),
                cause,
            })?;
        }
        for artifact in &self.artifacts {
            let bytes = artifact.as_os_str().as_encoded_bytes();
            if artifact.to_str().is_none() {
                return Err(EntryError::NotUtf8 {
                    path: artifact.clone(),
                });
            }
            if bytes.is_empty() || bytes.contains(&0) {
                return Err(EntryError::ArtifactPath {
                    path: artifact.clone(),
                });
            }
        }
        Ok(())
    }

    /// Checks that no field shows what looks like a credential.
    ///
    /// # Errors
    ///
    /// [`EntryError::Secret`] names the field and the shape, never the text.
    pub fn refuse_secrets(&self) -> Result<(), EntryError> {
        let flags = self.build_flags.iter().flatten().map(String::as_str);
        let artifacts = self.artifacts.iter().filter_map(|path| path.to_str());
        let fields = [("engine", self.engine.as_str()), ("version", &self.version)]
            .into_iter()
            .chain(self.one_line_fields())
            .map(|(field, text)| (field, None, text))
            .chain(
                (0..)
                    .zip(flags)
                    .map(|(at, text)| ("build_flags", Some(at), text)),
            )
            .chain(
                (0..)
                    .zip(artifacts)
                    .map(|(at, text)| ("artifacts", Some(at), text)),
            );
        for (field, at, text) in fields {
            if let Some(kind) = find_secret(text) {
                let field =
                    at.map_or_else(|| field.to_owned(), |at: usize| format!("{field}[{at}]"));
                return Err(EntryError::Secret { field, kind });
            }
        }
        // An option and its value may be two flags.
        let flags = self.build_flags.as_deref().unwrap_or_default();
        for (at, pair) in (1..).zip(flags.windows(2)) {
            if let (true, Some(kind)) = (pair[0].starts_with("--"), find_secret(&pair.join(" "))) {
                let field = format!("build_flags[{at}]");
                return Err(EntryError::Secret { field, kind });
            }
        }
        Ok(())
    }

    /// Returns whether `other` records the same build: equal in everything but `created_ms`.
    #[must_use]
    pub fn is_same_build(&self, other: &Self) -> bool {
        let other = Self {
            created_ms: self.created_ms,
            ..other.clone()
        };
        // Paths are equal that are spelled differently, and stored differently.
        let spelled = |entry: &Self| -> Vec<_> {
            let paths = entry.artifacts.iter();
            paths.map(|path| path.as_os_str().to_owned()).collect()
        };
        *self == other && spelled(self) == spelled(&other)
    }

    /// Returns the identity under which other systems report this engine, stored as `object`.
    #[must_use]
    pub fn identity(&self, object: ObjectId) -> EngineIdentity {
        EngineIdentity {
            engine: self.engine.clone(),
            engine_version: self.version.clone(),
            engine_digest: self.digest.clone(),
            engine_catalog_id: self.id.clone(),
            object,
        }
    }

    /// The single-valued texts that are no names: they go into logs and listings as they are.
    fn one_line_fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("id", Some(&self.id)),
            ("build_ref", self.build_ref.as_ref()),
            ("digest", self.digest.as_ref()),
        ]
        .into_iter()
        .filter_map(|(field, text)| Some((field, text?.as_str())))
    }
}

/// Why an entry cannot be stored, or what was found stored is no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Engine or version is no name.
    #[error(transparent)]
    Name(#[from] RefNameError),
    /// A field that says nothing; an optional field is left out instead.
    #[error("{field} is empty")]
    Empty {
        /// Name of the field.
        field: &'static str,
    },
    /// A control character in a field that goes into logs and listings.
    #[error("{field} contains the control character {found:?}")]
    Control {
        /// Name of the field.
        field: &'static str,
        /// The character.
        found: char,
    },
    /// The digest is malformed.
    #[error("digest {digest:?} is malformed: {cause}")]
    Digest {
        /// What was given.
        digest: String,
        /// What is wrong with it.
        cause: DigestError,
    },
    /// An artifact path that is not UTF-8, which records cannot hold.
    #[error("artifact path {path:?} is not UTF-8")]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// An artifact path that is empty or contains NUL.
    #[error("artifact path {path:?} is empty or contains NUL")]
    ArtifactPath {
        /// The path.
        path: PathBuf,
    },
    /// A field shows what looks like a credential. Its text is not repeated here.
    #[error(
        "{field} looks like it contains {kind}; records are immutable and shared, so it is not stored"
    )]
    Secret {
        /// Name of the field, with the position in a list: `build_flags[2]`.
        field: String,
        /// What it looks like.
        kind: SecretKind,
    },
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn entry() -> EngineEntry {
        EngineEntry::new("llamacpp", "b4321", 1)
    }

    #[test]
    fn malformed_fields_are_named() {
        let control = EngineEntry {
            id: "a\u{1b}[2J".into(),
            ..entry()
        };
        assert_eq!(
            control.validate(),
            Err(EntryError::Control {
                field: "id",
                found: '\u{1b}'
            })
        );
        let empty = EngineEntry {
            build_ref: Some(String::new()),
            ..entry()
        };
        assert_eq!(
            empty.validate(),
            Err(EntryError::Empty { field: "build_ref" })
        );
        let nameless = EngineEntry {
            engine: String::new(),
            ..entry()
        };
        assert!(matches!(
            nameless.validate(),
            Err(EntryError::Name(RefNameError::Engine { .. }))
        ));
        let digest = EngineEntry {
            digest: Some("sha256:zz".into()),
            ..entry()
        };
        assert!(matches!(digest.validate(), Err(EntryError::Digest { .. })));
        for (bytes, is_utf8) in [(&b"/opt/\xff"[..], false), (b"", true), (b"/a\0b", true)] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            let artifact = EngineEntry {
                artifacts: vec![path.clone()],
                ..entry()
            };
            let expected = if is_utf8 {
                EntryError::ArtifactPath { path }
            } else {
                EntryError::NotUtf8 { path }
            };
            assert_eq!(artifact.validate(), Err(expected));
        }
    }

    #[test]
    fn secrets_are_refused_in_every_field_and_never_repeated() {
        let secret = "https://me:hunter2@host.example/x";
        let with = |change: fn(&mut EngineEntry, String)| {
            let mut entry = entry();
            change(&mut entry, secret.to_owned());
            entry
        };
        for (entry, field) in [
            (with(|e, s| e.id = s), "id"),
            (with(|e, s| e.engine = s), "engine"),
            (with(|e, s| e.version = s), "version"),
            (with(|e, s| e.build_ref = Some(s)), "build_ref"),
            (with(|e, s| e.digest = Some(s)), "digest"),
            (
                with(|e, s| e.build_flags = Some(vec!["-O3".into(), s])),
                "build_flags[1]",
            ),
            (with(|e, s| e.artifacts = vec![s.into()]), "artifacts[0]"),
        ] {
            let error = entry.refuse_secrets().unwrap_err();
            assert_eq!(
                error,
                EntryError::Secret {
                    field: field.into(),
                    kind: SecretKind::UrlPassword
                }
            );
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let flags = ["-O3", "--hf-token", "abcdefgh"]
            .map(str::to_owned)
            .to_vec();
        let in_two = EngineEntry {
            build_flags: Some(flags),
            ..entry()
        };
        let found = in_two.refuse_secrets().unwrap_err().to_string();
        assert!(found.starts_with("build_flags[2]") && !found.contains("abcdefgh"));
        assert_eq!(entry().refuse_secrets(), Ok(()));
    }

    #[test]
    fn same_build_differs_in_time_only() {
        let later = EngineEntry {
            created_ms: 2,
            ..entry()
        };
        assert!(entry().is_same_build(&later));
        let with = |path: &str| EngineEntry {
            artifacts: vec![path.into()],
            ..entry()
        };
        assert!(!with("/opt/x").is_same_build(&with("/opt//x")));
        let other = EngineEntry {
            build_flags: Some(vec![]),
            ..entry()
        };
        assert!(!entry().is_same_build(&other));
    }
}
