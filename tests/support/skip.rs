//! Tests that need something that not every machine has: root, a program, fetched engines.

/// Says that a test is skipped, and why; a gate (`CI=true`) has everything, so there it is a failure.
///
/// ```ignore
/// let Some(engines) = fetched_engines() else {
///     return skip("no engines are fetched: run .ci/fetch-engines");
/// };
/// ```
pub(crate) fn skip(reason: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "cannot be skipped in CI: {reason}"
    );
    eprintln!("skipped: {reason}");
}
