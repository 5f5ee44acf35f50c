//! Reachability, on catalogs in which everything is tiny.

use super::*;
use crate::attachment::Attachment;
use crate::catalog::{Catalog, Members};
use crate::change::Stamp;
use crate::entry::EngineEntry;
use crate::entry_codec::encode_entry;
use crate::layout;
use crate::manifest::Manifest;
use crate::name::{Name, RefName};
use crate::refs::Expect;
use crate::retention::{Retention, RetentionRule};
use crate::snapshot::Snapshot;

const SIGNATURE: &str = "application/vnd.openssh.sshsig";

struct Home {
    dir: tempfile::TempDir,
    catalog: Catalog,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::create(dir.path().join("catalog")).unwrap();
        Self { dir, catalog }
    }

    fn put(&self, version: &str, created_ms: i64) -> ObjectId {
        let entry = EngineEntry::new("llamacpp", version, created_ms);
        let stamp = Stamp::new("me", 1).unwrap();
        self.catalog.put(&entry, &stamp).unwrap().object
    }

    /// Stores an object to which nothing leads.
    fn store(&self, bytes: &[u8]) -> ObjectId {
        let id = ObjectId::of(bytes);
        objects::write_all(&self.catalog.root, &[(id, bytes)].into()).unwrap();
        id
    }

    fn store_entry(&self, version: &str) -> ObjectId {
        let entry = EngineEntry::new("loose", version, 1);
        self.store(&encode_entry(&entry).unwrap())
    }

    fn store_snapshot(&self, members: &[ObjectId]) -> ObjectId {
        let objects = members.iter().copied().collect();
        self.store(&Snapshot { objects }.encode().unwrap())
    }

    fn store_manifest(&self, subject: ObjectId) -> ObjectId {
        let files = BTreeMap::new();
        let manifest = self.store(&Manifest { subject, files }.encode().unwrap());
        self.link(subject, manifest);
        manifest
    }

    fn link(&self, subject: ObjectId, object: ObjectId) {
        attachments::add_all(&self.catalog.root, &[(subject, object)].into()).unwrap();
    }

    fn attach(&self, subject: ObjectId, media_type: &str) -> ObjectId {
        let attachment = Attachment {
            subject,
            media_type: media_type.parse().unwrap(),
            name: None,
            payload: b"x".to_vec(),
        };
        let document = self.store(&attachment.encode().unwrap());
        self.link(subject, document);
        document
    }

    fn name(&self, name: &str, members: &[ObjectId]) -> ObjectId {
        let members = Members::Objects(members.iter().copied().collect());
        let name = Name::new(name).unwrap();
        self.catalog.create_snapshot(&members, Some(&name)).unwrap()
    }

    fn file(&self, object: ObjectId) -> std::path::PathBuf {
        let root = self.dir.path().join("catalog");
        root.join(layout::object(&object).path())
    }

    fn damage(&self, object: ObjectId) {
        std::fs::remove_file(self.file(object)).unwrap();
        std::fs::write(self.file(object), "damaged").unwrap();
    }

    /// What is reachable where retention keeps what each ref held last, and nothing else of histories.
    fn mark(&self) -> Reach<BTreeSet<Reason>> {
        let rule = RetentionRule {
            builds: Some(1),
            ..RetentionRule::new("*".into())
        };
        self.mark_with(&Retention { rules: vec![rule] })
    }

    fn mark_with(&self, retention: &Retention) -> Reach<BTreeSet<Reason>> {
        let keep = Keep {
            retention: retention.clone(),
            ..Keep::new(i64::MAX)
        };
        let standing = self.catalog.standing(&keep);
        let mut reach = mark(&self.catalog.root, standing.roots());
        reach.unknown.extend(standing.unknown);
        reach
    }
}

fn reached(reach: &Reach<BTreeSet<Reason>>) -> BTreeSet<ObjectId> {
    reach.objects.keys().copied().collect()
}

fn by_ref(version: &str) -> Reason {
    let name = RefName::new("llamacpp", version).unwrap();
    Reason::Ref { name }
}

#[test]
fn refs_names_members_and_attachments_are_reachable_and_the_rest_is_not() {
    let home = Home::new();
    let (old, current, member) = (home.put("b1", 1), home.put("b1", 2), home.put("b2", 1));
    let named = home.name("release", &[member]);
    let stamp = Stamp::new("me", 2).unwrap();
    let b2 = RefName::new("llamacpp", "b2").unwrap();
    let retired = home.catalog.retire(&b2, Expect::Any, &stamp);
    retired.unwrap();
    let manifest = home.store_manifest(member);
    let of_manifest = home.store_manifest(manifest);
    let (loose, old_manifest) = (home.store_snapshot(&[old]), home.store_manifest(old));

    let reach = home.mark();
    assert_eq!(reach.unknown, BTreeSet::new());
    let expected = [current, named, member, manifest, of_manifest];
    assert_eq!(reached(&reach), expected.into());
    for dead in [old, loose, old_manifest] {
        assert!(!reach.objects.contains_key(&dead));
    }
    let name = Name::new("release").unwrap();
    let reasons = |object| reach.objects[&object].clone();
    assert_eq!(reasons(current), [by_ref("b1")].into());
    assert_eq!(reasons(named), [Reason::Snapshot { name }].into());
    assert_eq!(reasons(member), [Reason::Member { snapshot: named }].into());
    let subject = member;
    assert_eq!(reasons(manifest), [Reason::Attachment { subject }].into());
    let subject = manifest;
    assert_eq!(
        reasons(of_manifest),
        [Reason::Attachment { subject }].into()
    );
}

#[test]
fn snapshot_that_is_only_attached_keeps_its_members_too() {
    let home = Home::new();
    let (current, inner) = (home.put("b1", 1), home.store_entry("x"));
    let snapshot = home.store_snapshot(&[inner]);
    home.link(current, snapshot);
    assert_eq!(reached(&home.mark()), [current, inner, snapshot].into());
}

#[test]
fn objects_that_are_attached_to_each_other_keep_nobody_alive_and_end_the_search() {
    let home = Home::new();
    let (a, b) = (home.store_entry("a"), home.store_entry("b"));
    home.link(a, b);
    home.link(b, a);
    assert_eq!(reached(&home.mark()), BTreeSet::new());
    let current = home.put("b1", 1);
    home.link(current, a);
    let reach = home.mark();
    assert_eq!(reached(&reach), [current, a, b].into());
    let through = |object: ObjectId| -> Vec<_> {
        let reasons = reach.objects[&object].iter();
        reasons.filter_map(Reason::through).collect()
    };
    let mut expected = [b, current];
    expected.sort_unstable();
    assert_eq!(through(a), expected);
    assert_eq!(through(b), [a]);
}

#[test]
fn what_a_history_keeps_is_followed_as_the_rest_is_and_may_be_missing() {
    let home = Home::new();
    let (oldest, old) = (home.put("b1", 1), home.put("b1", 2));
    let (current, manifest) = (home.put("b1", 3), home.store_manifest(old));
    std::fs::remove_file(home.file(oldest)).unwrap();
    let reach = home.mark_with(&Retention::default());
    assert_eq!(reached(&reach), [current, old, oldest, manifest].into());
    assert_eq!(reach.unknown, BTreeSet::new());
    let name = RefName::new("llamacpp", "b1").unwrap();
    assert_eq!(reach.objects[&old], [Reason::History { name }].into());
    assert_eq!(reach.objects[&current], [by_ref("b1")].into());
}

#[test]
fn what_is_damaged_is_unknown_whatever_keeps_it() {
    let home = Home::new();
    let old = home.put("b1", 1);
    home.put("b1", 2);
    home.damage(old);
    assert_eq!(home.mark().unknown.len(), 0);
    assert_eq!(home.mark_with(&Retention::default()).unknown.len(), 1);
}

#[test]
fn signed_snapshot_is_kept_for_a_member_that_is_kept() {
    let home = Home::new();
    let (current, other) = (home.put("b1", 1), home.store_entry("x"));
    let release = home.store_snapshot(&[current, other]);
    let unrelated = home.store_snapshot(&[ObjectId::of(b"nowhere")]);
    home.attach(release, "text/plain");
    home.attach(unrelated, SIGNATURE);
    assert_eq!(reached(&home.mark()), [current].into());
    let signature = home.attach(release, SIGNATURE);
    // Its other members are not kept for that, and so not what vouches for them.
    let further = home.store_snapshot(&[other, ObjectId::of(b"z")]);
    home.attach(further, SIGNATURE);
    let reach = home.mark();
    assert!(reached(&reach).is_superset(&[current, release, signature].into()));
    for dead in [unrelated, other, further] {
        assert!(!reach.objects.contains_key(&dead));
    }
    let by = Reason::Voucher { member: current };
    assert_eq!(reach.objects[&release], [by.clone()].into());
    assert_eq!(reach.unknown, BTreeSet::new());
    // Where more keeps it, it keeps its members: here what is attached to another that vouches.
    let over = home.store_snapshot(&[current, ObjectId::of(b"w")]);
    home.attach(over, SIGNATURE);
    home.link(over, release);
    let reach = home.mark();
    let attached = Reason::Attachment { subject: over };
    assert_eq!(reach.objects[&release], [by, attached].into());
    assert!(reached(&reach).is_superset(&[other, over].into()));
}

#[test]
fn what_a_history_in_quarantine_mentions_is_kept_until_a_person_removes_it() {
    let home = Home::new();
    let (old, lost) = (home.put("b1", 1), home.put("b1", 2));
    let current = home.put("b1", 3);
    let history = home.at("history/llamacpp/b1");
    let lines = std::fs::read_to_string(&history).unwrap();
    let damaged = lines.replacen("put", "PUT", 2);
    std::fs::write(&history, damaged).unwrap();
    assert_eq!(home.mark_with(&Retention::default()).unknown.len(), 1);
    let report = home.catalog.repair(&[], &|_| {}).unwrap();
    assert!(report.is_clean());
    let reach = home.mark_with(&Retention::default());
    assert_eq!(reach.unknown, BTreeSet::new());
    assert!(reached(&reach).is_superset(&[old, lost, current].into()));
    let file = std::fs::read_dir(home.at("quarantine")).unwrap().next();
    std::fs::remove_file(file.unwrap().unwrap().path()).unwrap();
    let reach = home.mark_with(&Retention::default());
    assert!(!reach.objects.contains_key(&old));
}

#[test]
fn what_cannot_be_read_and_may_be_a_signed_snapshot_or_its_signature_is_unknown() {
    let home = Home::new();
    let current = home.put("b1", 1);
    let [release, unrelated, described] =
        [b"x", b"y", b"z"].map(|it| home.store_snapshot(&[current, ObjectId::of(it)]));
    let unknown = || home.mark().unknown.len();
    // What is attached to it is no signature, whatever it is.
    home.attach(described, "text/plain");
    home.damage(described);
    assert_eq!(unknown(), 0);
    let signature = home.attach(release, SIGNATURE);
    home.damage(release);
    assert_eq!(unknown(), 1);
    home.store_snapshot(&[current, ObjectId::of(b"x")]);
    assert_eq!(unknown(), 0);
    home.damage(signature);
    assert_eq!(unknown(), 1);
    assert_eq!(home.attach(release, SIGNATURE), signature);
    assert_eq!(unknown(), 0);
    let of_nothing = home.store_snapshot(&[ObjectId::of(b"nowhere")]);
    home.damage(home.attach(of_nothing, SIGNATURE));
    std::fs::remove_file(home.file(home.attach(unrelated, SIGNATURE))).unwrap();
    assert_eq!(unknown(), 0, "these keep nothing");
}

#[test]
fn whatever_cannot_be_read_on_the_way_is_unknown() {
    type Damage = fn(&Home, ObjectId, ObjectId);
    let cases: [(&str, Damage); 12] = [
        ("damaged entry", |home, entry, _| home.damage(entry)),
        ("missing entry", |home, entry, _| {
            std::fs::remove_file(home.file(entry)).unwrap();
        }),
        ("damaged snapshot", |home, _, snapshot| {
            home.damage(snapshot);
        }),
        ("missing snapshot", |home, _, snapshot| {
            std::fs::remove_file(home.file(snapshot)).unwrap();
        }),
        ("damaged ref", |home, _, _| {
            std::fs::write(home.at("refs/llamacpp/b1"), "x").unwrap();
        }),
        ("damaged name", |home, _, _| {
            std::fs::write(home.at("snapshots/release"), "x").unwrap();
        }),
        ("a directory in place of a ref", |home, _, _| {
            std::fs::create_dir(home.at("refs/llamacpp/b9")).unwrap();
        }),
        ("a link in place of an engine", |home, _, _| {
            std::os::unix::fs::symlink(home.dir.path(), home.at("refs/vllm")).unwrap();
        }),
        ("a file in place of snapshots", |home, _, _| {
            std::fs::remove_dir_all(home.at("snapshots")).unwrap();
            std::fs::write(home.at("snapshots"), "").unwrap();
        }),
        ("a file in place of a shard of links", |home, _, _| {
            std::fs::create_dir_all(home.at("attachments")).unwrap();
            std::fs::write(home.at("attachments/ab"), "").unwrap();
        }),
        ("a directory in place of a link", |home, entry, snapshot| {
            let link = layout::attachment(&entry, &snapshot).path();
            std::fs::create_dir_all(home.at("").join(link)).unwrap();
        }),
        ("missing attachment", |home, entry, _| {
            home.link(entry, ObjectId::of(b"nothing"));
        }),
    ];
    for (what, damage) in cases {
        let home = Home::new();
        let entry = home.put("b1", 1);
        let snapshot = home.name("release", &[entry]);
        assert_eq!(home.mark().unknown, BTreeSet::new(), "{what}");
        damage(&home, entry, snapshot);
        let unknown = home.mark().unknown;
        assert_eq!(unknown.len(), 1, "{what}: {unknown:?}");
    }
}

#[test]
fn what_the_format_allows_hides_nothing() {
    let home = Home::new();
    let entry = home.put("b1", 1);
    let absent = ObjectId::of(b"a member that is not in the store");
    let snapshot = home.store_snapshot(&[absent, entry]);
    home.link(entry, snapshot);
    // A map of one: "schema" is "signature/9".
    let newer = home.store(b"\xa1\x66schema\x6bsignature/9");
    home.link(entry, newer);
    std::fs::write(home.at("refs/.latest"), "").unwrap();
    std::fs::create_dir_all(home.at("attachments/ab/x")).unwrap();
    let reach = home.mark();
    assert_eq!(reach.unknown, BTreeSet::new());
    assert_eq!(reached(&reach), [entry, snapshot, absent, newer].into());
}

#[test]
fn name_of_a_snapshot_of_a_newer_schema_hides_its_members() {
    let home = Home::new();
    let newer = home.store(b"\xa1\x66schema\x6asnapshot/9");
    std::fs::create_dir(home.at("snapshots")).unwrap();
    std::fs::write(home.at("snapshots/release"), newer.to_line()).unwrap();
    let reach = home.mark();
    assert_eq!(reached(&reach), [newer].into());
    assert_eq!(reach.unknown.len(), 1);
}

impl Home {
    fn at(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("catalog").join(path)
    }
}
