//! `engine-catalog policy`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine_catalog::{Catalog, Policy, PolicyError, Slug};
use serde_json::json;

use super::failure::{Failure, say};
use super::input::{read, refuse};
use super::verify::counted;
use super::{Context, Status, now_ms};

/// Say which refs may hold only what is signed
///
/// A catalog that has a policy moves a ref only to an entry that enough keys have signed, or a snapshot that it
/// is a member of, whoever moves it: record, put, rollback, import, pull. Any other entry is stored, and
/// the ref stays where it was, until the entry is signed and made current by `put --object`. get, capture,
/// materialize and verify look for signatures too. Without a policy nothing need be signed.
///
/// Without a subcommand: prints the rules, a line each.
#[derive(Debug, Args)]
#[command(
    after_help = r#"A policy is a file such as this; the first rule whose pattern matches a ref decides:
  # What is built here for a try
  require 0 llamacpp/dev-*
  require 2 llamacpp/*
  require 1 */*
  [allowed_signers]
  alice@example.org namespaces="engine-catalog" ssh-ed25519 AAAA...

After [allowed_signers] it is as the allowed_signers of ssh-keygen(1); times in it end in Z.

Examples:
  engine-catalog policy set policy
  engine-catalog policy set rules --signers allowed_signers
  engine-catalog put --object 6cdceb1b --key ~/.ssh/id_ed25519"#
)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Give the catalog a policy, in the place of the one that it has
    ///
    /// What refs hold now stays: `verify` names those that hold what the policy would not let them.
    Set {
        /// The policy; `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// Whose signatures count, where FILE has the rules alone; `-` for standard input [default: those of
        /// the policy that there is]
        #[arg(long, value_name = "FILE")]
        signers: Option<PathBuf>,
    },
    /// Remove the policy: nothing need be signed any more
    Remove,
}

impl PolicyCommand {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        match self.action {
            None => {
                let policy = context.read()?.policy()?;
                show(context, policy.as_ref())?;
            }
            Some(Action::Set { file, signers }) => {
                let catalog = context.open()?;
                let text = text(&catalog, &file, signers.as_deref())?;
                let policy = Policy::parse(&text).map_err(|error| match &error {
                    PolicyError::Signers(_) | PolicyError::LocalTime { .. } => {
                        let what = "the signers, of a file or kept, are refused";
                        Failure::Input(format!("{what}: {error}; --signers names others"))
                    }
                    _ => refuse(&file, error),
                })?;
                catalog.set_policy(&text)?;
                show(context, Some(&policy))?;
                tell_unmet(&policy);
                tell_lacking(&catalog)?;
            }
            Some(Action::Remove) => {
                let had_one = context.open()?.remove_policy()?;
                show(context, None)?;
                if !had_one {
                    say("policy", "there was none");
                }
            }
        }
        Ok(Status::Done)
    }
}

/// Returns the text of the policy that is meant.
fn text(catalog: &Catalog, file: &Path, signers: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let stdin = Path::new("-");
    if file == stdin && signers == Some(stdin) {
        let message = "only one of the two files can be standard input";
        return Err(Failure::Usage(message.to_owned()));
    }
    let given = read(file)?;
    let (rules, own) = Policy::parts(&given);
    Ok(match (own, signers) {
        (Some(_), Some(_)) => {
            let message = format!(
                "{} has signers of its own: leave --signers out",
                file.display()
            );
            return Err(Failure::Usage(message));
        }
        (Some(_), None) => given,
        (None, Some(signers)) => Policy::text(rules, &read(signers)?),
        (None, None) => {
            let there = catalog.policy_text()?.unwrap_or_default();
            let (_, kept) = Policy::parts(&there);
            kept.map_or_else(|| rules.to_owned(), |kept| Policy::text(rules, kept))
        }
    })
}

/// Says which rules nothing can meet now.
fn tell_unmet(policy: &Policy) {
    let accepted = policy.signers().accepted(now_ms());
    let keys = counted(accepted, "key");
    for rule in policy.rules().iter().filter(|it| it.threshold > accepted) {
        say(
            "warning",
            &format!("`{rule}` cannot be met: {keys} can sign now"),
        );
    }
}

/// Says how many refs hold what they could not come to hold now.
fn tell_lacking(catalog: &Catalog) -> Result<(), Failure> {
    let findings = catalog.verify_policy(now_ms())?;
    let lacking = findings.iter();
    let lacking = lacking.filter(|it| it.slug == Slug::SignaturesLacking);
    let count = lacking.count();
    if count > 0 {
        let refs = counted(count, "ref");
        let message =
            format!("too few keys have signed what is current in {refs}: `verify` names them");
        say("policy", &message);
    }
    Ok(())
}

/// Shows a policy, or that there is none.
fn show(context: &mut Context, policy: Option<&Policy>) -> Result<(), Failure> {
    let rules = policy.map_or(&[][..], Policy::rules);
    let keys = policy.map(|it| it.signers().keys());
    if context.out.is_json() {
        let rules = rules.iter().map(|it| {
            json!({
                "require": it.threshold,
                "engine": it.engine.to_string(),
                "version": it.version.to_string(),
            })
        });
        let rules: Vec<_> = rules.collect();
        return context.out.json(&json!({ "rules": rules, "keys": keys }));
    }
    for rule in rules {
        context.out.line(&rule.to_string())?;
    }
    match keys {
        Some(keys) => say("policy", &format!("{} may sign", counted(keys, "key"))),
        None => say("policy", "nothing need be signed"),
    }
    Ok(())
}
