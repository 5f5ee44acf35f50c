//! SBOMs and statements: recognised by what they say, refused by the place that is wrong, and compared with
//! the entry that they are attached to.

#![allow(clippy::unwrap_used, clippy::panic)]

mod hostile;
mod links;
mod program_shows;
mod recognised;
mod refused;
mod samples;
mod statements;
mod stored;

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;
