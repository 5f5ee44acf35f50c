//! `--heal-from`: what is needed, and only that, is healed on the way.

use std::fs;

use engine_catalog::ObjectId;

use crate::support::{entry, object_file, object_of};
use crate::two::{Said, Two, destroy, objects, said};

fn run(two: &Two, args: &[&str]) -> Said {
    let rsh = two.peer.rsh();
    let args: Vec<_> = args.iter().copied().chain([&*rsh]).collect();
    said(two.peer.ours.output(&args, b""))
}

/// Objects that are as they were.
fn right(two: &Two) -> usize {
    let found = objects(&two.peer.ours.root());
    let is_right = |(id, bytes): &(&ObjectId, &Vec<u8>)| two.objects[id] == **bytes;
    found.iter().filter(is_right).count()
}

#[test]
fn entry_is_healed_when_it_is_looked_up() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    let b1 = object_of(&entry("b1", 1));
    let mut others = two.some(5, 12);
    others.retain(|id| *id != b1);
    let (good, _, _) = run(&two, &["get", "llamacpp/b1", "--json"]);
    for (round, source) in [two.peer.source(), "peers".to_owned()].iter().enumerate() {
        destroy(&ours, &others[round * 4..][..4]);
        fs::remove_file(object_file(&ours, b1)).unwrap();
        fs::write(ours.join("peers"), format!("{}\n", two.peer.source())).unwrap();
        let before = right(&two);
        let (_, told, status) = run(&two, &["get", "llamacpp/b1", "--json"]);
        assert_eq!(status, 3, "{told}");
        let args = ["get", "llamacpp/b1", "--json", "--heal-from", source];
        let (shown, told, status) = run(&two, &args);
        assert_eq!((&shown, status), (&good, 0), "{told}");
        assert!(told.contains(&format!("object {b1} is restored")), "{told}");
        assert_eq!(right(&two), before + 1, "nothing else is healed");
    }
}

#[test]
fn bundle_of_a_catalog_that_lost_half_is_that_of_a_whole_one() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    let out = |name: &str| two.peer.ours.dir().join(name).display().to_string();
    let capture = |name: &str, more: &[&str]| {
        let out = out(name);
        let args = ["capture", "--snapshot", "all", "--out", &out];
        run(&two, &[&args[..], more].concat())
    };
    let good = capture("good", &[]);
    assert_eq!(good.2, 0, "{}", good.1);
    destroy(&ours, &two.some(6, two.objects.len() / 2));
    let (_, told, status) = capture("bad", &[]);
    assert_eq!(status, 3, "{told}");
    assert!(!fs::exists(out("bad")).unwrap());
    let healed = capture("healed", &["--heal-from", &two.peer.source()]);
    assert_eq!((&healed.0, healed.2), (&good.0, 0), "{}", healed.1);
    let [sums, again] = ["good", "healed"].map(|name| fs::read(format!("{}/B3SUMS", out(name))));
    assert_eq!(sums.unwrap(), again.unwrap());
}

#[test]
fn what_no_peer_has_fails_as_it_did() {
    let Some(two) = Two::new() else { return };
    let b1 = object_of(&entry("b1", 1));
    for root in [&two.peer.ours.root(), two.theirs()] {
        fs::remove_file(object_file(root, b1)).unwrap();
    }
    let source = two.peer.source();
    let args = ["get", "llamacpp/b1", "--heal-from", &source];
    let (shown, told, status) = run(&two, &args);
    assert_eq!((&*shown, status), ("", 3), "{told}");
    let missing = format!("error: ref llamacpp/b1 holds object {b1}, which is missing");
    assert!(told.contains(&missing), "{told}");
}
