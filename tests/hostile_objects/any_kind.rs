//! What can be wrong in the same way with an object of any kind: its frame, its keys, the types of
//! its values.

use super::raw::{
    Cases, RawMap, array, bytes, head, malformed, not_canonical, parts, shape, text,
    unknown_schema, wide_head,
};

/// The keys that may be absent.
const OPTIONAL: [&str; 4] = ["digest", "build_ref", "build_flags", "name"];

pub(crate) fn cases(base: &RawMap) -> Cases {
    let mut cases = Cases::default();
    frame(base, &mut cases);
    schema(base, &mut cases);
    fields(base, &mut cases);
    cases
}

/// What can be wrong with the keys and values of a map, also of one within an object.
pub(crate) fn fields(base: &RawMap, cases: &mut Cases) {
    for (key, value) in &base.0 {
        spelling(base, key, value, cases);
        presence(base, key, value, cases);
        junk(base, key, value, cases);
    }
}

/// The item as a whole.
fn frame(base: &RawMap, cases: &mut Cases) {
    let (whole, fields, count) = (base.encode(), base.fields(), base.0.len() as u64);
    cases.add("nothing", [], malformed());
    cases.add("a break alone", [0xff], malformed());
    cases.add("an empty map", [0xa0], shape());
    cases.add("a number", [0x00], shape());
    cases.add("null", [0xf6], shape());
    cases.add("a trailing byte", [&whole[..], &[0]].concat(), malformed());
    cases.add("the object twice", whole.repeat(2), malformed());
    for cut in 1..whole.len() {
        cases.add(format!("cut to {cut} bytes"), &whole[..cut], malformed());
    }
    let tagged = [&[0xd9, 0xd9, 0xf7], &whole[..]].concat();
    cases.add("a tag on the whole", tagged, not_canonical());
    let indefinite = [&[0xbf], &fields[..], &[0xff]].concat();
    cases.add("a map of indefinite length", indefinite, not_canonical());
    let endless = [&[0xbf], &fields[..]].concat();
    cases.add("a map without an end", endless, malformed());
    for width in [1, 2, 4, 8] {
        let long = [wide_head(5, count, width), fields.clone()].concat();
        cases.add(
            format!("map length in {width} bytes"),
            long,
            not_canonical(),
        );
    }
    for (what, claimed) in [("more", count + 1), ("fewer", count - 1), ("2^63", 1 << 63)] {
        let lying = [head(5, claimed), fields.clone()].concat();
        cases.add(
            format!("a map that claims {what} fields"),
            lying,
            malformed(),
        );
    }
    for at in 1..base.0.len() {
        let mut swapped = base.clone();
        swapped.0.swap(at - 1, at);
        let what = format!("fields {} and {at} swapped", at - 1);
        cases.add(what, swapped.encode(), not_canonical());
    }
    // The decoder takes an array for a struct, whose first field it wants to be the schema, and then
    // says that some of it is left over.
    let values: Vec<_> = base.0.iter().map(|(_, value)| value.clone()).collect();
    let error = if parts(&values[0]).0 == 3 {
        malformed()
    } else {
        shape()
    };
    cases.add("an array of the values", array(&values), error);
    let schema = base.value("schema").to_vec();
    cases.add("an array of the schema", array(&[schema]), shape());
    cases.add("an unknown key", base.and("zzzzzzzzzzzz", [0]), shape());
    for nested in [[0x81], [0xc1], [0xa1]].map(|head| head.repeat(100_000)) {
        let deep = base.and("zzzzzzzzzzzz", [nested, vec![0]].concat());
        cases.add("deep nesting", deep, malformed());
    }
}

/// The value of `schema`.
fn schema(base: &RawMap, cases: &mut Cases) {
    for found in [
        "engine-entry/2",
        "",
        "SNAPSHOT/1",
        "snapshot/1 ",
        "snapshot",
    ] {
        let other = base.with("schema", text(found));
        cases.add(format!("schema {found:?}"), other, unknown_schema(found));
    }
    let same = base.value("schema")[1..].to_vec();
    cases.add(
        "schema as bytes",
        base.with("schema", bytes(&same)),
        not_canonical(),
    );
    cases.add(
        "schema as list",
        base.with("schema", array(&[text("x")])),
        shape(),
    );
}

/// Other ways to write the same key and value.
fn spelling(base: &RawMap, key: &str, value: &[u8], cases: &mut Cases) {
    let tagged = base.with(key, [&[0xc1], value].concat());
    cases.add(format!("a tag on {key}"), tagged, not_canonical());
    let tagged = base.with_key(key, &[vec![0xc1], text(key)].concat());
    cases.add(format!("a tag on the key {key}"), tagged, not_canonical());
    let bytes = base.with_key(key, &bytes(key.as_bytes()));
    cases.add(format!("{key} as bytes"), bytes, not_canonical());
    let not_utf8 = base.with_key(key, &[&text(key)[..key.len()], &[0xff]].concat());
    cases.add(format!("{key} not in UTF-8"), not_utf8, malformed());
    for width in [1, 2, 4, 8] {
        let long = [&wide_head(3, key.len() as u64, width), key.as_bytes()].concat();
        let what = format!("{key} with its length in {width} bytes");
        cases.add(what, base.with_key(key, &long), not_canonical());
    }
    let (major, number, rest) = parts(value);
    for width in [1, 2, 4, 8] {
        let longer = wide_head(major, number, width);
        if longer.len() <= value.len() - rest.len() {
            continue;
        }
        let long = [&longer, rest].concat();
        let what = format!("value of {key} with its head in {width} bytes");
        cases.add(what, base.with(key, long), not_canonical());
    }
    if major >= 2 {
        let huge = base.with(key, [&head(major, 1 << 62), rest].concat());
        cases.add(
            format!("value of {key} that claims 2^62"),
            huge,
            malformed(),
        );
    }
    match major {
        2 => {
            let pieces = [&[0x5f], value, &[0xff]].concat();
            // What may be long is borrowed, and is no byte string then.
            let error = if key == "payload" {
                shape()
            } else {
                not_canonical()
            };
            cases.add(format!("{key} in pieces"), base.with(key, pieces), error);
        }
        3 => {
            // Text in pieces cannot be borrowed, and is no text then.
            let pieces = [&[0x7f], value, &[0xff]].concat();
            cases.add(format!("{key} in pieces"), base.with(key, pieces), shape());
            let not_utf8 = [&value[..value.len() - 1], &[0xff]].concat();
            cases.add(
                format!("{key} not UTF-8"),
                base.with(key, not_utf8),
                malformed(),
            );
        }
        4 => {
            let indefinite = [&[0x9f], rest, &[0xff]].concat();
            let what = format!("{key} of indefinite length");
            cases.add(what, base.with(key, indefinite), not_canonical());
            let deep = base.with(key, [vec![0x81; 100_000], vec![0]].concat());
            cases.add(format!("deep nesting in {key}"), deep, malformed());
        }
        _ => {}
    }
}

/// Whether the key is there.
fn presence(base: &RawMap, key: &'static str, value: &[u8], cases: &mut Cases) {
    cases.add(format!("{key} twice"), base.and(key, value), shape());
    let is_optional = OPTIONAL.contains(&key);
    if !is_optional {
        cases.add(format!("no {key}"), base.without(key), shape());
    }
    let null = if is_optional {
        not_canonical()
    } else {
        shape()
    };
    cases.add(format!("null as {key}"), base.with(key, [0xf6]), null);
    cases.add(
        format!("undefined as {key}"),
        base.with(key, [0xf7]),
        shape(),
    );
}

/// Values of other types, as the value and as an element of it.
fn junk(base: &RawMap, key: &str, value: &[u8], cases: &mut Cases) {
    let (major, _, elements) = parts(value);
    for (what, junk, error) in [
        ("a number", vec![0x01], shape()),
        ("a negative number", vec![0x20], shape()),
        ("bytes", bytes(b"x"), shape()),
        ("text", text("x"), shape()),
        ("an array", array(&[text("x")]), shape()),
        ("a map", vec![0xa0], shape()),
        ("false", vec![0xf4], shape()),
        ("true", vec![0xf5], shape()),
        ("an unassigned simple value", vec![0xf8, 0xff], malformed()),
        ("half a float", vec![0xf9, 0x3c, 0x00], shape()),
        ("a float", vec![0xfa, 0x3f, 0x80, 0, 0], shape()),
        (
            "a double",
            vec![0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
            shape(),
        ),
        ("minus zero", vec![0xf9, 0x80, 0x00], shape()),
        ("not a number", vec![0xf9, 0x7e, 0x00], shape()),
        ("a reserved head", vec![0x1c], malformed()),
    ] {
        let own = junk[0] >> 5;
        let is_number = |major: u8| major < 2;
        let is_right = |major: u8| own == major || (is_number(own) && is_number(major));
        // Bytes pass for text while they are UTF-8, but are not written as it.
        let error_for = |major: u8| match (own, major) {
            (2, 3) => not_canonical(),
            _ => error.clone(),
        };
        if !is_right(major) && key != "schema" {
            let other = base.with(key, junk.clone());
            cases.add(format!("{what} as {key}"), other, error_for(major));
        }
        if major == 4 {
            let element = parts(elements).0;
            // A text may be any, and no map or byte string is one that belongs there.
            if element != 3 || own != 3 {
                let list = base.with(key, array(&[junk]));
                cases.add(format!("{what} in {key}"), list, error_for(element));
            }
        }
    }
}
