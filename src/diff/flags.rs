//! What differs between two lists of build flags, flag by flag.

use std::collections::HashMap;

use serde::Serialize;

use super::{Difference, without};

/// A flag that has another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlagChange {
    /// The flag without its value: `-DGGML_CUDA` of `-DGGML_CUDA=ON`, `--parallel` of
    /// `--parallel 4`.
    pub flag: String,
    /// The first value; `None` where it has none.
    pub from: Option<String>,
    /// The second value; `None` where it has none.
    pub to: Option<String>,
}

/// Returns the flags that left, came or have another value; `None` where only their order differs.
///
/// A flag that one of the lists has more than once is taken as a whole: which of its values became
/// which cannot be told.
pub(super) fn diff_flags(from: &[String], to: &[String]) -> Option<Difference> {
    let (from, to) = (parse(from), parse(to));
    let (in_from, in_to) = (count(&from), count(&to));
    let is_once =
        |flag: &&Flag<'_>| in_from.get(flag.name) == Some(&1) && in_to.get(flag.name) == Some(&1);
    let (gone, new) = (without(&from, &to), without(&to, &from));
    let values: HashMap<_, _> = new.iter().map(|new| (new.name, new)).collect();
    let changed = gone.iter().filter(is_once).filter_map(|gone| {
        let new = values.get(gone.name)?;
        Some(FlagChange {
            flag: gone.name.to_owned(),
            from: gone.value.map(str::to_owned),
            to: new.value.map(str::to_owned),
        })
    });
    let changed: Vec<_> = changed.collect();
    let whole = |flags: &[Flag<'_>]| -> Vec<_> {
        let flags = flags.iter().filter(|flag| !is_once(flag));
        flags.map(Flag::text).collect()
    };
    let (removed, added) = (whole(&gone), whole(&new));
    let differ = !changed.is_empty() || !removed.is_empty() || !added.is_empty();
    differ.then_some(Difference::Flags {
        changed,
        removed,
        added,
    })
}

/// How often each flag is in a list.
fn count<'l>(flags: &[Flag<'l>]) -> HashMap<&'l str, usize> {
    let mut counts = HashMap::new();
    for flag in flags {
        *counts.entry(flag.name).or_default() += 1;
    }
    counts
}

/// A flag, of one element of the list or of two.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Flag<'l> {
    name: &'l str,
    value: Option<&'l str>,
    /// Whether its value is an element of its own.
    is_apart: bool,
}

impl Flag<'_> {
    fn text(&self) -> String {
        let between = if self.is_apart { " " } else { "=" };
        let value = self.value.map(|value| format!("{between}{value}"));
        format!("{}{}", self.name, value.unwrap_or_default())
    }
}

/// Takes an element that begins with a dash and says no value for a flag of the element that
/// follows it, unless that is a flag itself.
fn parse(list: &[String]) -> Vec<Flag<'_>> {
    let mut flags: Vec<Flag<'_>> = Vec::with_capacity(list.len());
    for element in list {
        if !element.starts_with('-')
            && let Some(last) = flags.last_mut()
            && last.name.starts_with('-')
            && last.value.is_none()
        {
            last.value = Some(element);
            last.is_apart = true;
            continue;
        }
        let (name, value) = match element.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (element.as_str(), None),
        };
        flags.push(Flag {
            name,
            value,
            is_apart: false,
        });
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(from: &[&str], to: &[&str]) -> Option<(Vec<String>, Vec<String>, Vec<String>)> {
        let strings =
            |list: &[&str]| -> Vec<_> { list.iter().map(|it| (*it).to_owned()).collect() };
        let Difference::Flags {
            changed,
            removed,
            added,
        } = diff_flags(&strings(from), &strings(to))?
        else {
            unreachable!("flags differ as flags");
        };
        let shown = |it: FlagChange| format!("{} {:?} {:?}", it.flag, it.from, it.to);
        Some((changed.into_iter().map(shown).collect(), removed, added))
    }

    fn found(
        changed: &[&str],
        removed: &[&str],
        added: &[&str],
    ) -> Option<(Vec<String>, Vec<String>, Vec<String>)> {
        let strings =
            |list: &[&str]| -> Vec<_> { list.iter().map(|it| (*it).to_owned()).collect() };
        Some((strings(changed), strings(removed), strings(added)))
    }

    #[test]
    fn a_flag_that_both_have_once_has_another_value() {
        assert_eq!(
            diff(
                &["-DGGML_CUDA=OFF", "-DX", "-O3"],
                &["-O3", "-DX=", "-DGGML_CUDA=ON"]
            ),
            found(
                &[
                    r#"-DGGML_CUDA Some("OFF") Some("ON")"#,
                    r#"-DX None Some("")"#
                ],
                &[],
                &[]
            )
        );
    }

    #[test]
    fn a_value_may_be_an_element_of_its_own() {
        assert_eq!(
            diff(
                &["--parallel", "1", "--no-webui"],
                &["--parallel", "4", "--no-webui"]
            ),
            found(&[r#"--parallel Some("1") Some("4")"#], &[], &[])
        );
        assert_eq!(
            diff(&["-t", "8"], &["-t=8"]),
            found(&[r#"-t Some("8") Some("8")"#], &[], &[])
        );
        assert_eq!(diff(&["-t", "8"], &[]), found(&[], &["-t 8"], &[]));
        assert_eq!(
            diff(&["cuda", "a=b"], &[]),
            found(&[], &["cuda", "a=b"], &[])
        );
    }

    #[test]
    fn a_flag_that_one_has_twice_is_taken_as_a_whole() {
        assert_eq!(
            diff(&["-DX=1"], &["-DX=2", "-DX=3"]),
            found(&[], &["-DX=1"], &["-DX=2", "-DX=3"])
        );
        assert_eq!(diff(&["-a"], &["-a", "-a"]), found(&[], &[], &["-a"]));
        assert_eq!(diff(&["-a", "-b"], &["-b", "-a"]), None);
    }
}
