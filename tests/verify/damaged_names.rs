//! Damaged refs, histories, snapshots and attachments: what is found, and what repair does without any
//! other catalog.

use crate::cases::case;
use crate::{assert_shows, shows};

#[test]
fn ref_torn() {
    assert_shows!(shows(case("ref-torn"), &[]), @"
    error ref-malformed refs/llamacpp/b1: it does not hold 64 hexadecimal digits and a line feed
    repair:
      ref-malformed refs/llamacpp/b1: written anew; what was there is quarantine/refs.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn ref_torn_without_history() {
    assert_shows!(shows(case("ref-torn-without-history"), &[]), @"
    error ref-malformed refs/llamacpp/b1: it does not hold 64 hexadecimal digits and a line feed
    repair:
      ref-malformed refs/llamacpp/b1: nothing done (remains)
    ");
}

#[test]
fn ref_dangling() {
    assert_shows!(shows(case("ref-dangling"), &[]), @"
    error ref-dangling refs/llamacpp/b1: object dd8ea06b… is missing
    error member-missing snapshots/release: object dd8ea06b… is missing
    repair:
      ref-dangling refs/llamacpp/b1: nothing done (remains)
      member-missing snapshots/release: nothing done (remains)
      lost dd8ea06b…: ref llamacpp/b1 snapshot release
    ");
}

#[test]
fn ref_object_damaged() {
    assert_shows!(shows(case("ref-object-damaged"), &[]), @"
    error object-hash objects/dd/8ea06bd5…: its content hashes to 5ccb906f…
    error ref-object-damaged refs/llamacpp/b1: object dd8ea06b… is damaged: its content hashes to 5ccb906f…
    error member-damaged snapshots/release: object dd8ea06b… is damaged: its content hashes to 5ccb906f…
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
fn ref_wrong_kind() {
    assert_shows!(shows(case("ref-wrong-kind"), &[]), @"
    error history-disconnected history/llamacpp/b1: no line leads to what the ref holds, 5cf766ba…
    error ref-wrong-kind refs/llamacpp/b1: object 5cf766ba… is of kind snapshot/1, expected engine-entry/1
    repair:
      history-disconnected history/llamacpp/b1: found no more
      ref-wrong-kind refs/llamacpp/b1: written anew; what was there is quarantine/refs.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn ref_misplaced() {
    assert_shows!(shows(case("ref-misplaced"), &[]), @r#"
    error history-disconnected history/llamacpp/b1: no line leads to what the ref holds, 8ed75694…
    error ref-misplaced refs/llamacpp/b1: object 8ed75694… is an entry of llamacpp/b2
    warning ambiguous-id refs/llamacpp/b2: its id "llamacpp:b2" is also that of llamacpp/b1
    repair:
      history-disconnected history/llamacpp/b1: found no more
      ref-misplaced refs/llamacpp/b1: written anew; what was there is quarantine/refs.llamacpp.b1.[RANDOM]
      ambiguous-id refs/llamacpp/b2: found no more
    "#);
}

#[test]
fn ref_is_a_directory() {
    assert_shows!(shows(case("ref-is-a-directory"), &[]), @"
    error file-type refs/llamacpp/b1: it is a directory, not a regular file
    repair:
      file-type refs/llamacpp/b1: written anew; what was there is quarantine/refs.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn ref_is_a_fifo() {
    assert_shows!(shows(case("ref-is-a-fifo"), &[]), @"
    error file-type refs/llamacpp/b1: it is a FIFO, socket or device, not a regular file
    repair:
      file-type refs/llamacpp/b1: written anew; what was there is quarantine/refs.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn ref_is_a_link() {
    assert_shows!(shows(case("ref-is-a-link"), &[]), @"
    notice foreign-file refs/llamacpp/%zz: a regular file that is not part of the catalog
    error file-type refs/llamacpp/b1: it is, or leads through, a symbolic link
    repair:
      foreign-file refs/llamacpp/%zz: nothing done (remains)
      file-type refs/llamacpp/b1: written anew; what was there is quarantine/refs.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn ref_is_huge() {
    assert_shows!(shows(case("ref-is-huge"), &[]), @"
    error ref-malformed refs/llamacpp/b1: it has 10737418240 bytes, of at most 65
    repair:
      ref-malformed refs/llamacpp/b1: written anew; what was there is quarantine/refs.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn engine_is_a_link() {
    assert_shows!(shows(case("engine-is-a-link"), &[]), @"
    notice foreign-file refs/.moved: a directory that is not part of the catalog
    error file-type refs/llamacpp: it is a symbolic link, not a directory
    error file-type refs/llamacpp/b1: it is, or leads through, a symbolic link
    error file-type refs/llamacpp/b2: it is, or leads through, a symbolic link
    repair:
      foreign-file refs/.moved: nothing done (remains)
      file-type refs/llamacpp: nothing done (remains)
      file-type refs/llamacpp/b1: failed: cannot open [ROOT]/refs/llamacpp: it is, or leads through, a symbolic link (remains)
      file-type refs/llamacpp/b2: failed: cannot open [ROOT]/refs/llamacpp: it is, or leads through, a symbolic link (remains)
    ");
}

#[test]
fn ref_gone() {
    assert_shows!(shows(case("ref-gone"), &[]), @"
    error history-disconnected history/llamacpp/b1: no line leads to what the ref holds, nothing
    repair:
      history-disconnected history/llamacpp/b1: written anew
    ");
}

#[test]
fn history_gone() {
    assert_shows!(shows(case("history-gone"), &[]), @"
    notice history-missing refs/llamacpp/b1: there is no history of this ref
    repair:
      history-missing refs/llamacpp/b1: nothing done (remains)
    ");
}

#[test]
fn history_line_malformed() {
    assert_shows!(shows(case("history-line-malformed"), &[]), @"
    error history-malformed history/llamacpp/b1: line 1 is malformed
    repair:
      history-malformed history/llamacpp/b1: written anew; what was there is quarantine/history.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn history_disconnected() {
    assert_shows!(shows(case("history-disconnected"), &[]), @"
    error history-disconnected history/llamacpp/b1: no line leads to what the ref holds, dd8ea06b…
    repair:
      history-disconnected history/llamacpp/b1: written anew; what was there is quarantine/history.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn history_torn() {
    assert_shows!(shows(case("history-torn"), &[]), @"
    notice history-torn history/llamacpp/b1: the last 70 bytes are of a write that was cut short
    repair:
      history-torn history/llamacpp/b1: nothing done (remains)
    ");
}

#[test]
fn history_object_gone() {
    assert_shows!(shows(case("history-object-gone"), &[]), @"
    notice history-object-missing history/llamacpp/b1: object 4a0ae150… is missing
    repair:
      history-object-missing history/llamacpp/b1: nothing done (remains)
    ");
}

#[test]
fn history_is_a_directory() {
    assert_shows!(shows(case("history-is-a-directory"), &[]), @"
    error file-type history/llamacpp/b1: it is a directory, not a regular file
    repair:
      file-type history/llamacpp/b1: written anew; what was there is quarantine/history.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn history_is_huge() {
    assert_shows!(shows(case("history-is-huge"), &[]), @"
    error history-malformed history/llamacpp/b1: it has 10737418240 bytes, of at most 67108864
    repair:
      history-malformed history/llamacpp/b1: written anew; what was there is quarantine/history.llamacpp.b1.[RANDOM]
    ");
}

#[test]
fn snapshot_torn() {
    assert_shows!(shows(case("snapshot-torn"), &[]), @"
    error snapshot-malformed snapshots/release: it does not hold 64 hexadecimal digits and a line feed
    repair:
      snapshot-malformed snapshots/release: nothing done (remains)
    ");
}

#[test]
fn snapshot_dangling() {
    assert_shows!(shows(case("snapshot-dangling"), &[]), @"
    error snapshot-dangling snapshots/release: object 5cf766ba… is missing
    repair:
      snapshot-dangling snapshots/release: nothing done (remains)
      lost 5cf766ba…: snapshot release
    ");
}

#[test]
fn snapshot_object_damaged() {
    assert_shows!(shows(case("snapshot-object-damaged"), &[]), @"
    error object-hash objects/5c/f766ba6e…: its content hashes to 43b4b59f…
    error snapshot-object-damaged snapshots/release: object 5cf766ba… is damaged: its content hashes to 43b4b59f…
    repair:
      object-hash objects/5c/f766ba6e…: moved to quarantine/objects.5c.f766ba6e….[RANDOM]
      snapshot-dangling snapshots/release: nothing done (remains)
      snapshot-object-damaged snapshots/release: found no more
      lost 5cf766ba…: snapshot release
    ");
}

#[test]
fn snapshot_wrong_kind() {
    assert_shows!(shows(case("snapshot-wrong-kind"), &[]), @"
    error snapshot-wrong-kind snapshots/release: object 8ed75694… is of kind engine-entry/1, expected snapshot/1
    repair:
      snapshot-wrong-kind snapshots/release: nothing done (remains)
    ");
}

#[test]
fn snapshot_is_a_fifo() {
    assert_shows!(shows(case("snapshot-is-a-fifo"), &[]), @"
    error file-type snapshots/release: it is a FIFO, socket or device, not a regular file
    repair:
      file-type snapshots/release: nothing done (remains)
    ");
}

#[test]
fn member_gone() {
    assert_shows!(shows(case("member-gone"), &[]), @"
    error member-missing snapshots/more: object efefefef… is missing
    repair:
      member-missing snapshots/more: nothing done (remains)
      lost efefefef…: snapshot more
    ");
}

#[test]
fn member_damaged() {
    assert_shows!(shows(case("member-damaged"), &[]), @"
    error object-hash objects/4a/0ae150b0…: its content hashes to b7f64bfe…
    error member-damaged snapshots/more: object 4a0ae150… is damaged: its content hashes to b7f64bfe…
    repair:
      history-object-missing history/llamacpp/b1: nothing done (remains)
      object-hash objects/4a/0ae150b0…: moved to quarantine/objects.4a.0ae150b0….[RANDOM]
      member-missing snapshots/more: nothing done (remains)
      member-damaged snapshots/more: found no more
      lost 4a0ae150…: history llamacpp/b1 snapshot more
    ");
}

#[test]
fn member_no_entry() {
    assert_shows!(shows(case("member-no-entry"), &[]), @"
    error member-wrong-kind snapshots/more: object 7beba3b2… is of kind artifacts/1, expected engine-entry/1
    repair:
      member-wrong-kind snapshots/more: nothing done (remains)
    ");
}

#[test]
fn attachment_gone() {
    assert_shows!(shows(case("attachment-gone"), &[]), @"
    error link-dangling attachments/8e/d7569494…/7beba3b2…: object 7beba3b2… is missing
    repair:
      link-dangling attachments/8e/d7569494…/7beba3b2…: nothing done (remains)
      lost 7beba3b2…: link
    ");
}

#[test]
fn attachment_damaged() {
    assert_shows!(shows(case("attachment-damaged"), &[]), @"
    error link-object-damaged attachments/8e/d7569494…/7beba3b2…: object 7beba3b2… is damaged: its content hashes to 828f2e61…
    error object-hash objects/7b/eba3b2f7…: its content hashes to 828f2e61…
    repair:
      link-dangling attachments/8e/d7569494…/7beba3b2…: nothing done (remains)
      link-object-damaged attachments/8e/d7569494…/7beba3b2…: found no more
      object-hash objects/7b/eba3b2f7…: moved to quarantine/objects.7b.eba3b2f7….[RANDOM]
      lost 7beba3b2…: link
    ");
}

#[test]
fn attachment_of_another() {
    assert_shows!(shows(case("attachment-of-another"), &[]), @"
    error link-misplaced attachments/dd/8ea06bd5…/7beba3b2…: object 7beba3b2… does not describe dd8ea06b…
    repair:
      link-misplaced attachments/dd/8ea06bd5…/7beba3b2…: moved to quarantine/attachments.dd.8ea06bd5….7beba3b2….[RANDOM]
    ");
}

#[test]
fn attachment_no_attachment() {
    assert_shows!(shows(case("attachment-no-attachment"), &[]), @"
    error link-misplaced attachments/dd/8ea06bd5…/8ed75694…: object 8ed75694… does not describe dd8ea06b…
    repair:
      link-misplaced attachments/dd/8ea06bd5…/8ed75694…: moved to quarantine/attachments.dd.8ea06bd5….8ed75694….[RANDOM]
    ");
}

#[test]
fn link_not_empty() {
    assert_shows!(shows(case("link-not-empty"), &[]), @"
    warning link-not-empty attachments/8e/d7569494…/7beba3b2…: it has 1 bytes, of none
    repair:
      link-not-empty attachments/8e/d7569494…/7beba3b2…: written anew; what was there is quarantine/attachments.8e.d7569494….7beba3b2….[RANDOM]
    ");
}

#[test]
fn link_is_a_directory() {
    assert_shows!(shows(case("link-is-a-directory"), &[]), @"
    error file-type attachments/8e/d7569494…/7beba3b2…: it is a directory, not a regular file
    repair:
      file-type attachments/8e/d7569494…/7beba3b2…: written anew; what was there is quarantine/attachments.8e.d7569494….7beba3b2….[RANDOM]
    ");
}

#[test]
fn subject_gone() {
    assert_shows!(shows(case("subject-gone"), &[]), @"
    notice link-subject-missing attachments/91/e942ce49…/88f3f120…: what it describes, object 91e942ce…, is missing
    repair:
      link-subject-missing attachments/91/e942ce49…/88f3f120…: nothing done (remains)
    ");
}
