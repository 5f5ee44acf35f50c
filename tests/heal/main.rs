//! Healing a catalog from others by the real rsync, and from directories: whatever was destroyed comes back
//! as long as one of them has it, whoever else fails or lies. `ENGINE_CATALOG_TEST_HEALS` (default 3) says
//! how often random halves of two catalogs are destroyed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod collected;
mod contents;
mod halves;
mod interrupted;
mod on_the_way;
mod peers_file;
mod several;
mod two;

#[path = "../pull/peer.rs"]
#[allow(dead_code, reason = "it is that of the tests of pull")]
mod peer;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;
