//! The keys and values of a JSON object, and the elements of a list, as they stand there: in their order,
//! and those that stand twice twice; of each no more than a machine has to spare.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::value::RawValue;

/// The most elements of an index. One that is refused takes a hundred times the bytes that it has in the
/// file.
pub(super) const MOST_ELEMENTS: usize = 1_000_000;

/// A JSON list, of which nothing has been read.
pub(super) struct Elements<'a>(pub(super) Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    require_room(&elements)?;
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(InOrder)
    }
}

fn require_room<T, E: serde::de::Error>(read: &[T]) -> Result<(), E> {
    if read.len() < MOST_ELEMENTS {
        Ok(())
    } else {
        Err(E::custom("too many"))
    }
}

/// A JSON object, of which only the keys have been read.
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Pairs<'a> {
    /// Removes the value of a key that may be there and may be `null`.
    ///
    /// # Errors
    ///
    /// As reading the object would have, where the key is there twice.
    pub(super) fn take(
        &mut self,
        key: &'static str,
    ) -> Result<Option<&'a RawValue>, serde_json::Error> {
        let mut taken = self.0.extract_if(.., |(found, _)| found == key);
        let value = taken.next();
        if taken.next().is_some() {
            return Err(serde_json::Error::duplicate_field(key));
        }
        let value = value.map(|(_, value)| value);
        Ok(value.filter(|value| value.get() != "null"))
    }

    /// Reads the object as a value of a type.
    pub(super) fn read<T: Deserialize<'a>>(self) -> Result<T, serde_json::Error> {
        let pairs = self.0.into_iter();
        let pairs = pairs.map(|(key, value)| {
            let name = key.clone();
            (key, Named { name, value })
        });
        T::deserialize(MapDeserializer::new(pairs))
    }
}

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    require_room(&pairs)?;
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A value whose errors name its key.
struct Named<'a> {
    name: Cow<'a, str>,
    value: &'a RawValue,
}

impl Named<'_> {
    fn fail(&self, error: &serde_json::Error) -> serde_json::Error {
        // The place is that in this value, which says nothing to a person.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = error.to_string();
        let message = message.strip_suffix(&place).unwrap_or(&message);
        serde_json::Error::custom(format_args!("{}: {message}", self.name))
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Named<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Named<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let value = self.value.deserialize_any(visitor);
        value.map_err(|error| self.fail(&error))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let value = self.value.deserialize_option(visitor);
        value.map_err(|error| self.fail(&error))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
