//! A provisioner as users write them: prepares an engine from source, from a package or as a container
//! image, and records it, so that a second run does nothing.
//!
//! `cargo run --release --example provision -- --help`
//!
//! `plan.rs` decides what is to be done and `ensure.rs` does it, for a `Way` to provide an engine:
//! `source.rs`, `package.rs` or `container.rs`. These two files and `handoff.rs` are all that knows of
//! the catalog.

mod arguments;
mod container;
mod ensure;
mod flags;
mod handoff;
mod libraries;
mod origin;
mod package;
mod plan;
mod request;
mod source;
mod tool;
mod tree;
mod version;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use engine_catalog::{Catalog, Error};

use arguments::{Arguments, ModeArgs};
use plan::Way;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Tells a person what happens.
fn say(message: &str) {
    eprintln!("provision: {message}");
}

fn run(arguments: &Arguments) -> Result<()> {
    let (engine, version) = (&arguments.engine, arguments.version.as_deref());
    let way: Box<dyn Way> = match &arguments.mode {
        ModeArgs::Source(args) => Box::new(source::Source::new(engine, version, args)?),
        ModeArgs::Package(args) => Box::new(package::Package::new(engine, version, args)?),
        ModeArgs::Container(args) => Box::new(container::Container::new(engine, version, args)?),
    };
    let mut out = std::io::stdout().lock();
    if arguments.plan {
        let catalog = match Catalog::open_read_only(&arguments.catalog) {
            Err(Error::NotACatalog { .. }) => None,
            opened => Some(opened?),
        };
        for step in plan::plan(catalog.as_ref(), &*way)? {
            writeln!(out, "{:<10} {}", step.kind, step.detail)?;
        }
        return Ok(());
    }
    if let Some(path) = &arguments.handoff {
        // One that cannot be read later would be known too late.
        handoff::read(path)?;
    }
    let catalog = match Catalog::create(&arguments.catalog) {
        Err(Error::AlreadyACatalog { root }) => Catalog::open(root)?,
        created => created?,
    };
    let record = ensure::ensure(&catalog, &*way)?;
    let mut fields = handoff::fields(&record, way.request().mode);
    if let Some(path) = &arguments.handoff {
        handoff::write(path, fields.clone())?;
    }
    fields.retain(|_, value| !value.is_null());
    writeln!(out, "{}", serde_json::to_string(&fields)?)?;
    Ok(())
}
