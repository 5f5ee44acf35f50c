//! What comes from elsewhere is gathered in a staging, and what is here need not come: it stays until what
//! names it has come.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, ErrorKind, LockWait, ObjectId, Staging};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::observe::cause;
use crate::support::{Home, child, entry, name, stamp};
use crate::{objects, options};

/// Ours has the entry that theirs holds, and nothing that names it.
fn both() -> (Home, Home, ObjectId) {
    let (ours, theirs) = (Home::new(), Home::new());
    let object = theirs.put(&entry("b1", 1));
    assert_eq!(ours.catalog.store(&[entry("b1", 1)]).unwrap(), [object]);
    (ours, theirs, object)
}

/// Brings what a transfer would, and requires that the entry is not wanted.
fn gather(staging: &mut Staging, theirs: &Home) {
    let mut bring = |paths: &[&str]| {
        for path in paths {
            let place = staging.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(theirs.at(path), place).unwrap();
        }
        staging.wanted().unwrap()
    };
    let wanted = bring(&["format", "refs/llamacpp/b1"]);
    assert!(wanted.objects.is_empty(), "{wanted:?}");
    assert!(bring(&["history/llamacpp/b1"]).is_empty());
}

#[test]
fn collection_waits_for_whoever_brings_something_who_keeps_no_writer_waiting() {
    let (ours, _, object) = both();
    let at_once = LockWait::default().at_most(Duration::ZERO);
    let impatient = Catalog::open(ours.catalog.root()).unwrap();
    let impatient = impatient.with_lock_wait(at_once);
    let collect = || impatient.collect_garbage(&options(), &stamp(9));
    let staging = impatient.stage("theirs").unwrap();
    let busy = collect().unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    assert_eq!(cause(&busy).path, ours.at("objects"));
    // Nor one another.
    let other = impatient.stage("others").unwrap();
    impatient.put(&entry("b2", 1), &stamp(1)).unwrap();
    staging.finish().unwrap();
    assert_eq!(collect().unwrap_err().kind(), ErrorKind::Busy);
    other.finish().unwrap();
    assert_eq!(objects(&collect().unwrap().plan), [object]);
}

#[test]
fn object_that_need_not_come_as_it_is_here_stays_until_its_ref_has_come() {
    for comes in [true, false] {
        let (ours, theirs, object) = both();
        let mut staging = ours.catalog.stage("theirs").unwrap();
        gather(&mut staging, &theirs);
        let (tell, told) = channel();
        let waits = LockWait::default().telling(Duration::ZERO, move |_| tell.send(()).unwrap());
        let collector = Catalog::open(ours.catalog.root()).unwrap();
        let collector = collector.with_lock_wait(waits);
        thread::scope(|scope| {
            let collecting = scope.spawn(|| collector.collect_garbage(&options(), &stamp(9)));
            told.recv().unwrap();
            if comes {
                let came = staging.catalog().unwrap();
                let imported = ours.catalog.import(&came, &stamp(2)).unwrap();
                assert!(imported.problems.is_empty() && imported.refs.len() == 1);
            }
            staging.finish().unwrap();
            let collected = collecting.join().unwrap().unwrap();
            let gone: &[_] = if comes { &[] } else { &[object] };
            assert_eq!(objects(&collected.plan), gone);
        });
        let current = ours.catalog.current(&name("llamacpp/b1")).unwrap();
        assert_eq!(current.map(|it| it.object), comes.then_some(object));
    }
}

/// Is a process that ends before the program that brings something, and says which process that is.
pub(crate) fn leave_behind(root: &Path) {
    let staging = Catalog::open(root).unwrap().stage("theirs").unwrap();
    let mut program = Command::new("sleep");
    program.arg("60").stdin(staging.hold().unwrap());
    program.stdout(Stdio::null()).stderr(Stdio::null());
    let program = program.spawn().unwrap();
    println!("program {}", program.id());
    // As by a signal.
    std::process::exit(0);
}

#[test]
fn staging_that_a_program_still_writes_to_is_no_leftover() {
    let home = Home::new();
    let staged = || fs::read_dir(home.at("tmp")).unwrap().count();
    let output = child::command([""; 0], "leave behind", home.catalog.root())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let pid = said
        .lines()
        .find_map(|line| line.split_once("program ")?.1.parse().ok());
    let pid = pid.and_then(Pid::from_raw).unwrap();
    home.catalog.collect_garbage(&options(), &stamp(9)).unwrap();
    assert_eq!(staged(), 1);
    kill_process(pid, Signal::KILL).unwrap();
    while staged() == 1 {
        home.catalog.collect_garbage(&options(), &stamp(9)).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
}
