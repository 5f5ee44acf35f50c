//! `engine-catalog diff`

use clap::Args;
use engine_catalog::{Difference, FieldDiff, diff};

use super::failure::Failure;
use super::get::find;
use super::output::Output;
use super::text::printable;
use super::{Context, Status};

/// Show in which fields two entries differ
///
/// Prints nothing and exits with 0 where they are equal; exits with 1 where they differ. Lines
/// with - are of the first entry, lines with + of the second.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine-catalog diff llamacpp/b4321 llamacpp/b4330")]
pub(super) struct Diff {
    /// The first entry: engine/version, id, or first digits of an object id
    #[arg(value_name = "FROM")]
    from: String,

    /// The second entry
    #[arg(value_name = "TO")]
    to: String,
}

impl Diff {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let (from, to) = (find(&catalog, &self.from)?, find(&catalog, &self.to)?);
        let differences = diff(&from.entry, &to.entry);
        for field in &differences {
            if context.out.is_json() {
                context.out.json(field)?;
            } else {
                show_field(&mut context.out, field, "")?;
            }
        }
        Ok(if differences.is_empty() {
            Status::Done
        } else {
            Status::Found
        })
    }
}

/// Shows how a field differs, for a person.
pub(super) fn show_field(out: &mut Output, field: &FieldDiff, indent: &str) -> Result<(), Failure> {
    let (removed, added) = match &field.difference {
        Difference::Value { from, to } => (from.as_slice(), to.as_slice()),
        Difference::List { removed, added } => (&removed[..], &added[..]),
        Difference::Order { from, to } => (&from[..], &to[..]),
        _ => (&[][..], &[][..]),
    };
    let is_order = matches!(field.difference, Difference::Order { .. });
    let order = if is_order { " (order)" } else { "" };
    out.line(&format!("{indent}{}{order}", field.field))?;
    for (sign, values) in [('-', removed), ('+', added)] {
        for value in values {
            out.line(&format!("{indent}  {sign} {}", printable(value)))?;
        }
    }
    Ok(())
}
