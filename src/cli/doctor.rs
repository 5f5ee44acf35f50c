//! `engine-catalog doctor`

use clap::Args;
use engine_catalog::{Count, Counts, Health};

use super::failure::Failure;
use super::{Context, Status};

/// Report on the place that the catalog lies in, and on its size
///
/// Checks whether the file system is local, has room, and does what the catalog relies on, which is
/// tried out with files in tmp/ that are removed again; the kernel, the clock, the format, the
/// permissions; and what was left over. Where nothing may be written, nothing is, and what would
/// have to be tried is unknown.
///
/// Columns: how it is (ok, unknown, warning, failed), what, what was found; below it, what to do.
/// Exit status: 0 also with warnings; 1 where something failed.
#[derive(Debug, Args)]
pub(super) struct Doctor {}

impl Doctor {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.open()?;
        let diagnosis = catalog.diagnose(super::now_ms())?;
        if context.out.is_json() {
            context.out.json(&diagnosis)?;
        } else {
            let mut rows = Vec::new();
            for check in &diagnosis.checks {
                let (name, detail) = (check.name.to_owned(), check.detail.clone());
                rows.push([check.status.to_string(), name, detail]);
                if let Some(advice) = check.advice {
                    rows.push([String::new(), String::new(), format!("-> {advice}")]);
                }
            }
            rows.extend(counted(&diagnosis.counts));
            context.out.table(["STATUS", "WHAT", "FOUND"], rows)?;
        }
        Ok(match diagnosis.status() {
            Health::Failed => Status::Found,
            _ => Status::Done,
        })
    }
}

/// What there is, a row for each kind.
fn counted(counts: &Counts) -> impl Iterator<Item = [String; 3]> {
    let kinds = [
        ("refs", counts.refs),
        ("histories", counts.histories),
        ("objects", counts.objects),
        ("snapshots", counts.snapshots),
        ("attachments", counts.attachments),
        ("blobs", counts.blobs),
    ];
    kinds.into_iter().map(|(kind, count)| {
        let shown = match count {
            Some(Count { files, bytes, .. }) => {
                let noun = if files == 1 { "file" } else { "files" };
                format!("{files} {noun}, {}", indicatif::HumanBytes(bytes))
            }
            None => "could not be counted".to_owned(),
        };
        ["count".to_owned(), kind.to_owned(), shown]
    })
}
