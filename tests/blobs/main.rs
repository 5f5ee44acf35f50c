//! Contents of artifacts in the store: kept once, checked as they are written, and written to a directory
//! again.

#[path = "../support/mod.rs"]
mod support;

mod damaged;
mod engine;
mod hostile;
mod importing;
mod materializing;
mod moving;
mod reflinks;
mod storing;
