//! `engine-catalog attach`

use std::path::{Path, PathBuf};

use clap::Args;
use engine_catalog::{
    Attachment, Catalog, Error, MediaType, Name, ObjectError, ObjectId, ReadObjectError,
    SshSignature,
};

use super::attachments::JsonAttached;
use super::failure::Failure;
use super::input::{read, refuse};
use super::recognise::{media_type, require_about};
use super::{Context, Status};

/// Attach a document to an entry or a snapshot
///
/// The document becomes an object that names what it is about, and is found by that: an SBOM, a provenance
/// statement, a licence, a report. It comes along wherever its subject goes (`capture`, `import`, `pull`),
/// and stays in the store when it is taken off. Attaching the same again changes nothing.
///
/// An SBOM in SPDX or CycloneDX JSON, and an in-toto statement such as SLSA provenance, also in a DSSE envelope or a
/// Sigstore bundle, says itself what it is. One that contradicts the entry is refused: it gives another hash for
/// what was recorded. Signatures in it are not verified. A signature of OpenSSH is attached by `sign`.
///
/// SPEC is what `get` takes, or a snapshot by its name or object id; or the object id of an attachment.
/// Prints the object id of the attachment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog attach llamacpp/b4321 sbom.spdx.json
  engine-catalog attach llamacpp/b4321 --media-type text/markdown --name NOTES.md - < notes
  engine-catalog attachments llamacpp/b4321")]
pub(super) struct Attach {
    /// engine/version, id, snapshot, or first digits of an object id
    #[arg(value_name = "SPEC")]
    spec: String,

    /// What kind of document it is, such as text/markdown [default: what it says itself]
    #[arg(long, value_name = "TYPE")]
    media_type: Option<MediaType>,

    /// What the document is called [default: the name of FILE]
    #[arg(long)]
    name: Option<String>,

    /// The document; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Attach {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        if self.media_type.as_ref() == Some(&SshSignature::media_type()) {
            let instead = "a signature is attached by `sign --signature`, which checks it";
            return Err(refuse(&self.file, instead));
        }
        let payload = read(&self.file)?;
        let name = self.name()?;
        let (media_type, document) = media_type(&self.file, &payload, self.media_type)?;
        let catalog = context.open()?;
        let subject = subject(&catalog, &self.spec)?;
        if let Some(document) = document
            && let Some(record) = unless_of_another_kind(catalog.find(&subject.to_string()))?
        {
            require_about(&catalog, &record, &self.file, &document)?;
        }
        let attachment = Attachment {
            subject,
            media_type,
            name,
            payload,
        };
        let attached = catalog.attach(&attachment);
        let object = attached.map_err(|error| match error {
            Error::Attachment { cause } => refuse(&self.file, cause),
            error => error.into(),
        })?;
        match context.out.is_json() {
            true => context.out.json(&JsonAttached::new(object, &attachment))?,
            false => context.out.line(&object.to_string())?,
        }
        Ok(Status::Done)
    }

    fn name(&self) -> Result<Option<Name>, Failure> {
        let (name, of) = match &self.name {
            Some(name) => (Some(name.as_str()), "--name"),
            None if self.file == Path::new("-") => (None, ""),
            // What has no name that can be told goes without one.
            None => {
                let name = self.file.file_name().and_then(|name| name.to_str());
                (name, "the name of FILE, for which --name may give another,")
            }
        };
        let name = name.map(Name::new).transpose();
        name.map_err(|error| Failure::Usage(format!("{of} is refused: {error}")))
    }
}

/// Looks up the object that a person named, of whatever kind.
pub(super) fn subject(catalog: &Catalog, spec: &str) -> Result<ObjectId, Failure> {
    if let Ok(object) = spec.parse::<ObjectId>()
        && catalog.has_object(&object)?
    {
        return Ok(object);
    }
    let entry = catalog.find(spec).map(|it| it.map(|record| record.object));
    let snapshot = catalog.find_snapshot(spec);
    let snapshot = snapshot.map(|it| it.map(|(object, _)| object));
    match (
        unless_of_another_kind(entry)?,
        unless_of_another_kind(snapshot)?,
    ) {
        (Some(entry), Some(snapshot)) if entry != snapshot => {
            return Err(Failure::Input(format!(
                "{spec:?} stands for entry {entry} and for snapshot {snapshot}: name one by its object id"
            )));
        }
        (Some(object), _) | (None, Some(object)) => return Ok(object),
        (None, None) => {}
    }
    if let Ok(prefix) = spec.parse()
        && let Some(object) = catalog.resolve(&prefix)?
    {
        return Ok(object);
    }
    let tried = format!(
        "nothing is found for {spec:?}: tried engine/version, id, name of a snapshot and object id"
    );
    Err(super::get::absent(catalog, spec, &tried)?)
}

/// Returns nothing where the object that was found is not of the kind that was looked for.
fn unless_of_another_kind<T>(found: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match found {
        Err(Error::Object(ReadObjectError::Refused {
            cause: ObjectError::WrongKind { .. } | ObjectError::TooLarge { .. },
            ..
        })) => Ok(None),
        found => found,
    }
}
