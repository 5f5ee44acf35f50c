//! The policy of a catalog: what has to be signed before a ref comes to hold it (layout.md section 5.7).

use std::path::Path;

use super::{Catalog, told};
use crate::durable::{Cause, Hold, PathError, Permissions};
use crate::error::Error;
use crate::layout;
use crate::marker::Feature;
use crate::policy::{Policy, PolicyError};

impl Catalog {
    /// Returns the policy of this catalog; `None` where it has none, and nothing need be signed.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] where it is wrong: refs that are to hold something else then stay, whatever it is.
    pub fn policy(&self) -> Result<Option<Policy>, Error> {
        let Some(text) = self.policy_text()? else {
            return Ok(None);
        };
        let policy = Policy::parse(&text).map(Some);
        policy.map_err(|cause| self.wrong_policy(cause))
    }

    /// Returns the content of the file `policy`, right or wrong; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where it cannot be read.
    pub fn policy_text(&self) -> Result<Option<Vec<u8>>, Error> {
        let path = Path::new(layout::POLICY);
        Ok(self.root.read(path, layout::MAX_POLICY_BYTES)?)
    }

    fn wrong_policy(&self, cause: PolicyError) -> Error {
        let root = self.root.path().to_owned();
        Error::Policy { root, cause }
    }

    /// Gives this catalog a policy, in the place of the one that it has: the content of the file `policy`,
    /// which is kept as it is. It holds for all changes of refs that begin after that, by whatever program;
    /// what refs hold now stays. [`Policy::text`] makes one of rules and allowed signers.
    ///
    /// When this returns, it survives a power cut.
    ///
    /// # Locking
    ///
    /// Takes the store lock, exclusively.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`] where it is wrong, and those of a catalog that cannot be written: it has the policy
    /// that it had.
    pub fn set_policy(&self, policy: &[u8]) -> Result<(), Error> {
        told("policy", self.write_policy(policy))
    }

    fn write_policy(&self, policy: &[u8]) -> Result<(), Error> {
        self.require_writable()?;
        Policy::parse(policy).map_err(|cause| self.wrong_policy(cause))?;
        let _lock = self.begin_write(Hold::Exclusive)?;
        // What lies in its place is told before anything is written.
        self.root.own_dir()?.has_file(layout::POLICY)?;
        // First what keeps out those who would not heed it.
        let feature = Feature::policy();
        let found = self.marker()?;
        if !self.features_of(&found)?.contains(&feature) {
            let marker = [&*found, feature.to_line().as_bytes()].concat();
            let (size, limit) = (marker.len() as u64, layout::MAX_FORMAT_BYTES);
            if size > limit {
                let cause = Cause::TooLarge { size, limit };
                let path = self.root.path().join(layout::FORMAT);
                return Err(PathError::new("add a feature to", &path, cause).into());
            }
            self.replace(layout::FORMAT, &marker)?;
        }
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
        top.remove(layout::POLICY)?;
        top.sync()?;
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
