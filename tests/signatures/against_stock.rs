//! Whatever is accepted here, stock `ssh-keygen` accepts: signatures that were changed anyhow, and lines of
//! `allowed_signers` put together anyhow.

use std::cell::Cell;

use engine_catalog::{AllowedSigners, CivilTime, SignerStanding, SshSignature};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::keygen::{ED25519, Keygen, NAMESPACE, P256};
use crate::wire::{armored, unarmored};

const OBJECT: &[u8] = b"the bytes of an object";

/// Always the same cases: how many of them are good is asserted.
fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::default()
    })
}

/// What is done to the text of a signature: put in, taken out or replaced at a place.
fn change() -> impl Strategy<Value = (u8, prop::sample::Index, u8)> {
    let byte = prop_oneof![Just(b'\n'), Just(b' '), Just(b'='), Just(b'-'), b'A'..b'z'];
    (0..3_u8, any::<prop::sample::Index>(), byte)
}

#[test]
fn changed_signatures_that_are_good_here_are_good_to_ssh_keygen() {
    let Some(keygen) = Keygen::new() else { return };
    let mut texts = Vec::new();
    for kind in [ED25519, P256] {
        keygen.key(kind.0, kind, "");
        texts.push(keygen.sign(kind.0, NAMESPACE, OBJECT, &[]));
    }
    let (good, bad) = (Cell::new(0), Cell::new(0));
    let strategy = (
        0..2_usize,
        20..80_usize,
        prop::collection::vec(change(), 0..3),
    );
    let judged = runner(150).run(&strategy, |(which, width, changes)| {
        let mut text = armored(&unarmored(&texts[which]), width);
        for (kind, at, byte) in changes {
            let at = at.index(text.len());
            match kind {
                0 => text.insert(at, byte),
                1 => drop(text.remove(at)),
                _ => text[at] = byte,
            }
        }
        let here = SshSignature::parse(&text).and_then(|it| it.verify(OBJECT));
        match here {
            Ok(()) => {
                good.update(|it| it + 1);
                prop_assert!(keygen.checks(&text, OBJECT), "{}", text.escape_ascii());
            }
            Err(_) => bad.update(|it| it + 1),
        }
        Ok(())
    });
    judged.unwrap();
    assert!(good.get() > 20 && bad.get() > 20, "{good:?} {bad:?}");
}

/// Words of a line, and what may be between them.
fn line() -> impl Strategy<Value = String> {
    let first = prop::sample::select(vec![" ", "\t", "  "]);
    let second = prop::sample::select(vec![" ", "\t", "  ", ""]);
    let principals = [
        "me@here",
        "*@here",
        "you,me@*",
        "\"me@here\"",
        "!me@here,*",
        "\"me",
        "#",
        "",
    ];
    let options = [
        "",
        "",
        "namespaces=\"engine-catalog\"",
        "Namespaces=\"git,engine-*\"",
        "namespaces=\"git\"",
        "namespaces=\"x\\\"y,*\"",
        "namespaces=\"*\",valid-after=\"20200101\"",
        "valid-before=\"203012312359Z\"",
        "valid-before=\"20200101\"",
        "valid-after=\"20300101Z\",valid-before=\"20310101Z\"",
        "valid-after=\"2030\"",
        "valid-after=20200101",
        "cert-authority",
        "namespaces=\"*\",",
        "other",
    ];
    let keys = [
        "ONE",
        "ONE",
        "ONE a comment",
        "TWO",
        "ssh-ed25519",
        "ONEx",
        "",
    ];
    let one_of = |all: &[&'static str]| prop::sample::select(all.to_vec());
    let parts = (
        one_of(&principals),
        first,
        one_of(&options),
        second,
        one_of(&keys),
    );
    parts.prop_map(|(principals, first, options, second, key)| {
        [principals, first, options, second, key].concat()
    })
}

#[test]
fn lines_that_accept_here_accept_for_ssh_keygen() {
    let Some(keygen) = Keygen::new() else { return };
    keygen.key("one", ED25519, "");
    keygen.key("two", ED25519, "");
    let signature = keygen.sign("one", NAMESPACE, OBJECT, &[]);
    let key = SshSignature::parse(&signature).unwrap().key().clone();
    // 2026-07-01T12:00:00Z.
    let at_ms = 1_782_907_200_000;
    let counts = [const { Cell::new(0) }; 3];
    let [accepted, not, refused] = &counts;
    let strategy = prop::collection::vec(line(), 1..3);
    let judged = runner(400).run(&strategy, |lines| {
        let text = lines.join("\n");
        let text = text.replace("ONE", &keygen.public("one"));
        let text = text.replace("TWO", &keygen.public("two"));
        let Ok(signers) = AllowedSigners::parse(text.as_bytes(), CivilTime::in_utc) else {
            refused.update(|it| it + 1);
            return Ok(());
        };
        let SignerStanding::Accepted { principals } = signers.judge(&key, at_ms) else {
            not.update(|it| it + 1);
            let finds = keygen.verifies_at_noon(&text, &signature, OBJECT);
            prop_assert!(!finds, "ssh-keygen accepts: {}", text.escape_debug());
            return Ok(());
        };
        accepted.update(|it| it + 1);
        // As another principal only: then it is not asked for as that.
        let of_me = ["me@here", "*@here", "you,me@*"];
        if principals.iter().any(|it| of_me.contains(&it.as_str())) {
            let finds = keygen.verifies_at_noon(&text, &signature, OBJECT);
            prop_assert!(finds, "ssh-keygen refuses: {}", text.escape_debug());
        }
        Ok(())
    });
    judged.unwrap();
    assert!(counts.iter().all(|it| it.get() > 20), "{counts:?}");
}
