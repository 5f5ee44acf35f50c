//! Whether the place that a catalog lies in is as the format assumes (layout.md section 9), and what it
//! holds: one report.
//!
//! A check never fails the report: what could not be found out is [`Health::Unknown`], with the reason.
//! What lies in the catalog is counted, not read; that is the business of a check of every byte.

mod abilities;
mod place;
#[cfg(feature = "signatures")]
mod policy;
#[cfg(feature = "retention")]
mod retention;
mod tree;

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};

pub use tree::{Count, Counts};

use crate::catalog::Catalog;
use crate::durable::{FileSystemStat, MountMode};
use crate::error::Error;
use crate::marker::{FORMAT_VERSION, Feature, FeatureClass};

/// What is known of the place that a catalog lies in, and of its size.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The path under which the catalog was opened.
    #[serde(serialize_with = "shown")]
    pub root: std::path::PathBuf,
    /// The version of its format.
    pub format: u32,
    /// The features that its format marker names, sorted.
    pub features: Vec<NamedFeature>,
    /// The file system that it lies on; `None` where that does not tell.
    pub file_system: Option<FileSystem>,
    /// How much of what it holds.
    pub counts: Counts,
    /// What was checked, always the same in the same order.
    pub checks: Vec<HealthCheck>,
}

impl Diagnosis {
    /// Returns the worst of what was found. What could not be found out is not bad.
    #[must_use]
    pub fn status(&self) -> Health {
        let statuses = self.checks.iter().map(|check| check.status);
        statuses.max().unwrap_or(Health::Ok)
    }
}

/// A feature of the format marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NamedFeature {
    /// What it means for a program that does not know it.
    pub class: FeatureClass,
    /// Its name.
    pub name: String,
    /// Whether this version knows it.
    pub known: bool,
}

/// The file system of a root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileSystem {
    /// Its type; `ext4` stands for ext2 and ext3 too. `None` for one whose name is not known.
    pub name: Option<&'static str>,
    /// The number of its type, as `statfs` gives it.
    pub magic: u64,
    /// Whether it is mounted to be read only.
    pub read_only: bool,
    /// The bytes that this user may still write.
    pub free_bytes: u64,
    /// The files that this user may still make; `None` where there is no limit of them.
    pub free_inodes: Option<u64>,
}

impl FileSystem {
    fn new(stat: &FileSystemStat) -> Self {
        Self {
            name: place::name_of(stat.magic),
            magic: stat.magic,
            read_only: stat.mount == MountMode::ReadOnly,
            free_bytes: stat.free_bytes,
            free_inodes: stat.free_inodes,
        }
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthCheck {
    /// What: a word that does not change.
    pub name: &'static str,
    /// How it is.
    pub status: Health,
    /// What was found.
    pub detail: String,
    /// What to do about it, where there is something to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

/// How something is that was checked, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Health {
    /// As it has to be.
    Ok,
    /// It could not be found out.
    Unknown,
    /// A catalog works with it, and something is lacking or should be looked at.
    Warning,
    /// A promise of the catalog does not hold.
    Failed,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Failed => "failed",
        })
    }
}

impl HealthCheck {
    fn new(name: &'static str, status: Health, detail: impl Into<String>) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            advice: None,
        }
    }

    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Health::Ok, detail)
    }

    fn unknown(name: &'static str, why: impl fmt::Display) -> Self {
        Self::new(name, Health::Unknown, why.to_string())
    }

    fn warning(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Health::Warning, detail)
    }

    fn failed(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Health::Failed, detail)
    }

    fn advise(self, advice: &'static str) -> Self {
        let advice = Some(advice);
        Self { advice, ..self }
    }
}

impl Catalog {
    /// Returns a report on the place that the catalog lies in, and on its size. `now_ms` is the time, in
    /// milliseconds since the Unix epoch.
    ///
    /// What the file system can do is tried out with files in `tmp/`, which are removed again, where
    /// this handle and this user may write; otherwise it is unknown, and nothing is written.
    ///
    /// # Locking
    ///
    /// Takes no lock of the catalog, so that a program that hangs with one does not stop it.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), where the format marker is not what it was when the catalog was
    /// opened.
    pub fn diagnose(&self, now_ms: i64) -> Result<Diagnosis, Error> {
        let features = self.features()?;
        let file_system = self.root.file_system();
        // Before anything is tried out, which makes files of its own.
        let (counts, damage) = tree::count(&self.root);
        let mut checks = vec![check_features(&features)];
        #[cfg(feature = "signatures")]
        checks.push(policy::check(self, &features, now_ms));
        #[cfg(feature = "retention")]
        checks.push(retention::check(self));
        checks.extend(place::check(self, file_system.as_ref(), now_ms));
        let mount = file_system
            .as_ref()
            .map_or(MountMode::ReadWrite, |stat| stat.mount);
        checks.extend(tree::check(&self.root, &counts, &damage, mount, now_ms));
        checks.extend(abilities::check(self));
        let features = features.into_iter().map(|feature| NamedFeature {
            known: feature.is_known(),
            class: feature.class,
            name: feature.name,
        });
        Ok(Diagnosis {
            root: self.root.path().to_owned(),
            format: FORMAT_VERSION,
            features: features.collect(),
            file_system: file_system.ok().as_ref().map(FileSystem::new),
            counts,
            checks,
        })
    }
}

fn check_features(features: &[Feature]) -> HealthCheck {
    let name = "format";
    let shown = |feature: &Feature| {
        let known = if feature.is_known() { "" } else { ", unknown" };
        format!("{} {}{known}", feature.class.as_str(), feature.name)
    };
    let shown: Vec<_> = features.iter().map(shown).collect();
    let detail = match &shown[..] {
        [] => format!("format {FORMAT_VERSION}, no features"),
        shown => format!("format {FORMAT_VERSION}; {}", shown.join("; ")),
    };
    let keeps_from_writing =
        |feature: &Feature| feature.class != FeatureClass::Compat && !feature.is_known();
    if features.iter().any(keeps_from_writing) {
        return HealthCheck::warning(name, detail)
            .advise("this program can only read the catalog: use the newer version that made it");
    }
    HealthCheck::ok(name, detail)
}

/// Serializes a path as it is shown: JSON has no bytes.
fn shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Returns a number of bytes as a person reads it.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let unit = (count.ilog2() / 10) as usize;
    let tenths = (u128::from(count) * 10) >> (10 * unit);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit - 1])
}

/// Returns a number of things as a person reads it.
fn plural(count: u64, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_the_unit_that_fits() {
        for (count, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1 << 20, "1.0 MiB"),
            (5_905_580_032, "5.5 GiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(bytes(count), shown);
        }
    }
}
