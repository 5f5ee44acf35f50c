//! CMake flags, brought into one form before they are recorded: whoever asks for the same build in
//! other words asks for the same.
//!
//! Each is `-DNAME=VALUE`, at most one of a name, sorted; a deprecated name of llama.cpp is replaced by
//! the one that took its place.

use std::collections::BTreeMap;

use engine_catalog::find_secret;

/// Options of llama.cpp that have another name now. An upstream build that is given the first one stops;
/// of the others it warns, and misses when one is `OFF`.
const RENAMED: [(&str, &str); 9] = [
    ("LLAMA_CUBLAS", "GGML_CUDA"),
    ("LLAMA_CUDA", "GGML_CUDA"),
    ("LLAMA_METAL", "GGML_METAL"),
    ("LLAMA_METAL_EMBED_LIBRARY", "GGML_METAL_EMBED_LIBRARY"),
    ("LLAMA_NATIVE", "GGML_NATIVE"),
    ("LLAMA_RPC", "GGML_RPC"),
    ("LLAMA_SYCL", "GGML_SYCL"),
    ("LLAMA_SYCL_F16", "GGML_SYCL_F16"),
    ("LLAMA_CANN", "GGML_CANN"),
];

/// Returns the flags in the one form; `words` are what stood on a command line. Of several values of
/// one name the last counts, as for CMake.
pub(crate) fn normalized(words: &[String]) -> Result<Vec<String>, String> {
    let mut values = BTreeMap::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let not_a_flag = || match find_secret(word) {
            Some(kind) => format!("what looks like it contains {kind} is no CMake flag"),
            None => format!("{word:?} is no CMake flag of the form -DNAME=VALUE"),
        };
        let definition = match word.strip_prefix("-D").ok_or_else(not_a_flag)? {
            "" => words.next().ok_or_else(not_a_flag)?,
            definition => definition,
        };
        let (name, value) = definition.split_once('=').ok_or_else(not_a_flag)?;
        // The type is for graphical front ends only.
        let (name, _) = name.split_once(':').unwrap_or((name, ""));
        if name.is_empty() {
            return Err(not_a_flag());
        }
        if let Some((name, value)) = of_today(name, value) {
            values.insert(name.to_owned(), value.to_owned());
        }
    }
    let flags = values.into_iter();
    Ok(flags
        .map(|(name, value)| format!("-D{name}={value}"))
        .collect())
}

/// Returns the name and value that stand for an option today; `None` where it says nothing any more.
fn of_today<'a>(name: &'a str, value: &'a str) -> Option<(&'a str, &'a str)> {
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == name) {
        return Some((new, switch(value)));
    }
    // LLAMA_CUBLAS had companions. One that is on wants CUDA; one that is off does not mean that CUDA
    // is.
    match (name.starts_with("LLAMA_CUBLAS_"), switch(value)) {
        (false, _) => Some((name, value)),
        (true, "ON") => Some(("GGML_CUDA", "ON")),
        (true, _) => None,
    }
}

/// Returns how a switch is written, whatever CMake takes for on and off.
fn switch(value: &str) -> &'static str {
    let off = ["", "0", "off", "no", "false", "n", "ignore", "notfound"];
    let value = value.to_ascii_lowercase();
    let is_off = off.contains(&value.as_str()) || value.ends_with("-notfound");
    if is_off { "OFF" } else { "ON" }
}

/// Returns the flags with `flag`, unless they have another value of its name.
pub(crate) fn with_default(mut flags: Vec<String>, flag: &str) -> Vec<String> {
    let name = |flag: &str| flag.split('=').next().map(str::to_owned);
    if !flags.iter().any(|given| name(given) == name(flag)) {
        flags.push(flag.to_owned());
        flags.sort();
    }
    flags
}
