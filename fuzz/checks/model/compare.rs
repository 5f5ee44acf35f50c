//! All that can be read of a catalog, compared with the model.

use std::collections::BTreeSet;

use engine_catalog::{Catalog, Error, Filter, Members, ObjectId, State};

use super::super::scratch::tree;
use super::operation::{name, snapshot_name};
use super::{IDS, Model, NAMES, Ref, SNAPSHOTS, snapshot_id};

pub(super) const CAN_BE_READ: &str = "it can be read";

impl Model {
    /// Requires that all that can be read of a catalog is what it should hold.
    pub(super) fn assert_read_from(&self, catalog: &Catalog) {
        self.assert_refs(catalog);
        for id in IDS {
            self.assert_id(catalog, id);
        }
        self.assert_objects(catalog);
        self.assert_snapshots(catalog);
    }

    fn assert_refs(&self, catalog: &Catalog) {
        let listed = catalog.list(&Filter::default()).expect(CAN_BE_READ);
        let listed: Vec<_> = listed
            .map(|record| record.expect(CAN_BE_READ))
            .map(|record| (record.name(), record.object))
            .collect();
        let held = self.all_current();
        let held: Vec<_> = held.map(|(name, object)| (name.clone(), object)).collect();
        assert_eq!(listed, held);
        for name in (0..NAMES.len()).map(name) {
            let current = catalog.current(&name).expect(CAN_BE_READ);
            assert_eq!(current.map(|it| it.object), self.current(&name));
            let history = catalog.history(&name).expect(CAN_BE_READ);
            let changes = self.refs.get(&name).map(|it| &it.changes[..]);
            assert_eq!(history, changes.unwrap_or_default(), "{name}");
        }
    }

    fn assert_id(&self, catalog: &Catalog, id: &str) {
        let found = catalog.get(id);
        let names = self.with_id(id);
        if names.len() > 1 {
            assert!(matches!(found, Err(Error::AmbiguousId { .. })), "{found:?}");
            assert!(catalog.exists(id).is_err() && catalog.locate(id).is_err());
            return;
        }
        let current = names.first().and_then(|name| self.current(name));
        assert_eq!(catalog.exists(id).expect(CAN_BE_READ), current.is_some());
        let located = catalog.locate(id).expect(CAN_BE_READ);
        assert_eq!(located.is_some(), current.is_some());
        let found = found.expect(CAN_BE_READ).map(|record| record.object);
        assert_eq!(found, current.or_else(|| self.last_with_id(id)), "{id}");
    }

    /// The entry with an id that came last, of those that are still there: within a ref by the order of its changes, else by time.
    fn last_with_id(&self, id: &str) -> Option<ObjectId> {
        let last = |it: &Ref| {
            let objects = it.changes.iter().rev();
            let mut objects = objects.filter_map(|it| Some((it.at_ms, it.new?)));
            objects.find(|(_, object)| self.entries.get(object).is_some_and(|it| it.id == id))
        };
        let found = self.refs.values().filter_map(last);
        found.max_by_key(|(at_ms, _)| *at_ms).map(|it| it.1)
    }

    fn assert_objects(&self, catalog: &Catalog) {
        let stored = tree(&catalog.root().join("objects"));
        let paths = stored.keys().filter(|path| path.components().count() == 2);
        let stored: BTreeSet<ObjectId> = paths
            .map(|path| {
                path.to_str()
                    .expect("its name is hexadecimal")
                    .replace('/', "")
            })
            .map(|id| id.parse().expect("its name is an id"))
            .collect();
        assert_eq!(stored, self.objects(), "other objects are stored");
        for (object, entry) in &self.entries {
            let stored = catalog.entry(object).expect(CAN_BE_READ);
            assert_eq!(stored.as_ref(), Some(entry));
            let attached = catalog.attached(object, None).expect(CAN_BE_READ);
            let attached: Vec<_> = attached
                .map(|it| it.expect(CAN_BE_READ))
                .map(|it| (it.object, it.attachment))
                .collect();
            let noted = self
                .attached_to(*object)
                .map(|(id, note)| (id, note.clone()));
            assert_eq!(attached, noted.collect::<Vec<_>>());
            let record = engine_catalog::Record {
                object: *object,
                entry: entry.clone(),
            };
            let state = match self.current(&record.name()) {
                Some(current) if current == *object => State::Current,
                Some(_) => State::Superseded,
                None => State::Retired,
            };
            assert_eq!(catalog.state(&record).expect(CAN_BE_READ), state);
        }
    }

    fn assert_snapshots(&self, catalog: &Catalog) {
        let named = catalog.snapshots().expect(CAN_BE_READ).into_iter();
        let named = named.map(|it| it.expect(CAN_BE_READ));
        let named: Vec<_> = named.map(|it| (it.name, it.object)).collect();
        assert!(
            named
                .iter()
                .map(|(name, object)| (name, object))
                .eq(&self.snapshots)
        );
        for name in (0..SNAPSHOTS.len()).map(snapshot_name) {
            let found = catalog.find_snapshot(name.as_str()).expect(CAN_BE_READ);
            let object = found.map(|(object, _)| object);
            assert_eq!(object.as_ref(), self.snapshots.get(&name));
        }
        for (object, members) in &self.sets {
            let stored = catalog.snapshot(object).expect(CAN_BE_READ);
            assert_eq!(stored.map(|it| it.objects).as_ref(), Some(members));
        }
        let now = Members::Current(Filter::default());
        let now = catalog.snapshot_of(&now).expect(CAN_BE_READ).id();
        let held = self.all_current().map(|(_, object)| object).collect();
        assert_eq!(now.expect("it is small"), snapshot_id(&held));
    }
}
