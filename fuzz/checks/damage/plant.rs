//! A directory tree, made as the lines of a text say.
//!
//! | line | what it makes |
//! |---|---|
//! | `f` path content | a file |
//! | `a` path content | a file with more at its end |
//! | `m` path byte byte | a file of which the byte at an offset is changed, by exclusive or |
//! | `s` path digit | a file without blocks, of a size around a limit |
//! | `d` path | a directory |
//! | `l` path path | a symbolic link to somewhere in the root; to `^` and a name, outside of it |
//! | `h` path path | a second hard link, to the second path |
//! | `n` path path | the first under another name |
//! | `p` path | a FIFO |
//! | `c` path digit | another mode |
//! | `x` path | nothing any more |
//!
//! A blank follows a path. Texts are those of `sample.rs`: `f refs/e/v @A@n`. What cannot be made is
//! left out.

use std::ffi::OsString;
use std::fs;
use std::io::Result;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use tempfile::TempDir;

use super::super::scratch::scratch;
use super::sample::expand;

/// A sound catalog, with all that the letters stand for but for D and U.
pub(super) const SOUND: &[u8] = b"\
f format engine-catalog 1@n
f lock
d tmp
f objects/@/A @a
f objects/@/B @b
f objects/@/C @c
f objects/@/S @s
f objects/@/M @m
f objects/@/T @t
c objects/@/A 0
c objects/@/B 0
c objects/@/C 0
c objects/@/S 0
c objects/@/M 0
c objects/@/T 0
f refs/e/v @B@n
f refs/e/w @C@n
f history/e/v 1 put - @A me@n2 put @A @B me@n
f history/e/w 3 pull - @C me@n
f snapshots/s @S@n
f attachments/@/A/@M
f attachments/@/A/@T";

/// A root, and something beside it that nobody may touch.
pub(super) struct Place {
    dir: TempDir,
}

/// The most lines of an input.
const MOST_LINES: usize = 48;

const SIZES: [u64; 8] = [
    0,
    65,
    66,
    (64 << 10) + 1,
    1 << 20,
    (1 << 20) + 1,
    (64 << 20) + 1,
    1 << 40,
];
const MODES: [u32; 5] = [0o444, 0o644, 0o600, 0o777, 0o4755];

impl Place {
    pub(super) fn new() -> Self {
        let this = Self { dir: scratch() };
        for dir in [this.root(), this.outside()] {
            fs::create_dir(dir).expect("a directory can be made");
        }
        fs::write(this.outside().join("x"), "outside").expect("a file can be written");
        this
    }

    pub(super) fn top(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn root(&self) -> PathBuf {
        self.top().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.top().join("outside")
    }

    /// Makes what the lines of a text say.
    pub(super) fn plant(&self, text: &[u8]) {
        let lines = text.split(|byte| *byte == b'\n');
        for line in lines.take(MOST_LINES) {
            if let [kind, b' ', rest @ ..] = line {
                let mut parts = rest.splitn(2, |byte| *byte == b' ');
                let path = parts.next().unwrap_or_default();
                // What cannot be made is left out.
                let _ = self.make(*kind, path, parts.next().unwrap_or_default());
            }
        }
    }

    fn make(&self, kind: u8, path: &[u8], text: &[u8]) -> Result<()> {
        let Some(at) = self.below(path) else {
            return Ok(());
        };
        let target = || self.below(text).unwrap_or(self.root());
        let digit = usize::from(text.first().copied().unwrap_or_default());
        let above = at.ancestors().skip(1);
        if above
            .take_while(|dir| *dir != self.top())
            .any(Path::is_symlink)
        {
            return Ok(());
        }
        if let Some(above) = at.parent() {
            fs::create_dir_all(above)?;
        }
        match kind {
            b'f' => {
                remove(&at);
                fs::write(at, expand(text))
            }
            b'a' | b'm' => {
                let mut bytes = read(&at)?;
                match (kind, text) {
                    (b'm', [offset, change, ..]) if !bytes.is_empty() => {
                        let offset = usize::from(*offset) % bytes.len();
                        bytes[offset] ^= change;
                    }
                    _ => bytes.extend(expand(text)),
                }
                remove(&at);
                fs::write(at, bytes)
            }
            b's' => {
                remove(&at);
                fs::File::create(at)?.set_len(SIZES[digit % SIZES.len()])
            }
            b'd' => fs::create_dir(at),
            b'l' => {
                remove(&at);
                let target = match text {
                    [b'^', name @ ..] => {
                        let name = part(name).unwrap_or_default();
                        self.outside().join(name)
                    }
                    _ => target(),
                };
                symlink(self.relative(&at, &target), at)
            }
            b'h' => fs::hard_link(target(), at),
            b'n' => {
                let target = target();
                if let Some(above) = target.parent() {
                    fs::create_dir_all(above)?;
                }
                fs::rename(at, target)
            }
            b'p' => {
                remove(&at);
                Ok(mknodat(
                    CWD,
                    &at,
                    FileType::Fifo,
                    Mode::from_raw_mode(0o644),
                    0,
                )?)
            }
            b'c' => {
                read(&at)?;
                let mode = MODES[digit % MODES.len()];
                fs::set_permissions(at, fs::Permissions::from_mode(mode))
            }
            b'x' => {
                remove(&at);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The way to `target` from the directory of `from`, as an absolute one would cross a mount point.
    fn relative(&self, from: &Path, target: &Path) -> PathBuf {
        let below = |path: &Path| path.strip_prefix(self.top()).map(Path::to_owned);
        let up = below(from).map_or(0, |from| from.components().count() - 1);
        let down = below(target).unwrap_or_default();
        std::iter::repeat_n("..", up)
            .collect::<PathBuf>()
            .join(down)
    }

    /// A path in the root, and nothing above it.
    fn below(&self, path: &[u8]) -> Option<PathBuf> {
        let path = expand(path);
        let parts: Vec<_> = path.split(|byte| *byte == b'/').filter_map(part).collect();
        let below: PathBuf = parts.iter().collect();
        (!parts.is_empty()).then(|| self.root().join(below))
    }
}

/// One component of a path that leads down.
fn part(name: &[u8]) -> Option<OsString> {
    let leads_down =
        !matches!(name, b"" | b"." | b"..") && !name.contains(&0) && !name.contains(&b'/');
    leads_down.then(|| OsString::from_vec(name.to_vec()))
}

/// The content of a regular file, which is not large. Opening a FIFO would wait for ever.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let stat = fs::symlink_metadata(path)?;
    if !stat.is_file() || stat.len() > 1 << 20 {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    fs::read(path)
}

fn remove(path: &Path) {
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
}
