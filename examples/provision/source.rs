//! An engine that is built from source with CMake.
//!
//! Each request has a directory of its own below the build directory: another one does not overwrite
//! the files of an entry that may be needed again, and CMake's cache remembers no other flags. A build
//! that was interrupted goes on in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use engine_catalog::Artifacts;

use crate::arguments::SourceArgs;
use crate::flags::{normalized, with_default};
use crate::origin::{Origin, describe, stay_within};
use crate::plan::{Step, Way};
use crate::request::{Mode, Prepared, Request};
use crate::{Result, libraries, say, tool, version};

/// What CMake and compilers take from the environment would be in no record, so they do not get it.
const UNRECORDED: [&str; 25] = [
    "CC",
    "CXX",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "ASM",
    "ASMFLAGS",
    "CUDACXX",
    "CUDAFLAGS",
    "CUDAARCHS",
    "CUDAHOSTCXX",
    "HIPCXX",
    "HIPFLAGS",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "LIBRARY_PATH",
    "CMAKE_PREFIX_PATH",
    "CMAKE_C_COMPILER_LAUNCHER",
    "CMAKE_CXX_COMPILER_LAUNCHER",
    "CMAKE_CUDA_COMPILER_LAUNCHER",
    "CMAKE_GENERATOR",
    "CMAKE_BUILD_TYPE",
    "CMAKE_TOOLCHAIN_FILE",
];

pub(crate) struct Source {
    request: Request,
    origin: Origin,
    build_dir: PathBuf,
    /// The directory of this request in it.
    place: PathBuf,
    target: String,
    binary: PathBuf,
    with: Vec<PathBuf>,
    jobs: usize,
}

impl Source {
    pub(crate) fn new(engine: &str, version: Option<&str>, args: &SourceArgs) -> Result<Self> {
        let build_dir = std::path::absolute(&args.build_dir)?;
        let origin = match (&args.source, &args.git, &args.reference) {
            (Some(dir), ..) => Origin::directory(dir, &build_dir)?,
            (None, Some(url), Some(reference)) => Origin::git(url, reference)?,
            _ => return Err("name --source, or --git and --ref".into()),
        };
        let flags = with_default(normalized(&args.flags)?, "-DCMAKE_BUILD_TYPE=Release");
        let binary = args.binary.clone();
        let binary = binary.unwrap_or_else(|| Path::new("bin").join(&args.target));
        let mut terms = vec![
            origin.term(),
            ("target", args.target.clone()),
            ("binary", binary.display().to_string()),
        ];
        let with = args.with.iter();
        terms.extend(with.map(|path| ("with", path.display().to_string())));
        let request = Request {
            engine: engine.to_owned(),
            mode: Mode::Source,
            version: version.map(str::to_owned),
            build_ref: Some(origin.build_ref()),
            flags,
            terms,
        };
        Ok(Self {
            place: build_dir.join(request.directory()),
            build_dir,
            request,
            origin,
            target: args.target.clone(),
            binary,
            with: args.with.clone(),
            jobs: args.jobs,
        })
    }

    fn build(&self) -> PathBuf {
        self.place.join("build")
    }

    fn configure_command(&self) -> Command {
        let source = self.origin.source_dir(&self.place);
        let mut cmake = Command::new("cmake");
        cmake.arg("-S").arg(&source).arg("-B").arg(self.build());
        cmake.args(&self.request.flags);
        stay_within(&mut cmake, &source);
        cmake
    }

    fn build_command(&self) -> Command {
        let mut cmake = Command::new("cmake");
        cmake.arg("--build").arg(self.build());
        cmake.args([
            "--target",
            &self.target,
            "--parallel",
            &self.jobs.to_string(),
        ]);
        stay_within(&mut cmake, &self.origin.source_dir(&self.place));
        cmake
    }
}

impl Way for Source {
    fn request(&self) -> &Request {
        &self.request
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = self.origin.steps(&self.place);
        steps.push(Step::new(
            "configure",
            tool::shown(&self.configure_command()),
        ));
        steps.push(Step::new("build", tool::shown(&self.build_command())));
        let binary = self.build().join(&self.binary);
        let detail = format!("{} and the libraries it needs", binary.display());
        steps.push(Step::new("record", detail));
        steps
    }

    fn lock(&self) -> Result<Option<File>> {
        // Beside the directory, which may be removed under the lock.
        let path = self.build_dir.join(self.request.directory() + ".lock");
        let fail = |error| format!("cannot lock {}: {error}", path.display());
        fs::create_dir_all(&self.build_dir).map_err(fail)?;
        let file = File::create(&path).map_err(fail)?;
        if file.try_lock().is_err() {
            say("somebody else provisions the same: waiting");
            file.lock().map_err(fail)?;
        }
        Ok(Some(file))
    }

    fn prepare(&self, afresh: bool) -> Result<Prepared> {
        if afresh && self.place.is_dir() {
            // A file that has drifted is newer than what it was built from: CMake would keep it.
            fs::remove_dir_all(&self.place)?;
        }
        self.origin.check_out(&self.place)?;
        for mut cmake in [self.configure_command(), self.build_command()] {
            for name in UNRECORDED {
                cmake.env_remove(name);
            }
            say(&tool::shown(&cmake));
            tool::run(&mut cmake)?;
        }
        self.origin.require_unchanged()?;
        let build = libraries::real(&self.build())?;
        let binary = libraries::real(&build.join(&self.binary))?;
        let mut files = vec![binary.clone()];
        files.extend(libraries::loaded(&binary, &build)?);
        for path in &self.with {
            files.push(libraries::real(&build.join(path))?);
        }
        let source = self.origin.source_dir(&self.place);
        let detect = || detect_version(&binary, &build, &source);
        let version = self.request.version.clone().or_else(detect);
        Ok(Prepared {
            version: version
                .ok_or("neither the binary nor CMake tells a version: give --version")?,
            artifacts: Artifacts::Files(files),
        })
    }
}

/// Returns the version of what was built in `build` from `source`: what the binary says, else CMake's
/// cache, else git.
fn detect_version(binary: &Path, build: &Path, source: &Path) -> Option<String> {
    // A server that does not know the option may start to serve.
    let patience = Duration::from_secs(10);
    let says = || {
        let said = tool::said_within(Command::new(binary).arg("--version"), patience);
        version::of_output(&said.ok()??)
    };
    let cached = || version::of_cache(&fs::read_to_string(build.join("CMakeCache.txt")).ok()?);
    says().or_else(cached).or_else(|| describe(source).ok())
}
