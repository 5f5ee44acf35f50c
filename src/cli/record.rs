//! `engine-catalog record`

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use engine_catalog::{
    Artifacts, Catalog, EngineEntry, ErrorKind, PreparedEngine, Progress, Recorded, Stamp,
};

use super::bar::HashingBar;
use super::blobs::stored;
use super::failure::{Failure, say};
use super::get::find;
use super::key::{Key, KeyArg};
use super::output::JsonChange;
use super::{Context, Status};

/// Record a prepared engine: its files, or its image
///
/// Every file is synced and hashed before the entry names it. The digest of the first is checked
/// where one is given, and filled in where none is; what all files are like is kept for `check`.
/// Prints the object id of the entry.
///
/// Recording the same build again changes nothing and prints the same object id: the same files,
/// and an entry that differs only in `created_ms`, are the same build.
///
/// With --from everything that is not given comes from an entry that there is: so the same engine at
/// another place is recorded.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("place").args(["artifacts", "image", "from"]).required(true).multiple(true)))]
#[command(after_help = "\
Examples:
  engine-catalog record --engine llamacpp --version b4321 --build-ref b4321 \\
      --flag -DGGML_CUDA=ON --artifact build/bin/llama-server build/bin/*.so
  engine-catalog record --engine vllm --version 0.9.2 \\
      --digest sha256:0f0f… --image registry.example/vllm/vllm-openai:v0.9.2
  engine-catalog record --from llamacpp/b4321 --artifact /srv/llamacpp/bin/llama-server")]
pub(super) struct Record {
    /// The engine: llamacpp, vllm, tgi, triton
    #[arg(long, value_name = "ENGINE", required_unless_present = "from")]
    engine: Option<String>,

    /// Semantic or upstream version
    #[arg(long, value_name = "VERSION", required_unless_present = "from")]
    version: Option<String>,

    /// The entry that what is not given comes from: engine/version, id, or first digits of an object id
    #[arg(long, value_name = "SPEC")]
    from: Option<String>,

    /// Stable id [default: ENGINE:VERSION@DIGEST, or ENGINE:VERSION without a digest]
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Git ref or commit, or image tag, that it was made from
    #[arg(long, value_name = "REF")]
    build_ref: Option<String>,

    /// Digest of the first file or of the image, such as sha256:…; blake3, sha256 and sha512 are
    /// checked against the file [default: blake3 of the first file, or the digest that the image
    /// reference ends with]
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,

    /// A build flag that influences determinism; repeat it for several, the order is kept
    #[arg(long = "flag", value_name = "FLAG", allow_hyphen_values = true)]
    flags: Vec<String>,

    /// The files, the binary first
    #[arg(long = "artifact", value_name = "PATH", num_args = 1.., conflicts_with = "image")]
    artifacts: Vec<PathBuf>,

    /// An image reference, for an engine that is an image
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,

    /// When it was prepared, in milliseconds since the Unix epoch [default: SOURCE_DATE_EPOCH, else
    /// now]
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    created_ms: Option<i64>,

    /// Keep the files in the catalog too, as `blobs add` does
    #[arg(long, conflicts_with = "image")]
    store: bool,

    #[command(flatten)]
    key: KeyArg,
}

impl Record {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let (catalog, stamp) = context.write()?;
        let from = self.from.as_ref().map(|spec| find(&catalog, spec));
        let from = from.transpose()?.map(|record| record.entry);
        let created_ms = match (self.created_ms, &from) {
            (Some(ms), _) => ms,
            (None, Some(from)) => from.created_ms,
            (None, None) => source_date_epoch_ms()?.unwrap_or(stamp.at_ms),
        };
        let (stores, key) = (self.store, self.key.read()?);
        let prepared = self.prepared(from.as_ref(), created_ms);
        let mut bar = HashingBar::default();
        let mut progress = |progress: Progress<'_>| bar.show(progress);
        let recorded = record(&catalog, &prepared, key.as_ref(), &stamp, &mut progress)?;
        if stores {
            let record = recorded.record();
            let added = catalog.store_files(&record, &mut |progress| bar.show(progress))?;
            say("record", &stored(&added));
        }
        drop(bar);
        show_recorded(context, &recorded)?;
        Ok(Status::Done)
    }

    fn prepared(self, from: Option<&EngineEntry>, created_ms: i64) -> PreparedEngine {
        let given = match self.image {
            Some(image) => Some(Artifacts::Image(image)),
            None if self.artifacts.is_empty() => None,
            None => Some(Artifacts::Files(self.artifacts)),
        };
        let base = match from {
            Some(from) => {
                let artifacts = given.unwrap_or_else(|| place_of(from));
                PreparedEngine::of_entry(from, artifacts)
            }
            None => {
                let artifacts = given.unwrap_or(Artifacts::Files(Vec::new()));
                PreparedEngine::new("", "", artifacts, created_ms)
            }
        };
        let flags = (!self.flags.is_empty()).then_some(self.flags);
        PreparedEngine {
            engine: self.engine.unwrap_or(base.engine),
            version: self.version.unwrap_or(base.version),
            id: self.id.or(base.id),
            build_ref: self.build_ref.or(base.build_ref),
            digest: self.digest.or(base.digest),
            build_flags: flags.or(base.build_flags),
            artifacts: base.artifacts,
            created_ms,
        }
    }
}

/// Records an engine, signed first where there is a key for that.
pub(super) fn record(
    catalog: &Catalog,
    prepared: &PreparedEngine,
    key: Option<&Key>,
    stamp: &Stamp,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Recorded, Failure> {
    let Some(key) = key else {
        return Ok(catalog.record_with_progress(prepared, stamp, progress)?);
    };
    loop {
        let (stored, expect) = catalog.store_prepared(prepared, progress)?;
        key.endorse(catalog, &stored.object)?;
        match catalog.put_object(&stored.object, expect, stamp) {
            // Somebody else recorded meanwhile: compare with that.
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            recorded => return Ok(recorded?),
        }
    }
}

/// Where the engine of an entry is: one relative path is the reference of an image.
fn place_of(entry: &EngineEntry) -> Artifacts {
    match &entry.artifacts[..] {
        [image] if !image.is_absolute() => Artifacts::Image(image.to_string_lossy().into_owned()),
        files => Artifacts::Files(files.to_vec()),
    }
}

/// Shows what was recorded.
pub(super) fn show_recorded(context: &mut Context, recorded: &Recorded) -> Result<(), Failure> {
    let put = recorded.put;
    if context.out.is_json() {
        return context.out.json(&JsonChange::recorded(recorded));
    }
    context.out.line(&put.object.to_string())?;
    let what = match put.previous {
        _ if put.is_unchanged() => "recorded already",
        Some(_) => "replaced the current entry",
        None => "new",
    };
    say("record", &format!("{}: {what}", recorded.entry.id));
    Ok(())
}

/// The time that a reproducible build is to have (reproducible-builds.org), in milliseconds.
fn source_date_epoch_ms() -> Result<Option<i64>, Failure> {
    let value = std::env::var_os("SOURCE_DATE_EPOCH").filter(|value| !value.is_empty());
    let Some(value) = value else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|text| text.parse::<i64>().ok());
    let ms = seconds.and_then(|seconds| seconds.checked_mul(1000));
    ms.map(Some).ok_or_else(|| {
        Failure::Usage(format!(
            "SOURCE_DATE_EPOCH is {value:?}, not seconds since the Unix epoch"
        ))
    })
}
