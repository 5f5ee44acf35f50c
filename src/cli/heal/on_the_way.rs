//! `--heal-from`, of the commands that look things up.

use std::collections::BTreeSet;

use clap::Args;
use engine_catalog::{Catalog, ObjectId};

use super::gather::Gathered;
use super::peers;
use crate::cli::failure::{Failure, say};
use crate::cli::pull::TransferArgs;
use crate::cli::{Context, Status};

/// Where what is damaged or missing comes from.
#[derive(Debug, Args)]
pub(in crate::cli) struct HealFrom {
    /// Restore what is needed, and is damaged or missing, from another catalog, as `heal --from` does; the
    /// word peers stands for those in the file peers. May be given several times
    #[arg(long, value_name = "SOURCE")]
    heal_from: Vec<String>,

    #[command(flatten, next_help_heading = "With --heal-from")]
    transfer: TransferArgs,
}

impl HealFrom {
    /// Returns whether anything is to be healed.
    pub(in crate::cli) fn is_asked(&self) -> bool {
        !self.heal_from.is_empty()
    }

    /// Opens the catalog: to write where something may have to be healed.
    pub(in crate::cli) fn open(&self, context: &Context) -> Result<Catalog, Failure> {
        match self.is_asked() {
            true => context.open(),
            false => context.read(),
        }
    }

    /// Runs, and where that fails for want of an object, restores that and runs again.
    pub(in crate::cli) fn healing<T>(
        &self,
        catalog: &Catalog,
        run: impl Fn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut tried = BTreeSet::new();
        loop {
            let failure = match run() {
                Err(failure) if self.is_asked() => failure,
                done => return done,
            };
            match lacking(&failure) {
                Some(object) if tried.insert(object) => {
                    if !self.heal(catalog, &[object].into())? {
                        return Err(failure);
                    }
                }
                _ => return Err(failure),
            }
        }
    }

    /// Restores those of these objects, and of what is attached to them, that are damaged or missing, as far
    /// as a peer has them.
    pub(in crate::cli) fn heal_all(
        &self,
        catalog: &Catalog,
        objects: &BTreeSet<ObjectId>,
    ) -> Result<(), Failure> {
        if !self.is_asked() {
            return Ok(());
        }
        let mut stack: Vec<_> = objects.iter().copied().collect();
        let (mut seen, mut wanted) = (BTreeSet::new(), BTreeSet::new());
        while let Some(object) = stack.pop() {
            if seen.insert(object) {
                if !matches!(catalog.has_object(&object), Ok(true)) {
                    wanted.insert(object);
                }
                stack.extend(catalog.attachments(&object)?);
            }
        }
        if !wanted.is_empty() {
            self.heal(catalog, &wanted)?;
        }
        Ok(())
    }

    /// Restores objects, and returns whether a peer had one of them.
    fn heal(&self, catalog: &Catalog, wanted: &BTreeSet<ObjectId>) -> Result<bool, Failure> {
        let mut all = Vec::new();
        for name in &self.heal_from {
            if name == peers::FILE {
                all.extend(peers::of_catalog(catalog)?);
            } else {
                all.extend(peers::named(std::slice::from_ref(name))?);
            }
        }
        if all.is_empty() {
            let file = catalog.root().join(peers::FILE);
            say(
                "heal",
                &format!("no peer is named on a line of {}", file.display()),
            );
            return Ok(false);
        }
        let mut gathered = Gathered::new(catalog, all, &self.transfer)?;
        let mut is_any = false;
        let ended = gathered.bring(wanted.clone().into()).and_then(|()| {
            for object in catalog.restore(wanted, &gathered.from())? {
                say("heal", &format!("object {object} is restored"));
                is_any = true;
            }
            Ok(Status::Done)
        });
        gathered.end(ended)?;
        Ok(is_any)
    }
}

/// Returns the object for want of which something failed.
fn lacking(failure: &Failure) -> Option<ObjectId> {
    match failure {
        Failure::Catalog(error) => error.lacking(),
        _ => None,
    }
}
