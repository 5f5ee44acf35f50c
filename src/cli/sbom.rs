//! `engine-catalog sbom`

use std::collections::BTreeMap;

use clap::Args;
use engine_catalog::{
    AttachedDocument, Component, ComponentKind, Contradiction, Document, Linkage, MediaType,
    ObjectId, Verdict, predicate_name,
};
use serde::Serialize;

use super::bar::HashingBar;
use super::failure::{Failure, readable};
use super::get::find;
use super::recognise::{is_not, told};
use super::text::{printable, short};
use super::{Context, Status};

/// Show the SBOMs and provenance of an entry, and what they say of it
///
/// Of each SPDX and CycloneDX document and each in-toto statement that is attached: what it lists, and whether it
/// gives the digest of the entry, or hashes of its files. The files are hashed for that, if they are what was
/// recorded; else what the catalog has of them is. Names alone prove nothing. Signatures in envelopes and
/// bundles are not verified.
///
/// Exit status: 0 no document contradicts the entry; 1 one does, or is not what its media type says, or there is
/// none; 3 something that is attached could not be read, and may be one: the others are shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog attach llamacpp/b4321 sbom.spdx.json && engine-catalog sbom llamacpp/b4321
  engine-catalog sbom llamacpp/b4321 --json | jq -r '.components[].licences[]' | sort -u")]
pub(super) struct Sbom {
    /// engine/version, id, or first digits of an object id
    #[arg(value_name = "SPEC")]
    spec: String,
}

impl Sbom {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let record = find(&catalog, &self.spec)?;
        let mut bar = HashingBar::default();
        let mut show_progress = |progress: engine_catalog::Progress<'_>| bar.show(progress);
        let documents = catalog.documents(&record, &mut show_progress)?;
        let mut damaged = 0;
        let documents = readable(documents, &mut damaged).map(Shown::of);
        let documents: Vec<_> = documents.collect();
        drop(bar);
        for document in &documents {
            match context.out.is_json() {
                true => context.out.json(document)?,
                false => document.show(context)?,
            }
        }
        if damaged > 0 {
            return Err(Failure::Damaged(damaged));
        }
        if documents.is_empty() {
            let none = format!(
                "nothing that is attached to {} is an SBOM or a statement",
                record.name()
            );
            return Err(Failure::NotFound(none));
        }
        Ok(match documents.iter().all(Shown::is_fine) {
            true => Status::Done,
            false => Status::Found,
        })
    }
}

/// A document, without what it is made of.
#[derive(Serialize)]
struct Shown {
    object: ObjectId,
    name: Option<String>,
    media_type: MediaType,
    verdict: &'static str,
    /// Why it cannot be told, or what is wrong with the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    read: Option<Read>,
    /// For a person.
    #[serde(skip)]
    told: String,
}

#[derive(Serialize)]
struct Read {
    format: String,
    version: String,
    document: Option<String>,
    identifier: Option<String>,
    predicate_type: Option<String>,
    components: Vec<Component>,
    named: Vec<String>,
    unnamed: Vec<String>,
    unread: Vec<Unread>,
    contradictions: Vec<Contradiction>,
}

#[derive(Serialize)]
struct Unread {
    path: String,
    reason: String,
}

/// What a document is that is not as its format has it.
const INVALID: &str = "invalid";

impl Shown {
    fn of(document: AttachedDocument) -> Self {
        let AttachedDocument {
            object,
            attachment,
            read,
            ..
        } = document;
        let cannot_be_told = |reason: &String| format!("cannot be told: {reason}");
        let (verdict, reason, told, read) = match read {
            Ok((document, linkage)) => {
                let reason = match &linkage.verdict {
                    Verdict::CannotTell(why) => Some(why.to_string()),
                    _ => None,
                };
                let (verdict, told) = (linkage.verdict.name(), told(&linkage));
                (verdict, reason, told, Some(Read::of(document, linkage)))
            }
            Err(error) if error.unread().is_some() => {
                let reason = error.to_string();
                let told = cannot_be_told(&reason);
                ("cannot-tell", Some(reason), told, None)
            }
            Err(error) => {
                let told = is_not(&attachment.media_type, &error);
                (INVALID, Some(error.to_string()), told, None)
            }
        };
        Self {
            object,
            name: attachment.name.map(|name| name.to_string()),
            media_type: attachment.media_type,
            verdict,
            reason,
            read,
            told,
        }
    }

    fn is_fine(&self) -> bool {
        ![INVALID, Verdict::Contradicts.name()].contains(&self.verdict)
    }

    fn show(&self, context: &mut Context) -> Result<(), Failure> {
        let name = self.name.as_deref().unwrap_or("-");
        let mut lines = vec![format!("{}  {name}", short(self.object))];
        lines.extend(self.read.iter().flat_map(Read::contents));
        lines.push(self.told.clone());
        lines.extend(self.read.iter().flat_map(Read::details));
        for (at, line) in lines.iter().enumerate() {
            let indent = if at == 0 { "" } else { "  " };
            let line = printable(line);
            context.out.line(&format!("{indent}{line}"))?;
        }
        Ok(())
    }
}

impl Read {
    fn of(document: Document, linkage: Linkage) -> Self {
        let unread = linkage.unread.into_iter();
        Self {
            format: document.format.to_string(),
            version: document.version,
            document: document.name,
            identifier: document.identifier,
            predicate_type: document.predicate_type,
            components: document.components,
            named: linkage.named,
            unnamed: linkage.unnamed,
            unread: unread
                .map(|(path, reason)| Unread { path, reason })
                .collect(),
            contradictions: linkage.contradictions,
        }
    }

    /// What it is and lists, for a person.
    fn contents(&self) -> Vec<String> {
        let count = |kind| {
            let of_kind = self.components.iter().filter(|it| it.kind == kind);
            of_kind.count()
        };
        let hashes: usize = self.components.iter().map(|it| it.hashes.len()).sum();
        let counts = [
            (count(ComponentKind::Package), "package", "packages"),
            (count(ComponentKind::File), "file", "files"),
            (count(ComponentKind::Subject), "subject", "subjects"),
            (hashes, "hash", "hashes"),
        ];
        let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
        let counts = counts.map(|(count, one, many)| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {many}"),
        });
        let stated = self.predicate_type.as_deref();
        let stated = stated.map(|it| predicate_name(it).unwrap_or(it).to_owned());
        let parts: Vec<_> = stated.into_iter().chain(counts).collect();
        let parts = parts.join(", ");
        let mut lines = vec![format!("{} {}: {parts}", self.format, self.version)];
        let mut licences = BTreeMap::<&str, usize>::new();
        for licence in self.components.iter().flat_map(|it| &it.licences) {
            *licences.entry(licence).or_default() += 1;
        }
        if !licences.is_empty() {
            let licences = licences.iter().map(|(it, count)| format!("{it} ({count})"));
            let licences: Vec<_> = licences.collect();
            lines.push(format!("licences: {}", licences.join(", ")));
        }
        lines
    }

    /// The files, and what is said otherwise of them, for a person.
    fn details(&self) -> Vec<String> {
        let contradictions = self.contradictions.iter().map(ToString::to_string);
        let unnamed = self.unnamed.iter().map(|path| format!("not named: {path}"));
        // Where none is named, no one file is missing.
        let unnamed = unnamed.filter(|_| !self.named.is_empty());
        let unread = self.unread.iter();
        let unread = unread.map(|it| format!("not read: {}: {}", it.path, it.reason));
        contradictions.chain(unnamed).chain(unread).collect()
    }
}
