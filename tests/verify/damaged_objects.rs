//! Damaged objects: what is found, and what repair does without any other catalog.

use crate::cases::case;
use crate::{assert_shows, shows};

#[test]
fn object_truncated() {
    assert_shows!(shows(case("object-truncated"), &[]), @"
    error object-hash objects/dd/8ea06bd5…: its content hashes to 63a334ff…
    error ref-object-damaged refs/llamacpp/b1: object dd8ea06b… is damaged: its content hashes to 63a334ff…
    error member-damaged snapshots/release: object dd8ea06b… is damaged: its content hashes to 63a334ff…
    repair:
      object-hash objects/dd/8ea06bd5…: moved to quarantine/objects.dd.8ea06bd5….[RANDOM]
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      ref-object-damaged refs/llamacpp/b1: found no more
      member-missing snapshots/release: nothing done (remains)
      member-damaged snapshots/release: found no more
      lost dd8ea06b…: ref llamacpp/b1 snapshot release
    ");
}

#[test]
fn object_empty() {
    assert_shows!(shows(case("object-empty"), &[]), @"
    error object-hash objects/dd/8ea06bd5…: its content hashes to af1349b9…
    error ref-object-damaged refs/llamacpp/b1: object dd8ea06b… is damaged: its content hashes to af1349b9…
    error member-damaged snapshots/release: object dd8ea06b… is damaged: its content hashes to af1349b9…
    repair:
      object-hash objects/dd/8ea06bd5…: moved to quarantine/objects.dd.8ea06bd5….[RANDOM]
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      ref-object-damaged refs/llamacpp/b1: found no more
      member-missing snapshots/release: nothing done (remains)
      member-damaged snapshots/release: found no more
      lost dd8ea06b…: ref llamacpp/b1 snapshot release
    ");
}

#[test]
fn object_under_a_wrong_name() {
    assert_shows!(shows(case("object-under-a-wrong-name"), &[]), @"
    error object-hash objects/ab/abababab…: its content hashes to dd8ea06b…
    error ref-dangling refs/llamacpp/b1: object dd8ea06b… is missing
    error member-missing snapshots/release: object dd8ea06b… is missing
    repair:
      object-hash objects/ab/abababab…: moved to quarantine/objects.ab.abababab….[RANDOM]
      ref-dangling refs/llamacpp/b1: restored from objects/ab/abababab…
      member-missing snapshots/release: restored from objects/ab/abababab…
      lost abababab…:
    ");
}

#[test]
fn object_with_content_of_another() {
    assert_shows!(shows(case("object-with-content-of-another"), &[]), @"
    error object-hash objects/4a/0ae150b0…: its content hashes to 8ed75694…
    repair:
      history-object-missing history/llamacpp/b1: nothing done (remains)
      object-hash objects/4a/0ae150b0…: moved to quarantine/objects.4a.0ae150b0….[RANDOM]
      lost 4a0ae150…: history llamacpp/b1
    ");
}

#[test]
fn object_not_canonical() {
    assert_shows!(shows(case("object-not-canonical"), &[]), @"
    error history-disconnected history/llamacpp/b1: no line leads to what the ref holds, 3e287ce9…
    error object-form objects/3e/287ce906…: not in deterministic encoding, from byte 0 on
    error ref-object-damaged refs/llamacpp/b1: object 3e287ce9… is damaged: not in deterministic encoding, from byte 0 on
    repair:
      history-disconnected history/llamacpp/b1: nothing done (remains)
      object-form objects/3e/287ce906…: moved to quarantine/objects.3e.287ce906….[RANDOM]
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      ref-object-damaged refs/llamacpp/b1: found no more
      lost 3e287ce9…: ref llamacpp/b1
    ");
}

#[test]
fn object_no_cbor() {
    assert_shows!(shows(case("object-no-cbor"), &[]), @"
    error object-form objects/99/d44d377b…: not well-formed CBOR: unexpected code at offset 1
    repair:
      object-form objects/99/d44d377b…: moved to quarantine/objects.99.d44d377b….[RANDOM]
    ");
}

#[test]
fn object_too_large() {
    assert_shows!(shows(case("object-too-large"), &[]), @"
    error object-too-large objects/cd/cdcdcdcd…: it has 67108865 bytes, of at most 67108864
    repair:
      object-too-large objects/cd/cdcdcdcd…: moved to quarantine/objects.cd.cdcdcdcd….[RANDOM]
      lost cdcdcdcd…:
    ");
}

#[test]
fn entry_too_large() {
    assert_shows!(shows(case("entry-too-large"), &[]), @"
    error object-too-large objects/58/f1b1adca…: it has 1048607 bytes, of at most 1048576
    repair:
      object-too-large objects/58/f1b1adca…: moved to quarantine/objects.58.f1b1adca….[RANDOM]
      lost 58f1b1ad…:
    ");
}

#[test]
fn object_of_another_mode() {
    assert_shows!(shows(case("object-of-another-mode"), &[]), @"
    warning object-mode objects/dd/8ea06bd5…: its mode is 0644, not 0444
    repair:
      object-mode objects/dd/8ea06bd5…: mode set
    ");
}

#[test]
fn object_of_a_newer_program() {
    assert_shows!(shows(case("object-of-a-newer-program"), &[]), @r#"
    notice unknown-schema objects/dd/a1456669…: its schema "engine-entry/9" is unknown; known are engine-entry/1, snapshot/1, artifacts/1, attachment/1
    repair:
      unknown-schema objects/dd/a1456669…: nothing done (remains)
    "#);
}

#[test]
fn object_is_a_link() {
    assert_shows!(shows(case("object-is-a-link"), &[]), @"
    error file-type objects/dd/8ea06bd5…: it is a symbolic link, not a regular file
    error ref-object-damaged refs/llamacpp/b1: object dd8ea06b… is damaged: it is, or leads through, a symbolic link
    error member-damaged snapshots/release: object dd8ea06b… is damaged: it is, or leads through, a symbolic link
    repair:
      file-type objects/dd/8ea06bd5…: moved to quarantine/objects.dd.8ea06bd5….[RANDOM]
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      ref-object-damaged refs/llamacpp/b1: found no more
      member-missing snapshots/release: nothing done (remains)
      member-damaged snapshots/release: found no more
      lost dd8ea06b…: ref llamacpp/b1 snapshot release
    ");
}

#[test]
fn object_is_a_directory() {
    assert_shows!(shows(case("object-is-a-directory"), &[]), @"
    error file-type objects/dd/8ea06bd5…: it is a directory, not a regular file
    error ref-object-damaged refs/llamacpp/b1: object dd8ea06b… is damaged: it is a directory, not a regular file
    error member-damaged snapshots/release: object dd8ea06b… is damaged: it is a directory, not a regular file
    repair:
      file-type objects/dd/8ea06bd5…: moved to quarantine/objects.dd.8ea06bd5….[RANDOM]
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      ref-object-damaged refs/llamacpp/b1: found no more
      member-missing snapshots/release: nothing done (remains)
      member-damaged snapshots/release: found no more
      lost dd8ea06b…: ref llamacpp/b1 snapshot release
    ");
}

#[test]
fn object_is_a_fifo() {
    assert_shows!(shows(case("object-is-a-fifo"), &[]), @"
    error file-type objects/dd/8ea06bd5…: it is a FIFO, socket or device, not a regular file
    error ref-object-damaged refs/llamacpp/b1: object dd8ea06b… is damaged: it is a FIFO, socket or device, not a regular file
    error member-damaged snapshots/release: object dd8ea06b… is damaged: it is a FIFO, socket or device, not a regular file
    repair:
      file-type objects/dd/8ea06bd5…: moved to quarantine/objects.dd.8ea06bd5….[RANDOM]
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      ref-object-damaged refs/llamacpp/b1: found no more
      member-missing snapshots/release: nothing done (remains)
      member-damaged snapshots/release: found no more
      lost dd8ea06b…: ref llamacpp/b1 snapshot release
    ");
}

#[test]
fn shard_is_a_file() {
    assert_shows!(shows(case("shard-is-a-file"), &[]), @"
    error file-type objects/dd: it is a regular file, not a directory
    error ref-object-damaged refs/llamacpp/b1: object dd8ea06b… is damaged: it leads through something that is not a directory
    error member-damaged snapshots/release: object dd8ea06b… is damaged: it leads through something that is not a directory
    repair:
      file-type objects/dd: moved to quarantine/objects.dd.[RANDOM]
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      ref-object-damaged refs/llamacpp/b1: found no more
      member-missing snapshots/release: nothing done (remains)
      member-damaged snapshots/release: found no more
      lost dd8ea06b…: ref llamacpp/b1 snapshot release
    ");
}

#[test]
fn blob_of_another_hash() {
    assert_shows!(shows(case("blob-of-another-hash"), &[]), @"
    error blob-hash blobs/00/00000000…: its content hashes to 485216ad…
    repair:
      blob-hash blobs/00/00000000…: moved to quarantine/blobs.00.00000000….[RANDOM]
    ");
}
