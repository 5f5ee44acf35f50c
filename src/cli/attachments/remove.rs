//! `engine-catalog attachments remove`

use clap::Args;
use engine_catalog::{Catalog, Error, ObjectId, Prefix};

use super::{JsonAttached, find};
use crate::cli::attach::subject;
use crate::cli::failure::Failure;
use crate::cli::{Context, Status};

/// Take a document off what it is attached to
///
/// The document stays in the store. It comes back with the next `import` or `pull` from a catalog where it is
/// still attached.
#[derive(Debug, Args)]
pub(in crate::cli) struct Remove {
    /// The object of the attachment, or the first digits of its id
    #[arg(value_name = "OBJECT")]
    object: String,

    /// What it is attached to: for one that is damaged or missing, and does not say so itself
    #[arg(long, value_name = "SPEC")]
    from: Option<String>,
}

impl Remove {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.open()?;
        let (link, attachment) = match &self.from {
            None => {
                let (object, attachment) = find(&catalog, &self.object)?;
                ((attachment.subject, object), Some(attachment))
            }
            Some(spec) => {
                let link = link(&catalog, subject(&catalog, spec)?, &self.object)?;
                (link, catalog.attachment(&link.1).ok().flatten())
            }
        };
        let (subject, object) = link;
        if !catalog.detach(&subject, &object)? {
            return Err(not_attached(&self.object, &subject));
        }
        if !context.out.is_json() {
            context.out.line(&object.to_string())?;
            return Ok(Status::Done);
        }
        let json = attachment.as_ref().map(|it| JsonAttached::new(object, it));
        let json = json.unwrap_or_else(|| JsonAttached::unread(link));
        context.out.json(&json)?;
        Ok(Status::Done)
    }
}

/// Looks up what is attached to an object, whether or not it can be read.
fn link(catalog: &Catalog, subject: ObjectId, text: &str) -> Result<(ObjectId, ObjectId), Failure> {
    let prefix: Prefix = text
        .parse()
        .map_err(|error| Failure::Usage(format!("{text:?} is no object: {error}")))?;
    let mut candidates = catalog.attachments(&subject)?;
    candidates.retain(|it| prefix.matches(it));
    match candidates[..] {
        [object] => Ok((subject, object)),
        [] => Err(not_attached(text, &subject)),
        _ => Err(Error::AmbiguousPrefix { prefix, candidates }.into()),
    }
}

fn not_attached(object: &str, subject: &ObjectId) -> Failure {
    Failure::NotFound(format!("{object} is not attached to {subject}"))
}
