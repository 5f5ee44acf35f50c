//! Where a catalog is, in the words of rsync.

use std::path::PathBuf;

use crate::cli::failure::Failure;
use crate::cli::text::is_control;

/// Where a catalog is.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Source {
    /// In a directory of this machine.
    Here(PathBuf),
    /// Where rsync reaches it.
    Elsewhere(String),
}

impl Source {
    /// Tells them apart as rsync does: what has a colon before the first slash is elsewhere.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, Failure> {
        let refuse = |why: &str| Err(Failure::Usage(format!("{text} is no source: {why}")));
        let (host, path) = if let Some(rest) = text.strip_prefix("rsync://") {
            rest.split_once('/').unwrap_or((rest, ""))
        } else {
            let Some(colon) = end_of_host(text) else {
                return match text {
                    "" => refuse("it is empty"),
                    _ => Ok(Self::Here(text.into())),
                };
            };
            let (host, path) = text.split_at(colon);
            (host, path.trim_start_matches(':'))
        };
        let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
        if text.chars().any(is_control) {
            return refuse("it contains a control character");
        }
        if host.is_empty() {
            return refuse("it names no host");
        }
        // What begins like that would be taken for an option, here or over there.
        if [user, host, path].iter().any(|part| part.starts_with('-')) {
            return refuse("a part of it begins with `-`");
        }
        if user.contains(':') {
            return refuse("a password does not belong there; see RSYNC_PASSWORD in rsync(1)");
        }
        if path.is_empty() {
            return refuse("it names no directory");
        }
        Ok(Self::Elsewhere(text.to_owned()))
    }
}

/// Returns where the first colon is that comes before any slash, and ends the name of a host. In brackets
/// is the address of one, with colons of its own.
fn end_of_host(text: &str) -> Option<usize> {
    let before_slash = text.split('/').next()?;
    let user = before_slash.split_once("@[").map(|(user, _)| user);
    let user = user.filter(|user| !user.contains(':'));
    let host = user.map_or(0, |user| user.len() + 1);
    let end = match before_slash[host..].strip_prefix('[') {
        Some(address) => host + 1 + address.find(']')?,
        None => 0,
    };
    Some(end + before_slash[end..].find(':')?)
}

/// Divides a source into what a list of files is asked from, and the directory below it. Of a daemon that
/// is the module: rsync 3.5.0 finds no file of a list below a directory of one that is not its root.
pub(super) fn divide(spec: &str) -> (&str, &str) {
    let start = match (spec.strip_prefix("rsync://"), end_of_host(spec)) {
        (Some(rest), _) => rest.find('/').map(|at| spec.len() - rest.len() + at + 1),
        (None, Some(at)) if spec[at..].starts_with("::") => Some(at + 2),
        _ => None,
    };
    let slash = start.and_then(|start| Some(start + spec[start..].find('/')?));
    slash.map_or((spec, ""), |slash| {
        let (module, below) = spec.split_at(slash);
        (module, below.trim_matches('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_colon_before_the_first_slash_is_elsewhere() {
        for here in ["a", "./a:b", "/a:b", "a/b:c", "../x", "[a]"] {
            let source = Source::parse(here).expect("it is a path");
            assert_eq!(source, Source::Here(here.into()));
        }
        for elsewhere in [
            "host:a",
            "user@host:/a/b",
            "host::module/a",
            "rsync://host/module",
            "rsync://user@host:8730/module/a",
            "[::1]:a",
            "user@[fe80::1]:/a",
            "user@[fe80::1]::module",
            "host:a]b",
            "host:a@[b",
        ] {
            let source = Source::parse(elsewhere).expect("it is a source");
            assert_eq!(source, Source::Elsewhere(elsewhere.to_owned()));
        }
    }

    #[test]
    fn what_could_be_taken_for_an_option_or_names_nothing_is_refused() {
        for text in [
            "",
            ":a",
            "user@:a",
            "host:",
            "host::",
            "rsync://host",
            "rsync:///a",
            "-oProxyCommand=x:a",
            "-l@host:a",
            "user@-host:a",
            "host:-a",
            "host::-a",
            "rsync://-host/a",
            "rsync://user:secret@host/a",
            "ho\nst:a",
            "host:\u{202e}a",
        ] {
            let refused = Source::parse(text);
            assert!(matches!(refused, Err(Failure::Usage(_))), "{text:?}");
        }
    }

    #[test]
    fn list_is_asked_from_the_module_of_a_daemon() {
        for (spec, root, below) in [
            ("host:/a/b", "host:/a/b", ""),
            ("host:a::b", "host:a::b", ""),
            ("[::1]:a", "[::1]:a", ""),
            ("[::1]::module/a", "[::1]::module", "a"),
            ("rsync://host/module", "rsync://host/module", ""),
            ("rsync://host:1/module/", "rsync://host:1/module", ""),
            ("rsync://[::1]/module/a/b/", "rsync://[::1]/module", "a/b"),
            ("user@host::module/a", "user@host::module", "a"),
            ("host::module", "host::module", ""),
        ] {
            assert_eq!(divide(spec), (root, below), "{spec}");
        }
    }
}
