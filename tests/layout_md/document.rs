//! Reading `layout.md`: its example blocks, its tables, and the shorthand of its examples.

use engine_catalog::ObjectId;

pub(super) const LAYOUT: &str = include_str!("../../layout.md");

/// The contents of the fenced blocks with this info string.
pub(super) fn blocks(info: &str) -> Vec<String> {
    let (mut found, mut open): (Vec<String>, Option<(bool, String)>) = (Vec::new(), None);
    for line in LAYOUT.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(this)) => open = Some((this == info, String::new())),
            (Some((wanted, text)), Some("")) => {
                if *wanted {
                    found.push(std::mem::take(text));
                }
                open = None;
            }
            (Some((_, text)), _) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    assert!(
        !found.is_empty(),
        "layout.md has no block with info {info:?}"
    );
    found
}

/// The lines of the only block with this info string.
pub(super) fn lines(info: &str) -> Vec<String> {
    let blocks = blocks(info);
    assert_eq!(blocks.len(), 1, "blocks with info {info:?}");
    blocks[0].lines().map(str::to_owned).collect()
}

/// The cells of the table rows in the section with this heading.
pub(super) fn table(heading: &str) -> Vec<Vec<String>> {
    let at = LAYOUT.find(&format!("\n{heading}\n")).expect(heading) + 1;
    let section = &LAYOUT[at + heading.len()..];
    let end = section.find("\n##").unwrap_or(section.len());
    let rows = section[..end].lines().filter_map(|line| {
        let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
        Some(row.split(" | ").map(|cell| cell.trim().to_owned()))
    });
    rows.map(Iterator::collect).collect()
}

/// Requires that the text says `sentence`, however it is wrapped.
pub(super) fn assert_says(sentence: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words(LAYOUT).contains(&words(sentence)),
        "layout.md does not say: {sentence}"
    );
}

/// The texts between backquotes.
pub(super) fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A JSON string at the start of `line`, and what follows it.
pub(super) fn json_string(line: &str) -> (String, &str) {
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<String>();
    let text = values.next().expect(line).expect(line);
    let end = values.byte_offset();
    (text, line[end..].trim())
}

/// The object id that a letter stands for in the examples of section 6.
pub(super) fn letter(letter: &str) -> ObjectId {
    let digit = letter.to_ascii_lowercase();
    assert!(matches!(letter, "A" | "B" | "C" | "D"), "{letter}");
    digit.repeat(64).parse().unwrap()
}

/// A line of an example, with the object ids for which its letters stand.
pub(super) fn expand(line: &str) -> String {
    let field = |field: &str| match field {
        "A" | "B" | "C" | "D" => letter(field).to_string(),
        other => other.to_owned(),
    };
    line.split(' ').map(field).collect::<Vec<_>>().join(" ")
}
