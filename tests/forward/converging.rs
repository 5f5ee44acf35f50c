//! Two catalogs with any history that take from each other: in whichever order, they come to the same, and
//! stay there; no ref goes back.

use std::collections::BTreeMap;

use engine_catalog::{
    Catalog, Change, Choice, Error, Expect, ImportOptions, ImportOutcome, ObjectId, RefName,
};
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::crowd::assert_chains;
use crate::support::{entry, name, stamp};

/// The refs that all happens to.
const VERSIONS: [&str; 2] = ["b1", "b2"];

fn names() -> [RefName; 2] {
    VERSIONS.map(|version| name(&format!("llamacpp/{version}")))
}

/// One of two catalogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    A,
    B,
}

impl Who {
    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Something that happens in one of them, to one of the refs.
#[derive(Clone, Copy, Debug)]
enum Step {
    Put(Who, usize, i64),
    Retire(Who, usize),
    /// To the entry that it held so many changes ago.
    Rollback(Who, usize, usize),
    /// Takes what the other has.
    Take(Who, Choice),
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![Just(Who::A), Just(Who::B)]
}

fn choice() -> impl Strategy<Value = Choice> {
    use Choice::{Newest, None, Ours, Theirs};
    prop_oneof![6 => Just(None), 1 => Just(Ours), 1 => Just(Theirs), 1 => Just(Newest)]
}

fn step() -> impl Strategy<Value = Step> {
    let version = || 0..VERSIONS.len();
    prop_oneof![
        // Of few builds, so that both put the same.
        5 => (who(), version(), 1..5i64).prop_map(|(who, version, build)| Step::Put(who, version, build)),
        1 => (who(), version()).prop_map(|(who, version)| Step::Retire(who, version)),
        3 => (who(), version(), 0..4usize).prop_map(|(who, version, back)| Step::Rollback(who, version, back)),
        3 => (who(), choice()).prop_map(|(who, choice)| Step::Take(who, choice)),
    ]
}

/// What the refs of both hold.
type Held = [[Option<ObjectId>; 2]; 2];

/// Two catalogs, in memory where there is a file system for that.
struct Pair {
    dir: TempDir,
    /// What time it is.
    now: i64,
}

impl Pair {
    fn new() -> Self {
        let this = Self::empty();
        for who in [Who::A, Who::B] {
            Catalog::create(this.root(who)).unwrap();
        }
        this
    }

    fn empty() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self {
            dir: dir.unwrap(),
            now: 0,
        }
    }

    fn root(&self, who: Who) -> std::path::PathBuf {
        self.dir.path().join(format!("{who:?}"))
    }

    fn open(&self, who: Who) -> Catalog {
        Catalog::open(self.root(who)).unwrap()
    }

    /// A pair to go on with in another way.
    fn copy(&self) -> Self {
        let copy = Self {
            now: self.now,
            ..Self::empty()
        };
        for entry in walkdir::WalkDir::new(self.dir.path()).min_depth(1) {
            let entry = entry.unwrap();
            let to = copy
                .dir
                .path()
                .join(entry.path().strip_prefix(self.dir.path()).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
        copy
    }

    fn history(&self, who: Who, name: &RefName) -> Vec<Change> {
        self.open(who).history(name).unwrap()
    }

    fn do_step(&mut self, step: Step) {
        self.now += 1;
        let stamp = stamp(self.now);
        match step {
            Step::Put(who, version, build) => {
                let entry = entry(VERSIONS[version], build);
                self.open(who).put(&entry, &stamp).unwrap();
            }
            Step::Retire(who, version) => {
                self.open(who)
                    .retire(&names()[version], Expect::Any, &stamp)
                    .unwrap();
            }
            Step::Rollback(who, version, back) => {
                let name = &names()[version];
                let history = self.history(who, name);
                let held = history
                    .iter()
                    .rev()
                    .filter_map(|change| change.new)
                    .nth(back);
                match self.open(who).rollback(name, held, &stamp) {
                    Ok(_) | Err(Error::NoEarlierEntry { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Take(who, choice) => drop(self.take(who, choice)),
        }
    }

    /// Takes what the other has, and requires that no ref went back.
    fn take(&mut self, who: Who, choice: Choice) -> BTreeMap<RefName, ImportOutcome> {
        self.now += 1;
        let (to, source) = (self.open(who), self.open(who.other()));
        let histories = |who| names().map(|name| self.history(who, &name));
        let (before, theirs) = (histories(who), histories(who.other()));
        let options = ImportOptions {
            prefer: choice.into(),
            ..ImportOptions::default()
        };
        let imported = to.import_with(&source, &options, &stamp(self.now)).unwrap();
        assert!(imported.problems.is_empty(), "{:?}", imported.problems);
        let outcomes = imported
            .refs
            .iter()
            .map(|it| (it.name(), it.outcome))
            .collect();
        for ((name, before), theirs) in names().iter().zip(before).zip(theirs) {
            let after = self.history(who, name);
            assert!(
                after.starts_with(&before),
                "what was held stays in the history"
            );
            assert_forward(&before, &after, &theirs, choice);
        }
        assert_chains(&to, &names());
        outcomes
    }

    fn held(&self) -> Held {
        [Who::A, Who::B].map(|who| {
            let catalog = self.open(who);
            names().map(|name| catalog.current(&name).unwrap().map(|it| it.object))
        })
    }

    /// Each takes from the other, `first` before the other one.
    fn exchange(&mut self, first: Who, choices: [Choice; 2]) -> Held {
        self.take(first, choices[0]);
        self.take(first.other(), choices[1]);
        self.held()
    }

    fn lines(&self) -> Vec<Vec<Change>> {
        let all = [Who::A, Who::B].map(|who| names().map(|name| self.history(who, &name)));
        all.into_iter().flatten().collect()
    }
}

/// Requires that a ref moved only to where theirs is, and only if theirs came by what ours held, or ours
/// held nothing and never that, or a person chose.
fn assert_forward(before: &[Change], after: &[Change], theirs: &[Change], choice: Choice) {
    let last = |changes: &[Change]| changes.last().and_then(|change| change.new);
    let held = |changes: &[Change], object| changes.iter().any(|change| change.new == object);
    let (ours, now, there) = (last(before), last(after), last(theirs));
    if now == ours {
        let is_chosen = matches!(choice, Choice::Ours | Choice::Newest);
        assert!(
            is_chosen || after.len() == before.len(),
            "a line that says nothing"
        );
        return;
    }
    assert!(now.is_some() && now == there, "it came from nowhere");
    let is_free = ours.is_none() && !held(before, now);
    let has_come_by = ours.is_some() && held(theirs, ours);
    let is_chosen = ours.is_some() && matches!(choice, Choice::Theirs | Choice::Newest);
    assert!(is_free || has_come_by || is_chosen, "it went back");
    // What came by ours, and was here before, comes again only with all that ours went through.
    if held(before, now) && !is_chosen {
        let mut rest = theirs.iter();
        let is_part = before.iter().all(|step| rest.any(|it| it.new == step.new));
        assert!(is_part, "it went back to what it has left");
    }
}

/// Requires that both hold the same where both hold something: retiring is not shared.
fn assert_agreed(held: Held) {
    for (a, b) in held[0].iter().zip(held[1]) {
        assert!(a.is_none() || b.is_none() || *a == b, "{held:?}");
    }
}

fn pair_of(steps: &[Step]) -> Pair {
    let mut pair = Pair::new();
    steps.iter().for_each(|step| pair.do_step(*step));
    pair
}

fn config() -> ProptestConfig {
    let wanted = std::env::var("ENGINE_CATALOG_TEST_SEQUENCES").ok();
    ProptestConfig {
        cases: wanted.map_or(24, |number| number.parse().expect("it is a number")),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn either_order_comes_to_the_same_and_stays_there(steps in vec(step(), 0..24)) {
        let mut pair = pair_of(&steps);
        let mut other = pair.copy();
        let none = [Choice::None; 2];
        let held = pair.exchange(Who::A, none);
        prop_assert_eq!(held, other.exchange(Who::B, none));
        let lines = pair.lines();
        prop_assert_eq!(pair.exchange(Who::B, none), held);
        prop_assert_eq!(pair.lines(), lines);
    }

    #[test]
    fn one_side_that_chooses_ends_all_conflicts(steps in vec(step(), 0..24), who in who()) {
        let pair = pair_of(&steps);
        // Theirs: at once.
        let mut theirs = pair.copy();
        assert_agreed(theirs.exchange(who, [Choice::Theirs, Choice::None]));
        // Ours: where the history can say so, and else once the other side gives in.
        let mut ours = pair.copy();
        ours.exchange(who, [Choice::Ours, Choice::None]);
        let lines = ours.lines();
        ours.take(who, Choice::Ours);
        prop_assert_eq!(ours.lines(), lines, "it is said once");
        assert_agreed(ours.exchange(who.other(), [Choice::Theirs, Choice::None]));
    }

    #[test]
    fn newest_is_agreed_upon_in_either_order(steps in vec(step(), 0..24)) {
        let mut pair = pair_of(&steps);
        let mut other = pair.copy();
        let held = pair.exchange(Who::A, [Choice::Newest; 2]);
        assert_agreed(held);
        prop_assert_eq!(held, other.exchange(Who::B, [Choice::Newest; 2]));
    }
}
