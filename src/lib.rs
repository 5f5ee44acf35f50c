//! wip
#![allow(dead_code, missing_docs)]
mod cbor; mod change; mod diff; mod digest; mod entry; mod entry_codec; mod filter; mod hash; mod marker; mod name; mod object; mod schema; mod secrets; mod snapshot;
pub use entry::*; pub use snapshot::*;
