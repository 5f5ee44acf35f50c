//! `allowed_signers`: what each line says, as stock `ssh-keygen` has it; and what is refused, by its line.

use engine_catalog::{
    AllowedSigners, AllowedSignersError, CivilTime, KeyError, PublicKey, SignerLineError,
    SignerStanding, SshSignature,
};

use crate::keygen::{ED25519, Keygen, NAMESPACE, ZONE};
use crate::signers;

const OBJECT: &[u8] = b"the bytes of an object";

/// 2026-07-01T12:00:00Z.
const NOON: i64 = 1_782_907_200;
/// The same in the time zone of the tests' `ssh-keygen`, and the seconds around it.
const LOCAL: [&str; 3] = ["20260701005959", "20260701010000", "20260701010001"];

/// A time of that zone.
fn local(time: CivilTime) -> Option<i64> {
    assert_eq!(ZONE, "<-11>11");
    Some(time.in_utc()? + 11 * 3600)
}

/// The word for what a file says of the key of a signature at noon, and what stock says.
fn said(keygen: &Keygen, text: &str, signature: &[u8]) -> (&'static str, bool) {
    let key = SshSignature::parse(signature).unwrap().key().clone();
    let parsed = AllowedSigners::parse(text.as_bytes(), local);
    let word = match parsed.map(|it| it.judge(&key, NOON * 1000 + 999)) {
        Ok(SignerStanding::Accepted { .. }) => "accepted",
        Ok(SignerStanding::Unknown) => "unknown",
        Ok(SignerStanding::OtherNamespaces { .. }) => "other",
        Ok(SignerStanding::NotYetValid { .. }) => "early",
        Ok(SignerStanding::Expired { .. }) => "late",
        Ok(_) => unreachable!("there is no other"),
        Err(_) => "refused",
    };
    let is_good = keygen.verifies_at_noon(text, signature, OBJECT);
    (word, is_good)
}

#[test]
fn lines_say_what_stock_takes_them_to_say() {
    let Some(keygen) = Keygen::new() else { return };
    keygen.key("one", ED25519, "");
    keygen.key("two", ED25519, "");
    let (one, two) = (keygen.public("one"), keygen.public("two"));
    let signature = keygen.sign("one", NAMESPACE, OBJECT, &[]);
    let [before, now, after] = LOCAL;
    for (text, word) in [
        (format!("me@here {one}"), "accepted"),
        (
            format!("# a comment\n\n \t\nme@here {one} of me\n"),
            "accepted",
        ),
        (format!("me@here  \t {one}\r\n"), "accepted"),
        (format!("  me@here {one}\t"), "accepted"),
        (format!("you@there,me@* {one}"), "accepted"),
        (format!("\"me@here\" {one}"), "accepted"),
        (format!("me@here {one} \"a comment"), "accepted"),
        (
            format!("me@here namespaces=\"engine-catalog\" {one}"),
            "accepted",
        ),
        (
            format!("me@here NameSpaces=\"git,engine-*\" {one}"),
            "accepted",
        ),
        (
            format!("me@here namespaces=\"?ngine-catalog\" {one}"),
            "accepted",
        ),
        (
            format!("me@here namespaces=\"a\\\"b,engine-catalog\" {one}"),
            "accepted",
        ),
        (format!("me@here namespaces=\"git\" {one}"), "other"),
        (format!("me@here namespaces=\"\" {one}"), "other"),
        (
            format!("me@here namespaces=\"*,!engine-catalog\" {one}"),
            "other",
        ),
        (
            format!("me@here namespaces=\"ENGINE-CATALOG\" {one}"),
            "other",
        ),
        (format!("me@here {two}"), "unknown"),
        (String::new(), "unknown"),
        (format!("me@here {two}\nme@here {one}"), "accepted"),
        // The first and the last second.
        (
            format!("me@here valid-after=\"20260701120000Z\" {one}"),
            "accepted",
        ),
        (
            format!("me@here valid-after=\"20260701120001Z\" {one}"),
            "early",
        ),
        (
            format!("me@here valid-before=\"20260701120000Z\" {one}"),
            "accepted",
        ),
        (
            format!("me@here valid-before=\"20260701115959Z\" {one}"),
            "late",
        ),
        (
            format!("me@here valid-before=\"202607011200Z\" {one}"),
            "accepted",
        ),
        (format!("me@here valid-before=\"20260701Z\" {one}"), "late"),
        (format!("me@here valid-after=\"{now}\" {one}"), "accepted"),
        (format!("me@here valid-after=\"{after}\" {one}"), "early"),
        (format!("me@here valid-before=\"{now}\" {one}"), "accepted"),
        (format!("me@here valid-before=\"{before}\" {one}"), "late"),
        (
            format!("me@here valid-after=\"20260101\",valid-before=\"20270101\" {one}"),
            "accepted",
        ),
        // One line that accepts it is enough.
        (
            format!("me@here valid-before=\"20200101\" {one}\nme@here {one}"),
            "accepted",
        ),
        (
            format!("me@here namespaces=\"git\" {one}\nme@here valid-before=\"20200101\" {one}"),
            "late",
        ),
        // What stock refuses too.
        (format!("me@here valid-before=20270101 {one}"), "refused"),
        (
            format!("me@here namespaces=\"git\",namespaces=\"*\" {one}"),
            "refused",
        ),
        (format!("me@here touch-required {one}"), "refused"),
        (format!("me@here namespaces=\"*\", {one}"), "refused"),
        (format!("me@here valid-before=\"2027\" {one}"), "refused"),
        (
            format!("me@here valid-after=\"20270101\",valid-before=\"20260101\" {one}"),
            "refused",
        ),
        (format!("me@here {one}x"), "refused"),
        (format!("me@here cert-authority {one}"), "refused"),
        ("me@here".to_owned(), "refused"),
        // Of whom stock takes nobody.
        (format!("!* {one}"), "refused"),
        (format!("me@here,!* {one}"), "refused"),
        (format!("!me@here {one}"), "refused"),
        (format!(", {one}"), "refused"),
        (format!("\u{feff}me@here {one}"), "refused"),
        (
            format!("me@here namespaces=\"{}\" {one}", "*".repeat(1023)),
            "refused",
        ),
        (
            format!("me@here namespaces=\"{}\" {one}", "*".repeat(1022)),
            "accepted",
        ),
    ] {
        let (found, is_good) = said(&keygen, &text, &signature);
        assert_eq!(found, word, "{text}");
        assert_eq!(is_good, word == "accepted", "ssh-keygen: {text}");
    }
    // Where stock passes over a line, or makes something of it that was not meant.
    for text in [
        format!("me@here cert-authority {two}\nme@here {one}"),
        format!("you@there nonsense\nme@here {one}"),
        format!("me@here,!you@there {one}"),
        format!("me@here valid-before=\"20270231Z\" {one}"),
        format!("me@here valid-before=\"20270101UTC\" {one}"),
    ] {
        assert_eq!(
            said(&keygen, &text, &signature),
            ("refused", true),
            "{text}"
        );
    }
}

/// A key that is published (RFC 8032, section 7.1, test 1).
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

#[test]
fn wrong_lines_are_told_by_their_number() {
    let option = |it: &str| SignerLineError::UnknownOption { option: it.into() };
    let time = |text: &str| {
        let (option, text) = ("valid-after", text.into());
        SignerLineError::Time { option, text }
    };
    let base64 = KEY.split_once(' ').unwrap().1;
    for (line, cause) in [
        ("me".into(), SignerLineError::NoKey),
        ("me ssh-ed25519".into(), SignerLineError::NoKey),
        (format!("\"\" {KEY}"), SignerLineError::NoPrincipal),
        (format!("\"me {KEY}"), SignerLineError::OpenQuote),
        (format!("me\"\" {KEY}"), SignerLineError::QuoteInside),
        (
            format!("me namespaces=\"x {KEY}"),
            SignerLineError::OpenQuote,
        ),
        (
            format!("me cert-authority {KEY}"),
            SignerLineError::CertAuthority,
        ),
        (
            format!("me namespaces=\"x\",CERT-Authority {KEY}"),
            SignerLineError::CertAuthority,
        ),
        (format!("me x=\"y\" {KEY}"), option("x")),
        (format!("me namespaces {KEY}"), option("namespaces")),
        (format!("me namespaces=\"x\"y {KEY}"), option("y")),
        (
            format!("me namespaces=x {KEY}"),
            SignerLineError::Unquoted {
                option: "namespaces",
            },
        ),
        (
            format!("me valid-after=\"19691231Z\" {KEY}"),
            time("19691231Z"),
        ),
        (
            format!("me valid-after=\"19700101Z\" {KEY}"),
            time("19700101Z"),
        ),
        (
            format!("me valid-after=\"20261301Z\" {KEY}"),
            time("20261301Z"),
        ),
        (
            format!("me valid-after=\"20260229Z\" {KEY}"),
            time("20260229Z"),
        ),
        (
            format!("me valid-after=\"2026010124\" {KEY}"),
            time("2026010124"),
        ),
        (
            format!("me valid-after=\"202601012460\" {KEY}"),
            time("202601012460"),
        ),
        (
            format!("me valid-after=\"+2026010\" {KEY}"),
            time("+2026010"),
        ),
        (
            format!("me valid-after=\"20260101Z\",valid-before=\"20260101Z\" {KEY}"),
            SignerLineError::NeverValid,
        ),
        (
            format!("me ssh-dss {base64}"),
            SignerLineError::Key(KeyError::OtherKind {
                expected: "ssh-dss".into(),
                found: "ssh-ed25519".into(),
            }),
        ),
        (
            format!("me ssh-ed25519 {}", &base64[..64]),
            SignerLineError::Key(KeyError::Malformed),
        ),
        ("\u{7f}".into(), SignerLineError::NotText),
    ] {
        let text = format!("# the first line\nyou {KEY}\n{line}\n");
        let found = AllowedSigners::parse(text.as_bytes(), CivilTime::in_utc);
        assert_eq!(
            found,
            Err(AllowedSignersError::Line { line: 3, cause }),
            "{line}"
        );
    }
    let latin1 = AllowedSigners::parse(b"\nj\xfcrgen", CivilTime::in_utc);
    let cause = SignerLineError::NotText;
    assert_eq!(latin1, Err(AllowedSignersError::Line { line: 2, cause }));
    let bytes = AllowedSigners::MAX_BYTES + 1;
    let large = AllowedSigners::parse(&vec![b'\n'; bytes], CivilTime::in_utc);
    assert_eq!(large, Err(AllowedSignersError::TooLarge { bytes }));
}

#[test]
fn leap_days_and_the_last_second_of_a_year_are_times() {
    for (text, expected) in [
        ("20280229Z", 1_835_395_200),
        ("20000301Z", 951_868_800),
        ("19701231235959Z", 31_535_999),
        ("99991231235959Z", 253_402_300_799),
    ] {
        let line = format!("me valid-before=\"{text}\" {KEY}\n");
        let key = PublicKey::from_text(KEY).unwrap();
        let at = |seconds: i64| signers(&line).judge(&key, seconds * 1000);
        assert!(
            matches!(at(expected), SignerStanding::Accepted { .. }),
            "{text}"
        );
        let expired = SignerStanding::Expired { until: expected };
        assert_eq!(at(expected + 1), expired, "{text}");
        let shown = expired.to_string();
        let digits = text.trim_end_matches('Z');
        assert!(shown.contains(digits), "{shown}");
    }
}

#[test]
fn what_is_no_date_or_no_time_is_no_second() {
    let time = CivilTime {
        year: 2028,
        month: 2,
        day: 29,
        hour: 23,
        minute: 59,
        second: 59,
    };
    assert_eq!(time.in_utc(), Some(1_835_481_599));
    for wrong in [
        CivilTime { year: 1969, ..time },
        CivilTime { year: 2027, ..time },
        CivilTime { month: 0, ..time },
        CivilTime { month: 13, ..time },
        CivilTime { day: 0, ..time },
        CivilTime { day: 30, ..time },
        CivilTime { hour: 24, ..time },
        CivilTime { minute: 60, ..time },
        CivilTime { second: 60, ..time },
    ] {
        assert_eq!(wrong.in_utc(), None, "{wrong:?}");
    }
}
