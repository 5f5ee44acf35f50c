//! Keys that sign objects of a catalog.

use std::fs;

use engine_catalog::{
    AllowedSigners, Catalog, CivilTime, ObjectId, PrivateKey, RequiredSignatures,
};

use crate::keygen::{Keygen, Kind};

/// Keys by name, and the lines of `allowed_signers` for some of them.
pub(crate) struct Keys {
    pub(crate) keygen: Keygen,
    lines: String,
}

/// The time at which signatures are judged, in milliseconds: in November 2023.
pub(crate) const AT_MS: i64 = 1_700_000_000_000;

impl Keys {
    /// Keys with these names, each of which is accepted; `None` where there is no `ssh-keygen`.
    pub(crate) fn of(names: &[(&str, Kind)]) -> Option<Self> {
        let mut keys = Self {
            keygen: Keygen::new()?,
            lines: String::new(),
        };
        for (name, kind) in names {
            keys.keygen.key(name, *kind, "");
            keys.accept(name, "");
        }
        Some(keys)
    }

    /// Adds a line for a key, with options.
    pub(crate) fn accept(&mut self, name: &str, options: &str) {
        let key = self.keygen.public(name);
        self.lines += &format!("{name}@example.org {options} {key}\n");
    }

    pub(crate) fn lines(&self) -> &str {
        &self.lines
    }

    pub(crate) fn signers(&self) -> AllowedSigners {
        AllowedSigners::parse(self.lines.as_bytes(), CivilTime::in_utc).unwrap()
    }

    /// Has a key sign an object, and attaches that.
    pub(crate) fn sign(&self, name: &str, catalog: &Catalog, object: &ObjectId) -> ObjectId {
        let file = fs::read(self.keygen.at(name)).unwrap();
        let bytes = catalog.signed_bytes(object).unwrap().unwrap();
        let signature = PrivateKey::parse(&file).unwrap().sign(&bytes).unwrap();
        catalog
            .attach_signature(object, signature.as_bytes())
            .unwrap()
    }
}

/// So many keys are required.
pub(crate) fn required(threshold: usize, signers: &AllowedSigners) -> RequiredSignatures<'_> {
    RequiredSignatures {
        threshold,
        signers,
        at_ms: AT_MS,
    }
}
