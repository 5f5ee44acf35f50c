//! What is attached and says itself what it is: its media type, and whether it is about the entry.

use std::path::Path;

use engine_catalog::{
    Catalog, Document, DocumentError, DocumentFormat, Linkage, MediaType, Record, Verdict,
};

use super::bar::HashingBar;
use super::failure::{Failure, say};
use super::input::refuse;
use super::text::printable;

/// Returns the media type of what is to be attached, and what it says if that is read. One that was given
/// counts, unless it is of a format that is read and the document is something else.
pub(super) fn media_type(
    file: &Path,
    payload: &[u8],
    given: Option<MediaType>,
) -> Result<(MediaType, Option<Document>), Failure> {
    let Some(given) = given else {
        return match Document::parse(payload) {
            Ok(document) => Ok((document.media_type.clone(), Some(document))),
            Err(error) => {
                let advice = format!("{error}; say what it is by --media-type");
                Err(refuse(file, advice))
            }
        };
    };
    if DocumentFormat::of(&given).is_none() {
        return Ok((given, None));
    }
    match Document::parse_as(&given, payload) {
        Ok(document) => Ok((given, Some(document))),
        Err(error) if error.unread().is_some() => {
            say("note", &format!("it is attached unread: {error}"));
            Ok((given, None))
        }
        Err(error) => {
            let is_not = is_not(&given, &error);
            Err(refuse(file, format!("it {is_not}; {UNREAD}")))
        }
    }
}

/// What is wrong with a document that is not what its media type says, for a person.
pub(super) fn is_not(media_type: &MediaType, error: &DocumentError) -> String {
    match error {
        DocumentError::OtherType { found, .. } => format!("is not {media_type}: it is {found}"),
        error => format!("is not {media_type}: {error}"),
    }
}

/// What whoever wants it anyway can do.
const UNREAD: &str = "what is given as application/octet-stream is attached unread";

/// Refuses a document that contradicts the entry, and says where it does not name it.
pub(super) fn require_about(
    catalog: &Catalog,
    record: &Record,
    file: &Path,
    document: &Document,
) -> Result<(), Failure> {
    let mut bar = HashingBar::default();
    let linkage = catalog.link_document(record, document, &mut |progress| bar.show(progress))?;
    drop(bar);
    if let [first, others @ ..] = &*linkage.contradictions {
        let others = match others.len() {
            0 => String::new(),
            more => format!(", and {more} more such"),
        };
        let name = record.name();
        let what = format!("it contradicts {name}: {first}{others}; {UNREAD}");
        return Err(refuse(file, what));
    }
    if !matches!(linkage.verdict, Verdict::NamesDigest | Verdict::NamesFiles) {
        say("note", &format!("of {}: {}", record.name(), told(&linkage)));
    }
    Ok(())
}

/// What a document says of an entry, for a person.
pub(super) fn told(linkage: &Linkage) -> String {
    let Linkage {
        named,
        unnamed,
        unread,
        ..
    } = linkage;
    let all = named.len() + unnamed.len() + unread.len();
    match &linkage.verdict {
        Verdict::NamesDigest if all > 0 => {
            format!("names the digest, and {} of {all} files", named.len())
        }
        Verdict::NamesDigest => "names the digest".to_owned(),
        Verdict::NamesFiles => format!("names {} of {all} files", named.len()),
        Verdict::NamesNone => "names neither the digest nor a file".to_owned(),
        Verdict::Contradicts => "contradicts the entry".to_owned(),
        Verdict::CannotTell(why) => format!("cannot be told: {}", printable(&why.to_string())),
        other => other.name().to_owned(),
    }
}
