//! What a user without privileges may do: a helper process that is not root's.

#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::support::{child, skip};

/// Plays `role` in a scratch directory, as a user who is not root: by `act` where this process is
/// not root's, else in another that calls it.
pub(crate) fn play(role: &str, act: impl FnOnce(&str, &Path)) {
    let scratch = tempfile::tempdir().expect("there is room");
    play_in(scratch.path(), role, act);
}

/// As [`play`], in a directory that has something in it.
pub(crate) fn play_in(scratch: &Path, role: &str, act: impl FnOnce(&str, &Path)) {
    const NOBODY: u32 = 65_534;
    if !skip::is_root() {
        return act(role, scratch);
    }
    // Root may do everything, so somebody else has to try, with a binary that he can reach.
    let Some(setpriv) = skip::program("setpriv") else {
        return;
    };
    let binary = scratch.join("test");
    let this = std::env::current_exe().expect("the test binary has a path");
    fs::copy(this, &binary).expect("there is room");
    chown(scratch, Some(NOBODY), Some(NOBODY)).expect("root may");
    let ids = ["--reuid=65534", "--regid=65534", "--clear-groups"].map(OsStr::new);
    let wrapper = [setpriv.as_os_str()].into_iter().chain(ids);
    child::run(child::command_of(&binary, wrapper, role, scratch));
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its owner may");
}
