//! When each part was verified: the file `cache/verify`, by which a catalog is verified over days.
//!
//! It is derived and disposable. A line of it that makes no sense is ignored, and so is a file that
//! cannot be read: then everything counts as never verified.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::part::Part;
use crate::durable::{PathError, Permissions, Root};
use crate::layout;

/// The first line. Another version of the file has another one.
const FIRST_LINE: &str = "engine-catalog verify 1";
const MAX_BYTES: u64 = 64 << 10;

/// What came of verifying a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing worse than a notice.
    Clean,
    /// Errors or warnings: the part is due again, however short ago that was.
    Faulty,
}

/// When each part was verified, in milliseconds since the Unix epoch, and what came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule(BTreeMap<Part, (i64, Outcome)>);

impl Schedule {
    pub(super) fn read(root: &Root) -> Self {
        let bytes = root.read(&layout::verified().path(), MAX_BYTES);
        let bytes = bytes.ok().flatten().unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Puts this in the place of what was remembered before.
    pub(super) fn write(&self, root: &Root) -> Result<(), PathError> {
        let place = layout::verified();
        let dir = root.dir(Path::new(&place.dir))?;
        let staged = root.stage_named(self.render().as_bytes(), Permissions::ByUmask)?;
        root.sync([staged.file()], [])?;
        dir.replace(staged, &place.name)?;
        dir.sync()
    }

    pub(super) fn set(&mut self, part: Part, at_ms: i64, outcome: Outcome) {
        self.0.insert(part, (at_ms, outcome));
    }

    /// Returns the parts that are due at a time, the longest unverified first: those that were never
    /// verified, that had findings, or whose verification is older than `max_age`. Without that, all
    /// are due.
    pub(super) fn due(&self, now_ms: i64, max_age: Option<Duration>) -> Vec<Part> {
        let is_fresh = |part: &Part| match (self.0.get(part), max_age) {
            // What was verified in the future was not, or not by this clock.
            (Some((at_ms, Outcome::Clean)), Some(max_age)) if *at_ms <= now_ms => {
                u128::from(now_ms.abs_diff(*at_ms)) <= max_age.as_millis()
            }
            _ => false,
        };
        let mut due: Vec<_> = Part::all().filter(|part| !is_fresh(part)).collect();
        // As above: by another clock, or never.
        let verified_ms = |part: &Part| self.0.get(part).map(|(at_ms, _)| *at_ms);
        due.sort_by_key(|part| verified_ms(part).filter(|at_ms| *at_ms <= now_ms));
        due
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Self::default();
        }
        let parse_line = |line: &str| {
            let mut words = line.split(' ');
            let at_ms = words.next()?.parse().ok()?;
            let outcome = match words.next()? {
                "clean" => Outcome::Clean,
                "faulty" => Outcome::Faulty,
                _ => return None,
            };
            let part = words.next()?.parse().ok()?;
            words.next().is_none().then_some((part, (at_ms, outcome)))
        };
        Self(lines.filter_map(parse_line).collect())
    }

    fn render(&self) -> String {
        let mut text = format!("{FIRST_LINE}\n");
        for (part, (at_ms, outcome)) in &self.0 {
            let outcome = match outcome {
                Outcome::Clean => "clean",
                Outcome::Faulty => "faulty",
            };
            text += &format!("{at_ms} {outcome} {part}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_survives_its_file_and_other_content_is_ignored() {
        let mut schedule = Schedule::default();
        schedule.set(Part::Names, -5, Outcome::Clean);
        schedule.set(Part::Objects(0xab), 7, Outcome::Faulty);
        let text = schedule.render();
        assert_eq!(Schedule::parse(&text), schedule);
        for line in [
            "x",
            "1 clean",
            "1 clean names more",
            "1 broken names",
            "9 clean refs/00",
        ] {
            assert_eq!(
                Schedule::parse(&format!("{text}{line}\n")),
                schedule,
                "{line}"
            );
        }
        for other in ["", "\0\0", &text[1..]] {
            assert_eq!(Schedule::parse(other), Schedule::default(), "{other:?}");
        }
        let all = Part::all().map(|part| (part, (i64::MIN, Outcome::Faulty)));
        let largest = Schedule(all.collect());
        assert!(largest.render().len() as u64 <= MAX_BYTES);
    }

    #[test]
    fn longest_unverified_part_is_first_and_a_fresh_one_is_not_due() {
        let mut schedule = Schedule::default();
        for (at_ms, part) in (1..).zip(Part::all()) {
            schedule.set(part, 1000 - at_ms, Outcome::Clean);
        }
        schedule.set(Part::Names, 990, Outcome::Faulty);
        schedule.set(Part::Objects(0), 5000, Outcome::Clean);
        schedule.0.remove(&Part::Objects(7));
        let due = schedule.due(1000, None);
        assert_eq!(due.len(), 513);
        // What was verified at a time to come counts as never verified, too.
        assert_eq!(
            due[..3],
            [Part::Objects(0), Part::Objects(7), Part::Blobs(255)]
        );
        // 20 ms is an age, and 21 is older.
        let due = schedule.due(1000, Some(Duration::from_millis(20)));
        assert!(due.contains(&Part::Names), "it had findings");
        assert!(due.contains(&Part::Objects(0)), "by another clock");
        assert!(!due.contains(&Part::Objects(18)), "at 980");
        assert!(due.contains(&Part::Objects(19)), "at 979");
        assert_eq!(schedule.due(1000, Some(Duration::MAX)).len(), 3);
    }
}
