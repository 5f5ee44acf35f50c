//! The policy of a catalog: what has to be signed before a ref comes to hold it (layout.md section 5.7).

use std::path::Path;

use super::{Catalog, told};
use crate::durable::{Hold, Permissions};
use crate::error::Error;
use crate::layout;
use crate::marker::Feature;
use crate::policy::Policy;

impl Catalog {
    /// Returns the policy of this catalog; `None` where it has none, and nothing need be signed.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] where it is wrong: refs that are to hold something else then stay, whatever it is.
    pub fn policy(&self) -> Result<Option<Policy>, Error> {
        let path = Path::new(layout::POLICY);
        let Some(rules) = self.root.read(path, layout::MAX_POLICY_BYTES)? else {
            return Ok(None);
        };
        let path = Path::new(layout::ALLOWED_SIGNERS);
        let signers = self.root.read(path, layout::MAX_ALLOWED_SIGNERS_BYTES)?;
        let policy = Policy::parse(&rules, &signers.unwrap_or_default());
        let root = || self.root.path().to_owned();
        policy.map(Some).map_err(|cause| Error::Policy {
            root: root(),
            cause,
        })
    }

    /// Gives this catalog a policy, in the place of the one that it has: the contents of the files `policy`
    /// and `allowed_signers`, which are kept as they are. It holds for all changes of refs that begin after
    /// that, by whatever program; what refs hold now stays.
    ///
    /// When this returns, it survives a power cut. One that comes before may leave the new signers with the
    /// old rules; doing it again is harmless.
    ///
    /// # Locking
    ///
    /// Takes the store lock, exclusively.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] where it is wrong, and those of a catalog that cannot be written.
    pub fn set_policy(&self, policy: &[u8], allowed_signers: &[u8]) -> Result<(), Error> {
        told("policy", self.write_policy(policy, allowed_signers))
    }

    fn write_policy(&self, policy: &[u8], allowed_signers: &[u8]) -> Result<(), Error> {
        self.require_writable()?;
        Policy::parse(policy, allowed_signers).map_err(|cause| Error::Policy {
            root: self.root.path().to_owned(),
            cause,
        })?;
        let _lock = self.begin_write(Hold::Exclusive)?;
        // First what keeps out those who would not heed it.
        let feature = Feature::policy();
        let found = self.marker()?;
        if !self.features_of(&found)?.contains(&feature) {
            let marker = [&*found, feature.to_line().as_bytes()].concat();
            self.replace(layout::FORMAT, &marker)?;
        }
        self.replace(layout::ALLOWED_SIGNERS, allowed_signers)?;
        self.replace(layout::POLICY, policy)
    }

    /// Removes the policy of this catalog. Returns whether there was one.
    ///
    /// # Locking
    ///
    /// Takes the store lock, exclusively.
    ///
    /// # Errors
    ///
    /// Those of a catalog that cannot be written.
    pub fn remove_policy(&self) -> Result<bool, Error> {
        told("policy", self.take_policy_away())
    }

    fn take_policy_away(&self) -> Result<bool, Error> {
        let _lock = self.begin_write(Hold::Exclusive)?;
        let top = self.root.own_dir()?;
        let had_one = top.has_file(layout::POLICY)?;
        for name in [layout::POLICY, layout::ALLOWED_SIGNERS] {
            if top.has_file(name)? {
                top.remove(name)?;
            }
            top.sync()?;
        }
        let (found, feature) = (self.marker()?, Feature::policy());
        if self.features_of(&found)?.contains(&feature) {
            let line = feature.to_line();
            let lines = found.split_inclusive(|it| *it == b'\n');
            let others: Vec<_> = lines.filter(|it| *it != line.as_bytes()).collect();
            self.replace(layout::FORMAT, &others.concat())?;
        }
        Ok(had_one)
    }

    /// Puts a file of the root in the place of another.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let staged = self.root.stage_named(bytes, Permissions::ByUmask)?;
        self.root.sync([staged.file()], [])?;
        let top = self.root.own_dir()?;
        top.replace(staged, name)?;
        top.sync()?;
        Ok(())
    }
}
