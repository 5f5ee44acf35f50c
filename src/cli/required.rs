//! `--require-signatures`, of the commands that rely on what entries say.

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{
    AllowedSigners, Catalog, Endorsement, Endorsements, ObjectId, Record, RequiredSignatures,
};

use super::failure::{Failure, say};
use super::now_ms;
use super::signers::read_signers;

/// How many keys have to have signed what a command relies on.
#[derive(Debug, Args)]
pub(super) struct RequiredArgs {
    /// Require that so many distinct keys have signed each entry, or a named snapshot that it is a member
    /// of; 0 for none [default: as the policy of the catalog says]
    #[arg(long, value_name = "N")]
    require_signatures: Option<u32>,

    /// Whose signatures count: a file as the allowed_signers of ssh-keygen(1) [default: that of the policy of
    /// the catalog]
    #[arg(long, value_name = "FILE", requires = "require_signatures")]
    signers: Option<PathBuf>,
}

/// What was asked for, read.
pub(super) struct Required {
    keys: usize,
    signers: AllowedSigners,
}

impl RequiredArgs {
    /// Returns whether signatures are asked for, or not to be looked at.
    pub(super) fn is_given(&self) -> bool {
        self.require_signatures.is_some()
    }

    /// Reads whose signatures count; `None` where none are asked for.
    pub(super) fn read(&self, catalog: &Catalog) -> Result<Option<Required>, Failure> {
        let Some(keys) = self.require_signatures.filter(|keys| *keys > 0) else {
            return Ok(None);
        };
        let signers = match (&self.signers, catalog.policy()?) {
            (Some(file), _) => read_signers(file)?,
            (None, Some(policy)) => policy.signers().clone(),
            (None, None) => {
                let message =
                    "say whose signatures count with --signers: the catalog has no policy";
                return Err(Failure::Usage(message.to_owned()));
            }
        };
        let keys = usize::try_from(keys).unwrap_or(usize::MAX);
        Ok(Some(Required { keys, signers }))
    }

    /// Requires that enough keys have signed these entries, as far as any have to, and says why signatures of
    /// one that they have not do not count. Those of `snapshot`, which they are of, count too.
    pub(super) fn check(
        &self,
        catalog: &Catalog,
        snapshot: Option<ObjectId>,
        records: impl FnOnce() -> Result<Vec<Record>, Failure>,
    ) -> Result<(), Failure> {
        let asked = self.read(catalog)?;
        let endorsements = match (&asked, self.is_given()) {
            (Some(required), _) => Some(required.now().look_in(&[catalog])),
            (None, true) => None,
            (None, false) => {
                let policy = catalog.policy()?;
                policy.map(|policy| policy.look_in(&[catalog], now_ms()))
            }
        };
        let Some(mut endorsements) = endorsements else {
            return Ok(());
        };
        if let Some(snapshot) = snapshot {
            endorsements = endorsements.and_of_snapshot(snapshot);
        }
        records()?
            .iter()
            .try_for_each(|it| require(&endorsements, it))
    }
}

fn require(endorsements: &Endorsements<'_>, record: &Record) -> Result<(), Failure> {
    let endorsement = endorsements.of(&record.name(), &record.object)?;
    if let Err(error) = endorsement.require() {
        tell_refused(endorsement);
        return Err(error.into());
    }
    Ok(())
}

fn tell_refused(endorsement: Endorsement) {
    for signature in endorsement.refused {
        let (object, verdict) = (signature.object, signature.verdict);
        say("signature", &format!("{object} does not count: {verdict}"));
    }
}

impl Required {
    /// What is required of signatures now.
    pub(super) fn now(&self) -> RequiredSignatures<'_> {
        RequiredSignatures {
            keys: self.keys,
            signers: &self.signers,
            at_ms: now_ms(),
        }
    }
}
