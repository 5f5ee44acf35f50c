//! Two catalogs with the same entries, manifests and snapshots, and ways to destroy what they have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use engine_catalog::{
    Artifacts, Catalog, Filter, Members, Name, ObjectId, PreparedEngine, VerifyScope,
};

use crate::peer::Peer;
use crate::support::{entry, files, object_file, stamp};

const ENTRIES: i64 = 40;
const ENGINES: i64 = 10;

/// Ours and theirs, with the same in both.
pub(crate) struct Two {
    pub(crate) peer: Peer,
    /// All objects, as they were.
    pub(crate) objects: BTreeMap<ObjectId, Vec<u8>>,
}

impl Two {
    /// `None` where there is no rsync.
    pub(crate) fn new() -> Option<Self> {
        let peer = Peer::new()?;
        let theirs = &peer.theirs.catalog;
        let entries: Vec<_> = (0..ENTRIES).map(|n| entry(&format!("b{n}"), n)).collect();
        theirs.put_all(&entries, &stamp(1)).unwrap();
        let some = Members::Current(Filter::default());
        let name = |text| Name::new(text).unwrap();
        theirs.create_snapshot(&some, Some(&name("some"))).unwrap();
        let file = peer.theirs.outside().join("server");
        fs::write(&file, "\x7fELF").unwrap();
        for version in 0..ENGINES {
            let files = Artifacts::Files(vec![file.clone()]);
            let engine = PreparedEngine::new("vllm", &version.to_string(), files, version);
            theirs.record(&engine, &stamp(2)).unwrap();
        }
        theirs.create_snapshot(&some, Some(&name("all"))).unwrap();
        let (_, status) = peer.ours.stdout(&["pull", theirs.root().to_str().unwrap()]);
        assert_eq!(status, 0);
        // Their objects come along, their names do not.
        for text in ["some", "all"] {
            let (_, snapshot) = theirs.find_snapshot(text).unwrap().unwrap();
            let members = Members::Objects(snapshot.objects);
            let made = peer.catalog().create_snapshot(&members, Some(&name(text)));
            made.unwrap();
        }
        // Ours has an entry of its own, which both are to have.
        let own = entry("ours", 1);
        theirs.put(&own, &stamp(1)).unwrap();
        let objects = objects(theirs.root());
        assert_eq!(objects, self::objects(&peer.ours.root()));
        assert_eq!(objects.len(), 1 + 40 + 2 * 10 + 2);
        Some(Self { peer, objects })
    }

    pub(crate) fn theirs(&self) -> &Path {
        self.peer.theirs.catalog.root()
    }

    /// Heals ours.
    pub(crate) fn heal(&self, args: &[&str]) -> Said {
        let rsh = self.peer.rsh();
        let all = ["heal", &rsh].into_iter().chain(args.iter().copied());
        said(self.peer.ours.output(&all.collect::<Vec<_>>(), b""))
    }

    /// Heals ours from theirs, by rsync.
    pub(crate) fn heal_ours(&self) -> Said {
        self.heal(&["--from", &self.peer.source()])
    }

    /// Heals theirs from ours, by the directory.
    pub(crate) fn heal_theirs(&self) -> Said {
        let (ours, theirs) = (self.peer.ours.root(), self.theirs());
        let paths = [theirs, &ours].map(|path| path.to_str().unwrap());
        let args = ["--root", paths[0], "heal", "--from", paths[1]];
        said(self.peer.ours.output(&args, b""))
    }

    /// Both are as they were made, but for what was moved aside.
    pub(crate) fn assert_whole(&self) {
        for root in [&self.peer.ours.root(), self.theirs()] {
            assert_eq!(objects(root), self.objects, "in {}", root.display());
            let catalog = Catalog::open_read_only(root).unwrap();
            let report = catalog.verify(&VerifyScope::default(), &|_| {}).unwrap();
            assert!(report.is_clean(), "{:#?}", report.findings);
            let tmp = files(&root.join("tmp"));
            assert!(tmp.is_empty(), "left over: {tmp:?}");
        }
    }

    /// Objects, as many as are asked for, different for each seed.
    pub(crate) fn some(&self, seed: u64, count: usize) -> Vec<ObjectId> {
        let ids: Vec<_> = self.objects.keys().copied().collect();
        let mut chosen: Vec<_> = shuffled(ids, seed);
        chosen.truncate(count);
        chosen
    }
}

/// Standard output, standard error, and the exit status.
pub(crate) type Said = (String, String, i32);

pub(crate) fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    (text(output.stdout), text(output.stderr), status)
}

/// All that is in the places of objects.
pub(crate) fn objects(root: &Path) -> BTreeMap<ObjectId, Vec<u8>> {
    let top = root.join("objects");
    let read = |file: String| {
        let id: ObjectId = file.replace('/', "").parse().unwrap();
        (id, fs::read(top.join(file)).unwrap())
    };
    files(&top).into_iter().map(read).collect()
}

/// Destroys objects, each in another way.
pub(crate) fn destroy(root: &Path, objects: &[ObjectId]) {
    for (at, id) in objects.iter().enumerate() {
        let file = object_file(root, *id);
        let mut bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let middle = bytes.len() / 2;
        match at % 3 {
            0 => continue,
            1 => bytes[middle] ^= 1,
            _ => bytes.truncate(middle),
        }
        plant(&file, &bytes);
    }
}

/// Puts a file where an object belongs.
pub(crate) fn plant(file: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(file);
    fs::write(file, bytes).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
}

/// The objects that lines of standard error tell to be lost.
pub(crate) fn told_lost(stderr: &str) -> BTreeSet<ObjectId> {
    let lines = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("lost: object "));
    lines.map(|line| line[..64].parse().unwrap()).collect()
}

/// Puts a list into an order that the seed decides.
fn shuffled(ids: Vec<ObjectId>, seed: u64) -> Vec<ObjectId> {
    let mut keyed: Vec<_> = ids
        .into_iter()
        .map(|id| (ObjectId::of(format!("{seed} {id}").as_bytes()), id))
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, id)| id).collect()
}
