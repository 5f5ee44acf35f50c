//! When the same look proves that nothing has changed, and when not: the clock of files as it is, and as
//! it may be.

use super::*;

/// Half past some minute: far from both ends of what whole seconds may stand for.
const NOON: i128 = 1_758_240_000 * SECOND + 500_000_007;

fn generation(wall: i128, ctime_ns: i128) -> Generation {
    seen_at(wall, 0, ctime_ns)
}

fn seen_at(wall: i128, steady: i128, ctime_ns: i128) -> Generation {
    let mark = |inode, ctime_ns| Mark {
        device: 1,
        inode,
        ctime_ns,
    };
    Generation {
        looked_at: Clocks { wall, steady },
        top: Some(mark(2, NOON - 60 * SECOND)),
        engines: BTreeMap::from([("llamacpp".to_owned(), mark(3, ctime_ns))]),
    }
}

#[test]
fn mark_proves_nothing_until_the_clock_of_files_has_moved_on() {
    let whole = NOON - NOON % SECOND;
    for (what, ctime, looked_at, proves) in [
        ("at the same tick", NOON, NOON, false),
        ("the tick before", NOON - TICK, NOON, false),
        (
            "within reach of a clock that is set back",
            NOON - TICK - UNSEEN,
            NOON,
            false,
        ),
        ("before that", NOON - TICK - UNSEEN - 1, NOON, true),
        ("long ago", NOON - 3600 * SECOND, NOON, true),
        ("in whole seconds, this one", whole, NOON, false),
        ("in whole seconds, two ago", whole - SECOND, NOON, false),
        (
            "in whole seconds, three ago",
            whole - 2 * SECOND,
            NOON,
            true,
        ),
        ("a little in the future", NOON + 1, NOON, false),
        (
            "in the future, for the clock was set back",
            NOON + 3600 * SECOND,
            NOON,
            false,
        ),
    ] {
        let seen = generation(looked_at, ctime);
        assert_eq!(seen.is_settled(), proves, "{what}");
        assert_eq!(seen.settles_in() < 0, proves, "{what}");
    }
}

#[test]
fn every_directory_has_to_prove_it() {
    let mut seen = generation(NOON, NOON - SECOND);
    assert!(seen.is_settled());
    let top = seen.top.as_mut().expect("it was given");
    top.ctime_ns = NOON;
    assert!(!seen.is_settled());
}

#[test]
fn change_of_any_directory_shows() {
    let seen = generation(NOON, NOON - SECOND);
    assert!(!seen.differs(&seen));
    let engine = |it: &mut Generation, change: fn(&mut Mark)| {
        change(it.engines.get_mut("llamacpp").expect("it was given"));
    };
    let top = |it: &mut Generation, change: fn(&mut Mark)| {
        change(it.top.as_mut().expect("it was given"));
    };
    let changes: [&dyn Fn(&mut Generation); 7] = [
        &|it| it.top = None,
        &|it| top(it, |mark| mark.inode += 1),
        &|it| top(it, |mark| mark.ctime_ns += 1),
        &|it| engine(it, |mark| mark.ctime_ns -= 1),
        &|it| engine(it, |mark| mark.device += 1),
        &|it| it.engines.clear(),
        &|it| {
            let mark = it.engines["llamacpp"];
            it.engines.insert("vllm".to_owned(), mark);
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut later = seen.clone();
        change(&mut later);
        assert!(seen.differs(&later), "{number}");
        assert!(later.differs(&seen), "{number}");
    }
}

/// A change while the clock is behind could have the ctime that was seen.
#[test]
fn clock_that_was_set_back_since_proves_nothing() {
    let ctime = NOON - SECOND;
    let seen = seen_at(NOON, 100 * SECOND, ctime);
    for (what, wall, steady, proves) in [
        ("an hour later", 3600 * SECOND, 3600 * SECOND, true),
        (
            "the clock of files is behind by a tick",
            SECOND - TICK,
            SECOND,
            true,
        ),
        (
            "set back by less than is seen",
            SECOND - UNSEEN,
            SECOND,
            true,
        ),
        ("set back by more", SECOND - UNSEEN - 1, SECOND, false),
        ("set back to before", -SECOND, SECOND, false),
        ("set forward", 3600 * SECOND, SECOND, true),
    ] {
        let later = seen_at(NOON + wall, 100 * SECOND + steady, ctime);
        assert_eq!(!seen.differs(&later), proves, "{what}");
    }
}
