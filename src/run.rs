//! What a run says of its engines, so that somebody can tell later what differed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Record};
use crate::compare::{EntryChange, compare_engines};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::identity::EngineIdentity;
use crate::schema::ObjectError;
use crate::snapshot::Snapshot;

/// The engines of a run: the value of `engine_catalog` in its `run_config.json`.
///
/// ```
/// use engine_catalog::{Catalog, EngineEntry, Filter, Members, RunEngines, Stamp};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let catalog = Catalog::create(dir.path().join("engines"))?;
/// # catalog.put(&EngineEntry::new("llamacpp", "b4321", 0), &Stamp::now("provisioner")?)?;
/// // Before the run. A name says which entries they were.
/// let members = Members::Current(Filter::default());
/// let object = catalog.create_snapshot(&members, Some(&"run-42".parse()?))?;
/// let snapshot = catalog.snapshot(&object)?.expect("it was made");
/// let engines = catalog.run_engines(&snapshot)?;
///
/// let mut run_config = serde_json::json!({ "seed": 42, "temperature": 0.0 });
/// run_config[RunEngines::KEY] = serde_json::to_value(&engines)?;
///
/// // Later, of two runs.
/// let again: RunEngines = serde_json::from_value(run_config[RunEngines::KEY].clone())?;
/// assert!(catalog.compare_runs(&engines, &again)?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEngines {
    /// The snapshot of all of them: equal for two runs exactly if all engines are.
    pub snapshot: ObjectId,
    /// Each of them, sorted by engine and version.
    pub engines: Vec<EngineIdentity>,
}

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Its engines are not those of its snapshot: it was edited, or put together of two.
    #[error("the engines are not those of snapshot {expected}: theirs is {found}")]
    Mismatch {
        /// The snapshot that it names.
        expected: ObjectId,
        /// The snapshot of the engines that it names.
        found: ObjectId,
    },
    /// What one of them says of an engine is not what the entry says: it was edited, or put together of
    /// two.
    #[error("what is said of engine {object} is not what its entry says")]
    Identity {
        /// The entry.
        object: ObjectId,
    },
    /// It has more engines than a snapshot can.
    #[error(transparent)]
    Snapshot(#[from] ObjectError),
    /// The entry of an engine is not in this catalog, or cannot be read.
    #[error(transparent)]
    Catalog(#[from] Error),
}

impl RunEngines {
    /// The key under which a run has it in its configuration.
    pub const KEY: &str = "engine_catalog";

    /// Checks that the engines are those of the snapshot.
    ///
    /// # Errors
    ///
    /// [`RunError::Mismatch`] and [`RunError::Snapshot`].
    pub fn validate(&self) -> Result<(), RunError> {
        let objects = self.engines.iter().map(|identity| identity.object);
        let objects = objects.collect();
        let (expected, found) = (self.snapshot, Snapshot { objects }.id()?);
        if expected == found {
            Ok(())
        } else {
            Err(RunError::Mismatch { expected, found })
        }
    }

    /// Returns each engine once.
    fn by_object(&self) -> BTreeMap<&ObjectId, &EngineIdentity> {
        let engines = self.engines.iter();
        engines
            .map(|identity| (&identity.object, identity))
            .collect()
    }
}

impl Catalog {
    /// Returns what a run says of its engines, which are the entries of a snapshot.
    ///
    /// # Errors
    ///
    /// Those of [`members`](Self::members).
    pub fn run_engines(&self, snapshot: &Snapshot) -> Result<RunEngines, Error> {
        let members = self.members(snapshot)?;
        Ok(RunEngines {
            snapshot: snapshot.id().map_err(Error::SnapshotObject)?,
            engines: members.iter().map(Record::identity).collect(),
        })
    }

    /// Returns what differs between the engines of two runs, as [`compare_engines`] does; nothing where
    /// they are the same, also if they are not in this catalog.
    ///
    /// # Errors
    ///
    /// Those of [`RunEngines::validate`], [`RunError::Identity`], and [`RunError::Catalog`]:
    /// [`Error::NoSuchEntry`] where an entry is not in this catalog, and [`Error::Object`].
    pub fn compare_runs(
        &self,
        from: &RunEngines,
        to: &RunEngines,
    ) -> Result<Vec<EntryChange>, RunError> {
        for run in [from, to] {
            run.validate()?;
        }
        if from.snapshot == to.snapshot {
            // Nothing needs to be in this catalog; what both say of the same must be the same.
            let said = from.by_object();
            let other = to
                .engines
                .iter()
                .find(|it| said.get(&it.object) != Some(it));
            return match other.map(|it| it.object) {
                Some(object) => Err(RunError::Identity { object }),
                None => Ok(Vec::new()),
            };
        }
        Ok(compare_engines(
            &self.engines_of(from)?,
            &self.engines_of(to)?,
        ))
    }

    fn engines_of(&self, run: &RunEngines) -> Result<Vec<Record>, RunError> {
        let read = run.by_object().into_iter().map(|(&object, identity)| {
            let entry = self.entry(&object)?;
            let entry = entry.ok_or(Error::NoSuchEntry { object })?;
            let record = Record { object, entry };
            if record.identity() != *identity {
                return Err(RunError::Identity { object });
            }
            Ok(record)
        });
        read.collect()
    }
}
