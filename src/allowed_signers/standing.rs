//! What an `allowed_signers` file says of a key.

use std::fmt;

use super::time::InUtc;

/// What an [`AllowedSigners`](super::AllowedSigners) says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerStanding {
    /// It is accepted.
    Accepted {
        /// The principals of each line that accepts it, as the file has them: patterns with commas between.
        principals: Vec<String>,
    },
    /// No line names it.
    Unknown,
    /// It is accepted for other namespaces only.
    OtherNamespaces {
        /// Those, of each line: patterns with commas between.
        namespaces: Vec<String>,
    },
    /// It is not yet valid.
    NotYetValid {
        /// The first second of its validity, since the Unix epoch.
        from: i64,
    },
    /// It is no longer valid.
    Expired {
        /// The last second of its validity, since the Unix epoch.
        until: i64,
    },
}

impl SignerStanding {
    pub(crate) fn slug(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Unknown => "unknown-signer",
            Self::OtherNamespaces { .. } => "other-namespaces",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Expired { .. } => "expired",
        }
    }
}

impl fmt::Display for SignerStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { principals } => {
                write!(f, "its key is accepted as {}", principals.join(" "))
            }
            Self::Unknown => f.write_str("its key is not among the allowed signers"),
            Self::OtherNamespaces { namespaces } => {
                write!(
                    f,
                    "its key is accepted for other namespaces only: {}",
                    namespaces.join(" ")
                )
            }
            Self::NotYetValid { from } => {
                write!(f, "its key is not valid before {}", InUtc(*from))
            }
            Self::Expired { until } => {
                write!(f, "its key is not valid after {}", InUtc(*until))
            }
        }
    }
}
