//! The file `peers`.

use std::fs;

use engine_catalog::{Error, Slug, VerifyScope};

use crate::two::{Two, destroy};

#[test]
fn without_a_peer_it_is_said_how_to_name_one() {
    let Some(two) = Two::new() else { return };
    destroy(&two.peer.ours.root(), &two.some(1, 3));
    let (_, said, status) = two.heal(&[]);
    assert_eq!(status, 2, "{said}");
    let file = two.peer.ours.root().join("peers").display().to_string();
    for word in ["--from", &*file] {
        assert!(said.contains(word), "{word} is not in:\n{said}");
    }
}

#[test]
fn peers_are_asked_in_the_order_of_their_lines() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    destroy(&ours, &two.some(1, 12));
    // A relative path counts from the root of the catalog, wherever the program is started.
    let lines = format!(
        "# backups\n\n  ../nowhere\r\n\t{} \n#/nothing\n",
        two.peer.source()
    );
    fs::write(ours.join("peers"), lines).unwrap();
    let (_, said, status) = two.heal(&[]);
    assert_eq!(status, 0, "{said}");
    let nowhere = format!("{}/../nowhere is neither a catalog", ours.display());
    assert!(said.contains(&nowhere), "{said}");
    for comment in ["backups", "/nothing"] {
        assert!(!said.contains(comment), "{said}");
    }
    two.assert_whole();
    let findings = two.peer.catalog().verify(&VerifyScope::default(), &|_| {});
    let foreign = |slug| matches!(slug, Slug::ForeignFile | Slug::FileType);
    assert!(!findings.unwrap().findings.iter().any(|it| foreign(it.slug)));
}

#[test]
fn file_that_is_no_list_is_refused_and_nothing_is_changed() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    let gone = two.some(1, 3);
    destroy(&ours, &gone);
    let file = ours.join("peers");
    let large = "#".repeat((64 << 10) + 1);
    for (bytes, said_of_it) in [
        (&b"host:/a\xff"[..], "it is not UTF-8"),
        (large.as_bytes(), "it has 65537 bytes, of at most 65536"),
        (b"-oProxyCommand=x:/a", "a part of it begins with `-`"),
        (b"", "no peer is known"),
    ] {
        fs::write(&file, bytes).unwrap();
        let (_, said, status) = two.heal(&[]);
        assert_eq!(status, if bytes.is_empty() { 2 } else { 3 }, "{said}");
        assert!(said.contains(said_of_it), "{said_of_it} is not in:\n{said}");
        assert!(said.contains(file.to_str().unwrap()), "{said}");
        assert!(!ours.join("quarantine").exists());
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let refused = two.peer.catalog().peers();
    assert!(matches!(refused, Err(Error::Path(_))), "{refused:?}");
    let report = two.peer.catalog().verify(&VerifyScope::default(), &|_| {});
    let odd = |it: &engine_catalog::Finding| {
        it.slug == Slug::FileType && it.path == std::path::Path::new("peers")
    };
    assert!(report.unwrap().findings.iter().any(odd));
}
