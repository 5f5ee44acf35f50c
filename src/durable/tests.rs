//! Tests of the disk layer on a real file system.
