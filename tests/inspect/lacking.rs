//! Diagnoses where something is lacking: system calls that fail, or succeed and do nothing, as they do
//! on file systems that this machine does not have; and a user who may not write.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use engine_catalog::{Catalog, Health};
use serde_json::Value;

use super::program::Program;
use super::support::{entry, files, listing, skip, stamp};
use super::{ABILITIES, tried};

/// The statuses of the checks in a line of `doctor --json`.
fn statuses(json: &[u8]) -> BTreeMap<String, String> {
    let diagnosis: Value = serde_json::from_slice(json).expect("it is JSON");
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = diagnosis["checks"].as_array().unwrap().iter();
    checks
        .map(|check| (text(check, "name"), text(check, "status")))
        .collect()
}

/// The abilities that are not ok, where strace tampers with system calls.
fn tampered(strace: &Path, tampering: &[&str]) -> Vec<(&'static str, String)> {
    let program = Program::with_catalog();
    let real = program.command();
    let mut traced = Command::new(strace);
    traced.args(["-f", "-qq", "-o", "/dev/null"]);
    for inject in tampering {
        traced.args(["-e", &format!("inject={inject}")]);
    }
    let output = traced
        .arg(real.get_program())
        .args(["--root", "catalog", "doctor", "--json"])
        .current_dir(program.dir())
        .output()
        .unwrap();
    let found = statuses(&output.stdout);
    let failed = found.values().any(|status| status == "failed");
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{output:?}");
    assert_eq!(
        files(&program.root().join("tmp")),
        [""; 0],
        "{tampering:?}: nothing is left over"
    );
    let abilities = ABILITIES.into_iter();
    abilities
        .map(|name| (name, found[name].clone()))
        .filter(|(_, status)| *status != "ok")
        .collect()
}

#[test]
fn calls_that_are_refused_or_do_nothing_are_noticed() {
    let Some(strace) = skip::program("strace") else {
        return;
    };
    type Expected<'a> = &'a [(&'static str, Health)];
    let (failed, warning, unknown) = (Health::Failed, Health::Warning, Health::Unknown);
    let cases: [(&[&str], Expected<'_>); 15] = [
        (&[], &[]),
        (
            &["linkat:error=EPERM"],
            &[("hard-links", warning), ("unnamed-files", warning)],
        ),
        (
            &["renameat2:error=EINVAL"],
            &[("rename-noreplace", warning)],
        ),
        (
            &["renameat2:error=EINVAL", "linkat:error=EOPNOTSUPP"],
            &[
                ("rename-noreplace", failed),
                ("hard-links", failed),
                ("unnamed-files", warning),
            ],
        ),
        (&["renameat2:retval=0"], &[("rename-noreplace", warning)]),
        (
            &["linkat:retval=0"],
            &[("hard-links", warning), ("unnamed-files", warning)],
        ),
        (&["renameat:error=EPERM"], &[("rename", failed)]),
        (&["renameat:retval=0"], &[("rename", failed)]),
        (&["renameat:error=EIO"], &[("rename", unknown)]),
        (&["flock:error=ENOLCK"], &[("locks", failed)]),
        (&["flock:retval=0"], &[("locks", failed)]),
        (
            &["fsync:error=EINVAL", "syncfs:error=ENOSYS"],
            &[("sync-directory", failed), ("sync-file-system", failed)],
        ),
        (&["fchmod:retval=0"], &[("modes", warning)]),
        (&["fchmod:error=EPERM"], &[("modes", warning)]),
        // Every name is there, in any case.
        (
            &["faccessat:retval=0"],
            &[
                ("rename", failed),
                ("rename-noreplace", warning),
                ("case", failed),
            ],
        ),
    ];
    for (tampering, expected) in cases {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, status)| (*name, status.to_string()))
            .collect();
        assert_eq!(tampered(&strace, tampering), expected, "{tampering:?}");
    }
}

#[test]
fn user_who_may_not_write_is_told_so_and_tries_nothing() {
    const NOBODY: u32 = 65_534;
    let (Some(()), Some(setpriv)) = (skip::root(), skip::program("setpriv")) else {
        return;
    };
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    catalog.put(&entry("b1", 1), &stamp(1)).unwrap();
    // A binary that he can reach.
    let binary = program.dir().join("engine-catalog");
    std::fs::copy(env!("CARGO_BIN_EXE_engine-catalog"), &binary).unwrap();
    set_mode(program.dir(), 0o755);
    let as_nobody = || {
        Command::new(&setpriv)
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&binary)
            .args(["--root", "catalog", "doctor", "--json"])
            .current_dir(program.dir())
            .output()
            .unwrap()
    };
    let before = listing(&program.root());
    let output = as_nobody();
    assert_eq!(listing(&program.root()), before);
    let found = statuses(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(found["permissions"], "warning");
    assert!(tried().all(|name| found[name] == "unknown"), "{found:?}");

    // One part that he may not read is as bad as all of it.
    set_mode(&program.root().join("refs/llamacpp"), 0o700);
    let output = as_nobody();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(statuses(&output.stdout)["permissions"], "failed");

    // His own tmp/ is enough to try.
    set_mode(&program.root().join("refs/llamacpp"), 0o755);
    chown(program.root().join("tmp"), Some(NOBODY), Some(NOBODY)).unwrap();
    let found = statuses(&as_nobody().stdout);
    assert_eq!(found["permissions"], "warning");
    assert!(ABILITIES.iter().all(|name| found[*name] == "ok"));
    let tmp = program.root().join("tmp").metadata().unwrap();
    assert_eq!(tmp.uid(), NOBODY);
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
