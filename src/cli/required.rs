//! `--require-signatures`, of the commands that rely on what entries say.

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{AllowedSigners, Catalog, Endorsement, ObjectId, RequiredSignatures};

use super::failure::{Failure, say};
use super::now_ms;
use super::signers::read_signers;

/// How many keys have to have signed what a command relies on.
#[derive(Debug, Args)]
pub(super) struct RequiredArgs {
    /// Require that so many distinct keys have signed each entry, or a named snapshot that it is a member of
    #[arg(
        long,
        value_name = "N",
        requires = "signers",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    require_signatures: Option<u32>,

    /// Whose signatures count: a file as the allowed_signers of ssh-keygen(1)
    #[arg(long, value_name = "FILE", requires = "require_signatures")]
    signers: Option<PathBuf>,
}

/// What was asked for, read.
pub(super) struct Required {
    keys: usize,
    signers: AllowedSigners,
}

impl RequiredArgs {
    /// Reads whose signatures count; `None` where none are required.
    pub(super) fn read(&self) -> Result<Option<Required>, Failure> {
        let (Some(keys), Some(signers)) = (self.require_signatures, &self.signers) else {
            return Ok(None);
        };
        let signers = read_signers(signers)?;
        let keys = usize::try_from(keys).unwrap_or(usize::MAX);
        Ok(Some(Required { keys, signers }))
    }

    /// Requires that enough keys have signed these entries, if any are to have, and says why signatures of
    /// one that they have not do not count.
    pub(super) fn check<'o>(
        &self,
        catalog: &Catalog,
        entries: impl IntoIterator<Item = &'o ObjectId>,
    ) -> Result<(), Failure> {
        let Some(required) = self.read()? else {
            return Ok(());
        };
        let required = required.now();
        let endorsements = required.look_in(&[catalog])?;
        for entry in entries {
            let endorsement = endorsements.of(entry)?;
            if let Err(error) = endorsement.require() {
                tell_refused(endorsement);
                return Err(error.into());
            }
        }
        Ok(())
    }
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
