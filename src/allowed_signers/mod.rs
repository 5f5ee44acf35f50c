//! Whose signatures count: the `allowed_signers` file as `ssh-keygen -Y verify` takes it (ssh-keygen(1),
//! "ALLOWED SIGNERS").
//!
//! Nothing is passed over: a line that is not understood is an error, because what it was to say may be that
//! a key is no longer good.

mod line;
mod standing;
mod time;

use std::collections::BTreeMap;

pub use line::SignerLineError;
pub use standing::SignerStanding;
pub use time::CivilTime;

use crate::filter::glob;
use crate::sshsig::{DistinctKeys, PublicKey, SshSignature};
use line::Signer;

/// The keys whose signatures count, what each may sign for, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSigners {
    by_key: BTreeMap<PublicKey, Vec<Signer>>,
}

/// Why an `allowed_signers` file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowedSignersError {
    /// It is larger than such files are.
    #[error("it has {bytes} bytes, expected at most {}", AllowedSigners::MAX_BYTES)]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// One of its lines is wrong.
    #[error("line {line}: {cause}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        cause: SignerLineError,
    },
}

impl AllowedSigners {
    /// The most bytes that the file has.
    pub const MAX_BYTES: usize = 16 << 20;

    /// Reads a file. `local` tells which second since the Unix epoch a time of validity is that does not end
    /// in `Z`: one of the time zone of the system. [`CivilTime::in_utc`] takes it for UTC.
    ///
    /// # Errors
    ///
    /// [`AllowedSignersError`] names the first line that is wrong, or is not supported.
    pub fn parse(
        file: &[u8],
        local: impl Fn(CivilTime) -> Option<i64>,
    ) -> Result<Self, AllowedSignersError> {
        if file.len() > Self::MAX_BYTES {
            let bytes = file.len();
            return Err(AllowedSignersError::TooLarge { bytes });
        }
        let mut signers = Self::default();
        for (line, bytes) in (1..).zip(file.split(|it| *it == b'\n')) {
            let wrong = |cause| AllowedSignersError::Line { line, cause };
            let text = std::str::from_utf8(bytes).map_err(|_| wrong(SignerLineError::NotText))?;
            if text.trim_end_matches('\r').contains(is_no_text) {
                return Err(wrong(SignerLineError::NotText));
            }
            if let Some(signer) = line::parse(text, &local).map_err(wrong)? {
                let of_key = signers.by_key.entry(signer.key.clone());
                of_key.or_default().push(signer);
            }
        }
        Ok(signers)
    }

    /// Returns how many keys there are.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.by_key.len()
    }

    /// Returns how many distinct keys are accepted at `at_ms`, counted as [`DistinctKeys`] does: as many as can
    /// have signed anything then.
    #[must_use]
    pub fn accepted(&self, at_ms: i64) -> usize {
        let mut accepted = DistinctKeys::default();
        for key in self.by_key.keys() {
            if matches!(self.judge(key, at_ms), SignerStanding::Accepted { .. }) {
                accepted.add(key);
            }
        }
        accepted.count()
    }

    /// Returns whether a signature by `key`, for [`SshSignature::NAMESPACE`], is accepted at `at_ms`
    /// (milliseconds since the Unix epoch). A signature does not say when it was made.
    ///
    /// Where several lines name the key, it is accepted if one of them accepts it.
    #[must_use]
    pub fn judge(&self, key: &PublicKey, at_ms: i64) -> SignerStanding {
        let lines = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        let at = at_ms.div_euclid(1000);
        let (mut accepted, mut others, mut outside) = (Vec::new(), Vec::new(), None);
        for Signer {
            principals,
            options,
            ..
        } in lines
        {
            match (
                &options.namespaces,
                options.valid_after,
                options.valid_before,
            ) {
                (Some(namespaces), ..) if !is_listed(SshSignature::NAMESPACE, namespaces) => {
                    others.push(namespaces.clone());
                }
                (_, Some(from), _) if at < from => {
                    outside.get_or_insert(SignerStanding::NotYetValid { from });
                }
                (_, _, Some(until)) if at > until => {
                    outside = Some(SignerStanding::Expired { until });
                }
                _ => accepted.push(principals.clone()),
            }
        }
        match (accepted.is_empty(), outside) {
            (false, _) => SignerStanding::Accepted {
                principals: accepted,
            },
            (true, Some(outside)) => outside,
            (true, None) if others.is_empty() => SignerStanding::Unknown,
            (true, None) => SignerStanding::OtherNamespaces { namespaces: others },
        }
    }
}

fn is_no_text(it: char) -> bool {
    it.is_control() && it != '\t'
}

/// Whether patterns with commas between take `text`: one takes it, and none that a `!` is before
/// (ssh_config(5), "PATTERNS").
fn is_listed(text: &str, patterns: &str) -> bool {
    let mut is_taken = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if glob(pattern, text) => return false,
            Some(_) => {}
            None => is_taken |= glob(pattern, text),
        }
    }
    is_taken
}
