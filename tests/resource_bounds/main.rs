//! What hostile catalogs and bundles can make the program take: memory, time, open files, stack.
//!
//! The real program runs under the kernel's limits, and its peak is compared with what the same
//! command takes on a small sound catalog. By default what is large is kept small enough to be quick;
//! `ENGINE_CATALOG_TEST_BOUNDS=full` goes to the limits of layout.md section 1, and to a million names.

mod at_limit;
mod bounded;
mod crowded;
mod decoding;
mod descriptors;
mod odd_files;
mod scene;
#[path = "../support/mod.rs"]
mod support;
