//! A walk through the main job: record a prepared engine, look it up, rebuild it, roll back.
//!
//! `cargo run --release --example quickstart [DIR [BINARY]]`
//!
//! Works in DIR, which it keeps, or else in a temporary directory, which it removes. Records BINARY,
//! or else its own executable: to a catalog one real binary is like another.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use engine_catalog::{
    Artifacts, Catalog, Difference, FieldDiff, Filter, PreparedEngine, RefName, Stamp, diff,
};

fn main() -> ExitCode {
    match walk() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn walk() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let kept = arguments.next();
    let binary = arguments.next().map_or_else(std::env::current_exe, Ok)?;
    // Removed when this function ends.
    let temporary = tempfile::tempdir()?;
    let dir = kept.clone().unwrap_or_else(|| temporary.path().to_owned());
    let root = dir.join("catalog");

    step("1. Make a catalog: a directory of plain files");
    let catalog = Catalog::create(&root)?;
    println!("   {}", root.display());

    step("2. Record a prepared engine, as a provisioner does after a build");
    let server = build(&dir, "build-1", &binary, b"")?;
    let stamp = Stamp::now("quickstart")?;
    let first = PreparedEngine {
        build_ref: Some("b4321".into()),
        build_flags: Some(vec!["-DGGML_CUDA=OFF".into()]),
        ..PreparedEngine::new(
            "llamacpp",
            "b4321",
            Artifacts::Files(vec![server]),
            stamp.at_ms,
        )
    };
    let recorded = catalog.record(&first, &stamp)?;
    println!("   object {}", recorded.put.object);
    println!("   id     {}", recorded.entry.id);
    println!(
        "   The binary was hashed and synced; when `record` returned, the entry survived a power cut."
    );

    step("3. Look it up: by id, by engine and version, or by the first digits of the object");
    let digits = &recorded.put.object.to_string()[..8];
    for spec in [recorded.entry.id.as_str(), "llamacpp/b4321", digits] {
        let found = catalog.find(spec)?.ok_or("it was recorded just now")?;
        assert_eq!(found.object, recorded.put.object);
        println!("   {spec}\n      -> {}", found.entry.artifacts[0].display());
    }

    step("4. Record the same build again: nothing changes");
    let later = PreparedEngine {
        created_ms: stamp.at_ms + 60_000,
        ..first.clone()
    };
    let again = catalog.record(&later, &Stamp::now("quickstart")?)?;
    assert!(again.put.is_unchanged());
    println!("   object {} (unchanged)", again.put.object);

    step("5. Rebuild with CUDA: the same version now has another current entry");
    let server = build(&dir, "build-2", &binary, b"rebuilt")?;
    let second = PreparedEngine {
        build_flags: Some(vec!["-DGGML_CUDA=ON".into()]),
        artifacts: Artifacts::Files(vec![server]),
        ..later
    };
    let rebuilt = catalog.record(&second, &Stamp::now("quickstart")?)?;
    println!("   object {}", rebuilt.put.object);
    for FieldDiff { field, difference } in diff(&recorded.entry, &rebuilt.entry) {
        match difference {
            Difference::List { removed, added } => {
                println!("   {field}: {} -> {}", removed.join(" "), added.join(" "));
            }
            _ => println!("   {field} differs"),
        }
    }

    step("6. What pool-managerd reports and orchestratord logs");
    for record in catalog.list(&Filter::default())? {
        let identity = record?.identity();
        println!("   engine             {}", identity.engine);
        println!("   engine_version     {}", identity.engine_version);
        println!(
            "   engine_digest      {}",
            identity.engine_digest.unwrap_or_default()
        );
        println!("   engine_catalog_id  {}", identity.engine_catalog_id);
        println!("   object             {}", identity.object);
    }

    step("7. Roll back, and look at the history of llamacpp/b4321");
    let name: RefName = "llamacpp/b4321".parse()?;
    let back = catalog.rollback(&name, None, &Stamp::now("quickstart")?)?;
    assert_eq!(back.object, recorded.put.object);
    for change in catalog.history(&name)? {
        println!("   {change}");
    }

    step("8. All of it is files that b3sum, rsync and cat understand");
    show_files(&root, &root)?;
    match kept {
        Some(_) => println!("\nLook around: cargo run -- --root {} list", root.display()),
        None => println!("\nTo keep it: cargo run --release --example quickstart DIR"),
    }
    Ok(())
}

fn step(title: &str) {
    println!("\n{title}");
}

/// Stands in for twenty minutes of compiling: puts a working binary where a build would.
fn build(dir: &Path, name: &str, binary: &Path, mark: &[u8]) -> std::io::Result<PathBuf> {
    let bin = dir.join(name).join("bin");
    fs::create_dir_all(&bin)?;
    let server = bin.join("llama-server");
    let mut bytes = fs::read(binary)?;
    // What follows an ELF file is no part of the program, and makes it another build.
    bytes.extend_from_slice(mark);
    fs::write(&server, bytes)?;
    Ok(server)
}

fn show_files(root: &Path, dir: &Path) -> std::io::Result<()> {
    let mut paths: Vec<_> = fs::read_dir(dir)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            show_files(root, &path)?;
        } else {
            let shown = path.strip_prefix(root).unwrap_or(&path);
            println!("   {:>6}  {}", path.metadata()?.len(), shown.display());
        }
    }
    Ok(())
}
