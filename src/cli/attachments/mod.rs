//! `engine-catalog attachments`: one file for each of its commands.

mod get;
mod remove;

use clap::{Args, Subcommand};
use engine_catalog::{Attachment, Catalog, MediaType, Name, ObjectId};
use serde::Serialize;

use super::attach::subject;
use super::failure::{Failure, readable};
use super::text::printable;
use super::{Context, Status};

/// List the documents that are attached to an entry or a snapshot
///
/// SPEC is what `attach` takes; put `--` before one that is called `get` or `remove`. Columns: object, media
/// type, bytes, name. One that cannot be read is told, and the others are listed; the exit status is then 3.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  engine-catalog attachments llamacpp/b4321
  engine-catalog attachments llamacpp/b4321 --type application/spdx+json --json
  engine-catalog attachments get 5f2c91ab > sbom.spdx.json
  engine-catalog attachments remove 5f2c91ab")]
pub(super) struct Attachments {
    #[command(subcommand)]
    command: Option<Command>,

    /// engine/version, id, snapshot, or first digits of an object id
    #[arg(value_name = "SPEC", required = true)]
    spec: Option<String>,

    /// Only those of this media type
    #[arg(long = "type", value_name = "TYPE")]
    media_type: Option<MediaType>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Get(get::Get),
    Remove(remove::Remove),
}

impl Attachments {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        match self.command {
            Some(Command::Get(command)) => command.run(context),
            Some(Command::Remove(command)) => command.run(context),
            None => list(
                context,
                &self.spec.expect("the parser requires it"),
                self.media_type.as_ref(),
            ),
        }
    }
}

fn list(
    context: &mut Context,
    spec: &str,
    media_type: Option<&MediaType>,
) -> Result<Status, Failure> {
    let catalog = context.read()?;
    let subject = subject(&catalog, spec)?;
    let (mut rows, mut damaged) = (Vec::new(), 0);
    let attached = catalog.attached(&subject, media_type)?;
    for attached in readable(attached, &mut damaged) {
        let (object, attachment) = (attached.object, &attached.attachment);
        if context.out.is_json() {
            context.out.json(&JsonAttached::new(object, attachment))?;
            continue;
        }
        rows.push([
            object.to_string(),
            attachment.media_type.to_string(),
            attachment.payload.len().to_string(),
            printable(attachment.name.as_ref().map_or("-", Name::as_str)),
        ]);
    }
    if !rows.is_empty() {
        let header = ["OBJECT", "MEDIA TYPE", "BYTES", "NAME"];
        context.out.table(header, rows)?;
    }
    match damaged {
        0 => Ok(Status::Done),
        damaged => Err(Failure::Damaged(damaged)),
    }
}

/// The JSON form of an attachment, less the document.
#[derive(Serialize)]
pub(super) struct JsonAttached<'a> {
    object: ObjectId,
    subject: ObjectId,
    media_type: Option<&'a MediaType>,
    name: Option<&'a str>,
    bytes: Option<usize>,
}

impl<'a> JsonAttached<'a> {
    pub(super) fn new(object: ObjectId, attachment: &'a Attachment) -> Self {
        Self {
            object,
            subject: attachment.subject,
            media_type: Some(&attachment.media_type),
            name: attachment.name.as_ref().map(Name::as_str),
            bytes: Some(attachment.payload.len()),
        }
    }

    /// One that cannot be read.
    fn unread((subject, object): (ObjectId, ObjectId)) -> Self {
        Self {
            object,
            subject,
            media_type: None,
            name: None,
            bytes: None,
        }
    }
}

/// Looks up the attachment that a person named by its object id, or the first digits of it.
fn find(catalog: &Catalog, text: &str) -> Result<(ObjectId, Attachment), Failure> {
    let object = match (text.parse(), text.parse()) {
        (Ok(object), _) => Some(object),
        (_, Ok(prefix)) => catalog.resolve(&prefix)?,
        _ => {
            let message = format!(
                "{text:?} is no object id, and not the first digits of one (four or more): \
                 `attachments SPEC` lists what is attached, each with its object"
            );
            return Err(Failure::Usage(message));
        }
    };
    let Some(object) = object else {
        return Err(no_object(text));
    };
    let attachment = catalog.attachment(&object)?;
    let attachment = attachment.ok_or_else(|| no_object(text))?;
    Ok((object, attachment))
}

fn no_object(text: &str) -> Failure {
    Failure::NotFound(format!("there is no object {text}"))
}
