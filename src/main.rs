//! The `engine-catalog` program: a thin shell over the library.

// Not in Cargo.toml, where it would hold for the tests too.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
