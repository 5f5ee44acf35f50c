//! Durable, auditable, content-addressed records of prepared LLM inference engines.
//!
//! A provisioner that has spent twenty minutes compiling `llama-server` records the result; pool
//! managers, orchestrators, determinism suites and proof bundles look it up for months. Each record
//! is an [`EngineEntry`], stored as canonical CBOR in an immutable object named by its BLAKE3 hash.
//! A small ref file for each engine and version, swapped atomically, points at the current one. The
//! format is specified in `layout.md`.
//!
//! When a write returns, it survives a power cut; every byte that is read is checked; looking
//! things up takes no lock. The README lists all that a catalog guarantees, and its limits.
//!
//! # Recording and looking up
//!
//! ```
//! use engine_catalog::{Artifacts, Catalog, PreparedEngine, Stamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let root = dir.path().join("engines");
//! # let server = dir.path().join("llama-server");
//! # std::fs::write(&server, "\x7fELF")?;
//! let catalog = Catalog::create(&root)?;
//! let stamp = Stamp::now("engine-provisioner")?;
//!
//! let prepared = PreparedEngine {
//!     build_ref: Some("b4321".into()),
//!     build_flags: Some(vec!["-DGGML_CUDA=ON".into()]),
//!     ..PreparedEngine::new("llamacpp", "b4321", Artifacts::Files(vec![server]), stamp.at_ms)
//! };
//! let recorded = catalog.record(&prepared, &stamp)?;
//!
//! // Recording the same build again changes nothing, whenever that is.
//! let again = PreparedEngine { created_ms: stamp.at_ms + 1, ..prepared };
//! assert!(catalog.record(&again, &stamp)?.put.is_unchanged());
//!
//! // What pool-managerd reports and orchestratord logs.
//! let identity = catalog.find("llamacpp/b4321")?.expect("it is current").identity();
//! assert_eq!(identity, recorded.identity());
//! assert_eq!(identity.object, recorded.put.object);
//! assert_eq!(identity.engine_catalog_id, recorded.entry.id);
//! # Ok(())
//! # }
//! ```
//!
//! # Comparing, carrying, looking after
//!
//! [`Catalog::create_snapshot`] makes a set of entries an object, which has the same id wherever the
//! same entries are; [`compare`] tells two sets apart, and [`Catalog::compare_runs`] the engines of two
//! runs. `Catalog::capture` makes a proof bundle of one, a catalog of its own, and [`Catalog::import`]
//! brings in a bundle or another catalog, where [`Catalog::import_with`] settles what each side has
//! changed, and [`Catalog::compare_with`] shows both side by side; `Catalog::import_index` brings in an
//! index in JSON.
//!
//! [`Catalog::store_files`] keeps the files of an engine too, and [`Catalog::materialize`] writes them to a
//! directory, here or where they were imported with their contents ([`Catalog::import_with`]).
//!
//! [`Catalog::attach`] stores documents about an object. SBOMs and in-toto statements are recognised and read
//! (`Document`), and compared with the entry that they are attached to (`Catalog::documents`). Signatures are
//! judged by `Catalog::signatures`, and `Catalog::set_policy` lets refs hold only what is signed.
//!
//! [`Catalog::collect_garbage`] removes what nothing keeps, and retires what [`Retention`] lets go;
//! [`Catalog::plan_gc`] says before what and why.
//!
//! [`Catalog::check`] compares the files of an engine with what was recorded, [`Catalog::verify`] the
//! catalog with itself, and [`Catalog::repair`] restores what can be restored; [`Catalog::why`] tells
//! what keeps an object, and [`Catalog::diagnose`] whether the root is a good place.
//!
//! Whoever keeps what it has read asks [`Catalog::has_changed_since`] before each use, which reads no ref;
//! or waits for changes by [`Catalog::watch`].
//!
//! Writers wait for each other, as long as [`LockWait`] says. A program that is to end by a signal, and
//! to leave nothing half done, reaches a [`Standstill`] first.
//!
//! # Guides
//!
//! `guide` has a page for each neighbour: provisioners, pool managers, orchestrators, determinism suites,
//! operators who share engines between nodes or make room, whoever decides what may run, and whoever comes from another catalog.
//!
//! # For users of catalog-core
//!
//! | catalog-core | here |
//! |---|---|
//! | `get(id)` | [`Catalog::get`]; also finds entries that are no longer current |
//! | `put(entry)` | [`Catalog::put`], [`Catalog::put_if`], [`Catalog::put_all`]; [`Catalog::record`] for provisioners |
//! | `list()` | [`Catalog::list`] |
//! | `delete(id)` | [`Catalog::delete`]; content and history stay |
//! | `set_state(id, Retired)` | [`Catalog::delete`], or [`Catalog::retire`] by engine and version |
//! | `set_state(id, Active)` | [`Catalog::rollback`], of the [`Record::name`] that [`Catalog::get`] gives |
//! | `exists(id)`, `locate(..)` | [`Catalog::exists`], [`Catalog::locate`]; they write nothing |
//! | `index.json` | `EngineIndex::parse` and `Catalog::import_index` bring it in, with what is retired; `engine-catalog export` writes NDJSON |
//! | index written by temporary, rename and fsync | each object and each ref, see `layout.md` section 7 |
//! | schema version, refused when unknown | [`Error::Format`], [`ObjectError::UnknownSchema`] |
//! | digest checks: pass, warn, fail | [`Catalog::record`] checks and refuses a mismatch; an unknown algorithm is kept as given |
//!
//! # Features
//!
//! Without default features the library depends on five crates, which the README names.
//! `json` adds what neighbours keep in JSON files: the index of other catalogs (`Catalog::import_index`),
//! handoffs (`EngineIdentity::merge_into`), SBOMs and provenance (`Document`, `Catalog::documents`). `bundle`
//! adds proof bundles (`Catalog::capture`), which contain JSON; `signatures` signs objects and checks
//! signatures in OpenSSH's format (`Catalog::attach_signature`, `Catalog::signatures`); `retention` reads what is to
//! be kept of which engines (`Catalog::retention`); `sha2` adds the check of `sha256:` and `sha512:` digests,
//! `parallel` hashing on all cores, and `cli` (the default) all of them and the `engine-catalog` program.
//!
//! `tracing` emits events with target `engine_catalog`. A change of a ref is one of level INFO, whose
//! message is the [`Op`], with `engine`, `engine_version`, `object`, `previous` and `actor`; it comes when
//! the change survives a power cut. `refused` (WARN) and `failed` (ERROR) tell what a call that was to
//! write did not do: `call`, `error`. `repair` (WARN) tells of each finding of [`Catalog::repair`]: `slug`,
//! `path`, `action`, `remains`. `EngineIdentity::span` gives the fields of an engine to the events of a
//! program.

// Not in Cargo.toml, where it would hold for the tests too.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

#[cfg(feature = "signatures")]
mod allowed_signers;
mod artifact;
mod as_text;
mod attachment;
mod attachment_codec;
mod attachments;
mod blobs;
#[cfg(feature = "bundle")]
mod capture;
mod catalog;
mod cbor;
mod change;
mod compare;
mod diff;
mod digest;
mod doctor;
mod drift;
mod durable;
mod duration;
mod entry;
mod entry_codec;
#[cfg(feature = "json")]
mod entry_json;
mod error;
mod events;
mod filter;
mod forward;
mod gc;
mod generation;
#[cfg(all(any(doc, doctest), feature = "cli"))]
pub mod guide;
mod hash;
mod hashed;
mod history;
mod identity;
mod import;
#[cfg(feature = "json")]
mod index_json;
mod layout;
mod lineage;
mod manifest;
mod manifest_codec;
mod marker;
mod materialize;
mod name;
mod object;
mod objects;
mod peers;
#[cfg(feature = "signatures")]
mod policy;
mod prefer;
mod quarantine;
mod reach;
mod record;
mod ref_time;
mod refs;
mod removed;
mod repair;
mod retention;
mod run;
#[cfg(feature = "json")]
mod sbom;
#[cfg(feature = "json")]
mod sboms;
mod schema;
mod secrets;
mod snapshot;
mod snapshots;
#[cfg(feature = "signatures")]
mod sshsig;
mod staging;
mod store_files;
mod verify;
mod watch;

#[cfg(feature = "signatures")]
pub use allowed_signers::{
    AllowedSigners, AllowedSignersError, CivilTime, SignerLineError, SignerStanding,
};
pub use artifact::{ArtifactError, Progress};
pub use attachment::{Attachment, AttachmentError, MediaType, MediaTypeError};
pub use blobs::{BlobContent, BlobError};
#[cfg(feature = "bundle")]
pub use capture::Bundle;
#[cfg(feature = "signatures")]
pub use catalog::{
    AttachSignatureError, Endorsement, Endorsements, JudgedSignature, SignatureVerdict,
};
pub use catalog::{Attached, Catalog, List, Members, NamedSnapshot, Put, Record, State};
pub use cbor::CborError;
pub use change::{Change, MalformedLine, Op, Stamp};
pub use compare::{EntryChange, compare, compare_engines};
pub use diff::{Difference, FieldDiff, FileChange, FlagChange, diff, diff_files};
pub use digest::{Algorithm, DigestError};
pub use doctor::{Count, Counts, Diagnosis, FileSystem, Health, HealthCheck, NamedFeature};
pub use drift::{Check, Drift, DriftKind, Incomparable};
pub use durable::{Cause, FileKind, LockWait, PathError, Standstill};
pub use duration::{DurationError, parse_duration};
pub use entry::{EngineEntry, EntryError};
pub use entry_codec::{decode_entry, encode_entry};
#[cfg(feature = "json")]
pub use entry_json::EntryJsonError;
pub use error::{Error, ErrorKind, UnderError};
pub use filter::{Filter, Pattern};
pub use gc::{
    ArtifactFile, ArtifactLeft, ArtifactOptions, ArtifactRoom, Collected, EvictionOrder, Garbage,
    GcOptions, GcPlan, LeftReason, Leftover, LongHistory,
};
pub use generation::Generation;
pub use hash::{HashError, ObjectId, Prefix};
pub use history::HistoryError;
pub use identity::EngineIdentity;
pub use import::{
    Blobs, ComparedRef, Comparison, ImportOptions, ImportOutcome, ImportProblem, ImportSide,
    Imported, ImportedRef, Standing,
};
#[cfg(feature = "json")]
pub use index_json::{EngineIndex, IndexEntry, IndexEntryError, IndexError, RefusedEntry};
pub use manifest::{Manifest, ManifestError, ManifestFile};
pub use marker::{FORMAT_VERSION, Feature, FeatureClass, MarkerError};
pub use materialize::{MaterializeOptions, Materialized, Placing, SpecialBits};
pub use name::{Name, NameError, RefName, RefNameError};
pub use object::Object;
pub use objects::ReadObjectError;
#[cfg(feature = "signatures")]
pub use policy::{Policy, PolicyError, PolicyLineError, PolicyRule, RequiredSignatures};
pub use prefer::{Choice, Prefer, UnknownChoice};
pub use reach::{Above, Keep, Kept, Mention, Reason, Stored, Unknown, Why};
pub use record::{Artifacts, PreparedEngine, Recorded};
pub use refs::{Expect, RefError};
pub use removed::{Removal, RemovedKind};
pub use repair::{Action, Lost, Needed, RepairPlan, RepairReport, Repaired};
pub use retention::{Decision, GoesBy, KeptBy, Retention, RetentionRule};
#[cfg(feature = "retention")]
pub use retention::{RetentionError, RetentionRuleError, RetentionValueError};
pub use run::{RunEngines, RunError};
#[cfg(feature = "json")]
pub use sbom::{
    Component, ComponentKind, Contradiction, Document, DocumentError, DocumentFormat, DocumentHash,
    Linkage, Untold, Verdict, predicate_name,
};
#[cfg(feature = "json")]
pub use sboms::AttachedDocument;
pub use schema::{ObjectError, Schema};
pub use secrets::{SecretKind, find_secret};
pub use snapshot::Snapshot;
pub use snapshots::SnapshotError;
#[cfg(feature = "signatures")]
pub use sshsig::{
    DistinctKeys, KeyError, PrivateKey, PrivateKeyError, PublicKey, SignatureError, SshSignature,
};
pub use staging::{Staging, Wanted};
pub use store_files::{StoredFile, StoredFiles};
pub use verify::{Finding, Parts, Report, Scrub, Severity, Slug, VerifyProgress, VerifyScope};
pub use watch::{Wake, Watch};

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
