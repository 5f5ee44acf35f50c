//! Stock `ssh-keygen`, with keys and files in a directory of its own.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::skip;

pub(crate) const NAMESPACE: &str = "engine-catalog";

/// A kind of key, and its bits where there is a choice.
pub(crate) type Kind = (&'static str, &'static str);

pub(crate) const ED25519: Kind = ("ed25519", "256");
pub(crate) const P256: Kind = ("ecdsa", "256");

/// Every kind that is made without a security key.
pub(crate) const KINDS: [Kind; 7] = [
    ED25519,
    P256,
    ("ecdsa", "384"),
    ("ecdsa", "521"),
    ("rsa", "2048"),
    ("rsa", "3072"),
    ("rsa", "4096"),
];

pub(crate) struct Keygen {
    program: PathBuf,
    dir: tempfile::TempDir,
}

impl Keygen {
    /// Skips the test where there is no `ssh-keygen`.
    pub(crate) fn new() -> Option<Self> {
        let program = skip::program("ssh-keygen")?;
        let dir = tempfile::tempdir().unwrap();
        Some(Self { program, dir })
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and returns its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs it, in a time zone far from others. What it may ask is not answered.
    pub(crate) fn output(&self, args: &[&str], stdin: &Path) -> Output {
        Command::new(&self.program)
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("SSH_AUTH_SOCK")
            .env("TZ", ZONE)
            .stdin(fs::File::open(stdin).unwrap())
            .output()
            .unwrap()
    }

    fn succeeds(&self, args: &[&str], stdin: &Path) -> Vec<u8> {
        let output = self.output(args, stdin);
        assert!(output.status.success(), "{args:?}: {output:?}");
        output.stdout
    }

    /// Makes a key pair, with a passphrase or with none, and returns the path of the private key.
    pub(crate) fn key(&self, name: &str, (kind, bits): Kind, passphrase: &str) -> PathBuf {
        let args = ["-q", "-t", kind, "-b", bits, "-N", passphrase, "-C", name];
        self.succeeds(&[&args[..], &["-f", name]].concat(), Path::new("/dev/null"));
        self.at(name)
    }

    /// The public key of a pair, without its comment.
    pub(crate) fn public(&self, name: &str) -> String {
        let text = fs::read_to_string(self.at(&format!("{name}.pub"))).unwrap();
        let fields: Vec<_> = text.split(' ').take(2).collect();
        fields.join(" ")
    }

    /// Signs as `ssh-keygen -Y sign -f key` does, with further arguments.
    pub(crate) fn sign(&self, key: &str, namespace: &str, bytes: &[u8], more: &[&str]) -> Vec<u8> {
        let message = self.write("message", bytes);
        let args = ["-Y", "sign", "-q", "-f", key, "-n", namespace];
        self.succeeds(&[&args[..], more].concat(), &message)
    }

    /// Whether `ssh-keygen -Y verify` finds a signature good, for a principal of an `allowed_signers` file.
    pub(crate) fn verifies(
        &self,
        signers: &str,
        principal: &str,
        signature: &[u8],
        bytes: &[u8],
    ) -> bool {
        self.verifies_with(signers, principal, signature, bytes, &[])
    }

    fn verifies_with(
        &self,
        signers: &str,
        principal: &str,
        signature: &[u8],
        bytes: &[u8],
        more: &[&str],
    ) -> bool {
        self.write("signers", signers);
        self.write("signature", signature);
        let message = self.write("message", bytes);
        let args = ["-Y", "verify", "-f", "signers", "-I", principal];
        let args = [&args[..], &["-n", NAMESPACE, "-s", "signature"], more].concat();
        self.output(&args, &message).status.success()
    }

    /// As [`verifies`](Self::verifies), for `me@here` at 2026-07-01T12:00:00Z.
    pub(crate) fn verifies_at_noon(&self, signers: &str, signature: &[u8], bytes: &[u8]) -> bool {
        let noon = ["-Overify-time=20260701120000Z"];
        self.verifies_with(signers, "me@here", signature, bytes, &noon)
    }

    /// Whether a signature is right, whosever it is.
    pub(crate) fn checks(&self, signature: &[u8], bytes: &[u8]) -> bool {
        self.write("signature", signature);
        let message = self.write("message", bytes);
        let args = ["-Y", "check-novalidate", "-n", NAMESPACE, "-s", "signature"];
        self.output(&args, &message).status.success()
    }
}

/// Eleven hours before UTC, all the year.
pub(crate) const ZONE: &str = "<-11>11";
