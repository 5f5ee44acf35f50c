//! Policies.

use engine_catalog::{Policy, PolicyError, PolicyLineError, RefName};

use super::readable;

/// One key that may sign.
const SIGNERS: &[u8] =
    b"a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

/// A policy, and after its first empty line a name: each line means by itself what it means in the policy, the
/// first that fits the name decides, and a policy is refused for the first line that is refused by itself.
pub fn policy(bytes: &[u8]) {
    let end = bytes.windows(2).position(|it| it == b"\n\n");
    let (policy, name) = bytes.split_at(end.unwrap_or(bytes.len()));
    // Signers of its own are those of another check.
    let (policy, _) = Policy::parts(policy);
    let name = std::str::from_utf8(name).ok();
    let name = name.and_then(|it| it.trim().parse::<RefName>().ok());
    let read = |bytes: &[u8]| Policy::parse(&Policy::text(bytes, SIGNERS));
    let whole = read(policy);
    let (mut rules, mut keys) = (Vec::new(), None);
    for (number, line) in (1..).zip(policy.split(|it| *it == b'\n')) {
        match read(line) {
            Ok(one) => {
                assert!(one.rules().len() <= 1, "a line is a rule, or none");
                if let (Some(rule), Some(name)) = (one.rules().first(), &name) {
                    let of_one = format!("require 1 {}/{}", rule.engine, rule.version);
                    let fits = read(of_one.as_bytes());
                    let fits = fits.expect("it is a rule").threshold(name) == 1;
                    assert_eq!(one.threshold(name), if fits { rule.threshold } else { 0 });
                    if fits {
                        keys.get_or_insert(rule.threshold);
                    }
                }
                rules.extend_from_slice(one.rules());
            }
            Err(PolicyError::Line { line, cause }) => {
                assert_eq!(line, 1);
                readable(cause.clone());
                let line = number;
                return assert_eq!(whole, Err(PolicyError::Line { line, cause }));
            }
            Err(error) => return assert_eq!(whole, Err(error)),
        }
    }
    let whole = whole.expect("every line is accepted");
    assert_eq!(whole.rules(), rules);
    if let Some(name) = &name {
        assert_eq!(whole.threshold(name), keys.unwrap_or(0));
    }
    // Written again it is the same.
    let again: String = rules.iter().map(|it| format!("{it}\n")).collect();
    assert_eq!(read(again.as_bytes()), Ok(whole));
    let (line, cause) = (rules.len() + 1, PolicyLineError::Form);
    assert_eq!(
        read(&[again.as_bytes(), b"me"].concat()),
        Err(PolicyError::Line { line, cause })
    );
}
