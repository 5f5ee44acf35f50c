//! `engine-catalog sign`

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{Catalog, Error, ObjectId, RefName, SshSignature};
use serde::Serialize;

use super::attach::subject;
use super::failure::{Failure, say};
use super::input::{read, refuse};
use super::key::{Key, attach, signed_bytes};
use super::{Context, Status};

/// Sign an entry or a snapshot, and attach the signature
///
/// What is signed are the bytes of the object: of an entry, all its fields; of a snapshot, which entries it
/// has. Documents that are attached to it are not covered, nor is what a ref or a name says. The signature is
/// one of OpenSSH, as `ssh-keygen -Y sign` makes it for the namespace engine-catalog.
///
/// SPEC is what `attach` takes. Prints the object id of the attachment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog sign llamacpp/b4321 --key ~/.ssh/id_ed25519
  engine-catalog sign release-7 --key ~/.ssh/id_ed25519.pub    # by ssh-agent

The same with nothing but OpenSSH, and the signature attached:
  engine-catalog sign llamacpp/b4321 --bytes |
    ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n engine-catalog > it.sig
  engine-catalog sign llamacpp/b4321 --signature it.sig

Checked with nothing but OpenSSH: SIGNATURE is an object that `signatures` lists, and the other file is
that of the object that was signed, below the root of the catalog:
  engine-catalog attachments get SIGNATURE > it.sig
  ssh-keygen -Y verify -f allowed_signers -I PRINCIPAL -n engine-catalog -s it.sig \\
    < objects/6c/dceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64")]
pub(super) struct Sign {
    /// engine/version, id, snapshot, or first digits of an object id
    #[arg(value_name = "SPEC")]
    spec: String,

    #[command(flatten)]
    source: Source,
}

/// Where the signature comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// Sign with this key: a private key, or a public one whose private key ssh-agent has
    ///
    /// Ed25519 and ECDSA keys that are not encrypted are read. All others are left to `ssh-keygen -Y sign`,
    /// which asks for the passphrase, ssh-agent, or the security key.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Attach this signature, which `ssh-keygen -Y sign -n engine-catalog` has made; `-` for standard input
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,

    /// Sign nothing, and print the bytes that are to be signed
    #[arg(long)]
    bytes: bool,
}

/// The JSON form of a signature that was attached.
#[derive(Serialize)]
struct JsonSigned<'a> {
    object: ObjectId,
    subject: ObjectId,
    fingerprint: &'a str,
    algorithm: &'a str,
}

impl Sign {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let Source {
            key,
            signature,
            bytes: only_bytes,
        } = self.source;
        // Bytes are what they are.
        if only_bytes && context.out.is_json() {
            let message = "the bytes are printed as they are: leave --json out";
            return Err(Failure::Usage(message.to_owned()));
        }
        let given = signature.as_deref().map(read).transpose()?;
        let catalog = match only_bytes {
            true => context.read()?,
            false => context.open()?,
        };
        let subject = subject(&catalog, &self.spec)?;
        let what = what(&catalog, &self.spec, &subject)?;
        let bytes = || signed_bytes(&catalog, &subject);
        let (signature, source) = match (given, signature, key) {
            (Some(given), Some(path), _) => (given, path),
            (_, _, Some(key)) => (Key::read(&key)?.sign(&bytes()?)?, key),
            _ => {
                context.out.bytes(&bytes()?)?;
                return Ok(Status::Done);
            }
        };
        let object = attach(&catalog, &subject, &signature, &source)?;
        say("sign", &what);
        if !context.out.is_json() {
            context.out.line(&object.to_string())?;
            return Ok(Status::Done);
        }
        let signature = SshSignature::parse(&signature);
        let signature = signature.map_err(|error| refuse(&source, error))?;
        context.out.json(&JsonSigned {
            object,
            subject,
            fingerprint: &signature.key().fingerprint(),
            algorithm: signature.key().algorithm(),
        })?;
        Ok(Status::Done)
    }
}

/// Says what is signed. Whoever names an entry by engine and version means no entry of another one, which
/// may have that for its id.
fn what(catalog: &Catalog, spec: &str, subject: &ObjectId) -> Result<String, Failure> {
    let Ok(Some(entry)) = catalog.entry(subject) else {
        return Ok(match catalog.snapshot(subject) {
            Ok(Some(snapshot)) => {
                format!("snapshot {subject}, members: {}", snapshot.objects.len())
            }
            _ => format!("object {subject}"),
        });
    };
    let name = entry.ref_name().map_err(Error::from)?;
    match spec.parse::<RefName>() {
        Ok(meant) if meant != name => Err(Failure::Input(format!(
            "{spec:?} is the id of entry {subject} of {name}: name it by its object id"
        ))),
        _ => Ok(format!("entry {subject} of {name}")),
    }
}
