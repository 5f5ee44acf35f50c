//! A source that does not speak as rsync does, or says other things than it was asked for.

use crate::peer::Peer;

/// Pulls from a peer that has this script in the place of a remote shell.
fn speaks(script: &str, more: &[&str], named: &[&str]) {
    let Some(mut peer) = Peer::new() else { return };
    peer.speaks_by(script);
    peer.harms_nothing(more, named);
}

#[test]
fn stream_without_end() {
    speaks(
        "#!/bin/sh\nexec cat /dev/zero\n",
        &[],
        &["rsync ended with status"],
    );
}

#[test]
fn garbage() {
    let script = "#!/bin/sh\nexec head -c 100000 /dev/urandom\n";
    speaks(script, &[], &["rsync ended with status"]);
}

#[test]
fn silence() {
    let named = ["the source said nothing for too long"];
    let patience = ["--rsync-option=--timeout=1"];
    speaks("#!/bin/sh\nexec sleep 30\n", &patience, &named);
}

#[test]
fn complaints_without_end_are_cut() {
    let Some(mut peer) = Peer::new() else { return };
    peer.speaks_by("#!/bin/sh\nyes \"$(printf 'no \\033[2J')\" | head -c 50000000 >&2\n");
    let output = peer.pull(&["--rsync-option=--timeout=1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(said.lines().count() < 120, "{} lines", said.lines().count());
    assert!(!said.contains('\u{1b}'), "controls are made visible");
}

#[test]
fn complaints_that_are_never_finished_are_not_waited_for() {
    // What it leaves running has standard error open, and nothing else.
    let script = "#!/bin/sh\nsleep 60 >/dev/null </dev/null & exit 1\n";
    let began = std::time::Instant::now();
    speaks(script, &[], &["rsync ended with status"]);
    assert!(began.elapsed().as_secs() < 30, "it was waited for");
}

/// Sends all of a directory with links and devices, whatever it was asked for.
#[test]
fn files_that_nobody_asked_for() {
    let Some(mut peer) = Peer::new() else { return };
    let evil = peer.theirs.outside().join("evil");
    for path in [
        "lock",
        "refs/llamacpp/b1/deeper",
        "../evil2",
        "tmp/x",
        "objects/00/x",
    ] {
        let file = evil.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "x").unwrap();
    }
    // A sender that was told other things, and has filters of its own.
    let script = format!(
        "#!/bin/sh\nexec rsync --server --sender -logDtprRe.LsfxCIvu . {0}/./ {0}/../evil2\n",
        evil.display()
    );
    peer.speaks_by(&script);
    peer.harms_nothing(&[], &["rsync"]);
}
