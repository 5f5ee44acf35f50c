//! Section 6: the lines of histories, and what they add up to.

use super::{decode_name, is_object_id};

/// A history line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) at: i64,
    pub(crate) op: String,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
    pub(crate) actor: String,
}

/// A line with its `LF`.
pub(crate) fn parse_line(line: &[u8]) -> Option<Line> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let fields: Vec<_> = line.split(' ').collect();
    let [at, op, old, new, actor] = fields[..] else {
        return None;
    };
    let digits = at.strip_prefix('-').unwrap_or(at);
    let is_number = at == "0" || digits.starts_with(|c| matches!(c, '1'..='9'));
    let is_op = ["put", "retire", "prune", "rollback", "pull", "import"].contains(&op);
    let is_sound =
        is_number && is_op && (new == "-") == ["retire", "prune"].contains(&op) && old != new;
    let id = |text: &str| match text {
        "-" => Some(None),
        id => is_object_id(id).then(|| Some(id.to_owned())),
    };
    is_sound.then_some(Line {
        at: at.parse().ok()?,
        op: op.to_owned(),
        old: id(old)?,
        new: id(new)?,
        actor: decode_name(actor)?,
    })
}

/// The lines of a history without its torn end, or the number of a line that is damaged.
pub(crate) fn parse_history(bytes: &[u8]) -> Result<Vec<Line>, usize> {
    let texts: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(&texts) {
        match parse_line(text) {
            Some(line) => lines.push(line),
            None if number == texts.len() && is_torn(text) => {}
            None => return Err(number),
        }
    }
    Ok(lines)
}

/// "The end."
fn is_torn(text: &[u8]) -> bool {
    !text.ends_with(b"\n") || text.contains(&0)
}

/// "What leads to the ref."
pub(crate) fn leads_to(lines: &[Line], held: Option<&str>) -> bool {
    let led_there = lines.iter().any(|line| line.new.as_deref() == held);
    let nothing_took_effect = lines.iter().all(|line| line.old.as_deref() == held);
    led_there || nothing_took_effect
}

/// "Which lines took effect."
pub(crate) fn committed(lines: Vec<Line>, held: Option<String>) -> Vec<Line> {
    let (mut expected, mut kept) = (held, Vec::new());
    for line in lines.into_iter().rev() {
        if line.new == expected {
            expected.clone_from(&line.old);
            kept.push(line);
        }
    }
    kept.reverse();
    kept
}

/// "Undoing."
pub(crate) fn undo(kept: &[Line]) -> Option<String> {
    let (mut stack, mut retired) = (Vec::new(), false);
    for line in kept {
        if let (true, Some(old)) = (stack.is_empty(), &line.old) {
            stack.push(old);
        }
        retired = line.new.is_none();
        let Some(new) = &line.new else { continue };
        if line.op == "rollback" && stack.contains(&new) {
            while stack.last() != Some(&new) {
                stack.pop();
            }
        } else if stack.last() != Some(&new) {
            stack.push(new);
        }
    }
    let below = if retired { 0 } else { 1 };
    stack.into_iter().rev().nth(below).cloned()
}
