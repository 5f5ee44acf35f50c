//! `engine-catalog list --watch`: what is current, and then each change of it.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;

use engine_catalog::{Catalog, EntryChange, Filter, Record, Wake, compare};

use super::changes::{Entry, ShownChange};
use super::failure::{Failure, say};
use super::list::{HEADER, row};
use super::text::time;
use super::{Context, Status, now_ms, signals};

/// Prints what is current, and follows, until nobody reads it.
pub(super) fn follow(context: &mut Context, filter: &Filter) -> Result<Status, Failure> {
    // It may be the first process of a container, which a signal does not end by itself.
    signals::leave_nothing_behind();
    let catalog = context.read()?;
    let output = io::stdout();
    // Before the first look, so that nothing is missed in between.
    let mut watch = catalog.watch()?.until_unread(output.as_fd());
    let mut view = View::default();
    let first = view.look(&catalog, filter)?;
    if context.out.is_json() {
        show(context, &first)?;
    } else if !view.records.is_empty() {
        let now_ms = now_ms();
        let rows = view.records.iter().map(|it| row(it.clone(), now_ms));
        context.out.table(HEADER, rows)?;
    }
    loop {
        context.out.flush()?;
        match watch.wait(None)? {
            Wake::Unread => return Ok(Status::Done),
            _ => show(context, &view.look(&catalog, filter)?)?,
        }
    }
}

fn show(context: &mut Context, changes: &[EntryChange]) -> Result<(), Failure> {
    for change in changes {
        let change = ShownChange::of(change)?;
        if context.out.is_json() {
            change.json(&mut context.out, Entry::Shown)?;
        } else {
            let line = format!("{}  {}", time(now_ms()), change.line());
            context.out.line(&line)?;
        }
    }
    Ok(())
}

/// What was last seen.
#[derive(Default)]
struct View {
    records: Vec<Record>,
    /// What could not be read, and why.
    said: BTreeSet<String>,
}

impl View {
    /// Looks again, and returns what has changed. What cannot be read is said, once, and counts as
    /// unchanged: it has not gone.
    fn look(&mut self, catalog: &Catalog, filter: &Filter) -> Result<Vec<EntryChange>, Failure> {
        let (mut now, mut said) = (Vec::new(), BTreeSet::new());
        for record in catalog.list(filter)? {
            match record {
                Ok(record) => now.push(record),
                Err(error) => {
                    said.insert(error.to_string());
                }
            }
        }
        if !said.is_empty() {
            let names: BTreeSet<_> = now.iter().map(Record::name).collect();
            let is_missing = |record: &&Record| !names.contains(&record.name());
            for record in self.records.iter().filter(is_missing) {
                // One of those that cannot be read, or retired.
                match catalog.current(&record.name()) {
                    Ok(current) => now.extend(current),
                    Err(_) => now.push(record.clone()),
                }
            }
        }
        for message in said.difference(&self.said) {
            say("error", message);
        }
        let changes = compare(&self.records, &now);
        (self.records, self.said) = (now, said);
        Ok(changes)
    }
}
