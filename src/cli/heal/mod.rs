//! `engine-catalog heal`

mod gather;
mod on_the_way;
mod peers;

use clap::Args;
use engine_catalog::{Action, Catalog, Needed, RepairReport};
use serde_json::json;

use self::gather::Gathered;
pub(super) use self::on_the_way::HealFrom;
use self::peers::Peer;
use super::failure::{Failure, say};
use super::pull::TransferArgs;
use super::verify::{counted, show_repair, summarise, with_bar};
use super::{Context, Status};

/// Restore what is damaged or missing from other catalogs
///
/// Verifies everything. What is damaged or missing is asked for by its hash, of one peer after the other
/// until nothing is missing: each SOURCE, in the words of `pull`, or the lines of the file `peers` in the
/// root of the catalog. Nothing else is transferred. What comes is checked, and put in its place; refs and
/// histories are repaired from each other, as `verify --repair` does, and never fetched. Damaged files go
/// to quarantine/; nothing is removed.
///
/// A peer that cannot be reached, or whose bytes have another hash, is told, and the next one is asked.
/// Prints what was done about each finding, as `verify --repair` does, and what no peer has. Exits with 0
/// if the catalog is whole, 1 if something remains, 3 if no peer could be read: then nothing was changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog heal --from build-7:/var/lib/engine-catalog --from /mnt/backup/engines
  echo rsync://mirror/engines >> \"$ENGINE_CATALOG_ROOT/peers\"; engine-catalog heal

The file peers has a SOURCE a line, # begins a comment. A relative path counts from the root of the
catalog. It is of this machine alone, and never copied.")]
pub(super) struct Heal {
    /// A catalog or proof bundle to ask, as `pull` has it; may be given several times [default: the file
    /// peers]
    #[arg(long, value_name = "SOURCE")]
    from: Vec<String>,

    /// Show what would be asked for, an object or blob a line, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    transfer: TransferArgs,
}

impl Heal {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = match self.dry_run {
            true => context.read()?,
            false => context.open()?,
        };
        // What makes no sense is refused also where nothing is to be done.
        let peers = match self.from.is_empty() {
            true => peers::of_catalog(&catalog)?,
            false => peers::named(&self.from)?,
        };
        let plan = with_bar(|progress| catalog.plan_repair(progress))?;
        if plan.is_whole() {
            if !self.dry_run {
                gather::clear(&catalog)?;
            }
            say("heal", "nothing is damaged or missing");
            summarise(&plan.report);
            return Ok(Status::Done);
        }
        if peers.is_empty() && !plan.needed.is_empty() {
            return Err(no_peer(&catalog, &plan.needed));
        }
        if self.dry_run {
            let objects = plan.needed.objects.iter().map(|id| ("object", id));
            let blobs = plan.needed.blobs.keys().map(|id| ("blob", id));
            for (kind, id) in objects.chain(blobs) {
                match context.out.is_json() {
                    true => context.out.json(&json!({ kind: id }))?,
                    false => context.out.line(&format!("{kind}  {id}"))?,
                }
            }
            let wanted = shown(&plan.needed);
            let peers: Vec<_> = peers.iter().map(|peer| peer.name.as_str()).collect();
            say("heal", &format!("{wanted} of {}", peers.join(", ")));
            return Ok(Status::Found);
        }
        let mut gathered = Gathered::new(&catalog, peers, &self.transfer)?;
        let ended = gathered.bring(plan.needed).and_then(|()| {
            let report = with_bar(|progress| catalog.repair(&gathered.from(), progress))?;
            let report = told_by_peer(report, &gathered);
            show_repair(context, "heal", &report)?;
            let is_lost = !report.lost.is_empty() || report.lost_blobs().next().is_some();
            Ok(match report.is_clean() && !is_lost {
                true => Status::Done,
                false => Status::Found,
            })
        });
        // What came is for the next time only where it could not be used.
        let status = gathered.end(ended)?;
        gather::clear(&catalog)?;
        Ok(status)
    }
}

/// Has what was restored told by the peer that it is from.
fn told_by_peer(mut report: RepairReport, gathered: &Gathered<'_>) -> RepairReport {
    for repaired in &mut report.repairs {
        let Some(object) = repaired.finding.object else {
            continue;
        };
        if let Action::Restored { from } = &mut repaired.action
            && let Some(peer) = gathered.peer_of(&object, from)
        {
            *from = peer.into();
        }
    }
    report
}

/// Says how much is needed.
fn shown(needed: &Needed) -> String {
    let counts = [
        (needed.objects.len(), "object"),
        (needed.blobs.len(), "blob"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, what)| counted(count, what)).collect();
    counts.join(" and ")
}

fn no_peer(catalog: &Catalog, needed: &Needed) -> Failure {
    let wanted = shown(needed);
    let file = catalog.root().join("peers");
    Failure::Usage(format!(
        "{wanted} would have to come from another catalog, and no peer is known: name one with --from, or \
         on a line of {}; `verify --repair` repairs what can be repaired without",
        file.display()
    ))
}
