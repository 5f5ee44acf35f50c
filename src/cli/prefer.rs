//! `--prefer`, of the commands that bring in what another catalog has.

use std::str::FromStr;

use clap::Args;
use engine_catalog::{Choice, Prefer, RefName};

use super::failure::Failure;

/// What is to become of refs of which each side has gone its own way.
#[derive(Debug, Args)]
pub(super) struct PreferArgs {
    /// What to do where each has gone its own way: ours, theirs, newest (by the time of the last change on
    /// each side) or none; or of one ref, such as llamacpp/b4321=theirs. Can be given several times
    #[arg(long, value_name = "[REF=]CHOICE")]
    prefer: Vec<Preferred>,
}

/// What is preferred, of one ref or in general.
#[derive(Clone, Debug)]
struct Preferred {
    name: Option<RefName>,
    choice: Choice,
}

impl FromStr for Preferred {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A version may contain the sign, a choice does not.
        let (name, word) = match text.rsplit_once('=') {
            Some((name, word)) => (Some(name), word),
            None => (None, text),
        };
        let name = name.map(RefName::from_str).transpose();
        Ok(Self {
            name: name.map_err(|error| error.to_string())?,
            choice: word.parse().map_err(|error| format!("{word:?}: {error}"))?,
        })
    }
}

impl PreferArgs {
    /// Whether anything was given.
    pub(super) fn is_given(&self) -> bool {
        !self.prefer.is_empty()
    }

    /// Returns what is preferred of which ref.
    pub(super) fn prefer(&self) -> Result<Prefer, Failure> {
        let (mut prefer, mut general) = (Prefer::default(), None);
        for Preferred { name, choice } in &self.prefer {
            let (earlier, of) = match name {
                Some(name) => (prefer.refs.insert(name.clone(), *choice), name.to_string()),
                None => (general.replace(*choice), "all".to_owned()),
            };
            if let Some(earlier) = earlier.filter(|earlier| earlier != choice) {
                let message = format!("--prefer says {earlier} and {choice} of {of}");
                return Err(Failure::Usage(message));
            }
        }
        prefer.otherwise = general.unwrap_or_default();
        Ok(prefer)
    }
}
