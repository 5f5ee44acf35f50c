//! `--require-signatures`, of the commands that rely on what entries say.

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{
    AllowedSigners, Catalog, Endorsement, Endorsements, Policy, Record, RequiredSignatures,
};

use super::failure::{Failure, say};
use super::now_ms;
use super::signers::read_signers;

/// How many keys have to have signed what a command relies on.
#[derive(Debug, Args)]
pub(super) struct RequiredArgs {
    /// Require that so many distinct keys have signed each entry, or a snapshot that it is a member of; besides
    /// what the policy of the catalog requires
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    require_signatures: Option<u32>,

    /// Whose signatures count for that: a file as the allowed_signers of ssh-keygen(1) [default: that of the
    /// policy of the catalog]
    #[arg(long, value_name = "FILE", requires = "require_signatures")]
    signers: Option<PathBuf>,
}

/// Whether the policy counts for a command that changes no ref.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct PolicyArgs {
    /// Do not require what the policy of the catalog does
    #[arg(long)]
    ignore_policy: bool,
}

impl PolicyArgs {
    pub(super) fn ignores(self) -> bool {
        self.ignore_policy
    }
}

/// What was asked for, read.
pub(super) struct Required {
    threshold: usize,
    signers: AllowedSigners,
}

impl RequiredArgs {
    /// Returns whether signatures are asked for.
    pub(super) fn is_given(&self) -> bool {
        self.require_signatures.is_some()
    }

    /// Reads whose signatures count; `None` where none are asked for.
    pub(super) fn read(&self, catalog: &Catalog) -> Result<Option<Required>, Failure> {
        let Some(threshold) = self.require_signatures else {
            return Ok(None);
        };
        let signers = match &self.signers {
            Some(file) => read_signers(file)?,
            None => {
                let missing =
                    "say whose signatures count with --signers: the catalog has no policy";
                let policy = catalog.policy()?;
                let policy = policy.ok_or_else(|| Failure::Usage(missing.to_owned()))?;
                policy.signers().clone()
            }
        };
        let threshold = usize::try_from(threshold).unwrap_or(usize::MAX);
        Ok(Some(Required { threshold, signers }))
    }
}

impl Required {
    /// What is required of signatures now.
    pub(super) fn now(&self) -> RequiredSignatures<'_> {
        RequiredSignatures {
            threshold: self.threshold,
            signers: &self.signers,
            at_ms: now_ms(),
        }
    }
}

/// What is required by who calls, and by the policy of the catalog.
pub(super) struct Check {
    by_caller: Option<Required>,
    by_policy: Option<Policy>,
}

impl Check {
    pub(super) fn new(
        required: &RequiredArgs,
        policy: &PolicyArgs,
        catalog: &Catalog,
    ) -> Result<Self, Failure> {
        Ok(Self {
            by_caller: required.read(catalog)?,
            by_policy: match policy.ignores() {
                true => None,
                false => catalog.policy()?,
            },
        })
    }

    /// Returns whether anything may be required.
    pub(super) fn requires_some(&self) -> bool {
        self.by_caller.is_some() || self.by_policy.is_some()
    }

    /// Requires that enough keys have signed these entries, and says why signatures of one that they have
    /// not do not count.
    pub(super) fn require<'r>(
        self,
        catalog: &Catalog,
        records: impl IntoIterator<Item = &'r Record>,
    ) -> Result<(), Failure> {
        let by_caller = self.by_caller.as_ref();
        let by_caller = by_caller.map(|it| it.now().look_in(&[catalog]));
        let by_policy = self.by_policy.map(|it| it.look_in(&[catalog], now_ms()));
        let all: Vec<_> = by_caller.into_iter().chain(by_policy).collect();
        for record in records {
            all.iter().try_for_each(|it| require(it, record))?;
        }
        Ok(())
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
    for error in endorsement.unreadable {
        say(
            "signature",
            &format!("it may be one, and does not count: {error}"),
        );
    }
}
