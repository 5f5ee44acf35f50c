//! Two catalogs with writers, readers and collectors, which get each other's engines again and again.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use engine_catalog::Catalog;
use tempfile::TempDir;

use crate::assert_sound;
use crate::at_work::stop_file;
use crate::recipe::Recipe;
use crate::support::crowd::Children;

/// How often the recipe runs between two catalogs: they grow, and with them what each run takes.
const RUNS: usize = 6;

/// How many pairs of catalogs there are, one after the other.
fn pairs() -> usize {
    let runs = std::env::var("ENGINE_CATALOG_TEST_RSYNCS");
    runs.map_or(1, |it| {
        it.parse::<usize>().expect("it is a number").div_ceil(RUNS)
    })
}

/// A directory where waiting for the disk takes no time, if there is one.
fn scratch() -> TempDir {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    dir.expect("there is room")
}

/// Numbers that are the same in each run of the test.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        // xorshift
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// The rsyncs that a shell started, which leads their group.
fn rsyncs_of(group: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").expect("there is /proc");
    let pids = pids.filter_map(|it| it.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_one = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<_> = stat.split(' ').collect();
        fields.get(1) == Some(&"(rsync)") && fields.get(4) == Some(&&*group.to_string())
    };
    pids.filter(is_one).collect()
}

fn kill(target: i32) {
    let signal = rustix::process::Signal::KILL;
    let Some(pid) = rustix::process::Pid::from_raw(target.abs()) else {
        return;
    };
    // It may have ended by itself.
    let _ = if target < 0 {
        rustix::process::kill_process_group(pid, signal)
    } else {
        rustix::process::kill_process(pid, signal)
    };
}

/// Starts the recipe, and kills it after a time that is random: all of it, or an rsync of it. Returns
/// whether it was cut short.
fn run_and_kill(recipe: &Recipe, whole: Duration, random: &mut Random) -> bool {
    let mut shell = recipe.start();
    let longest = u64::try_from(whole.as_micros()).expect("it is short");
    thread::sleep(Duration::from_micros(random.below(longest)));
    let group = i32::try_from(shell.id()).expect("it is a number of a process");
    if random.below(2) == 0 {
        kill(-group);
    } else {
        // One at least is at work at most moments.
        while shell.try_wait().expect("it was started").is_none() {
            let rsyncs = rsyncs_of(shell.id());
            if let Some(pid) = rsyncs.first() {
                kill(i32::try_from(*pid).expect("it is a number of a process"));
                break;
            }
        }
    }
    let output = shell.wait_with_output().expect("it ends");
    kill(-group);
    !output.status.success()
}

/// What one run of the recipe brings: the engines of one catalog to the other.
struct Pair {
    dir: TempDir,
    recipes: [Recipe; 2],
}

impl Pair {
    fn new() -> Option<Self> {
        let dir = scratch();
        let root = |name: &str| dir.path().join(name);
        let recipes = [
            Recipe::new(&root("a"), &root("b"), "engine-a")?,
            Recipe::new(&root("b"), &root("a"), "engine-b")?,
        ];
        for name in ["a", "b"] {
            Catalog::create(root(name)).expect("there is room");
        }
        Some(Self { dir, recipes })
    }

    fn roots(&self) -> [PathBuf; 2] {
        ["a", "b"].map(|name| self.dir.path().join(name))
    }

    fn stop(&self) {
        fs::write(stop_file(&self.roots()[0]), "").expect("there is room");
    }
}

/// What is in the files below a directory, by path.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |path: String| (path.clone(), fs::read(dir.join(path)).expect("it is there"));
    crate::support::files(dir).into_iter().map(read).collect()
}

#[test]
fn two_live_catalogs_get_each_others_engines_however_often_the_recipe_is_killed() {
    let mut random = Random(88_172_645_463_325_252);
    for _ in 0..pairs() {
        let Some(pair) = Pair::new() else { return };
        work_and_copy(&pair, &mut random);
    }
}

/// Lets both be at work, and brings the engines of each to the other, half of the times after it was killed.
fn work_and_copy(pair: &Pair, random: &mut Random) {
    let roots = pair.roots();
    let at_work = [("a", &roots[0]), ("b", &roots[1])].map(|(engine, root)| {
        let [write, collect] = ["write", "collect"].map(|it| format!("{it} engine-{engine}"));
        Children::start(&[&write, &collect, "read"], root)
    });
    let (mut killed, mut cut, mut whole) = (0, 0, Duration::from_millis(300));
    for run in 0..RUNS {
        let recipe = &pair.recipes[run % 2];
        if run % 4 < 2 {
            killed += 1;
            cut += u32::from(run_and_kill(recipe, whole, random));
            roots.iter().for_each(|root| assert_sound(root));
        }
        let begin = Instant::now();
        recipe.run().expect("it succeeds beside writers");
        whole = begin.elapsed();
        roots.iter().for_each(|root| assert_sound(root));
    }
    assert!(cut > 0, "it was never cut short");
    pair.stop();
    // The readers saw nothing that was missing.
    at_work.into_iter().for_each(Children::finish);
    for recipe in &pair.recipes {
        recipe.run().expect("it succeeds");
    }
    let [a, b] = roots
        .each_ref()
        .map(|root| Catalog::open(root).expect("it is a catalog"));
    let compared = a.compare_with(&b).expect("both can be read");
    assert!(compared.is_equal(), "{compared:?}");
    for names in ["refs", "history", "attachments"] {
        let [here, there] = roots.each_ref().map(|root| contents(&root.join(names)));
        assert!(!here.is_empty() && here == there, "{names}");
    }
    println!("{cut} of {killed} that were killed were cut short");
}
