//! Progress bars, which only a terminal shows.

use std::path::PathBuf;

use engine_catalog::Progress;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::text::printable;

/// Files from this size on get a progress bar.
const BAR_FROM: u64 = 64 << 20;

/// How far the hashing of files is, one after the other. Dropping it takes it off the screen.
#[derive(Default)]
pub(super) struct HashingBar {
    current: Option<(PathBuf, ProgressBar)>,
}

impl HashingBar {
    pub(super) fn show(&mut self, progress: Progress<'_>) {
        let is_current = |(path, _): &(PathBuf, ProgressBar)| path == progress.path;
        if !self.current.as_ref().is_some_and(is_current) {
            self.clear();
            if progress.total >= BAR_FROM {
                self.current = Some((progress.path.to_owned(), new_bar(progress)));
            }
        }
        if let Some((_, bar)) = &self.current {
            bar.set_position(progress.done);
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for HashingBar {
    fn drop(&mut self) {
        self.clear();
    }
}

fn new_bar(progress: Progress<'_>) -> ProgressBar {
    let name = progress.path.file_name().unwrap_or_default();
    let style = "hashing {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}";
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    ProgressBar::new(progress.total)
        .with_style(style)
        .with_message(printable(&name.to_string_lossy()))
}

/// How much of a source came. Dropping it takes it off the screen.
#[derive(Default)]
pub(super) struct TransferBar {
    bar: Option<ProgressBar>,
    expected: u64,
}

impl TransferBar {
    /// So many more objects are to come.
    pub(super) fn expect(&mut self, objects: usize) {
        self.expected += objects as u64;
        let expected = self.expected;
        let bar = self.bar.get_or_insert_with(|| {
            let style = "pulling {wide_bar} {pos}/{len} objects, {msg}";
            let style = ProgressStyle::with_template(style).expect("the template is well-formed");
            ProgressBar::new(expected).with_style(style)
        });
        bar.set_length(expected);
    }

    /// Shows how many came.
    pub(super) fn show(&mut self, objects: u64, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(objects);
            bar.set_message(HumanBytes(bytes).to_string());
        }
    }
}

impl Drop for TransferBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
