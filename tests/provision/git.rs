//! Building from a git repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{Bench, copy, libdeflate, libdeflate_args};
use crate::skip;

/// A repository with libdeflate in it, on branch `main` and with an annotated tag `v1`.
struct Repository {
    dir: PathBuf,
    git: PathBuf,
}

impl Repository {
    fn new(dir: PathBuf, source: &Path) -> Option<Self> {
        let git = skip::program("git")?;
        copy(source, &dir);
        let repository = Self { dir, git };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit("one");
        repository.git(&["tag", "--annotate", "--message=one", "v1"]);
        Some(repository)
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new(&self.git);
        git.env_clear()
            .env("HOME", &self.dir)
            .arg("-C")
            .arg(&self.dir);
        git.args(["-c", "user.name=tester", "-c", "user.email=tester@here"]);
        let output = git.args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// Commits all there is, and returns the commit.
    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}

#[test]
fn a_ref_is_built_by_its_commit_wherever_it_is_cloned_from() {
    let Some(source) = libdeflate() else { return };
    let bench = Bench::new();
    let Some(repository) = Repository::new(bench.at("upstream"), &source) else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let url = repository.dir.to_str().unwrap();
    let args = |url, reference| {
        let origin = ["--git", url, "--ref", reference];
        libdeflate_args(&origin, &["-DLIBDEFLATE_USE_SHARED_LIB=ON"])
    };
    let (engine, _) = bench.ensures(&args(url, "main"));
    assert_eq!(bench.sound_files(&engine), 2);
    let id = engine["engine_catalog_id"].as_str().unwrap();
    let entry = bench.catalog().get(id).unwrap().unwrap().entry;
    assert_eq!(entry.build_ref, Some(format!("{url}@{commit}")));

    // By other names, and from a mirror: none of these builds.
    let mirror = bench.at("mirror");
    repository.git(&["clone", "--quiet", "--bare", ".", mirror.to_str().unwrap()]);
    let mirror = mirror.to_str().unwrap();
    for (url, reference) in [(url, "v1"), (mirror, "main"), (url, "HEAD")] {
        let (again, said) = bench.ensures(&args(url, reference));
        assert_eq!(again, engine, "{reference}");
        assert!(said.contains("nothing to do"), "{said}");
    }
    // A whole commit id cannot move, so nobody is asked.
    let (again, _) = bench.ensures_without_tools(&args("/nowhere", &commit));
    assert_eq!(again, engine);
}

#[test]
fn a_branch_that_moved_is_another_source_and_a_tag_is_what_it_was() {
    let Some(source) = libdeflate() else { return };
    let bench = Bench::new();
    let Some(repository) = Repository::new(bench.at("upstream"), &source) else {
        return;
    };
    let url = repository.dir.to_str().unwrap();
    let plan = |reference| bench.plan(&libdeflate_args(&["--git", url, "--ref", reference], &[]));
    let (main, tag) = (plan("main"), plan("v1"));
    let names_all = |plan: &str| {
        plan.lines()
            .map(|it| it.split(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names_all(&main),
        ["checkout", "configure", "build", "record"]
    );
    fs::write(repository.dir.join("NEWS.md"), "new").unwrap();
    let commit = repository.commit("two");
    let moved = plan("main");
    // What names the build is another too.
    assert_ne!(moved.lines().nth(1), main.lines().nth(1));
    assert!(
        moved.contains(&format!("main ({commit}) of {url}")),
        "{moved}"
    );
    assert_eq!(plan("v1"), tag);
}

#[test]
fn a_ref_that_is_not_there_is_named() {
    let Some(git) = skip::program("git") else {
        return;
    };
    let bench = Bench::new();
    fs::create_dir(bench.at("upstream")).unwrap();
    let repository = Repository {
        dir: bench.at("upstream"),
        git,
    };
    repository.git(&["init", "--quiet"]);
    repository.commit("one");
    let url = repository.dir.to_str().unwrap();
    let refuses =
        |url, reference| bench.refuses(&libdeflate_args(&["--git", url, "--ref", reference], &[]));
    let message = refuses(url, "b4321");
    assert_eq!(
        message,
        "provision: error: [DIR]/upstream has no branch or tag b4321; a commit is given by its whole id"
    );
    // What git itself says is passed on.
    let message = refuses("nowhere", "main");
    assert!(
        message.contains("nowhere") || message.contains("repository exists"),
        "{message}"
    );
    // A commit that nobody has shows when it is checked out.
    let absent = "0123456789".repeat(4);
    let message = refuses(url, &absent);
    let checkout = format!("checkout --quiet --detach {absent} ended with exit status: 128");
    assert!(message.ends_with(&checkout), "{message}");
}

/// A repository of a small project, of which `server.c` is `program`, and the arguments for its branch.
fn small(bench: &Bench, program: &str) -> Option<(Repository, Vec<String>)> {
    for tool in ["cmake", "make", "cc"] {
        skip::program(tool)?;
    }
    let source = bench.at("source");
    fs::create_dir(&source).unwrap();
    let project = "cmake_minimum_required(VERSION 3.10)\nproject(server VERSION 1.0 LANGUAGES C)\n\
        add_executable(server server.c)\n";
    fs::write(source.join("CMakeLists.txt"), project).unwrap();
    fs::write(source.join("server.c"), program).unwrap();
    let repository = Repository::new(bench.at("upstream"), &source)?;
    let url = repository.dir.to_str().unwrap();
    let args = [
        "source",
        "--git",
        url,
        "--ref",
        "main",
        "--build-dir",
        "builds",
    ];
    let what = ["--target", "server", "--binary", "server"];
    let args = args.iter().chain(&what).map(|it| (*it).to_owned());
    let args = args.collect();
    Some((repository, args))
}

#[test]
fn what_was_edited_after_it_was_checked_out_is_not_built_as_the_commit() {
    let bench = Bench::new();
    let Some((_repository, args)) = small(&bench, "#error broken") else {
        return;
    };
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    bench.refuses(&args);
    let builds = fs::read_dir(bench.at("builds")).unwrap();
    let mut sources = builds.map(|entry| entry.unwrap().path().join("source"));
    let checked_out = sources.find(|path| path.is_dir()).unwrap();
    fs::write(checked_out.join("server.c"), "int main(void) { return 0; }").unwrap();
    let message = bench.refuses(&args);
    assert!(message.contains(" ended with exit status: "), "{message}");
}

#[test]
fn the_repository_of_whoever_calls_it_stays_as_it_is() {
    let bench = Bench::new();
    let Some((repository, args)) = small(&bench, "int main(void) { return 0; }") else {
        return;
    };
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = bench.command(Path::new(&path), &args);
    // As in a hook.
    command.env("GIT_DIR", repository.dir.join(".git"));
    let output = command.output().unwrap();
    let head = repository.git(&["symbolic-ref", "HEAD"]);
    assert_eq!(head, "refs/heads/main");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
