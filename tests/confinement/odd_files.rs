//! FIFOs, sockets, directories and huge files where a small regular file belongs, and files where a
//! directory belongs: each is a prompt error that names it. Nothing waits, and nothing is read.

use std::fs;
use std::path::Path;

use engine_catalog::{Catalog, Cause, Error, ErrorKind, FileKind};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::support::{listing, name};
use super::{Place, busy_home, every_read, every_write, path_error, places, refused};

const HUGE: u64 = 10 << 30;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Odd {
    Fifo,
    Socket,
    /// Not empty.
    Directory,
    /// Without blocks on the disk.
    Huge,
}

const ALL: [Odd; 4] = [Odd::Fifo, Odd::Socket, Odd::Directory, Odd::Huge];

impl Odd {
    /// Puts it in the place of what is at `path`.
    fn plant(self, path: &Path) {
        match path.is_dir() {
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
        let node = |kind| mknodat(CWD, path, kind, Mode::from_raw_mode(0o600), 0).unwrap();
        match self {
            Self::Fifo => node(FileType::Fifo),
            Self::Socket => node(FileType::Socket),
            Self::Directory => {
                fs::create_dir(path).unwrap();
                fs::write(path.join("x"), "x").unwrap();
            }
            Self::Huge => fs::File::create(path).unwrap().set_len(HUGE).unwrap(),
        }
    }

    /// Whether this is the reason that a call gives.
    fn is_cause(self, place: &Place, cause: &Cause) -> bool {
        match (self, cause) {
            (_, Cause::NotADirectory) => place.is_dir,
            (Self::Fifo | Self::Socket, Cause::NotRegular(kind)) => *kind == FileKind::Other,
            (Self::Directory, Cause::NotRegular(kind)) => *kind == FileKind::Directory,
            (Self::Huge, Cause::TooLarge { size, limit }) => *size > HUGE / 2 && *limit <= 64 << 20,
            _ => false,
        }
    }
}

#[test]
fn odd_file_is_a_prompt_error_that_names_it() {
    for place in places() {
        for odd in ALL {
            let belongs_there = place.is_dir && odd == Odd::Directory;
            // Nobody reads the lock, or what a link holds, so that its size does not matter.
            let is_unread = place.path == "lock" || place.path.starts_with("attachments/");
            let is_harmless = is_unread && odd == Odd::Huge && !place.is_dir;
            if belongs_there || is_harmless {
                continue;
            }
            let home = busy_home();
            let at = home.at(&place.path);
            odd.plant(&at);
            let what = format!("{odd:?} at {}", place.path);
            let is_cause = |cause: &Cause| odd.is_cause(&place, cause);
            let before = listing(&at);
            let reads = refused(every_read(&home.catalog), &at, is_cause);
            assert_eq!(reads, place.reads, "{what}");
            let writes = refused(every_write(&home.catalog), &at, is_cause);
            assert_eq!(writes, place.writes, "{what}");
            let is_healed = place.path.starts_with("objects/") && !place.is_dir;
            assert!(
                is_healed || listing(&at) == before,
                "{what}: it is as it was"
            );
        }
    }
}

#[test]
fn odd_marker_is_not_read() {
    for odd in ALL {
        let home = busy_home();
        let place = Place {
            path: "format".into(),
            is_dir: false,
            reads: String::new(),
            writes: String::new(),
        };
        odd.plant(&home.at("format"));
        let before = listing(home.outside());
        for opened in [
            Catalog::open(home.catalog.root()),
            Catalog::open_read_only(home.catalog.root()),
        ] {
            let error = opened.unwrap_err();
            let cause = &path_error(&error).unwrap().cause;
            assert!(odd.is_cause(&place, cause), "{error}");
            assert_eq!(error.kind(), ErrorKind::Damage, "{error}");
        }
        let created = Catalog::create(home.catalog.root());
        assert!(matches!(created, Err(Error::AlreadyACatalog { .. })));
        assert_eq!(listing(home.outside()), before);
    }
}

#[test]
fn what_is_no_file_of_the_format_is_damage_and_not_a_failure_of_the_system() {
    for odd in ALL {
        let home = busy_home();
        odd.plant(&home.at("refs/llamacpp/b1"));
        let error = home.catalog.current(&name("llamacpp/b1")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damage, "{error}");
        let shown = match odd {
            Odd::Fifo | Odd::Socket => "it is a FIFO, socket or device, not a regular file",
            Odd::Directory => "it is a directory, not a regular file",
            Odd::Huge => "it has 10737418240 bytes, of at most 65",
        };
        assert!(error.to_string().ends_with(shown), "{error}");
    }
}
