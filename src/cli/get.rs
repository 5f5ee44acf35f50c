//! `engine-catalog get`

use clap::Args;
use engine_catalog::{Catalog, Record, RefName, State, encode_entry};

use super::failure::Failure;
use super::heal::HealFrom;
use super::output::JsonRecord;
use super::required::{Check, PolicyArgs, RequiredArgs};
use super::text::{age, printable, time};
use super::{Context, Status};

/// Show an entry
///
/// SPEC is engine/version for the current entry, an id, or an object id or the first digits of one
/// (four or more). An id that is no longer current shows the entry that last had it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog get llamacpp/b4321
  engine-catalog get 6cdceb1b --json
  engine-catalog get llamacpp:b4321 --cbor | b3sum    # prints the object id")]
pub(super) struct Get {
    /// engine/version, id, or first digits of an object id
    #[arg(value_name = "SPEC")]
    spec: String,

    /// Print the bytes of the object: canonical CBOR
    #[arg(long, conflicts_with = "identity")]
    cbor: bool,

    /// Print what other systems report of the engine, as JSON: engine, engine_version,
    /// engine_digest, engine_catalog_id, object
    #[arg(long)]
    identity: bool,

    #[command(flatten)]
    required: RequiredArgs,

    #[command(flatten)]
    policy: PolicyArgs,

    #[command(flatten)]
    heal: HealFrom,
}

impl Get {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        // Where it stands before the command, the parser does not see that it conflicts.
        if self.cbor && context.out.is_json() {
            return Err(Failure::Usage(
                "--cbor and --json exclude each other".to_owned(),
            ));
        }
        let catalog = self.heal.open(context)?;
        let found = self.heal.healing(&catalog, || {
            let record = find(&catalog, &self.spec)?;
            // What prints something else does not need it.
            let state = (!self.cbor && !self.identity).then(|| catalog.state(&record));
            Ok((record, state.transpose()?))
        });
        let (record, state) = found?;
        let check = Check::new(&self.required, &self.policy, &catalog)?;
        check.require(&catalog, [&record])?;
        let out = &mut context.out;
        if self.cbor {
            let bytes = encode_entry(&record.entry).expect("an entry that was read can be encoded");
            out.bytes(&bytes)?;
        } else if self.identity {
            out.json(&record.identity())?;
        } else if let Some(state) = state {
            if out.is_json() {
                out.json(&JsonRecord::new(&record, state))?;
            } else {
                for line in page(&record, state, super::now_ms()) {
                    out.line(&line)?;
                }
            }
        }
        Ok(Status::Done)
    }
}

/// Looks up what a person named.
pub(super) fn find(catalog: &Catalog, spec: &str) -> Result<Record, Failure> {
    if let Some(record) = catalog.find(spec)? {
        return Ok(record);
    }
    let tried = format!("no entry is found for {spec:?}: tried engine/version, id and object id");
    Err(absent(catalog, spec, &tried)?)
}

/// Returns why there is no entry for `spec`: it is retired, else as `message` says.
pub(super) fn absent(catalog: &Catalog, spec: &str, message: &str) -> Result<Failure, Failure> {
    let retired = match spec.parse::<RefName>() {
        Ok(name) if !catalog.history(&name)?.is_empty() => Some(name),
        _ => None,
    };
    Ok(Failure::NotFound(match retired {
        Some(name) => {
            format!("{name} is retired: its `history` shows its entries, `rollback` brings it back")
        }
        None => message.to_owned(),
    }))
}

/// The entry for a person, a field a line.
fn page(record: &Record, state: State, now_ms: i64) -> Vec<String> {
    let entry = &record.entry;
    let created = format!(
        "{} ({})",
        time(entry.created_ms),
        age(entry.created_ms, now_ms)
    );
    let flags = entry.build_flags.as_ref().map(|flags| match &flags[..] {
        [] => vec!["(none)".to_owned()],
        flags => flags.to_vec(),
    });
    let artifacts = entry
        .artifacts
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let one = |text: &str| Some(vec![text.to_owned()]);
    let fields = [
        ("object", one(&record.object.to_string())),
        ("state", one(&state.to_string())),
        ("id", one(&entry.id)),
        ("engine", one(&entry.engine)),
        ("version", one(&entry.version)),
        ("build_ref", entry.build_ref.as_deref().and_then(one)),
        ("digest", entry.digest.as_deref().and_then(one)),
        ("build_flags", flags),
        ("artifacts", Some(artifacts)),
        ("created", one(&created)),
    ];
    let mut lines = Vec::new();
    for (field, values) in fields {
        for (at, value) in values.iter().flatten().enumerate() {
            let label = if at == 0 { field } else { "" };
            lines.push(format!("{label:<13}{}", printable(value)));
        }
    }
    lines
}
