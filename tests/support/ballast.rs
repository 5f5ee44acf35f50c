//! What takes all the room of a file system, and gives it back bit by bit.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use crate::support::mount::Mounted;

/// The files that take the room.
pub(crate) struct Ballast {
    dir: PathBuf,
    bits: usize,
}

impl Ballast {
    fn new(file_system: &Mounted) -> Self {
        let dir = file_system.path().join("ballast");
        fs::create_dir(&dir).expect("there is room");
        Self { dir, bits: 0 }
    }

    /// Takes all blocks, some of them in `bits` of `bytes` bytes each.
    pub(crate) fn of_blocks(file_system: &Mounted, bits: usize, bytes: usize) -> Self {
        let this = Self {
            bits,
            ..Self::new(file_system)
        };
        for bit in 0..bits {
            fs::write(this.bit(bit), vec![1; bytes]).expect("there is room for the bits");
        }
        // What was removed before may become free only now, and so may what was tried to be taken: where
        // a file does not fit, a part of it is taken first.
        for round in 0.. {
            file_system.settle();
            let free = file_system.free();
            let sizes = (12..28).rev().map(|power| 1 << power);
            let taken = (sizes.filter(|size| *size <= free)).map(|size| this.take(round, size));
            if taken.sum::<u32>() == 0 {
                break;
            }
        }
        file_system.settle();
        this
    }

    /// Takes as many blocks of `bytes` bytes as there are, and tells how many there were.
    fn take(&self, round: u32, bytes: u64) -> u32 {
        for n in 0.. {
            let path = self.dir.join(format!("{round}-{bytes}-{n}"));
            let taken = fs::File::create(&path).and_then(|mut file| {
                let flags = rustix::fs::FallocateFlags::empty();
                rustix::fs::fallocate(&file, flags, 0, bytes)?;
                file.write_all(b"1")?;
                file.sync_all()
            });
            if taken.is_err() {
                let _ = fs::remove_file(&path);
                return n;
            }
        }
        0
    }

    /// Takes all inodes, with files that have no blocks.
    pub(crate) fn of_inodes(file_system: &Mounted) -> Self {
        let mut this = Self::new(file_system);
        while fs::write(this.bit(this.bits), "").is_ok() {
            this.bits += 1;
        }
        file_system.settle();
        this
    }

    fn bit(&self, bit: usize) -> PathBuf {
        self.dir.join(format!("bit-{bit}"))
    }

    /// Gives one bit of room back.
    pub(crate) fn release(&mut self, file_system: &Mounted) {
        self.bits = self.bits.checked_sub(1).expect("there is room at last");
        fs::remove_file(self.bit(self.bits)).expect("it can be removed");
        file_system.settle();
    }

    pub(crate) fn remove(self, file_system: &Mounted) {
        fs::remove_dir_all(&self.dir).expect("it can be removed");
        file_system.settle();
    }
}
