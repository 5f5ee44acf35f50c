//! A file that a build still has mapped into memory changes without any call that writes: `record`
//! must not take a digest of bytes that the file then does not have.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use engine_catalog::{ArtifactError, Artifacts, Catalog, Error, PreparedEngine, Stamp};
use support::skip;

mod support;

/// Dirties a page of the file, says so, and on request stores one more byte; the file stays mapped.
const MAPPER: &str = "
import mmap, sys
file = open(sys.argv[1], 'r+b')
pages = mmap.mmap(file.fileno(), 0)
pages[0] = 1
print('mapped', flush=True)
for _ in sys.stdin:
    pages[1] = 1
    print('stored', flush=True)
";

fn wait_for(answer: &str, lines: &mut impl BufRead) {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), answer);
}

#[test]
fn store_into_a_mapped_artifact_is_noticed() {
    let Some(python) = skip::program("python3") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("llama-server");
    std::fs::write(&file, [0; 8192]).unwrap();
    let mut mapper: Child = Command::new(python)
        .args(["-c", MAPPER])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = mapper.stdin.take().unwrap();
    let mut answers = BufReader::new(mapper.stdout.take().unwrap());
    wait_for("mapped", &mut answers);

    let catalog = Catalog::create(dir.path().join("catalog")).unwrap();
    let prepared = PreparedEngine::new("llamacpp", "b1", Artifacts::Files(vec![file]), 1);
    let stamp = Stamp::new("tester", 1).unwrap();
    let result = catalog.record_with_progress(&prepared, &stamp, &mut |progress| {
        if progress.done == progress.total {
            // Coarse file times must have moved on since the page was written back.
            std::thread::sleep(std::time::Duration::from_millis(50));
            requests.write_all(b"store\n").unwrap();
            wait_for("stored", &mut answers);
        }
    });
    drop(requests);
    mapper.wait().unwrap();
    assert!(
        matches!(result, Err(Error::Artifact(ArtifactError::Changed(_)))),
        "{result:?}"
    );
    assert!(catalog.find("llamacpp/b1").unwrap().is_none());
}
