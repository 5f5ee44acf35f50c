//! What a traced run did to the disk, call by call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::{Content, Disk, Inode, Kind};
use crate::support::strace::Call;

/// Drives a disk with the calls of a run.
pub(crate) struct Player {
    pub(crate) disk: Disk,
    /// Files without a name, by what strace shows for them.
    unnamed: BTreeMap<PathBuf, Inode>,
    /// What each descriptor was opened on.
    opened: BTreeMap<String, PathBuf>,
}

impl Player {
    pub(crate) fn new(disk: Disk) -> Self {
        Self {
            disk,
            unnamed: BTreeMap::new(),
            opened: BTreeMap::new(),
        }
    }

    /// Does what the call did. Returns whether that changed what a cut may leave.
    pub(crate) fn play(&mut self, call: &Call) -> bool {
        if call.failed() {
            return false;
        }
        match call.name.as_str() {
            "open" | "openat" | "openat2" => return self.open(call),
            "mkdir" | "mkdirat" => {
                let path = match call.name.as_str() {
                    "mkdir" => call.text(0).into(),
                    _ => call.path(0),
                };
                let made = self.disk.add(Kind::Directory);
                self.disk.set(&path, Some(made));
            }
            "write" => {
                let Some(file) = self.file(&call.descriptor(0)) else {
                    return false;
                };
                let bytes = unescape(call.text(1));
                assert_eq!(
                    bytes.len().to_string(),
                    call.args[2],
                    "strace shows all of it"
                );
                self.disk.write(file, |content| content.extend(bytes));
            }
            "copy_file_range" => {
                let [from, to] = [0, 2].map(|at| self.file(&call.descriptor(at)));
                let copied = self.disk.current(from.expect("it is one of ours")).to_vec();
                let length = call.result.parse().expect("a length is a number");
                // Of a small file all at once, and then nothing more.
                assert!(length == copied.len() || length == 0, "{call:?}");
                let to = to.expect("it is one of ours");
                self.disk
                    .write(to, |content| content.extend(&copied[..length]));
            }
            "ftruncate" => {
                let file = self.file(&call.descriptor(0)).expect("it is one of ours");
                let length = call.args[1].parse().expect("a length is a number");
                self.disk.write(file, |content| content.resize(length, 0));
            }
            "linkat" => {
                let source = match call.text(1) {
                    fd if fd.starts_with("/proc/") => self.opened[fd].clone(),
                    _ => call.path(0),
                };
                let file = self.file(&source).expect("what is linked is there");
                self.disk.set(&call.path(2), Some(file));
            }
            "renameat" | "renameat2" => {
                let (from, to) = (call.path(0), call.path(2));
                let is_exchange = call.args.last().is_some_and(|it| it.contains("EXCHANGE"));
                assert!(!is_exchange, "the model knows no exchanging: {call:?}");
                let moved = self.disk.at(&from);
                self.disk.set(&to, moved);
                self.disk.set(&from, None);
            }
            "unlinkat" => self.disk.set(&call.path(0), None),
            "fsync" | "fdatasync" => {
                let path = call.descriptor(0);
                let Some(synced) = self.file(&path) else {
                    assert!(!self.disk.contains(&path), "{call:?}");
                    return false;
                };
                self.disk.sync(synced);
            }
            "syncfs" => self.disk.sync_all(),
            // The mode and the times are no part of what is promised to survive.
            "fchmod" | "utimensat" | "read" | "pread64" | "getdents64" | "statx" | "fstat"
            | "newfstatat" | "fcntl" | "flock" | "getrandom" => return false,
            _ => panic!("the model does not know this call: {call:?}"),
        }
        true
    }

    /// What the call makes survive: one file or directory, or, as `Some(None)`, everything; `None` if it
    /// is no sync of ours.
    pub(crate) fn synced(&self, call: &Call) -> Option<Option<Inode>> {
        match call.name.as_str() {
            _ if call.failed() => None,
            "fsync" | "fdatasync" => self.file(&call.descriptor(0)).map(Some),
            "syncfs" => Some(None),
            _ => None,
        }
    }

    fn open(&mut self, call: &Call) -> bool {
        let path = call.returned();
        let descriptor = call.result.split('<').next().unwrap_or_default();
        self.opened
            .insert(format!("/proc/self/fd/{descriptor}"), path.clone());
        let flags = &call.args[if call.name == "open" { 1 } else { 2 }];
        if flags.contains("O_TMPFILE") {
            let file = self.disk.add(Kind::File(Content::default()));
            self.unnamed.insert(path, file);
            return false;
        }
        if flags.contains("O_CREAT") && self.disk.contains(&path) && self.disk.at(&path).is_none() {
            let file = self.disk.add(Kind::File(Content::default()));
            self.disk.set(&path, Some(file));
            return true;
        }
        false
    }

    /// The file or directory that strace shows as `path`.
    fn file(&self, path: &Path) -> Option<Inode> {
        let unnamed = self.unnamed.get(path).copied();
        unnamed.or_else(|| self.disk.at(path))
    }
}

/// The bytes of a text as strace shows it, with the escapes of C.
fn unescape(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let digits = rest
            .iter()
            .take(3)
            .take_while(|byte| matches!(byte, b'0'..=b'7'));
        let digits = digits.count();
        if digits > 0 {
            let value = rest[..digits]
                .iter()
                .fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            bytes.push(u8::try_from(value).expect("three octal digits are a byte"));
            rest = &rest[digits..];
            continue;
        }
        bytes.push(match rest[0] {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'v' => 0x0b,
            b'f' => 0x0c,
            other => other,
        });
        rest = &rest[1..];
    }
    bytes
}
