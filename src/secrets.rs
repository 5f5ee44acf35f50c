//! The guard against credentials in entries.
//!
//! Objects are immutable and shared, so a secret that entered one could not be taken back. The
//! guard knows a few shapes that are almost never anything else; it looks for accidents, not for
//! somebody who hides one. Findings name the shape and never carry the text.

/// A shape of text that is almost always a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretKind {
    /// `scheme://user:password@host`.
    UrlPassword,
    /// A PEM or OpenSSH private-key block.
    PrivateKey,
    /// A token of a well-known service, recognised by its prefix.
    Token,
    /// A variable such as `HF_TOKEN=`, `DB_PASSWORD=`, `CLIENT_SECRET=` or `API_KEY=` with a value.
    Assignment,
}

impl std::fmt::Display for SecretKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UrlPassword => "a password in a URL",
            Self::PrivateKey => "a private key",
            Self::Token => "an access token",
            Self::Assignment => "a token, password or secret that is given a value",
        })
    }
}

/// Returns the first shape of a credential that `text` shows.
#[must_use]
pub(crate) fn find_secret(text: &str) -> Option<SecretKind> {
    if has_url_password(text) {
        Some(SecretKind::UrlPassword)
    } else if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY") {
        Some(SecretKind::PrivateKey)
    } else if has_token(text) {
        Some(SecretKind::Token)
    } else if has_assignment(text) {
        Some(SecretKind::Assignment)
    } else {
        None
    }
}

/// Whether the authority of any URL has a user with a password that is not a placeholder.
fn has_url_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, separator)| {
        let rest = &text[at + separator.len()..];
        let end = rest
            .find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace())
            .unwrap_or(rest.len());
        rest[..end]
            .rsplit_once('@')
            .and_then(|(user_info, _host)| user_info.split_once(':'))
            .is_some_and(|(_user, password)| !is_placeholder(password))
    })
}

/// Prefixes of tokens, each with the fewest characters that follow one.
const TOKENS: [(&str, usize); 20] = [
    ("ghp_", 36),        // GitHub: personal
    ("gho_", 36),        // GitHub: OAuth
    ("ghu_", 36),        // GitHub: user-to-server
    ("ghs_", 36),        // GitHub: server-to-server
    ("ghr_", 36),        // GitHub: refresh
    ("github_pat_", 22), // GitHub: fine-grained personal
    ("glpat-", 20),      // GitLab
    ("hf_", 30),         // Hugging Face
    ("sk-", 20),         // OpenAI, Anthropic
    ("nvapi-", 40),      // NVIDIA NGC
    ("xoxb-", 20),       // Slack: bot
    ("xoxp-", 20),       // Slack: user
    ("AKIA", 16),        // AWS: access key
    ("ASIA", 16),        // AWS: temporary access key
    ("AIza", 35),        // Google API key
    ("ya29.", 20),       // Google OAuth
    ("npm_", 36),        // npm
    ("pypi-AgE", 20),    // PyPI
    ("dckr_pat_", 20),   // Docker Hub
    ("eyJhbGciOi", 30),  // JSON Web Token
];

/// Whether a token of a known service stands anywhere as a word of its own.
fn has_token(text: &str) -> bool {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    TOKENS.iter().any(|&(prefix, least)| {
        text.match_indices(prefix).any(|(at, _)| {
            let starts_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let length = text[at + prefix.len()..]
                .find(|c| !is_token_char(c))
                .unwrap_or(text.len() - at - prefix.len());
            starts_word && length >= least
        })
    })
}

/// Ends of variable names that hold credentials, in upper case.
const SECRET_NAMES: [&str; 5] = ["_TOKEN", "PASSWORD", "SECRET", "API_KEY", "ACCESS_KEY"];

/// Whether a variable that is named like a credential is given a value, as in `HF_TOKEN=…`,
/// `-DPROXY_PASSWORD:STRING=…` or `--client-secret=…`.
fn has_assignment(text: &str) -> bool {
    text.match_indices('=').any(|(at, _)| {
        let before = text[..at].trim_end();
        let variable = before
            .rsplit(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '&' | '?'))
            .next()
            .unwrap_or_default();
        // CMake writes the type of a cache variable behind its name.
        let name = variable.split(':').next().unwrap_or_default();
        let name = name.to_ascii_uppercase().replace('-', "_");
        let value = text[at + 1..]
            .trim_start_matches(['"', '\'', ' '])
            .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '&'))
            .next()
            .unwrap_or_default();
        SECRET_NAMES.iter().any(|end| name.ends_with(end)) && !is_placeholder(value)
    })
}

/// Whether a value stands for no secret: nothing, a switch, a reference to a variable, or a number
/// too short to be one (`-DEOS_TOKEN=2`).
fn is_placeholder(value: &str) -> bool {
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let reference = value.strip_prefix('$').is_some_and(|name| {
        is_name(name)
            || name
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'))
                .is_some_and(is_name)
    });
    let switch = ["on", "off", "yes", "no", "true", "false"]
        .iter()
        .any(|switch| value.eq_ignore_ascii_case(switch));
    let small_number = value.len() <= 6 && value.bytes().all(|b| b.is_ascii_digit());
    let redacted = !value.is_empty() && value.chars().all(|c| matches!(c, '*' | 'x' | 'X'));
    reference || switch || small_number || redacted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found() {
        use SecretKind::{Assignment, PrivateKey, Token, UrlPassword};
        let long = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2";
        for (text, kind) in [
            (
                "https://me:hunter2@git.example/llama.cpp".to_owned(),
                UrlPassword,
            ),
            (
                "git+ssh://ci:p%40ss@host:22/x.git@main".to_owned(),
                UrlPassword,
            ),
            (
                "https://a.example/x,http://u:pw@b.example".to_owned(),
                UrlPassword,
            ),
            (
                "https://me:p/w".to_owned() + "@x https://me:pw@host/",
                UrlPassword,
            ),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl".to_owned(),
                PrivateKey,
            ),
            ("-----BEGIN RSA PRIVATE KEY-----".to_owned(), PrivateKey),
            (format!("ghp_{long}"), Token),
            (format!("--header=Bearer hf_{long}"), Token),
            (format!("--api-key sk-ant-{long}"), Token),
            ("AKIAIOSFODNN7EXAMPLE".to_owned(), Token),
            ("HF_TOKEN=abcdefgh".to_owned(), Assignment),
            ("-DHF_TOKEN=abcdefgh".to_owned(), Assignment),
            ("-DPROXY_PASSWORD:STRING=hunter2".to_owned(), Assignment),
            ("--client-secret=hunter2".to_owned(), Assignment),
            (
                "CMAKE_ARGS=\"-DX=1 -DDB_PASSWORD=hunter2\"".to_owned(),
                Assignment,
            ),
            ("https://h.example/x?api_key=hunter2".to_owned(), Assignment),
            ("db_password = hunter2".to_owned(), Assignment),
        ] {
            assert_eq!(find_secret(&text), Some(kind), "{text}");
        }
    }

    #[test]
    fn ordinary_build_metadata_passes() {
        for text in [
            "-DGGML_CUDA=ON",
            "-DCMAKE_CUDA_ARCHITECTURES=89;90",
            "https://git.example/ggml-org/llama.cpp@b4321",
            "ssh://git@host.example:22/llama.cpp.git",
            "registry.example:5000/vllm/vllm-openai:v0.9.2@sha256:0f0f",
            "-DHF_TOKEN=",
            "-DHF_TOKEN=$HF_TOKEN",
            "-DHF_TOKEN=${HF_TOKEN}",
            "https://me:${PASSWORD}@git.example/x",
            "-DUSE_TOKEN=ON",
            "-DEOS_TOKEN=2",
            "--max-token=4096",
            "-DTOKENIZER=fast",
            "--secretary=bob",
            "-march=sk-ylake",
            "--task-aaaaaaaaaaaaaaaaaaaaaaaa",
            "risk-aaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "hf_transfer",
            "-----BEGIN PUBLIC KEY-----",
            "--password=***",
        ] {
            assert_eq!(find_secret(text), None, "{text}");
        }
    }
}
