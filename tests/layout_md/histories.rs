//! Section 6: the lines of histories, and what they add up to.

use std::fs;

use engine_catalog::{Change, Error};

use crate::document::{blocks, expand, letter, lines};
use crate::scratch::{Scratch, entry, name, stamp};

#[test]
fn history_lines_are_parsed_and_written_as_they_are() {
    for line in lines("history-lines") {
        let change: Change = line.parse().expect(&line);
        assert_eq!(change.to_string(), line);
    }
}

#[test]
fn other_history_lines_are_refused() {
    let good: Result<Change, _> = expand("1 put - A me").parse();
    assert!(good.is_ok());
    for line in lines("refused-history-lines") {
        assert!(expand(&line).parse::<Change>().is_err(), "{line:?}");
    }
}

#[test]
fn lines_that_took_effect_and_undo_are_those_of_the_examples() {
    let walks = &blocks("history-walks")[0];
    let mut walked = 0;
    for walk in walks.split("\n\n") {
        let scratch = Scratch::new();
        let (mut all, mut kept, mut undo) = (String::new(), Vec::new(), None);
        for line in walk.lines() {
            match line.split_once(' ').unwrap() {
                ("ref", "none") => {}
                ("ref", id) => scratch.write("refs/llamacpp/b4321", format!("{}\n", letter(id))),
                ("undo", "none") => undo = Some(None),
                ("undo", id) => undo = Some(Some(letter(id))),
                (sign @ ("+" | "-"), line) => {
                    let line = expand(line);
                    all.push_str(&format!("{line}\n"));
                    if sign == "+" {
                        kept.push(line);
                    }
                }
                _ => panic!("{line}"),
            }
        }
        scratch.write("history/llamacpp/b4321", &all);
        let history = scratch.catalog.history(&name()).unwrap();
        let found: Vec<_> = history.iter().map(ToString::to_string).collect();
        assert_eq!(found, kept, "{walk}");

        // The objects are not there, so rolling back says where it would have gone.
        let target = match scratch.catalog.rollback(&name(), None, &stamp()) {
            Err(Error::Gone { object, .. }) => Some(object),
            Err(Error::NoEarlierEntry { .. }) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(Some(target), undo, "{walk}");

        // A torn end is passed over, and a malformed line before another is not.
        for torn in ["1 put", "\0\0\0\0\n", "1 put\0\0\n"] {
            scratch.write("history/llamacpp/b4321", format!("{all}{torn}"));
            let history = scratch.catalog.history(&name()).unwrap();
            assert_eq!(history.len(), kept.len(), "{torn:?}");
            scratch.write("history/llamacpp/b4321", format!("{torn}\n{all}"));
            assert!(scratch.catalog.history(&name()).is_err(), "{torn:?}");
        }
        walked += 1;
    }
    assert!(walked >= 5, "{walked}");
}

#[test]
fn history_with_a_second_hard_link_is_copied_before_anything_is_appended() {
    let scratch = Scratch::new();
    let first = scratch.put(&entry(1));
    let other = scratch.outside().join("backup");
    fs::hard_link(scratch.at("history/llamacpp/b4321"), &other).unwrap();
    let before = fs::read_to_string(&other).unwrap();
    let second = scratch.put(&entry(2));
    assert_eq!(fs::read_to_string(&other).unwrap(), before);
    let history = scratch.catalog.history(&name()).unwrap();
    let news: Vec<_> = history.iter().map(|change| change.new).collect();
    assert_eq!(news, [Some(first), Some(second)]);
}

#[test]
fn histories_that_do_not_lead_to_the_ref_are_refused_and_kept() {
    for text in blocks("disconnected-histories")[0].split("\n\n") {
        let (current, lines) = text.split_once('\n').unwrap();
        let scratch = Scratch::new();
        if let Some(id) = current.strip_prefix("ref ").filter(|id| *id != "none") {
            scratch.write("refs/llamacpp/b4321", format!("{}\n", letter(id)));
        }
        let lines: String = lines.lines().map(|line| expand(line) + "\n").collect();
        for torn in ["", "1 put", "\0\0\n"] {
            let kept = format!("{lines}{torn}");
            scratch.write("history/llamacpp/b4321", &kept);
            assert!(
                matches!(
                    scratch.catalog.history(&name()),
                    Err(Error::History(
                        engine_catalog::HistoryError::Disconnected { .. }
                    ))
                ),
                "{text}"
            );
            scratch.put(&entry(1));
            let after = fs::read_to_string(scratch.at("history/llamacpp/b4321")).unwrap();
            assert!(after.starts_with(&kept), "{after:?}");
            assert!(
                after[kept.len()..]
                    .trim_start_matches('\n')
                    .starts_with("1 put "),
                "{after:?}"
            );
            // For the next round.
            let held = current.strip_prefix("ref ").unwrap();
            if held == "none" {
                fs::remove_file(scratch.at("refs/llamacpp/b4321")).unwrap();
            } else {
                scratch.write("refs/llamacpp/b4321", format!("{}\n", letter(held)));
            }
        }
    }
}

#[test]
fn change_whose_line_would_exceed_the_limit_of_a_history_is_refused() {
    let scratch = Scratch::new();
    let line = format!("\n{}\n", expand("1 put - A me"));
    let size = (64 << 20) - line.len() as u64;
    scratch.write_size("history/llamacpp/b4321", size);
    let history = fs::File::options()
        .append(true)
        .open(scratch.at("history/llamacpp/b4321"));
    std::io::Write::write_all(&mut history.unwrap(), line.as_bytes()).unwrap();
    assert!(scratch.catalog.put(&entry(1), &stamp()).is_err());
}
