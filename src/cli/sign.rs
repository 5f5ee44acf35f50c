//! `engine-catalog sign`

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use engine_catalog::{
    AttachSignatureError, Catalog, Error, ObjectId, PrivateKey, PrivateKeyError, SshSignature,
};
use serde::Serialize;

use super::attach::subject;
use super::failure::Failure;
use super::input::{read, refuse};
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
        let given = signature.as_deref().map(read).transpose()?;
        let catalog = match only_bytes {
            true => context.read()?,
            false => context.open()?,
        };
        let subject = subject(&catalog, &self.spec)?;
        let bytes = || signed_bytes(&catalog, &subject);
        let (signature, source) = match (given, signature, key) {
            (Some(given), Some(path), _) => (given, path),
            (_, _, Some(key)) => (sign(&key, &bytes()?)?, key),
            _ => {
                context.out.bytes(&bytes()?)?;
                return Ok(Status::Done);
            }
        };
        let object = attach(&catalog, &subject, &signature, &source)?;
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

/// A key that signs entries which a command makes current.
#[derive(Clone, Debug, Args)]
pub(super) struct KeyArg {
    /// Sign each entry with this key, as `sign` does, unless it has signed it already
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl KeyArg {
    /// Makes entries current, and signs them: before that, where the policy of the catalog requires it. Then
    /// `act` is told which one it has to be tried again for.
    pub(super) fn signing<T>(
        &self,
        catalog: &Catalog,
        mut act: impl FnMut(Option<ObjectId>) -> Result<T, Error>,
        objects: impl FnOnce(&T) -> Vec<ObjectId>,
    ) -> Result<T, Failure> {
        let (mut signed, mut last) = (BTreeSet::new(), None);
        loop {
            let done = match (act(last), &self.key) {
                (Err(Error::RefUnsigned { object, .. }), Some(key)) if signed.insert(object) => {
                    last = Some(object);
                    endorse(catalog, &object, key)?;
                    continue;
                }
                (done, _) => done?,
            };
            if let Some(key) = &self.key {
                let objects = objects(&done).into_iter();
                let mut unsigned = objects.filter(|it| signed.insert(*it));
                unsigned.try_for_each(|object| endorse(catalog, &object, key))?;
            }
            return Ok(done);
        }
    }
}

/// Signs an object, unless the key has signed it already.
fn endorse(catalog: &Catalog, object: &ObjectId, key: &Path) -> Result<(), Failure> {
    let bytes = signed_bytes(catalog, object)?;
    let signature = sign(key, &bytes)?;
    let made = SshSignature::parse(&signature).map_err(|error| refuse(key, error))?;
    let attached = catalog.attached(object, Some(&SshSignature::media_type()))?;
    let mut earlier = attached
        .flatten()
        .filter_map(|it| SshSignature::parse(&it.attachment.payload).ok());
    if earlier.any(|it| it.key() == made.key() && it.verify(&bytes).is_ok()) {
        return Ok(());
    }
    attach(catalog, object, &signature, key).map(drop)
}

fn signed_bytes(catalog: &Catalog, object: &ObjectId) -> Result<Vec<u8>, Failure> {
    let absent = || Failure::NotFound(format!("there is no object {object}"));
    catalog.signed_bytes(object)?.ok_or_else(absent)
}

/// Attaches a signature that comes from a file, or was made with the key in one.
fn attach(
    catalog: &Catalog,
    subject: &ObjectId,
    signature: &[u8],
    source: &Path,
) -> Result<ObjectId, Failure> {
    let attached = catalog.attach_signature(subject, signature);
    attached.map_err(|error| match error {
        AttachSignatureError::Catalog(error) => error.into(),
        error => refuse(source, error),
    })
}

/// Signs with the key in a file, whatever that takes.
fn sign(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    match PrivateKey::parse(&read(path)?) {
        Ok(key) => key
            .sign(bytes)
            .map(String::into_bytes)
            .map_err(|error| refuse(path, error)),
        Err(PrivateKeyError::Key(error)) => Err(refuse(path, error)),
        Err(_) => sign_by_ssh_keygen(path, bytes),
    }
}

/// Has `ssh-keygen` sign, which says itself what it wants of whom.
fn sign_by_ssh_keygen(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let fail = |what: String| {
        Failure::Unusable(format!(
            "{}: signing with it is left to ssh-keygen, which {what}",
            path.display()
        ))
    };
    let spawned = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", SshSignature::NAMESPACE, "-f"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => fail("is not installed (OpenSSH 8.1 or newer)".into()),
        _ => fail(format!("does not start: {error}")),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // Where it has ended before, it has said why.
        let _ = stdin.write_all(bytes);
    }
    let output = child.wait_with_output();
    let output = output.map_err(|error| fail(format!("cannot be waited for: {error}")))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(fail(format!("has not signed: {}", output.status))),
    }
}
