//! How files come from another machine: the options of the commands that have rsync bring some.

use clap::Args;

use super::child::Limits;
use super::rsync::Rsync;

/// How rsync brings files, and how many at most.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct TransferArgs {
    /// The command that rsync reaches the other machine by, such as `ssh -p 2222`
    #[arg(long, value_name = "COMMAND")]
    rsh: Option<String>,

    /// A further option for rsync, such as --bwlimit=10m; may be given several times
    #[arg(
        long,
        value_name = "OPTION",
        allow_hyphen_values = true,
        value_parser = allowed
    )]
    rsync_option: Vec<String>,

    /// Give up on a source that shows more files than this
    #[arg(long, value_name = "NUMBER", default_value_t = 4_000_000)]
    max_files: u64,

    /// Give up on a source that sends more bytes than this
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 30)]
    max_bytes: u64,
}

/// Options with which rsync would not say what it does, or not do all that it is asked for.
const REFUSED: [&str; 13] = [
    "quiet",
    "dry-run",
    "list-only",
    "out-format",
    "log-format",
    "append",
    "append-verify",
    "update",
    "existing",
    "ignore-non-existing",
    "ignore-existing",
    "remove-source-files",
    "files-from",
];

/// Refuses an option that would have a pull miss something.
fn allowed(option: &str) -> Result<String, String> {
    let long = option.strip_prefix("--");
    let long = long.map(|long| long.split_once('=').map_or(long, |(name, _)| name));
    // What follows one of these letters is its value.
    let letters = option.strip_prefix('-').filter(|_| long.is_none());
    let mut letters = (letters.unwrap_or("").chars()).take_while(|it| !"eBfMT@".contains(*it));
    if long.is_some_and(|long| REFUSED.contains(&long)) || letters.any(|it| "qnu".contains(it)) {
        return Err("with it rsync would not bring, or not tell, all that is new".to_owned());
    }
    Ok(option.to_owned())
}

impl TransferArgs {
    /// Returns what brings files of a source.
    pub(in crate::cli) fn rsync<'a>(&self, spec: &'a str) -> Rsync<'a> {
        let limits = Limits {
            files: self.max_files,
            bytes: self.max_bytes,
        };
        Rsync::new(spec, limits, self.rsh.as_deref(), &self.rsync_option)
    }
}
