//! The commands of the guide, run as they stand there.

use std::fs;
use std::process::Command;

use engine_catalog::Catalog;

use crate::keygen::{ED25519, Keygen};
use crate::program::Program;
use crate::support::{entry, name, stamp};

const GUIDE: &str = include_str!("../../src/guide/trust.md");

/// What people are to type.
fn script() -> String {
    let blocks = GUIDE.split("```sh\n").skip(1);
    blocks.map(|it| it.split("```").next().unwrap()).collect()
}

#[test]
fn commands_of_the_guide_do_what_it_says() {
    let Some(keygen) = Keygen::new() else { return };
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    let put = catalog.put(&entry("b4321", 1), &stamp(1)).unwrap();
    fs::create_dir(program.dir().join(".ssh")).unwrap();
    let key = keygen.key("id_ed25519", ED25519, "");
    for (from, to) in [
        (key.clone(), "id_ed25519"),
        (key.with_extension("pub"), "id_ed25519.pub"),
    ] {
        fs::copy(from, program.dir().join(".ssh").join(to)).unwrap();
    }
    let sbom =
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}"#;
    fs::write(program.dir().join("sbom.cdx.json"), sbom).unwrap();

    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_engine-catalog"));
    let path = format!(
        "{}:{}",
        bin.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let script = script();
    assert!(script.contains("engine-catalog policy set"), "{script}");
    let ran = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(program.dir())
        .env("PATH", path)
        .env("HOME", program.dir())
        .env("ENGINE_CATALOG_ROOT", program.root())
        .env("OBJECT", put.object.to_string())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let policy = catalog.policy().unwrap().unwrap();
    assert_eq!(policy.threshold(&name("llamacpp/b4321")), 1);
    assert_eq!(policy.threshold(&name("llamacpp/dev-1")), 0);
    // One by the key, and the SBOM.
    assert_eq!(catalog.attachments(&put.object).unwrap().len(), 2);
}
