//! The shared libraries of an engine: those that came with it, each by its real file and once. What the
//! system provides is no part of the engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, say, tool};

/// Returns the libraries below `top` that the loader takes for `binary`, directly or through others.
///
/// `ldd` runs the loader, so this is for what was built here. Libraries that the program loads by
/// itself, such as plugins, it does not know.
pub(crate) fn loaded(binary: &Path, top: &Path) -> Result<Vec<PathBuf>> {
    let mut ldd = Command::new("ldd");
    ldd.arg(binary)
        .env("LC_ALL", "C")
        .env_remove("LD_LIBRARY_PATH");
    let listed = match tool::answer(&mut ldd) {
        Ok(listed) => listed,
        // It fails for want of anything to list.
        Err(error) if error.to_string().contains("not a dynamic executable") => return Ok(vec![]),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for line in listed.lines() {
        let Some((name, place)) = line.trim_start().split_once(" => ") else {
            continue;
        };
        let Some((path, _address)) = place.rsplit_once(" (") else {
            // A driver may be only where the engine runs.
            say(&format!(
                "{} needs {name}, which is not here",
                binary.display()
            ));
            continue;
        };
        add(&mut found, Path::new(path), top)?;
    }
    found.sort();
    Ok(found)
}

/// Returns all libraries below `top`: what may be loaded from a package that is only data here.
pub(crate) fn all(top: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut dirs = vec![top.to_owned()];
    while let Some(dir) = dirs.pop() {
        let fail = |error| format!("cannot read {}: {error}", dir.display());
        for entry in fs::read_dir(&dir).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            // Of a directory that a link leads to, nobody knows where it ends.
            if entry.file_type().map_err(fail)?.is_dir() {
                dirs.push(entry.path());
            } else if is_library(&entry.file_name().to_string_lossy()) {
                add(&mut found, &entry.path(), top)?;
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Adds the file at `path`, if it lies below `top` and is not there yet.
fn add(found: &mut Vec<PathBuf>, path: &Path, top: &Path) -> Result<()> {
    let real = real(path)?;
    if real.starts_with(top) && !found.contains(&real) {
        found.push(real);
    }
    Ok(())
}

/// Returns the file that a path leads to.
pub(crate) fn real(path: &Path) -> Result<PathBuf> {
    let real = path.canonicalize();
    Ok(real.map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Whether a file has the name of a shared library, with or without versions at its end, or of an addon.
fn is_library(name: &str) -> bool {
    let is_version = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let versioned = name.split_once(".so.");
    name.ends_with(".so")
        || name.ends_with(".node")
        || versioned.is_some_and(|(_, it)| is_version(it))
}
