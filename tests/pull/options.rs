//! Options for rsync that a caller adds: none of them makes a pull miss anything.

use crate::peer::{Peer, assert_sound};
use crate::support::entry;

#[test]
fn options_that_would_hide_what_is_new_are_refused() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    for option in [
        "-q",
        "-zq",
        "--quiet",
        "-n",
        "--dry-run",
        "--list-only",
        "--out-format=%n",
        "--append-verify",
        "-u",
        "--existing",
        "--ignore-existing",
        "--remove-source-files",
        "--files-from=x",
    ] {
        let output = peer.pull(&[&format!("--rsync-option={option}")]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(said.contains(option), "{said}");
    }
}

#[test]
fn options_that_have_rsync_say_more_change_nothing() {
    let Some(peer) = Peer::new() else { return };
    let more = [
        "-v",
        "-vvz",
        "-P",
        "--progress",
        "--stats",
        "--info=progress2",
        "--debug=all",
        "-h",
        "--bwlimit=10m",
        "--log-file=/dev/null",
        "-essh -q",
    ];
    for (at, option) in more.into_iter().enumerate() {
        peer.theirs.put(&entry(&format!("b{at}"), 1));
        // The way to the source comes first.
        let option = match option {
            "-essh -q" => peer.rsh().replacen("--rsh=", "-e", 1),
            option => option.to_owned(),
        };
        let output = peer.pull(&[&format!("--rsync-option={option}")]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{option}: {said}");
        assert!(said.contains(" 1 created"), "{option}: {said}");
    }
    assert_sound(&peer.catalog());
}
