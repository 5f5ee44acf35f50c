//! Pulling from another catalog by the real rsync: over ssh, from a daemon, interrupted at any moment, and
//! from whoever means harm.

#![allow(clippy::unwrap_used, clippy::panic)]

mod collected;
mod comparing;
mod documents;
mod hostile_files;
mod hostile_objects;
mod hostile_speech;
mod interrupted;
mod larger;
mod live;
mod options;
mod peer;
mod times;
mod transports;

#[path = "../support/program.rs"]
mod program;
#[path = "../support/servers.rs"]
mod servers;
#[path = "../support/mod.rs"]
mod support;

use support::skip;
