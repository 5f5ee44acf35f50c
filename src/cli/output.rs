//! Standard output: aligned tables for people, one JSON value a line for programs.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use anstream::{AutoStream, ColorChoice};
use comfy_table::{Table, presets};
use engine_catalog::{EngineEntry, ObjectId, Put, Record, Recorded, RefName, State};
use serde::Serialize;
use serde_json::ser::Formatter;

use super::failure::Failure;
use super::text::{is_control, printable};

/// How many rows of a table are aligned with each other: a history may have hundreds of thousands, which
/// are not all held.
const ROWS_ALIGNED: usize = 1000;

/// Where data goes, and in which form.
pub(super) struct Output {
    json: bool,
    is_terminal: bool,
    /// Whether the terminal shows colours, and the user has not asked for none (NO_COLOR).
    has_colour: bool,
    out: BufWriter<StdoutLock<'static>>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let stdout = io::stdout();
        Self {
            json,
            is_terminal: stdout.is_terminal(),
            has_colour: AutoStream::choice(&stdout) != ColorChoice::Never,
            out: BufWriter::new(stdout.lock()),
        }
    }

    /// Returns whether the user wants JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a value as a line of JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let mut serializer = serde_json::Serializer::with_formatter(&mut self.out, Visible);
        value.serialize(&mut serializer).map_err(io::Error::from)?;
        self.line("")
    }

    /// Writes a line.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// Writes bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.out.write_all(bytes)?)
    }

    /// Writes rows in aligned columns, under a header where a person is looking.
    pub(super) fn table<const N: usize>(
        &mut self,
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Result<(), Failure> {
        let (mut rows, mut header) = (rows.into_iter().peekable(), Some(header));
        while rows.peek().is_some() {
            self.page(header.take(), rows.by_ref().take(ROWS_ALIGNED))?;
        }
        Ok(())
    }

    /// Writes rows that are aligned with each other.
    fn page<const N: usize>(
        &mut self,
        header: Option<[&str; N]>,
        rows: impl Iterator<Item = [String; N]>,
    ) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let header = header.filter(|_| self.is_terminal);
        let has_header = header.is_some();
        if let Some(header) = header {
            table.set_header(header);
        }
        let rows = rows.map(|row| row.map(|cell| printable(&cell)));
        table.add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for (at, line) in table.lines().enumerate() {
            let line = line.trim_end();
            if has_header && self.has_colour && at == 0 {
                writeln!(self.out, "\x1b[1m{line}\x1b[0m")?;
            } else {
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

/// Compact JSON in which no string can write to a terminal as it likes: characters that control how
/// others are shown are escaped.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        for c in text.chars() {
            if is_control(c) {
                write!(out, "\\u{:04x}", u32::from(c))?;
            } else {
                write!(out, "{c}")?;
            }
        }
        Ok(())
    }
}

/// The JSON form of an entry with what the catalog says about it.
#[derive(Serialize)]
pub(super) struct JsonRecord<'a> {
    object: ObjectId,
    state: String,
    entry: &'a EngineEntry,
}

impl<'a> JsonRecord<'a> {
    pub(super) fn new(record: &'a Record, state: State) -> Self {
        Self {
            object: record.object,
            state: state.to_string(),
            entry: &record.entry,
        }
    }
}

/// The JSON form of a change of a ref.
#[derive(Serialize)]
pub(super) struct JsonChange<'a> {
    engine: &'a str,
    version: &'a str,
    /// What is current now; `null` after `retire`.
    object: Option<ObjectId>,
    /// What was current before.
    previous: Option<ObjectId>,
    unchanged: bool,
    /// What `record` made of its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a EngineEntry>,
}

impl<'a> JsonChange<'a> {
    pub(super) fn new(engine: &'a str, version: &'a str, put: &Put) -> Self {
        Self {
            engine,
            version,
            object: Some(put.object),
            previous: put.previous,
            unchanged: put.is_unchanged(),
            entry: None,
        }
    }

    pub(super) fn recorded(recorded: &'a Recorded) -> Self {
        let entry = &recorded.entry;
        Self {
            entry: Some(entry),
            ..Self::new(&entry.engine, &entry.version, &recorded.put)
        }
    }

    pub(super) fn retired(name: &'a RefName, previous: ObjectId) -> Self {
        Self {
            engine: name.engine().as_str(),
            version: name.version().as_str(),
            object: None,
            previous: Some(previous),
            unchanged: false,
            entry: None,
        }
    }
}
