//! The command line. Its documentation is what `--help` teaches.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};

/// Prepare an inference engine, and record it in a catalog
///
/// A second run of the same request finds the record, checks that the files are as they were, and does
/// nothing. Where a file has drifted or is gone, the engine is prepared anew.
///
/// Prints a line of JSON: which engine is there, under which id and object it is recorded, and how to
/// start it. What happens meanwhile goes to standard error.
///
/// Exit status: 0 the engine is there and recorded; 1 it is not, and nothing was recorded; 2 usage.
#[derive(Debug, Parser)]
#[command(
    name = "provision",
    after_help = "\
Examples:
  provision --catalog engines --engine llamacpp source --git https://github.com/ggml-org/llama.cpp \\
      --ref b4321 --build-dir builds --target llama-server -- -DGGML_CUDA=ON
  provision --catalog engines --engine llamacpp package node_modules/@node-llama-cpp/linux-x64 \\
      --binary bins/linux-x64/llama-addon.node
  provision --catalog engines --engine vllm container vllm/vllm-openai:v0.9.2@sha256:0f0f…"
)]
pub(crate) struct Arguments {
    /// The catalog; made where there is none
    #[arg(long, value_name = "DIR")]
    pub(crate) catalog: PathBuf,

    /// The engine: llamacpp, vllm, tgi, triton
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: String,

    /// Its version [default: what the binary, CMake, git, package.json or the image's tag tells]
    #[arg(long, global = true, value_name = "VERSION")]
    pub(crate) version: Option<String>,

    /// Set what this prints in a JSON file too, beside what others have in it
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) handoff: Option<PathBuf>,

    /// Print what would be done, a step a line, and do nothing
    #[arg(long, global = true)]
    pub(crate) plan: bool,

    #[command(subcommand)]
    pub(crate) mode: ModeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModeArgs {
    Source(SourceArgs),
    Package(PackageArgs),
    Container(ContainerArgs),
}

/// Build it from source with CMake
///
/// The same source is one commit, wherever it is cloned from, or a directory with the same files. CMake
/// gets no compiler and no flags from the environment: only what is given here, which is recorded.
/// -DCMAKE_BUILD_TYPE=Release is added unless you name another.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("origin").args(["source", "git"]).required(true)))]
pub(crate) struct SourceArgs {
    /// A directory with the source
    #[arg(long, value_name = "DIR")]
    pub(crate) source: Option<PathBuf>,

    /// A git repository
    #[arg(long, value_name = "URL", requires = "reference")]
    pub(crate) git: Option<String>,

    /// A branch, a tag, or the whole id of a commit
    #[arg(long = "ref", value_name = "REF", requires = "git")]
    pub(crate) reference: Option<String>,

    /// Where builds go: each request has a directory of its own in it, which the record points to
    #[arg(long, value_name = "DIR")]
    pub(crate) build_dir: PathBuf,

    /// What to build
    #[arg(long, value_name = "TARGET", default_value = "llama-server")]
    pub(crate) target: String,

    /// The binary, relative to the build [default: bin/TARGET]
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,

    /// A file that the binary loads by itself, such as a backend, relative to the build; repeat it for
    /// several
    #[arg(long, value_name = "PATH")]
    pub(crate) with: Vec<PathBuf>,

    /// How many compilers run at once
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) jobs: usize,

    /// CMake's flags, -DNAME=VALUE; deprecated ones of llama.cpp are replaced, such as LLAMA_CUBLAS
    #[arg(last = true, value_name = "FLAG")]
    pub(crate) flags: Vec<String>,
}

/// Record a directory with a prebuilt engine
///
/// All shared libraries and addons in it belong to the engine. Nothing of it is run.
#[derive(Debug, Args)]
pub(crate) struct PackageArgs {
    /// The directory
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,

    /// The binary, or the addon that is loaded first, relative to the directory
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: PathBuf,

    /// The flags it was built with, -DNAME=VALUE
    #[arg(last = true, value_name = "FLAG")]
    pub(crate) flags: Vec<String>,
}

/// Record a container image
#[derive(Debug, Args)]
pub(crate) struct ContainerArgs {
    /// The image with its digest, such as vllm/vllm-openai:v0.9.2@sha256:0f0f…
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// The flags it was built with, -DNAME=VALUE
    #[arg(last = true, value_name = "FLAG")]
    pub(crate) flags: Vec<String>,
}
