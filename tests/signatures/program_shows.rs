//! `sign` and `signatures` as a person sees them.

use std::fs;

use crate::stock_signs::program;

const KEY: &str = include_str!("../support/rfc8032-test-1.key");
const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
