//! What a person is told when a command fails: what, and what to do; and the exit status.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use engine_catalog::{
    ArtifactError, BlobError, EntryError, Error, ErrorKind, MarkerError, RefError,
};

use super::text::printable;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The library says so.
    Catalog(Error),
    /// Nothing is what the user named.
    NotFound(String),
    /// The input cannot be taken; nothing was done.
    Input(String),
    /// The arguments make no sense together, or in this environment.
    Usage(String),
    /// The input cannot be read.
    Read(PathBuf, io::Error),
    /// The output cannot be written.
    Write(io::Error),
    /// It cannot be done with what is there.
    Unusable(String),
    /// Some things could not be read, and were reported already.
    Damaged(usize),
    /// Damage, which was reported already, leaves open what was asked for.
    Unclear(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Catalog(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl Failure {
    /// Returns whether whoever reads our output has closed it.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Reports the failure on standard error and returns the exit status.
    pub(super) fn report(&self) -> ExitCode {
        let (message, status) = match self {
            Self::Catalog(error) => (error.to_string(), status(error)),
            Self::NotFound(what) => (what.clone(), 1),
            Self::Input(message) => (message.clone(), 1),
            Self::Usage(message) => (message.clone(), 2),
            Self::Read(path, error) => {
                let status = if error.kind() == io::ErrorKind::NotFound {
                    1
                } else {
                    3
                };
                (format!("cannot read {}: {error}", path.display()), status)
            }
            // Whoever reads our output has seen enough.
            Self::Write(_) if self.is_closed_pipe() => return ExitCode::SUCCESS,
            Self::Write(error) => (format!("cannot write the output: {error}"), 3),
            Self::Unclear(message) => (message.clone(), 3),
            Self::Unusable(message) => (message.clone(), 3),
            Self::Damaged(1) => ("something could not be read".to_owned(), 3),
            Self::Damaged(count) => (format!("{count} things could not be read"), 3),
        };
        say("error", &message);
        if let Self::Catalog(error) = self
            && let Some(hint) = hint(error)
        {
            say("hint", &hint);
        }
        ExitCode::from(status)
    }
}

/// Goes on after what cannot be read: reports and counts it, and returns the rest.
pub(super) fn readable<'a, T>(
    found: impl Iterator<Item = Result<T, Error>> + 'a,
    damaged: &'a mut usize,
) -> impl Iterator<Item = T> + 'a {
    found.filter_map(|it| {
        it.map_err(|error| {
            let _ = Failure::from(error).report();
            *damaged += 1;
        })
        .ok()
    })
}

/// Writes a line about what happens to standard error, quietly if nobody listens.
pub(super) fn say(label: &str, message: &str) {
    use std::io::Write as _;
    let style = anstream::stderr();
    let _ = writeln!(style.lock(), "{label}: {}", printable(message));
}

fn status(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Conflict => 1,
        _ => 3,
    }
}

/// Returns what to do about an error, where there is something to be said.
fn hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::NotACatalog { root } => format!(
            "make one with `engine-catalog --root {} init`, or name another with --root or ENGINE_CATALOG_ROOT",
            root.display()
        ),
        Error::NotEmpty { .. } => "name an empty directory, or one that does not exist yet".to_owned(),
        Error::Occupied { .. } => {
            "nothing is ever put in the place of something: name another directory".to_owned()
        }
        Error::Format {
            cause: MarkerError::Version { .. } | MarkerError::Feature { .. },
            ..
        }
        | Error::ReadOnlyFeature { .. } => {
            "a newer version of engine-catalog has written it: use that one".to_owned()
        }
        Error::Format { .. } => {
            "its file `format` is damaged, or the directory is something else".to_owned()
        }
        Error::Entry { cause: EntryError::Secret { .. }, .. } => {
            "leave the credential out, or refer to it by a variable such as ${HF_TOKEN}".to_owned()
        }
        Error::Blob(BlobError::Missing { .. }) => {
            "where the files are, `blobs add` keeps them; `import --blobs` brings them from there".to_owned()
        }
        Error::Blob(BlobError::Damaged { .. }) => {
            "`verify --repair` restores it from the recorded file, or `--from` another catalog that has it"
                .to_owned()
        }
        Error::Blob(BlobError::Drifted { .. }) => {
            "`check` shows all that has drifted; `record` records what is there now".to_owned()
        }
        Error::RefUnsigned { object, .. } => format!(
            "it is stored: `put --object {object} --key FILE` signs it too, or `sign` it first"
        ),
        Error::Unsigned { .. } => {
            "whoever vouches for it signs it: `sign`; `signatures` shows what there is".to_owned()
        }
        Error::Policy { .. } => {
            "give the catalog a right one with `policy set`; until then no ref comes to hold anything else"
                .to_owned()
        }
        Error::Retention { .. } => {
            "correct it, or take it away: then all that refs have held is kept".to_owned()
        }
        Error::SeveralManifests { .. } => "name one with --manifest".to_owned(),
        Error::NoEarlierEntry { .. } => {
            "`history` shows what there was".to_owned()
        }
        Error::NotInHistory { .. } => {
            "`history` shows the entries to choose from".to_owned()
        }
        Error::AmbiguousId { .. } => {
            "name one by its engine and version".to_owned()
        }
        Error::Ref(RefError::Damaged { .. }) => {
            "`verify --repair` restores it from its history; else copy that file from another copy of the \
             catalog, or remove it and record the engine again"
                .to_owned()
        }
        Error::History(_) | Error::MisplacedHistory { .. } => {
            "the ref itself and its entry are not affected; the history is a text file".to_owned()
        }
        Error::AmbiguousPrefix { .. } => "give more digits".to_owned(),
        Error::Ref(RefError::Conflict { .. }) => "somebody changed it meanwhile: look at its `history`, and try again".to_owned(),
        Error::Artifact(ArtifactError::Mismatch { .. }) => {
            "the file is not the one that the digest was made of: build or fetch it again, or correct --digest"
                .to_owned()
        }
        Error::Artifact(ArtifactError::Changed(_)) => {
            "record an engine after its build has finished".to_owned()
        }
        Error::Dangling { .. } | Error::Unreadable { .. } | Error::Object(_)
            if error.kind() == ErrorKind::Damage =>
        {
            "`put` of the same entry heals it, and so does `heal --from` another catalog that has the object; \
             `record` makes a new entry current"
                .to_owned()
        }
        Error::DanglingAttachment { .. } | Error::UnreadableAttachment { .. }
            if error.kind() == ErrorKind::Damage =>
        {
            "`attach` of the same document heals it, and so does `heal --from` another catalog that has the object; \
             `attachments remove --from` takes it off"
                .to_owned()
        }
        Error::MisplacedAttachment { .. } => {
            "`verify --repair` attaches it to what it describes".to_owned()
        }
        Error::Path(error) | Error::Ref(RefError::Path(error)) if error.is_full() => {
            "make room (`gc --apply` needs none) and try again; what was printed before this is stored".to_owned()
        }
        Error::PlanOutdated { .. } => "make a new plan, and look at it".to_owned(),
        Error::Unsure { .. } => {
            "`verify` shows all that is damaged; `verify --repair` and `heal` repair it".to_owned()
        }
        error if error.kind() == ErrorKind::Busy => {
            "try again, or wait longer with --wait".to_owned()
        }
        _ => return None,
    })
}
