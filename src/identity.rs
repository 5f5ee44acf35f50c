//! The identity of an engine: what other systems keep, report and log of it, in the forms in which
//! they do.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

use crate::hash::ObjectId;
use crate::name::is_control;

/// The fields under which pool-managerd, orchestratord and the determinism suite report an engine.
///
/// All of them come from one entry, so they never say something of one build and something of
/// another. As JSON it is an object with these fields by their names; reading it back passes over
/// others, so that it can be read from a handoff file.
///
/// ```
/// use engine_catalog::EngineIdentity;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let handoff = r#"{
///     "engine": "llamacpp", "engine_version": "b4321", "engine_digest": null,
///     "engine_catalog_id": "llamacpp:b4321", "url": "http://127.0.0.1:8080",
///     "object": "6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64"
/// }"#;
/// let identity: EngineIdentity = serde_json::from_str(handoff)?;
///
/// // A line of a log, in logfmt.
/// assert_eq!(
///     format!("event=placed pool_id=pool-0 {identity}"),
///     "event=placed pool_id=pool-0 engine=llamacpp engine_version=b4321 \
///      engine_catalog_id=llamacpp:b4321 \
///      object=6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineIdentity {
    /// The engine: `llamacpp`, `vllm`, `tgi`, `triton`.
    pub engine: String,
    /// [`EngineEntry::version`](crate::EngineEntry::version).
    pub engine_version: String,
    /// [`EngineEntry::digest`](crate::EngineEntry::digest).
    pub engine_digest: Option<String>,
    /// [`EngineEntry::id`](crate::EngineEntry::id).
    pub engine_catalog_id: String,
    /// The object that holds the entry: names these very bytes, on every node and for ever.
    pub object: ObjectId,
}

impl EngineIdentity {
    /// Sets the five fields in a JSON object, such as the handoff of engine-provisioner, and leaves
    /// its other fields as they are.
    ///
    /// A digest that is absent becomes `null`, so that none of another build stays behind.
    #[cfg(feature = "json")]
    pub fn merge_into(&self, handoff: &mut serde_json::Map<String, serde_json::Value>) {
        let fields = serde_json::to_value(self).expect("its keys are texts and its values can be");
        if let serde_json::Value::Object(fields) = fields {
            handoff.extend(fields);
        }
    }
}

/// One line of logfmt: the fields in their order, less a digest that is absent. A value with a
/// space, a quote or anything else that might be taken for something else is quoted, with the
/// escapes of JSON.
impl fmt::Display for EngineIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = self.object.to_string();
        let fields = [
            ("engine", Some(self.engine.as_str())),
            ("engine_version", Some(&self.engine_version)),
            ("engine_digest", self.engine_digest.as_deref()),
            ("engine_catalog_id", Some(&self.engine_catalog_id)),
            ("object", Some(&object)),
        ];
        let present = fields
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        for (at, (key, value)) in present.enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{key}=")?;
            write_value(f, value)?;
        }
        Ok(())
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    let is_plain = |c: char| !c.is_whitespace() && !is_control(c) && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(is_plain) {
        return f.write_str(value);
    }
    f.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            // All of them are in the range that four digits reach.
            c if is_control(c) => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(version: &str, digest: Option<&str>) -> EngineIdentity {
        EngineIdentity {
            engine: "llamacpp".into(),
            engine_version: version.into(),
            engine_digest: digest.map(Into::into),
            engine_catalog_id: format!("llamacpp:{version}"),
            object: ObjectId::of(b""),
        }
    }

    #[test]
    fn an_absent_digest_is_left_out_of_a_line() {
        let object = ObjectId::of(b"");
        assert_eq!(
            identity("b1", Some("sha256:00ff")).to_string(),
            format!(
                "engine=llamacpp engine_version=b1 engine_digest=sha256:00ff \
                 engine_catalog_id=llamacpp:b1 object={object}"
            )
        );
        assert!(!identity("b1", None).to_string().contains("digest"));
    }

    #[test]
    fn a_value_that_could_be_taken_for_more_is_quoted() {
        let shown = |version: &str| {
            let line = identity(version, None).to_string();
            let (_, rest) = line.split_once("engine_version=").expect("it is shown");
            let (value, _) = rest.split_once(" engine_catalog_id").expect("it follows");
            value.to_owned()
        };
        for (version, expected) in [
            ("0.9.2+cu128", "0.9.2+cu128"),
            ("grün/x:y@z", "grün/x:y@z"),
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("a=b", r#""a=b""#),
            (r#"a"b"#, r#""a\"b""#),
            (r"a\b", r#""a\\b""#),
            ("b1\nlevel=error", r#""b1\u000alevel=error""#),
            ("\u{202e}b1\u{7f}", r#""\u202eb1\u007f""#),
        ] {
            assert_eq!(shown(version), expected, "{version:?}");
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn merging_replaces_its_fields_and_no_other() {
        let handoff = serde_json::json!({
            "engine_version": "llamacpp-source:master-cuda", "engine_digest": "blake3:old",
            "url": "http://127.0.0.1:8080", "flags": ["--metrics"], "pool_id": "pool-0",
        });
        let serde_json::Value::Object(mut handoff) = handoff else {
            unreachable!("it is an object");
        };
        let identity = identity("b1", None);
        identity.merge_into(&mut handoff);
        assert_eq!(
            serde_json::Value::Object(handoff.clone()),
            serde_json::json!({
                "engine": "llamacpp", "engine_version": "b1", "engine_digest": null,
                "engine_catalog_id": "llamacpp:b1", "object": identity.object,
                "url": "http://127.0.0.1:8080", "flags": ["--metrics"], "pool_id": "pool-0",
            })
        );
        let read: EngineIdentity =
            serde_json::from_value(serde_json::Value::Object(handoff)).expect("it was merged");
        assert_eq!(read, identity);
    }
}
