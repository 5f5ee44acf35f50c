//! What the library tells the subscriber of the program that it is in: events of [`tracing`], with the
//! feature of that name, and nothing without.
//!
//! The crate documentation lists the events and their fields. They tell of what has happened: a change
//! that an event tells of survives a power cut.

use std::fmt::Display;
use std::path::Path;

use crate::change::Change;
#[cfg(feature = "tracing")]
use crate::identity::EngineIdentity;
use crate::name::RefName;

/// Emits an event; does nothing, with the same arguments, without the feature.
macro_rules! event {
    ($level:ident, { $($field:ident = $value:expr),* $(,)? }, $($message:tt)+) => {{
        #[cfg(feature = "tracing")]
        tracing::event!(
            target: "engine_catalog",
            tracing::Level::$level,
            $($field = $value,)*
            $($message)+
        );
        #[cfg(not(feature = "tracing"))]
        if false {
            $(let _ = $value;)*
            let _ = format_args!($($message)+);
        }
    }};
}

/// A ref has changed. The event has the name of the operation.
pub(crate) fn ref_changed(name: &RefName, change: &Change) {
    event!(INFO, {
        engine = name.engine().as_str(),
        engine_version = name.version().as_str(),
        object = change.new.map(|id| id.to_string()),
        previous = change.old.map(|id| id.to_string()),
        actor = change.actor.as_str(),
    }, "{}", change.op);
}

/// A call did not do what it was asked, and nothing is wrong with the catalog.
pub(crate) fn refused(call: &'static str, error: &dyn Display) {
    event!(WARN, { call = call, error = error.to_string() }, "refused");
}

/// A call could not do what it was asked: something is damaged, or the system failed.
pub(crate) fn failed(call: &'static str, error: &dyn Display) {
    event!(ERROR, { call = call, error = error.to_string() }, "failed");
}

/// Something was found damaged, and something was done about it.
pub(crate) fn repaired(slug: &str, path: &Path, action: &dyn Display, remains: bool) {
    event!(WARN, {
        slug = slug,
        path = path.display().to_string(),
        action = action.to_string(),
        remains = remains,
    }, "repair");
}

#[cfg(feature = "tracing")]
impl EngineIdentity {
    /// Returns a [`tracing`] span `engine` of level INFO with the five fields, for what is done with
    /// this engine. A digest that is absent is an empty field.
    #[must_use = "it counts only while it is entered, or as the parent of an event"]
    pub fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "engine",
            engine = self.engine,
            engine_version = self.engine_version,
            engine_digest = self.engine_digest,
            engine_catalog_id = self.engine_catalog_id,
            object = self.object.to_string(),
        )
    }

    /// Records the five fields in a span of the caller's, as far as it declares them, for instance by
    /// `engine_version = tracing::field::Empty`.
    pub fn record_in(&self, span: &tracing::Span) {
        span.record("engine", &self.engine)
            .record("engine_version", &self.engine_version)
            .record("engine_digest", &self.engine_digest)
            .record("engine_catalog_id", &self.engine_catalog_id)
            .record("object", self.object.to_string());
    }
}
