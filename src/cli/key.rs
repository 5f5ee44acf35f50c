//! Keys that sign: those in a file, and those that are left to `ssh-keygen`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use engine_catalog::{
    AttachSignatureError, Catalog, ObjectId, PrivateKey, PrivateKeyError, PublicKey, SshSignature,
};

use super::failure::Failure;
use super::input::{read, refuse};

/// The key that signs what a command makes current.
#[derive(Clone, Debug, Args)]
pub(super) struct KeyArg {
    /// Sign each entry with this key, as `sign` does, before it becomes current, unless it has signed it
    /// already
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// A key, and the file that it is in.
pub(super) struct Key {
    path: PathBuf,
    /// `None` where it is left to `ssh-keygen`: an encrypted key, one of ssh-agent or of a security key.
    private: Option<PrivateKey>,
}

impl KeyArg {
    pub(super) fn is_given(&self) -> bool {
        self.key.is_some()
    }

    /// Reads the key, if one is given.
    pub(super) fn read(&self) -> Result<Option<Key>, Failure> {
        self.key.as_deref().map(Key::read).transpose()
    }
}

impl Key {
    /// Reads a key.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let private = match PrivateKey::parse(&read(path)?) {
            Ok(key) => Some(key),
            Err(PrivateKeyError::Key(error)) => return Err(refuse(path, error)),
            Err(_) => None,
        };
        let path = path.to_owned();
        Ok(Self { path, private })
    }

    /// Signs, whatever that takes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let Some(key) = &self.private else {
            return sign_by_ssh_keygen(&self.path, bytes);
        };
        let signed = key.sign(bytes).map(String::into_bytes);
        signed.map_err(|error| refuse(&self.path, error))
    }

    /// Signs an object and attaches that, unless this key has signed it already.
    pub(super) fn endorse(&self, catalog: &Catalog, object: &ObjectId) -> Result<(), Failure> {
        let bytes = signed_bytes(catalog, object)?;
        let has_signed = |key: &PublicKey| -> Result<bool, Failure> {
            let attached = catalog.attached(object, Some(&SshSignature::media_type()))?;
            let mut earlier = attached
                .flatten()
                .filter_map(|it| SshSignature::parse(&it.attachment.payload).ok());
            Ok(earlier.any(|it| it.key() == key && it.verify(&bytes).is_ok()))
        };
        if let Some(key) = &self.private
            && has_signed(key.public_key())?
        {
            return Ok(());
        }
        let signature = self.sign(&bytes)?;
        let made = SshSignature::parse(&signature).map_err(|error| refuse(&self.path, error))?;
        match has_signed(made.key())? {
            true => Ok(()),
            false => attach(catalog, object, &signature, &self.path).map(drop),
        }
    }
}

pub(super) fn signed_bytes(catalog: &Catalog, object: &ObjectId) -> Result<Vec<u8>, Failure> {
    let absent = || Failure::NotFound(format!("there is no object {object}"));
    catalog.signed_bytes(object)?.ok_or_else(absent)
}

/// Attaches a signature that comes from a file, or was made with the key in one.
pub(super) fn attach(
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
        // It has said why: no passphrase, no agent, no security key.
        false => {
            let left = "signing with it is left to ssh-keygen, which has not signed";
            Err(refuse(path, format!("{left}: {}", output.status)))
        }
    }
}
