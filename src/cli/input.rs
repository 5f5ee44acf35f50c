//! What is read as a whole: a file, or standard input.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::failure::Failure;

/// The most bytes of input: more than ten thousand entries of ordinary size, and no more than a
/// machine has to spare.
const MAX_INPUT: u64 = 256 << 20;

/// Reads all of a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let fail = |error| Failure::Read(path.to_owned(), error);
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(fail)?)
    };
    let mut bytes = Vec::new();
    input
        .take(MAX_INPUT + 1)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > MAX_INPUT {
        let limit = "more than 256 MiB, which is more than can be read at once";
        return Err(refuse(path, limit));
    }
    Ok(bytes)
}

/// Refuses what was read.
pub(super) fn refuse(path: &Path, what: impl std::fmt::Display) -> Failure {
    let name = match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => path.display().to_string(),
    };
    Failure::Input(format!("{name}: {what}"))
}
