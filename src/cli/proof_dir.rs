//! Where proof bundles go when nobody says: `<base>/<type>/<run id>`, by the conventions that all
//! proof bundles share.

use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::failure::Failure;

/// Returns the directory for a bundle of this type.
pub(super) fn proof_dir(kind: &str) -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = variable("LLORCH_PROOF_DIR").map_or_else(|| ".proof_bundle".into(), PathBuf::from);
    let run = match variable("LLORCH_RUN_ID") {
        Some(run) => PathBuf::from(run),
        None => run_id(super::now_ms(), commit()).into(),
    };
    if !is_one_name(&run) {
        let run = run.display();
        let message = format!("LLORCH_RUN_ID is to name a directory, and is {run}");
        return Err(Failure::Usage(message));
    }
    Ok(base.join(kind).join(run))
}

/// A run must not lead out of the directory for runs of its type.
fn is_one_name(run: &Path) -> bool {
    // Comparing paths would pass over a `/` at the end.
    let first = run.components().next();
    matches!(first, Some(Component::Normal(name)) if name.len() == run.as_os_str().len())
}

/// Returns the time in UTC and the start of the commit; without one, the seconds since the epoch.
fn run_id(now_ms: i64, commit: Option<String>) -> String {
    let seconds = now_ms.div_euclid(1000).to_string();
    let Some(commit) = commit else {
        return seconds;
    };
    match jiff::Timestamp::from_millisecond(now_ms) {
        Ok(time) => format!("{}-{commit}", time.strftime("%Y%m%d-%H%M%S")),
        Err(_) => seconds,
    }
}

/// Returns the first eight digits of what the current directory has checked out; `None` outside of a
/// Git repository, or without the program.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--verify", "--quiet", "HEAD"])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = git.output().ok().filter(|it| it.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let digits = text.trim().get(..8)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_has_the_time_in_utc_and_the_commit() {
        let commit = Some("0123abcd".to_owned());
        assert_eq!(
            run_id(1_758_240_000_999, commit.clone()),
            "20250919-000000-0123abcd"
        );
        assert_eq!(run_id(-1, commit), "19691231-235959-0123abcd");
        assert_eq!(run_id(1_758_240_000_999, None), "1758240000");
    }

    #[test]
    fn run_is_one_name() {
        for (run, expected) in [
            ("20250919-000000-0123abcd", true),
            ("run 1", true),
            ("..", false),
            (".", false),
            ("a/b", false),
            ("/a", false),
            ("a/", false),
        ] {
            assert_eq!(is_one_name(Path::new(run)), expected, "{run}");
        }
    }
}
