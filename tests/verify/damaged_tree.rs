//! What does not belong, what is left over, and what would break a copy.

use crate::cases::case;
use crate::{assert_shows, shows};

#[test]
fn one_id_twice() {
    assert_shows!(shows(case("one-id-twice"), &[]), @r#"
    warning ambiguous-id refs/vllm/1: its id "llamacpp:b1" is also that of llamacpp/b1
    repair:
      ambiguous-id refs/vllm/1: nothing done (remains)
    "#);
}

#[test]
fn names_that_differ_in_case() {
    assert_shows!(shows(case("names-that-differ-in-case"), &[]), @"
    warning case-collision history/llamacpp: it differs from LLAMAcpp only in case
    warning case-collision history/llamacpp/b1: it differs from B1 only in case
    warning case-collision refs/llamacpp: it differs from LLAMAcpp only in case
    warning case-collision refs/llamacpp/b1: it differs from B1 only in case
    warning case-collision snapshots/release: it differs from Release only in case
    repair:
      case-collision history/llamacpp: nothing done (remains)
      case-collision history/llamacpp/b1: nothing done (remains)
      case-collision refs/llamacpp: nothing done (remains)
      case-collision refs/llamacpp/b1: nothing done (remains)
      case-collision snapshots/release: nothing done (remains)
    ");
}

#[test]
fn foreign_files() {
    assert_shows!(shows(case("foreign-files"), &[]), @"
    notice foreign-file attachments/8e/d7569494…/x: a regular file that is not part of the catalog
    notice foreign-file attachments/ab/cdef: a directory that is not part of the catalog
    notice foreign-file attachments/ab/x: a regular file that is not part of the catalog
    notice foreign-file attachments/x: a regular file that is not part of the catalog
    notice foreign-file blobs/ab/x: a regular file that is not part of the catalog
    notice foreign-file blobs/x: a regular file that is not part of the catalog
    notice foreign-file history/.partial: a directory that is not part of the catalog
    notice foreign-file notes.txt: a regular file that is not part of the catalog
    notice foreign-file objects/README: a regular file that is not part of the catalog
    notice foreign-file objects/ab/.cdef.X1y2Z3: a regular file that is not part of the catalog
    notice foreign-file objects/ab/cdef: a regular file that is not part of the catalog
    notice foreign-file refs/llamacpp/.b1.X1y2Z3: a regular file that is not part of the catalog
    error file-type refs/stray: it is a regular file, not a directory
    notice foreign-file snapshots/a b: a regular file that is not part of the catalog
    repair:
      foreign-file attachments/8e/d7569494…/x: nothing done (remains)
      foreign-file attachments/ab/cdef: nothing done (remains)
      foreign-file attachments/ab/x: nothing done (remains)
      foreign-file attachments/x: nothing done (remains)
      foreign-file blobs/ab/x: nothing done (remains)
      foreign-file blobs/x: nothing done (remains)
      foreign-file history/.partial: nothing done (remains)
      foreign-file notes.txt: nothing done (remains)
      foreign-file objects/README: nothing done (remains)
      foreign-file objects/ab/.cdef.X1y2Z3: nothing done (remains)
      foreign-file objects/ab/cdef: nothing done (remains)
      foreign-file refs/llamacpp/.b1.X1y2Z3: nothing done (remains)
      file-type refs/stray: nothing done (remains)
      foreign-file snapshots/a b: nothing done (remains)
    ");
}

#[test]
fn files_in_place_of_directories() {
    assert_shows!(shows(case("files-in-place-of-directories"), &[]), @"
    error file-type attachments/ab: it is a regular file, not a directory
    error file-type blobs: it is a regular file, not a directory
    error file-type cache: it is a regular file, not a directory
    error file-type tmp: it is a symbolic link, not a directory
    repair:
      file-type attachments/ab: nothing done (remains)
      file-type blobs: nothing done (remains)
      file-type cache: moved to quarantine/cache.[RANDOM]
      file-type tmp: moved to quarantine/tmp.[RANDOM]
    ");
}

#[test]
fn leftovers() {
    assert_shows!(shows(case("leftovers"), &[]), @"
    notice quarantined quarantine/refs.llamacpp.b1.[RANDOM]: a regular file that was moved aside
    notice leftover tmp/[RANDOM]: a regular file of a writer that is at work, or was killed
    repair:
      quarantined quarantine/refs.llamacpp.b1.[RANDOM]: nothing done (remains)
      leftover tmp/[RANDOM]: nothing done (remains)
    ");
}
