//! Guides for the programs around a catalog, a page each. The examples are compiled and run.

#[doc = include_str!("guide/determinism.md")]
pub mod determinism {}
#[doc = include_str!("guide/lifecycle.md")]
pub mod lifecycle {}
#[doc = include_str!("guide/migration.md")]
pub mod migration {}
#[doc = include_str!("guide/orchestrators.md")]
pub mod orchestrators {}
#[doc = include_str!("guide/pool_managers.md")]
pub mod pool_managers {}
#[doc = include_str!("guide/provisioners.md")]
pub mod provisioners {}
#[doc = include_str!("guide/sharing.md")]
pub mod sharing {}
#[doc = include_str!("guide/trust.md")]
pub mod trust {}
