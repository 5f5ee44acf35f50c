//! `engine-catalog attachments remove`

use clap::Args;

use super::{JsonAttached, find};
use crate::cli::failure::Failure;
use crate::cli::{Context, Status};

/// Take a document off what it is attached to
///
/// The document stays in the store until garbage is collected. It comes back with the next `import` or `pull`
/// from a catalog where it is still attached.
#[derive(Debug, Args)]
pub(in crate::cli) struct Remove {
    /// The object of the attachment, or the first digits of its id
    #[arg(value_name = "OBJECT")]
    object: String,
}

impl Remove {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.open()?;
        let (object, attachment) = find(&catalog, &self.object)?;
        if !catalog.detach(&attachment.subject, &object)? {
            let message = format!("{object} is not attached to {}", attachment.subject);
            return Err(Failure::NotFound(message));
        }
        match context.out.is_json() {
            true => context.out.json(&JsonAttached::new(object, &attachment))?,
            false => context.out.line(&object.to_string())?,
        }
        Ok(Status::Done)
    }
}
