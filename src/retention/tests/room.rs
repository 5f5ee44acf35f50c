//! What gives way to want of room: by hand, and what holds of any.

use super::*;
use crate::hash::ObjectId;

/// What a build has: its number, its fate, and its files, which can go with it.
type Has<'a> = (u8, Fate, &'a [usize]);

fn holdings(all: &[Has<'_>]) -> BTreeMap<ObjectId, Holding> {
    let holding = |(build, fate, files): &Has<'_>| {
        let files: BTreeSet<_> = files.iter().copied().collect();
        let holding = Holding {
            fate: *fate,
            holds: files.clone(),
            releases: files,
            used_ms: None,
        };
        (id(*build), holding)
    };
    all.iter().map(holding).collect()
}

/// What is decided by a rule on day 99, where these builds have files of ten bytes.
fn decided_with(rule: RetentionRule, refs: &[RefHistory]) -> Vec<Decision> {
    let retention = Retention { rules: vec![rule] };
    decide(&retention, refs, &BTreeMap::new(), 99 * DAY)
}

/// The builds that go, each with why, in the order of the decisions.
fn gone(decisions: &[Decision]) -> Vec<String> {
    let gone = decisions.iter().filter_map(|it| {
        let build = (1..=9).find(|build| id(*build) == it.object).unwrap();
        let why = it.goes_by.as_ref()?;
        Some(format!("{} {build}: {why}", it.name))
    });
    gone.collect()
}

/// What goes where the files, of ten bytes each, may have so many, and what is passed over.
fn make(
    decisions: &[Decision],
    holdings: &BTreeMap<ObjectId, Holding>,
    limit: u64,
) -> (Vec<String>, BTreeSet<ObjectId>) {
    let mut decisions = decisions.to_vec();
    let room = Room {
        sizes: &[10; 9],
        holdings,
        limit,
    };
    let passed_over = room.make(&mut decisions);
    (gone(&decisions), passed_over)
}

#[test]
fn oldest_gives_way_until_the_files_fit_and_one_version_of_each_engine_stays() {
    let refs = [
        of("e/a", &[(1, 1), (4, 2)]),
        of("e/b", &[(3, 3)]),
        of("f/a", &[(2, 4)]),
    ];
    let decisions = decided_with(rule(), &refs);
    let holdings = holdings(&[
        (1, Fate::Free, &[0, 4, 5, 6, 7, 8]),
        (2, Fate::Free, &[1]),
        (3, Fate::Free, &[2]),
        (4, Fate::Free, &[3]),
    ]);
    let (b, a) = (
        "e/b 3: no room for its files",
        "e/a 1: no room for its files",
    );
    for (limit, expected) in [
        (90, &[][..]),
        (80, &[b]),
        (79, &[a, b]),
        (20, &[a, b]),
        (0, &[a, b]),
    ] {
        let (gone, passed_over) = make(&decisions, &holdings, limit);
        assert_eq!(gone, expected, "{limit}");
        assert_eq!(passed_over, [].into());
    }
}

#[test]
fn older_builds_of_a_version_go_with_it() {
    let refs = [of("e/a", &[(1, 1), (2, 2), (3, 3)]), of("e/b", &[(9, 4)])];
    let last_two = RetentionRule {
        builds: Some(2),
        ..rule()
    };
    let decisions = decided_with(last_two, &refs);
    // What is last of a version that goes is last of nothing.
    let holdings = holdings(&[
        (1, Fate::Goes, &[0]),
        (2, Fate::Free, &[1]),
        (3, Fate::Free, &[2]),
        (4, Fate::Free, &[3]),
    ]);
    let first = "e/a 1: not one of the last 2 builds";
    assert_eq!(make(&decisions, &holdings, 80).0, [first]);
    assert_eq!(
        make(&decisions, &holdings, 79).0,
        [
            "e/a 3: no room for its files",
            "e/a 2: its version is retired",
            first
        ]
    );
}

#[test]
fn what_no_want_of_room_takes_stays() {
    let refs = [
        of("e/a", &[(1, 1), (2, 2)]),
        of("e/b", &[(3, 3)]),
        of("e/c", &[(4, 4)]),
        of("e/d", &[(90, 5)]),
    ];
    let pinned = RetentionRule {
        versions: Some(2),
        pinned: vec!["a".into()],
        monthly: 9,
        ..rule()
    };
    let retention = Retention {
        rules: vec![pinned],
    };
    let name = Name::new("s").unwrap();
    let snapshots = BTreeMap::from([(id(1), name)]);
    let decisions = decide(&retention, &refs, &snapshots, 99 * DAY);
    let all: Vec<_> = (1..=5).map(|n| (n, Fate::Free, [usize::from(n)])).collect();
    let all: Vec<Has<'_>> = all
        .iter()
        .map(|(n, fate, it)| (*n, *fate, &it[..]))
        .collect();
    let (gone, _) = make(&decisions, &holdings(&all), 0);
    assert_eq!(gone, ["e/b 3: not one of the last 2 versions"]);
}

#[test]
fn build_that_leaves_no_room_stays() {
    let refs = [
        of("e/a", &[(1, 1)]),
        of("e/b", &[(2, 2)]),
        of("e/c", &[(3, 3)]),
        of("e/d", &[(4, 4)]),
    ];
    let decisions = decided_with(rule(), &refs);
    // The first has what the last has too, the second and third share theirs.
    let shared = holdings(&[
        (1, Fate::Free, &[0]),
        (2, Fate::Free, &[1]),
        (3, Fate::Free, &[1]),
        (4, Fate::Free, &[0]),
    ]);
    let no_room = |names: &[&str]| -> Vec<String> {
        let line = |name: &&str| format!("e/{name}: no room for its files");
        names.iter().map(line).collect()
    };
    let (gone, _) = make(&decisions, &shared, 80);
    assert_eq!(gone, no_room(&["b 2", "c 3"]));
    assert_eq!(make(&decisions, &shared, 0).0, gone);
    // What cannot be removed is not released.
    let mut stuck = shared;
    stuck.get_mut(&id(3)).unwrap().releases.clear();
    assert_eq!(
        make(&decisions, &stuck, 80).0,
        gone,
        "the other releases it"
    );
    stuck.get_mut(&id(2)).unwrap().releases.clear();
    assert_eq!(make(&decisions, &stuck, 80).0, no_room(&[]));
}

#[test]
fn build_whose_entry_stays_is_passed_over() {
    let refs = [
        of("e/a", &[(1, 1)]),
        of("e/b", &[(2, 2)]),
        of("e/c", &[(3, 3)]),
        // Of another ref, too.
        of("f/a", &[(1, 4), (2, 5)]),
        of("f/b", &[(1, 4)]),
    ];
    let decisions = decided_with(rule(), &refs);
    let holdings = holdings(&[
        (1, Fate::Stays, &[0]),
        (2, Fate::Free, &[1]),
        (3, Fate::Stays, &[2]),
        (4, Fate::Free, &[3]),
        (5, Fate::Free, &[4]),
    ]);
    let (gone, passed_over) = make(&decisions, &holdings, 80);
    assert_eq!(gone, ["e/b 2: no room for its files"]);
    assert_eq!(passed_over, [id(1), id(4)].into());
}

#[test]
fn what_was_used_since_gives_way_later() {
    let refs = [
        of("e/a", &[(1, 1), (2, 2)]),
        of("e/b", &[(3, 3)]),
        of("e/c", &[(9, 4)]),
    ];
    let decisions = decided_with(rule(), &refs);
    let all: Vec<Has<'_>> = vec![
        (1, Fate::Free, &[0]),
        (2, Fate::Free, &[1]),
        (3, Fate::Free, &[2]),
    ];
    let mut holdings = holdings(&all);
    let no_room = |build: &str| format!("e/{build}: no room for its files");
    assert_eq!(make(&decisions, &holdings, 80).0, [no_room("a 1")]);
    // A version is not older than any of its builds.
    holdings.get_mut(&id(1)).unwrap().used_ms = Some(5 * DAY);
    assert_eq!(make(&decisions, &holdings, 80).0, [no_room("b 3")]);
    holdings.get_mut(&id(3)).unwrap().used_ms = Some(8 * DAY);
    assert_eq!(make(&decisions, &holdings, 80).0, [no_room("a 1")]);
    // What was read before it was changed is no older for it.
    holdings.get_mut(&id(3)).unwrap().used_ms = Some(0);
    assert_eq!(make(&decisions, &holdings, 80).0, [no_room("b 3")]);
}

/// How many bytes there are once these have gone, counted anew.
fn bytes(sizes: &[u64], holdings: &BTreeMap<ObjectId, Holding>, gone: &BTreeSet<ObjectId>) -> u64 {
    let goes =
        |(object, it): &(&ObjectId, &Holding)| it.fate == Fate::Goes || gone.contains(object);
    let (going, staying): (Vec<_>, Vec<_>) = holdings.iter().partition(goes);
    let is_there = |file: &usize| {
        let is_held = staying.iter().any(|(_, it)| it.holds.contains(file));
        is_held || !going.iter().any(|(_, it)| it.releases.contains(file))
    };
    let files = (0..sizes.len()).filter(is_there);
    files.map(|file| sizes[file]).sum()
}

prop_compose! {
    /// Builds with files, some of which cannot go with them, and when they were used.
    fn any_holdings()(
        all in prop::collection::vec(
            (
                prop::collection::btree_set(0..8usize, 0..4),
                prop::collection::btree_set(0..8usize, 0..2),
                prop::option::weighted(0.3, (0..90i64).prop_map(|day| day * DAY)),
                prop::bool::weighted(0.2),
            ),
            40,
        )
    ) -> BTreeMap<ObjectId, (Holding, bool)> {
        let holding = |(build, (holds, stuck, used_ms, stays)): (u8, (BTreeSet<_>, _, _, _))| {
            let releases = holds.difference(&stuck).copied().collect();
            (id(build), (Holding { fate: Fate::Free, holds, releases, used_ms }, stays))
        };
        (1..).zip(all).map(holding).collect()
    }
}

/// The entries that leave once so much is decided.
fn leaving(decisions: &[Decision], holdings: &BTreeMap<ObjectId, Holding>) -> BTreeSet<ObjectId> {
    let is_kept = |object: &ObjectId| {
        decisions
            .iter()
            .any(|it| it.object == *object && it.is_kept())
    };
    let free = holdings.iter().filter(|(_, it)| it.fate == Fate::Free);
    let objects = free.map(|(object, _)| *object);
    objects.filter(|object| !is_kept(object)).collect()
}

proptest! {
    #[test]
    fn no_more_goes_than_has_to_and_only_what_may(
        mut refs in refs(), rule in rules(), held in any_holdings(),
        sizes in prop::array::uniform8(0..20u64), limit in 0..100u64, is_sound in prop::bool::weighted(0.8),
    ) {
        for (at, it) in refs.iter_mut().enumerate() {
            it.name = format!("{}/{at}", ["e", "f"][at % 2]).parse().unwrap();
            // In a sound catalog no build is of two refs.
            if is_sound {
                let own = |object: &mut ObjectId| {
                    let build = object.as_bytes()[0] + 9 * u8::try_from(at).unwrap();
                    *object = id(build);
                };
                let changed = it.changes.iter_mut().flat_map(|it| [&mut it.old, &mut it.new]);
                changed.chain([&mut it.current]).flatten().for_each(own);
            }
        }
        let before = decided_with(rule, &refs);
        let is_kept = |object: &ObjectId| before.iter().any(|it| it.object == *object && it.is_kept());
        let fated = held.into_iter().map(|(object, (mut it, stays))| {
            it.fate = match (stays, is_kept(&object)) {
                (true, _) => Fate::Stays,
                (false, true) => Fate::Free,
                (false, false) => Fate::Goes,
            };
            (object, it)
        });
        let mut holdings: BTreeMap<_, _> = fated.collect();
        let room = Room { sizes: &sizes, holdings: &holdings, limit };
        let mut after = before.clone();
        let passed_over = room.make(&mut after);
        let mut again = before.clone();
        prop_assert_eq!(&room.make(&mut again), &passed_over);
        prop_assert_eq!(&again, &after);

        let gone = leaving(&after, &holdings);
        let count = |gone: &BTreeSet<ObjectId>| bytes(&sizes, &holdings, gone);
        let fits = count(&gone) <= limit;
        prop_assert_eq!(room.is_enough(), count(&BTreeSet::new()) <= limit);
        if room.is_enough() {
            prop_assert_eq!(&before, &after);
        }
        // Only what may goes, and what goes along.
        let retired: BTreeSet<_> = after.iter()
            .filter(|it| it.is_current && it.goes_by == Some(GoesBy::Room))
            .map(|it| &it.name)
            .collect();
        for (was, is) in before.iter().zip(&after) {
            if is.goes_by == Some(GoesBy::Room) {
                prop_assert!(was.may_give_way() && !is.is_kept());
                prop_assert_eq!(holdings[&is.object].fate, Fate::Free);
            } else if was != is {
                prop_assert!(!is.is_current && retired.contains(&is.name));
                prop_assert_eq!(is.goes_by.clone(), Some(GoesBy::Retired));
            }
        }
        // Of each engine that has a version the one that was changed last stays.
        for engine in ["e", "f"] {
            let current = |all: &[Decision]| {
                let staying = all.iter().filter(|it| it.is_current && !it.retires());
                let staying = staying.filter(|it| it.name.engine().as_str() == engine);
                staying.map(|it| it.changed_ms).max().flatten()
            };
            prop_assert_eq!(current(&before), current(&after));
        }
        // All that may has gone where it does not fit, less what leaves no room.
        if !fits {
            let mut least = before.clone();
            let none = Room { limit: 0, ..room };
            none.make(&mut least);
            prop_assert_eq!(count(&leaving(&least, &holdings)), count(&gone));
        }
        // One less would not do.
        let own: Vec<_> = after.iter().filter(|it| it.goes_by == Some(GoesBy::Room)).collect();
        let without = |it: &Decision| {
            let along = |other: &&Decision| it.is_current && other.name == it.name;
            let back = after.iter().filter(along).map(|it| it.object).chain([it.object]);
            let back: BTreeSet<_> = back.collect();
            count(&gone.difference(&back).copied().collect())
        };
        prop_assert!(!fits || own.is_empty() || own.iter().any(|it| without(it) > limit));
        // None is vain, and none is spared that is older and is not.
        let age = |it: &Decision| it.changed_ms.max(holdings[&it.object].used_ms);
        for it in &own {
            prop_assert!(retired.contains(&it.name) && !it.is_current || without(it) > count(&gone));
            let spared = before.iter().zip(&after).filter(|(was, is)| was == is && was.may_give_way());
            for (other, _) in spared.filter(|(other, _)| !other.is_current && !passed_over.contains(&other.object)) {
                let is_there = holdings.get(&other.object).is_some_and(|it| it.fate == Fate::Free);
                if !it.is_current && is_there && age(other) < age(it) {
                    let more = gone.iter().copied().chain([other.object]).collect();
                    prop_assert_eq!(count(&more), count(&gone));
                }
            }
        }
        if !is_sound {
            return Ok(());
        }
        // Once it is done there is nothing to do.
        for object in &gone {
            holdings.get_mut(object).unwrap().fate = Fate::Goes;
        }
        let room = Room { sizes: &sizes, holdings: &holdings, limit };
        let mut again = after.clone();
        room.make(&mut again);
        prop_assert_eq!(again, after);
    }
}
