//! Sees to it that an engine is there and recorded, and does no more than that takes.

use engine_catalog::{Catalog, Check, DriftKind, Expect, Record, Stamp, State};

use crate::plan::Way;
use crate::request::Request;
use crate::{Result, say};

/// The name under which the history of the catalog knows this program.
const ACTOR: &str = "engine-provisioner";

/// How a request stands to the catalog.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is current, and its files are as they were recorded.
    Ready(Record),
    /// It was current, and its files still are as they were recorded.
    Earlier(Record),
    /// Its files are not as they were recorded.
    Drifted { record: Record, why: String },
    /// It was never recorded.
    Absent,
}

/// Looks a request up. Nothing is written.
pub(crate) fn consult(catalog: &Catalog, request: &Request) -> Result<Standing> {
    let id = request.id();
    let is_current = catalog.exists(&id)?;
    let Some(record) = catalog.get(&id)? else {
        return Ok(Standing::Absent);
    };
    // Whether they are there is soon known; whether they are sound takes reading them.
    let located = catalog.locate(&id)?.unwrap_or_default();
    let mut files = located.iter().filter(|path| path.is_absolute());
    if let Some(missing) = files.find(|path| !path.exists()) {
        let why = format!("{} is missing", missing.display());
        return Ok(Standing::Drifted { record, why });
    }
    Ok(match catalog.check(&record)? {
        Check::Drift(drift) => {
            let why = drift.first().map_or_else(String::new, |drift| {
                let how = match &drift.how {
                    DriftKind::Missing => "is missing",
                    DriftKind::Mode { .. } => "has another mode than was recorded",
                    DriftKind::Unreadable { .. } => "cannot be read",
                    _ => "is not what was recorded",
                };
                format!("{} {how}", drift.path.display())
            });
            Standing::Drifted { record, why }
        }
        // Of an image there is nothing on this node to compare.
        _ if is_current => Standing::Ready(record),
        _ => Standing::Earlier(record),
    })
}

/// Sees to it that the engine is there and current, and returns its record. Whatever the catalog would
/// refuse is refused before anything is built; what fails leaves the catalog as it was.
///
/// # Locking
///
/// Waits for others that prepare the same in the same place, and then takes what they have made.
pub(crate) fn ensure(catalog: &Catalog, way: &dyn Way) -> Result<Record> {
    let request = way.request();
    request.refuse_early()?;
    if let Standing::Ready(record) = consult(catalog, request)? {
        say("recorded already, and its files are as they were: nothing to do");
        return Ok(record);
    }
    let _lock = way.lock()?;
    let replaced = match consult(catalog, request)? {
        Standing::Ready(record) => {
            say("somebody else has made it meanwhile");
            return Ok(record);
        }
        Standing::Earlier(record) => {
            restore(catalog, &record)?;
            return Ok(record);
        }
        Standing::Drifted { record, why } => {
            say(&format!("{why}: preparing it anew"));
            Some(record)
        }
        Standing::Absent => None,
    };
    let prepared = way.prepare(replaced.is_some())?;
    let stamp = Stamp::now(ACTOR)?;
    let recorded = catalog.record(&request.prepared(prepared, stamp.at_ms), &stamp)?;
    let record = Record {
        object: recorded.put.object,
        entry: recorded.entry,
    };
    if recorded.put.is_unchanged() {
        say("it came out as it was recorded");
    }
    if let Some(replaced) = replaced.filter(|replaced| replaced.name() != record.name())
        && catalog.state(&replaced)? == State::Current
    {
        // One id is of one current entry.
        say(&format!(
            "it is no longer {}, but {}",
            replaced.name(),
            record.name()
        ));
        catalog.retire(&replaced.name(), Expect::Object(replaced.object), &stamp)?;
    }
    Ok(record)
}

/// Makes an earlier entry current again, whose files are still there.
fn restore(catalog: &Catalog, record: &Record) -> Result<()> {
    say("recorded earlier, and its files are as they were: making it current again");
    catalog.rollback(&record.name(), Some(record.object), &Stamp::now(ACTOR)?)?;
    Ok(())
}
