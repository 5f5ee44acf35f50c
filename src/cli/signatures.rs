//! `engine-catalog signatures`

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{
    AllowedSigners, Catalog, DistinctKeys, JudgedSignature, ObjectId, PublicKey, SignatureVerdict,
};
use serde::Serialize;

use super::attach::subject;
use super::failure::{Failure, readable, say};
use super::signers::read_signers;
use super::text::printable;
use super::{Context, Status, now_ms};

/// List the signatures of an entry or a snapshot, and what each is worth
///
/// SPEC is what `attach` takes. A signature is worth something if its key made it over the very bytes of the
/// object, and the `allowed_signers` file accepts that key: for the namespace engine-catalog, now. When it was
/// made, nobody knows: it does not say.
///
/// Columns: object, verdict, fingerprint of the key, and what there is to be said of it. Verdicts: valid,
/// unknown-signer, other-namespaces, not-yet-valid, expired; wrong-namespace, bad-signature, malformed,
/// unsupported.
///
/// Exit status 0 if at least one is valid, 1 if none is. Those that are not valid do not change that: anyone
/// who can write to a catalog can attach them. Without --signers, in a catalog that has no policy, none is
/// valid. 3 if an attachment could not be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog signatures llamacpp/b4321 --signers ~/.ssh/allowed_signers
  engine-catalog signatures release-7 --signers allowed_signers --at 2026-01-31T12:00:00Z --json

The file is that of ssh-keygen(1), ALLOWED SIGNERS; a line for each key:
  alice@example.org namespaces=\"engine-catalog\",valid-before=\"20280101Z\" ssh-ed25519 AAAAC3Nz…")]
pub(super) struct Signatures {
    /// engine/version, id, snapshot, or first digits of an object id
    #[arg(value_name = "SPEC")]
    spec: String,

    /// Whose signatures count: a file as `ssh-keygen -Y verify -f` takes it; `-` for standard input
    /// [default: that of the policy of the catalog]
    #[arg(long, value_name = "FILE")]
    signers: Option<PathBuf>,

    /// Compare the validity of keys to this time, in RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<jiff::Timestamp>,
}

/// The JSON form of a signature.
#[derive(Serialize)]
struct JsonSignature<'a> {
    object: ObjectId,
    subject: ObjectId,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    principals: &'a [String],
    message: String,
}

impl<'a> JsonSignature<'a> {
    fn new(subject: ObjectId, judged: &'a JudgedSignature) -> Self {
        let principals: &[String] = match &judged.verdict {
            SignatureVerdict::Valid { principals } => principals,
            _ => &[],
        };
        Self {
            object: judged.object,
            subject,
            verdict: judged.verdict.slug(),
            fingerprint: judged.key.as_ref().map(PublicKey::fingerprint),
            algorithm: judged.key.as_ref().map(PublicKey::algorithm),
            principals,
            message: judged.verdict.to_string(),
        }
    }
}

/// Returns whose signatures count in a catalog, where nobody was named.
fn signers_of(catalog: &Catalog) -> Result<AllowedSigners, Failure> {
    let policy = catalog.policy()?;
    let signers = policy.map_or_else(AllowedSigners::default, |it| it.signers().clone());
    if signers.keys() == 0 {
        let note = "there are no signers to compare with: name them with --signers, or in a policy";
        say("note", note);
    }
    Ok(signers)
}

impl Signatures {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let signers = self.signers.as_deref().map(read_signers).transpose()?;
        let at_ms = self.at.map_or_else(now_ms, jiff::Timestamp::as_millisecond);
        let catalog = context.read()?;
        let signers = signers.map_or_else(|| signers_of(&catalog), Ok)?;
        let subject = subject(&catalog, &self.spec)?;
        let (mut rows, mut keys, mut damaged) = (Vec::new(), DistinctKeys::default(), 0);
        let judged = catalog.signatures(&subject, &signers, at_ms)?;
        for judged in readable(judged, &mut damaged) {
            if let Some(key) = judged.good_key() {
                keys.add(key);
            }
            let json = JsonSignature::new(subject, &judged);
            if context.out.is_json() {
                context.out.json(&json)?;
                continue;
            }
            rows.push([
                json.object.to_string(),
                json.verdict.to_owned(),
                json.fingerprint.unwrap_or_else(|| "-".to_owned()),
                printable(&json.message),
            ]);
        }
        if !rows.is_empty() {
            let header = ["OBJECT", "VERDICT", "KEY", "WHICH MEANS"];
            context.out.table(header, rows)?;
        }
        match (damaged, keys.count()) {
            (1.., _) => Err(Failure::Damaged(damaged)),
            (_, 0) => {
                say("signed", "by no key that is accepted");
                Ok(Status::Found)
            }
            (_, 1) => {
                say("signed", "by 1 key that is accepted");
                Ok(Status::Done)
            }
            (_, count) => {
                say(
                    "signed",
                    &format!("by {count} distinct keys that are accepted"),
                );
                Ok(Status::Done)
            }
        }
    }
}
