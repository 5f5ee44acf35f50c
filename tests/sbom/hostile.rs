//! Documents made to take time, memory or stack, or to say two things at once.

use engine_catalog::{Document, DocumentError};

use crate::samples::OTHER;

fn refused(document: &str) -> DocumentError {
    Document::parse(document.as_bytes()).unwrap_err()
}

#[test]
fn document_over_the_limit_is_refused_before_it_is_read() {
    let size = Document::MAX_BYTES + 1;
    let error = Document::parse(&vec![b' '; size]).unwrap_err();
    let limit = Document::MAX_BYTES;
    assert_eq!(error, DocumentError::TooLarge { size, limit });
    let at_limit = Document::parse(&vec![b' '; limit]).unwrap_err();
    assert!(
        matches!(at_limit, DocumentError::NotJson { .. }),
        "{at_limit}"
    );
}

#[test]
fn deep_nesting_is_an_error_and_not_the_end_of_the_stack() {
    const DEEP: usize = 1_000_000;
    let unused = format!("{{\"x\":{}{}}}", "[".repeat(DEEP), "]".repeat(DEEP));
    assert!(Document::parse(unused.as_bytes()).is_err());

    let component = "{\"type\":\"library\",\"name\":\"x\",\"components\":[";
    let head = "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[";
    let nested = |depth| format!("{head}{}{}]}}", component.repeat(depth), "]}".repeat(depth));
    assert_eq!(
        Document::parse(nested(50).as_bytes())
            .unwrap()
            .components
            .len(),
        50
    );
    let error = refused(&nested(DEEP));
    assert!(error.to_string().contains("recursion limit"), "{error}");
    assert!(error.to_string().len() < 600, "{error}");
}

#[test]
fn key_that_is_used_and_stands_twice_is_refused() {
    let hash = |value: &str| format!("{{\"alg\":\"SHA-256\",\"content\":\"{OTHER}\",{value}}}");
    let bom = |component: &str| {
        format!(
            "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[{component}]}}"
        )
    };
    let component = |more: &str| format!("{{\"type\":\"file\",\"name\":\"x\",{more}}}");
    let twice = [
        "{\"bomFormat\":\"CycloneDX\",\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"}"
            .to_owned(),
        "{\"spdxVersion\":\"SPDX-2.3\",\"spdxVersion\":\"SPDX-2.2\"}".to_owned(),
        bom(&component("\"name\":\"y\"")),
        bom(&component(&format!(
            "\"hashes\":[{}]",
            hash("\"content\":\"00\"")
        ))),
        // By an escape, which is the same key.
        bom(&component("\"n\\u0061me\":\"y\"")),
        format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"x\",\"subject\":[{{\
             \"digest\":{{\"sha256\":\"{OTHER}\",\"sha256\":\"{OTHER}\"}}}}]}}"
        ),
        format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"x\",\"subject\":[{{\
             \"digest\":{{\"sha256\":\"{OTHER}\",\"SHA256\":\"{OTHER}\"}}}}]}}"
        ),
    ];
    for document in twice {
        let error = refused(&document).to_string();
        assert!(
            error.contains("duplicate field") || error.contains("twice"),
            "{document}: {error}"
        );
    }
    // What is not used may be as it likes.
    let unused = bom(&component("\"properties\":1,\"properties\":{}"));
    assert!(Document::parse(unused.as_bytes()).is_ok());
}

#[test]
fn digests_of_a_subject_are_read_in_time_that_grows_with_their_number() {
    let digests = |count: u32| {
        let digests: Vec<_> = (0..count).map(|n| format!("\"a{n}\":\"00\"")).collect();
        let statement = format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"x\",\
             \"subject\":[{{\"name\":\"x\",\"digest\":{{{}}}}}]}}",
            digests.join(",")
        );
        Document::parse(statement.as_bytes()).unwrap().components[0]
            .hashes
            .len()
    };
    // By comparing each with each this would take hours.
    assert_eq!(digests(1_000_000), 1_000_000);
}
