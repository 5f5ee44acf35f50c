//! Writers in a catalog that may be damaged: what they acknowledge is there, and what they refuse has
//! changed nothing.

use engine_catalog::{
    Artifacts, Catalog, Error, Expect, Filter, Members, Name, ObjectId, PreparedEngine, RefName,
    Scrub, Stamp, VerifyScope,
};

use super::sample::{entry, id, name};
use super::view::seen;

/// What a call has changed, for all that it said.
pub(super) enum Acknowledged {
    /// It was refused, or changes nothing that can be read.
    Nothing,
    /// These refs hold these objects.
    Refs(Vec<(RefName, Option<ObjectId>)>),
    /// The snapshot `s2` is this, or has no name any more.
    Snapshot(Option<ObjectId>),
    /// Whatever the other catalog has.
    Anything,
}

/// Calls the writer of a letter; those of [`LETTERS`].
pub(super) fn act(catalog: &Catalog, letter: u8, other: &Catalog) -> Result<Acknowledged, Error> {
    let stamp = &Stamp::new("fuzz@here", 7).expect("it is a name");
    let (v, w) = (name(0), name(1));
    let put = |letter| catalog.put(&entry(letter), stamp);
    let one = |object| Acknowledged::Refs(vec![(v.clone(), object)]);
    let snapshot = Name::new("s2").expect("it is a name");
    Ok(match letter {
        b'p' => one(Some(put('A')?.object)),
        b'q' => one(Some(put('B')?.object)),
        b'n' => one(Some(put('D')?.object)),
        b'a' => {
            let puts = catalog.put_all(&[entry('A'), entry('C'), entry('B')], stamp)?;
            let objects: Vec<_> = puts.iter().map(|put| put.object).collect();
            assert_eq!(objects, [id('A'), id('C'), id('B')]);
            Acknowledged::Refs(vec![(v, Some(objects[2])), (w, Some(objects[1]))])
        }
        b'e' => one(Some(
            catalog.put_if(&entry('A'), Expect::Absent, stamp)?.object,
        )),
        b'o' => {
            let expect = Expect::Object(id('B'));
            one(Some(catalog.put_if(&entry('A'), expect, stamp)?.object))
        }
        b't' => {
            catalog.retire(&v, Expect::Any, stamp)?;
            one(None)
        }
        b'd' => match catalog.delete("e:v", stamp)? {
            true => one(None),
            false => Acknowledged::Nothing,
        },
        b'b' => one(Some(catalog.rollback(&v, None, stamp)?.object)),
        b'B' => one(Some(catalog.rollback(&v, Some(id('A')), stamp)?.object)),
        b'g' => {
            let image = Artifacts::Image("registry.example/x".into());
            let prepared = PreparedEngine::new("e", "v", image, 1);
            one(Some(catalog.record(&prepared, stamp)?.put.object))
        }
        b's' => {
            let all = Members::Current(Filter::default());
            Acknowledged::Snapshot(Some(catalog.create_snapshot(&all, Some(&snapshot))?))
        }
        b'x' => {
            catalog.remove_snapshot(&snapshot)?;
            Acknowledged::Snapshot(None)
        }
        b'i' => {
            for imported in catalog.import(other, stamp)?.refs {
                assert!(seen(catalog.entry(&imported.theirs.object)).is_ok_and(|it| it.is_some()));
            }
            Acknowledged::Anything
        }
        b'v' => {
            let clock = &|| 7;
            let scrub = Scrub {
                budget: None,
                max_age: None,
                clock,
            };
            let _ = catalog.verify(&VerifyScope::Scrub(scrub), &|_| {})?;
            Acknowledged::Nothing
        }
        _ => {
            catalog.diagnose(7)?;
            Acknowledged::Nothing
        }
    })
}

impl Acknowledged {
    /// Requires that it is there.
    pub(super) fn assert_is_there(&self, catalog: &Catalog) {
        match self {
            Self::Refs(refs) => {
                for (name, object) in refs {
                    let found = seen(catalog.current(name)).expect("it was acknowledged");
                    assert_eq!(found.map(|it| it.object), *object, "{name}");
                }
            }
            Self::Snapshot(object) => {
                let found = seen(catalog.snapshots()).expect("it was acknowledged");
                let found = found.into_iter().filter_map(Result::ok);
                let found = found
                    .filter(|it| it.name.as_str() == "s2")
                    .map(|it| it.object);
                assert!(found.eq(*object), "the name stands for something else");
                let stored = object.map(|it| seen(catalog.snapshot(&it)));
                assert!(stored.is_none_or(|it| it.is_ok_and(|it| it.is_some())));
            }
            Self::Nothing | Self::Anything => {}
        }
    }

    /// Whether a ref may be another one than it was.
    pub(super) fn may_have_changed(&self, name: &RefName) -> bool {
        match self {
            Self::Refs(refs) => refs.iter().any(|(changed, _)| changed == name),
            Self::Anything => true,
            Self::Nothing | Self::Snapshot(_) => false,
        }
    }
}
