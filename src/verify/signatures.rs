//! Entries that fewer keys have signed than are required, and signatures that do not count.

use std::path::PathBuf;

use crate::allowed_signers::SignerStanding;
use crate::catalog::{Catalog, Endorsements, JudgedSignature, SignatureVerdict};
use crate::durable::Cause;
use crate::error::{Error, ErrorKind};
use crate::filter::Filter;
use crate::hash::ObjectId;
use crate::layout;
use crate::policy::RequiredSignatures;
use crate::sshsig::SignatureError;

use super::finding::Finding;
use super::slug::Slug;

impl Catalog {
    /// Checks who has signed each current entry, and returns what is wrong, sorted by path. An entry that
    /// cannot be read is left to [`verify`](Self::verify).
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where refs or links cannot be listed.
    pub fn verify_signatures(
        &self,
        required: &RequiredSignatures<'_>,
    ) -> Result<Vec<Finding>, Error> {
        self.find_unsigned(&required.look_in(&[self]))
    }

    /// As [`verify_signatures`](Self::verify_signatures), by the [`policy`](Self::policy) of this catalog;
    /// nothing is found where it has none. `at_ms` is the time, in milliseconds since the Unix epoch, at which
    /// keys have to be valid.
    ///
    /// # Errors
    ///
    /// Those of [`verify_signatures`](Self::verify_signatures).
    pub fn verify_policy(&self, at_ms: i64) -> Result<Vec<Finding>, Error> {
        match self.policy() {
            Ok(Some(policy)) => self.find_unsigned(&policy.look_in(&[self], at_ms)),
            Ok(None) => Ok(Vec::new()),
            Err(Error::Policy { cause, .. }) => Ok(vec![malformed(cause.to_string())]),
            Err(Error::Path(error)) if matches!(error.cause, Cause::TooLarge { .. }) => {
                Ok(vec![malformed(error.cause.to_string())])
            }
            // Something else than a file lies in the place of one, which `verify` tells.
            Err(error) if error.kind() == ErrorKind::Damage => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn find_unsigned(&self, endorsements: &Endorsements<'_>) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        for record in self.list(&Filter::default())?.flatten() {
            let (object, name) = (record.object, record.name());
            let at_ref = |slug, message| {
                let path = layout::ref_file(&name).path();
                Finding::new(slug, path, message).of(object).at(&name)
            };
            let endorsement = match endorsements.of(&name, &object) {
                Ok(endorsement) => endorsement,
                Err(error) => {
                    let message = format!("its signatures cannot be looked at: {error}");
                    findings.push(at_ref(Slug::Unreadable, message));
                    continue;
                }
            };
            let refused = endorsement.refused.iter();
            findings.extend(refused.map(|it| refused_signature(&object, it).at(&name)));
            if !endorsement.is_enough() {
                let (found, required) = (endorsement.found, endorsement.required);
                let message =
                    format!("accepted keys that have signed it: {found}, required: {required}");
                findings.push(at_ref(Slug::SignaturesLacking, message));
            }
        }
        findings.sort_unstable();
        Ok(findings)
    }
}

fn malformed(message: String) -> Finding {
    Finding::new(
        Slug::PolicyMalformed,
        PathBuf::from(layout::POLICY),
        message,
    )
}

fn refused_signature(subject: &ObjectId, signature: &JudgedSignature) -> Finding {
    let (slug, message) = match &signature.verdict {
        SignatureVerdict::NotAccepted(standing) => {
            let slug = match standing {
                SignerStanding::Expired { .. } | SignerStanding::NotYetValid { .. } => {
                    Slug::SignatureExpired
                }
                SignerStanding::OtherNamespaces { .. } => Slug::SignatureNamespace,
                _ => Slug::SignerUnknown,
            };
            (slug, standing.to_string())
        }
        SignatureVerdict::Refused(error) => {
            let slug = match error {
                SignatureError::Namespace { .. } => Slug::SignatureNamespace,
                _ => Slug::SignatureBad,
            };
            (slug, error.to_string())
        }
        SignatureVerdict::Valid { .. } => unreachable!("it counts"),
    };
    let path = layout::attachment(subject, &signature.object).path();
    Finding::new(slug, path, message).of(signature.object)
}
