//! The rules: each a function from a file to what breaks it there.

use crate::file::{File, Named};
use crate::{CONFINED, LAYERS, MAX_LINES, PROGRAM_ONLY, PROGRAM_ONLY_MACROS};

/// The layer of a module and its place from the bottom.
fn place(module: &str) -> Option<(usize, &'static str)> {
    let modules = LAYERS
        .iter()
        .flat_map(|(layer, modules)| modules.iter().map(move |module| (*module, *layer)));
    let mut places = (0..).zip(modules);
    places.find_map(|(at, (known, layer))| (known == module).then_some((at, layer)))
}

pub(crate) fn has_a_place(file: &File) -> Vec<String> {
    let module = file.module();
    let rule = format!(
        "module {module} has no place: add it to LAYERS in tests/architecture/main.rs, right above the \
         highest module that it imports"
    );
    let missing = place(module).is_none();
    missing.then(|| file.breach(1, &rule)).into_iter().collect()
}

pub(crate) fn imports_from_below(file: &File) -> Vec<String> {
    let module = file.module();
    let own = place(module);
    let mut breaches = Vec::new();
    for named in &file.named {
        let Some(target) = file.foreign_module(named) else {
            continue;
        };
        let rule = match (own, place(target)) {
            _ if file.is_program() && target == "cli" => continue,
            _ if file.is_program() => format!(
                "the program names {target} of its own crate: it uses the library as \
                 engine_catalog::…, as everybody does"
            ),
            (Some((own, own_layer)), Some((at, layer))) if at > own => format!(
                "{module} ({own_layer}) imports from {target} ({layer}), which stands above it: \
                 a module imports only from those before it in LAYERS of tests/architecture/main.rs"
            ),
            (_, Some(_)) => continue,
            (_, None) => format!(
                "{target} is no module: import from the module that defines it, not from the \
                 crate's root"
            ),
        };
        breaches.push(file.breach(named.line, &rule));
    }
    breaches.dedup();
    breaches
}

pub(crate) fn program_has_only_its_own_modules(file: &File) -> Vec<String> {
    let declared = file.named.windows(2).filter(|pair| {
        file.path == "main.rs" && pair[0].segments == ["mod"] && pair[1].segments != ["cli"]
    });
    let rule = "the program declares a module of the library: it uses engine_catalog::…";
    declared
        .map(|pair| file.breach(pair[1].line, rule))
        .collect()
}

pub(crate) fn names_confined_crates_in_their_place(file: &File) -> Vec<String> {
    let is_elsewhere = |named: &Named| {
        let is_breach = |(name, place)| named.segments[0] == name && !file.path.starts_with(place);
        CONFINED.into_iter().any(is_breach)
    };
    let rule = "serde_cbor belongs to cbor.rs, rustix to durable/, tracing to events.rs, ssh_key to \
                sshsig/ and toml to retention/: add what is needed there";
    file.breaches_by(is_elsewhere, rule)
}

pub(crate) fn leaves_the_surroundings_to_the_program(file: &File) -> Vec<String> {
    let touches_them = |named: &Named| {
        let ways = |path: &&[&str]| named.segments.windows(path.len()).any(|part| part == *path);
        PROGRAM_ONLY.iter().any(ways) || named.is_macro(&PROGRAM_ONLY_MACROS)
    };
    let rule = "terminal, environment, processes and exit status belong to main.rs and cli/, which \
                pass in what the library needs";
    file.breaches_by(
        |named| !file.is_program() && !named.scope.in_tests && touches_them(named),
        rule,
    )
}

pub(crate) fn handles_what_can_fail(file: &File) -> Vec<String> {
    let gives_up =
        |named: &Named| named.last() == "unwrap" || named.is_macro(&["todo", "unimplemented"]);
    let rule = "no unwrap, todo! or unimplemented! outside tests: return an error, or say why it \
                holds with expect(\"…\")";
    file.breaches_by(|named| !named.scope.in_tests && gives_up(named), rule)
}

pub(crate) fn opens_with_its_purpose(file: &File) -> Vec<String> {
    let rule = "a file opens with `//!`: what it owns, relies on, and keeps invariant";
    let missing = !file.text.starts_with("//!");
    missing.then(|| file.breach(1, rule)).into_iter().collect()
}

pub(crate) fn is_of_one_idea(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let rule = format!("{lines} lines, of at most {MAX_LINES}: is it still one idea? Divide it");
    let too_long = lines > MAX_LINES;
    too_long
        .then(|| file.breach(lines, &rule))
        .into_iter()
        .collect()
}
