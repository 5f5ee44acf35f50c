//! Which version was built, as texts tell it: what the binary prints, and CMake's cache.

/// Returns the version in what `--version` printed.
///
/// llama.cpp prints `version: 4321 (0123abc)`, which is its release b4321, and since it has versions
/// `version: 0.5.0-dev (build 4321, commit 0123abc)`. Its number is 0 where it was built outside of its
/// repository. Others print a line with the version in it.
pub(crate) fn of_output(text: &str) -> Option<String> {
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
    let mut lines = text.lines();
    if let Some(line) = lines.find_map(|line| line.strip_prefix("version: ")) {
        let (word, more) = line.split_once(' ').unwrap_or((line, ""));
        if !is_version(word) {
            return number(word).map(|build| format!("b{build}"));
        }
        let build = more.strip_prefix("(build ");
        let build = build.and_then(|more| number(more.split([',', ')']).next()?));
        return Some(match build {
            Some(build) if word.ends_with("-dev") => format!("{word}+b{build}"),
            _ => word.to_owned(),
        });
    }
    let mut words = text.lines().next()?.split_whitespace();
    let word = words.find(|word| is_version(word.trim_start_matches('v')))?;
    Some(word.to_owned())
}

/// Whether a word is numbers with dots between, and perhaps more after them.
fn is_version(word: &str) -> bool {
    let end = word.find(['-', '+']).unwrap_or(word.len());
    let mut parts = word[..end].split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    word[..end].contains('.') && parts.all(is_number)
}

/// Returns the version that the project states in its CMakeLists.txt.
pub(crate) fn of_cache(cache: &str) -> Option<String> {
    let value = |line: &str| {
        line.strip_prefix("CMAKE_PROJECT_VERSION:STATIC=")
            .map(str::to_owned)
    };
    let found = cache.lines().find_map(value);
    found.filter(|version| !version.is_empty())
}
