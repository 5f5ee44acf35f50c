//! `B3SUMS`: the hash of every file, as `b3sum` prints it and `b3sum -c` checks it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::hash::ObjectId;

/// The hashes of files, by their paths.
#[derive(Default)]
pub(super) struct Sums(BTreeMap<String, ObjectId>);

impl Sums {
    pub(super) fn add(&mut self, path: &Path, bytes: &[u8]) {
        // Every path of the format is ASCII without controls and backslashes, which `b3sum` would
        // escape.
        let path = path.to_string_lossy().into_owned();
        self.0.insert(path, ObjectId::of(bytes));
    }

    /// Returns a line for each file, in the order of their paths' bytes.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for (path, hash) in &self.0 {
            writeln!(text, "{hash}  {path}").expect("writing to a String cannot fail");
        }
        text
    }
}
