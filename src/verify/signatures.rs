//! Entries that fewer keys have signed than are required, and signatures that do not count.

use crate::allowed_signers::SignerStanding;
use crate::catalog::Catalog;
use crate::error::Error;
use crate::filter::Filter;
use crate::hash::ObjectId;
use crate::layout;
use crate::signatures::{JudgedSignature, SignatureVerdict};
use crate::sshsig::SignatureError;
use crate::trust::RequiredSignatures;

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
        let endorsements = required.look_in(&[self])?;
        let mut findings = Vec::new();
        for record in self.list(&Filter::default())?.flatten() {
            let (object, name) = (record.object, record.name());
            let endorsement = endorsements.of(&object)?;
            let refused = endorsement.refused.iter();
            findings.extend(refused.map(|it| refused_signature(&object, it).at(&name)));
            if !endorsement.is_enough() {
                let (found, required) = (endorsement.found, endorsement.required);
                let message = format!("it is signed by {found} of {required} keys");
                let path = layout::ref_file(&name).path();
                let finding = Finding::new(Slug::SignaturesLacking, path, message);
                findings.push(finding.of(object).at(&name));
            }
        }
        findings.sort_unstable();
        Ok(findings)
    }
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
