//! The guard against credentials in entries.
//!
//! Objects are immutable and shared, so a secret that entered one could not be taken back. The
//! guard knows a few shapes that are almost never anything else; it looks for accidents, not for
//! somebody who hides one. Findings name the shape and never carry the text. It takes time in
//! proportion to the text, whatever the text is.

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
    /// A name such as `HF_TOKEN`, `--password` or `API_KEY` that is given a value.
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

/// Returns the first shape of a credential that `text` shows; `None` for text without one.
#[must_use]
pub fn find_secret(text: &str) -> Option<SecretKind> {
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

/// More of a value, or of a name, than this is not looked at.
const ENOUGH: usize = 256;

/// The start of `text` up to the first character that `ends` it, and at most [`ENOUGH`] characters.
fn start(text: &str, ends: impl Fn(char) -> bool) -> &str {
    let end = text.char_indices().take(ENOUGH).find(|&(_, c)| ends(c));
    let cut = || {
        text.char_indices()
            .nth(ENOUGH)
            .map_or(text.len(), |(at, _)| at)
    };
    &text[..end.map_or_else(cut, |(at, _)| at)]
}

/// The end of `text` from behind the last character that `begins` it, and at most [`ENOUGH`]
/// characters.
fn end(text: &str, begins: impl Fn(char) -> bool) -> &str {
    let from = text
        .char_indices()
        .rev()
        .take(ENOUGH)
        .take_while(|&(_, c)| !begins(c));
    &text[from.last().map_or(text.len(), |(at, _)| at)..]
}

/// Whether the authority of any URL has a user with a password, or a user that is a token.
fn has_url_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, separator)| {
        let authority = start(&text[at + separator.len()..], |c| {
            matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace()
        });
        let Some((user_info, _host)) = authority.rsplit_once('@') else {
            return false;
        };
        match user_info.split_once(':') {
            Some((_user, password)) => !is_placeholder(password, Digits::AreSecret),
            None => user_info.len() >= 32 && user_info.chars().all(|c| c.is_ascii_alphanumeric()),
        }
    })
}

/// What a token looks like behind its prefix.
struct Token {
    prefix: &'static str,
    /// The fewest characters that follow.
    least: usize,
    /// Which follow besides letters and digits.
    also: &'static str,
    /// Whether small and capital letters and digits must be among them, which tells a random token
    /// from words.
    mixed: bool,
}

const fn token(prefix: &'static str, least: usize, also: &'static str, mixed: bool) -> Token {
    Token {
        prefix,
        least,
        also,
        mixed,
    }
}

const TOKENS: [Token; 27] = [
    token("ghp_", 36, "", false),          // GitHub: personal
    token("gho_", 36, "", false),          // GitHub: OAuth
    token("ghu_", 36, "", false),          // GitHub: user-to-server
    token("ghs_", 36, "", false),          // GitHub: server-to-server
    token("ghr_", 36, "", false),          // GitHub: refresh
    token("github_pat_", 22, "_", false),  // GitHub: fine-grained personal
    token("glpat-", 20, "-_", false),      // GitLab: personal
    token("glrt-", 20, "-_", false),       // GitLab: runner
    token("hf_", 30, "", false),           // Hugging Face: user
    token("api_org_", 30, "", false),      // Hugging Face: organisation
    token("sk-", 20, "-_", true),          // OpenAI, Anthropic
    token("nvapi-", 40, "-_", true),       // NVIDIA NGC
    token("gsk_", 40, "", false),          // Groq
    token("r8_", 36, "", false),           // Replicate
    token("xoxb-", 20, "-", false),        // Slack: bot
    token("xoxp-", 20, "-", false),        // Slack: user
    token("xapp-", 20, "-", false),        // Slack: app
    token("AKIA", 16, "", false),          // AWS: access key
    token("ASIA", 16, "", false),          // AWS: temporary access key
    token("AIza", 35, "-_", false),        // Google: API key
    token("ya29.", 20, "-_", false),       // Google: OAuth
    token("npm_", 36, "", false),          // npm
    token("pypi-AgE", 20, "-_", false),    // PyPI
    token("dckr_pat_", 20, "-_", false),   // Docker Hub
    token("hvs.", 20, "-_", false),        // Vault
    token("eyJhbGciOi", 30, "-_.", false), // JSON Web Token, {"alg":
    token("eyJ0eXAiOi", 30, "-_.", false), // JSON Web Token, {"typ":
];

/// Whether a token of a known service stands anywhere as a word of its own.
fn has_token(text: &str) -> bool {
    TOKENS.iter().any(|token| {
        text.match_indices(token.prefix).any(|(at, _)| {
            let rest = start(&text[at + token.prefix.len()..], |c| {
                !c.is_ascii_alphanumeric() && !token.also.contains(c)
            });
            let has = |is: fn(&char) -> bool| rest.chars().any(|c| is(&c));
            let is_mixed = || {
                has(char::is_ascii_digit)
                    && has(char::is_ascii_uppercase)
                    && has(char::is_ascii_lowercase)
            };
            let starts_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            starts_word && rest.len() >= token.least && (!token.mixed || is_mixed())
        })
    })
}

/// Ends of names that hold credentials, in upper case with `_` between words: each is the whole
/// name, or its last words.
const SECRET_NAMES: [(&str, Digits); 17] = [
    ("TOKEN", Digits::AreSettings), // `EOS_TOKEN=2`, `--max-token=4096`
    ("SECRET", Digits::AreSettings),
    ("PASSWORD", Digits::AreSecret),
    ("PASSWD", Digits::AreSecret),
    ("PASSPHRASE", Digits::AreSecret),
    ("PASS", Digits::AreSecret),
    ("MYSQL_PWD", Digits::AreSecret),
    ("API_KEY", Digits::AreSecret),
    ("APIKEY", Digits::AreSecret),
    ("OPENAI_KEY", Digits::AreSecret),
    ("ACCESS_KEY", Digits::AreSecret),
    ("SECRET_KEY", Digits::AreSecret),
    ("STORAGE_KEY", Digits::AreSecret),
    ("ACCOUNT_KEY", Digits::AreSecret),
    ("ACCOUNTKEY", Digits::AreSecret),
    ("SIG", Digits::AreSettings), // of a shared-access signature
    ("AUTHORIZATION", Digits::AreSettings),
];

/// What a number means as the value of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    AreSecret,
    AreSettings,
}

/// Whether a name like that of a credential is given a value: `HF_TOKEN=…`, `HF_TOKEN: …`,
/// `-DPROXY_PASSWORD:STRING=…`, `"api_key":"…"`, `--password …`.
fn has_assignment(text: &str) -> bool {
    let is_quote = |c: char| matches!(c, '"' | '\'');
    let separates = move |c: char| {
        c.is_whitespace() || is_quote(c) || matches!(c, '=' | ',' | ';' | '&' | '?' | '{' | '(')
    };
    text.char_indices().any(|(at, c)| {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        let name = match c {
            '=' => {
                let name = end(before.trim_end_matches([' ', '"', '\'']), separates);
                // CMake writes the type of a cache variable behind its name.
                name.split(':').next().unwrap_or_default()
            }
            // Of a header, in YAML or in JSON; in a path, a URL or an image reference nothing of
            // the kind follows.
            ':' if after.starts_with([' ', '"', '\'']) => {
                end(before.trim_end_matches(['"', '\'']), separates)
            }
            ' ' => {
                let option = end(before, separates);
                if option.starts_with("--") && !after.starts_with('-') {
                    option
                } else {
                    ""
                }
            }
            _ => "",
        };
        let Some(digits) = secret_name(name) else {
            return false;
        };
        let value = after.trim_start_matches([' ', '"', '\'']);
        let value = ["Bearer ", "Basic ", "bearer ", "basic "]
            .iter()
            .find_map(|scheme| value.strip_prefix(scheme))
            .unwrap_or(value);
        let value = start(value, |c| c.is_whitespace() || is_quote(c) || c == '&');
        !is_placeholder(value, digits)
    })
}

/// What a number would mean as the value of `name`; `None` where no value of it is a credential.
fn secret_name(name: &str) -> Option<Digits> {
    let name = name.trim_start_matches('-');
    // `-DHF_TOKEN` is the variable HF_TOKEN.
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let found = SECRET_NAMES.iter().find(|(end, _)| {
        let words = name.strip_suffix(end);
        words.is_some_and(|words| words.is_empty() || words == "D" || words.ends_with('_'))
    });
    found.map(|(_, digits)| *digits)
}

/// Whether a value stands for no secret: nothing, a word that says so, a reference to a variable or a
/// file, a special token in brackets, a typed setting, or a number where that is one.
fn is_placeholder(value: &str, digits: Digits) -> bool {
    const WORDS: [&str; 18] = [
        "on", "off", "yes", "no", "true", "false", "auto", "enabled", "disabled", "none", "null",
        "empty", "default", "dummy", "required", "optional", "redacted", "changeme",
    ];
    let is_word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    let is_masked = value
        .chars()
        .all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '…'));
    let is_reference = value.strip_prefix('$').is_some_and(|name| {
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        name.starts_with(['{', '(']) || name.starts_with("ENV{") || name.chars().all(is_name)
    });
    let is_setting = [
        "/", "./", "<", "{{", "%", "id=", "bool:", "int:", "float:", "str:",
    ]
    .iter()
    .any(|start| value.starts_with(start));
    let is_number = value.chars().all(|c| c.is_ascii_digit() || c == '.') && value.len() <= 16;
    is_word
        || is_masked
        || is_reference
        || is_setting
        || (is_number && digits == Digits::AreSettings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2";

    fn assert_found(kind: SecretKind, texts: &[&str]) {
        for text in texts {
            let text = text.replace('~', RANDOM);
            assert_eq!(find_secret(&text), Some(kind), "{text}");
        }
    }

    #[test]
    fn passwords_in_urls_are_found() {
        assert_found(
            SecretKind::UrlPassword,
            &[
                "https://me:hunter2@git.example/llama.cpp",
                "git+ssh://ci:p%40ss@host:22/x.git@main",
                "https://a.example/x,http://u:pw@b.example",
                "https://me:123456@git.example/x",
                "https://~@github.com/org/private.git",
            ],
        );
    }

    #[test]
    fn private_keys_and_tokens_are_found() {
        assert_found(
            SecretKind::PrivateKey,
            &[
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
                "-----BEGIN RSA PRIVATE KEY-----",
            ],
        );
        assert_found(
            SecretKind::Token,
            &[
                "ghp_~",
                "--header=x hf_~",
                "--api-key sk-ant-api03-~",
                "AKIAIOSFODNN7EXAMPLE",
                "glrt-~",
                "hvs.~",
                "gsk_~",
                "eyJhbGciOiJIUzI1NiJ9.~.~",
            ],
        );
    }

    #[test]
    fn names_of_credentials_with_values_are_found() {
        assert_found(
            SecretKind::Assignment,
            &[
                "HF_TOKEN=abcdefgh",
                "-DHF_TOKEN=abcdefgh",
                "TOKEN=abcdefgh",
                "-DPROXY_PASSWORD:STRING=hunter2",
                "--client-secret=hunter2",
                "--password hunter2",
                "--hf-token abcdefgh",
                "--passwd=hunter2",
                "DB_PASS=hunter2",
                "MYSQL_PWD=hunter2",
                "PASSWORD=123456",
                "PASSWORD=$ecret1",
                "NGC_APIKEY=hunter2",
                "AZURE_STORAGE_KEY=hunter2",
                "CMAKE_ARGS=\"-DX=1 -DDB_PASSWORD=hunter2\"",
                "https://h.example/x?api_key=hunter2",
                "https://h.example/x?sv=1&sig=hunter2",
                "https://h.example/x?token=hunter2",
                "DefaultEndpointsProtocol=https;AccountKey=hunter2",
                "db_password = hunter2",
                "HF_TOKEN: hunter2",
                r#"{"hf_token":"hunter2"}"#,
                r#""HF_TOKEN"="hunter2""#,
                "Authorization: Bearer hunter2",
                "X-Api-Key: hunter2",
            ],
        );
    }

    #[test]
    fn ordinary_build_metadata_passes() {
        for text in [
            "-DGGML_CUDA=ON",
            "-DCMAKE_CUDA_ARCHITECTURES=89;90",
            "https://git.example/ggml-org/llama.cpp@b4321",
            "ssh://git@host.example:22/llama.cpp.git",
            "registry.example:5000/vllm/vllm-openai:v0.9.2@sha256:0f0f",
            "--max-token=4096",
            "-DEOS_TOKEN=2",
            "-DTOKENIZER=fast",
            "--tokenizer auto",
            "--chars-per-token=3.5",
            "--eos-token=</s>",
            "--pad-token <pad>",
            "--override-kv tokenizer.ggml.add_bos_token=bool:false",
            "--secret=id=hf_token,env=HF_TOKEN",
            "-DWITH_LIBSECRET=/usr",
            "-Dlibsecret=enabled",
            "-DUSE_SECRET=AUTO",
            "--secretary=bob",
            "PWD=/build",
            "--api-key=EMPTY",
            "--api-key none",
            "OPENAI_API_KEY=dummy",
            "-march=sk-ylake",
            "--task-aaaaaaaaaaaaaaaaaaaaaaaa",
            "hf_transfer",
            "/models/hf_meta-llama_Llama-3.1-70B-Instruct-FP8",
            "/opt/hf_text_generation_inference_server_3.2.1/bin",
            "/opt/sk-routing-engine-linux-x64/bin",
            "sk-learn-contrib-nightly-20240901",
            "ASIA-PACIFIC-NORTHEAST1",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert_eq!(find_secret(text), None, "{text}");
        }
    }

    #[test]
    fn references_and_masks_are_no_secrets() {
        for value in [
            "",
            "$HF_TOKEN",
            "${HF_TOKEN}",
            "${HF_TOKEN:-}",
            "$ENV{HF_TOKEN}",
            "$(HF_TOKEN)",
            "$(cat /run/secrets/hf)",
            "{{ hf_token }}",
            "<token>",
            "%HF_TOKEN%",
            "***",
            "xxxx",
            "REDACTED",
            "/run/secrets/hf",
        ] {
            let mut texts = vec![format!("-DHF_TOKEN={value}"), format!("--password {value}")];
            if !value.contains(['/', ' ']) {
                texts.push(format!("https://me:{value}@git.example/x"));
            }
            for text in texts {
                assert_eq!(find_secret(&text), None, "{text}");
            }
        }
    }

    #[test]
    fn long_texts_take_time_in_proportion() {
        // At a quadratic cost some of these would take minutes.
        for part in ["a=", "sk-", "https://", "x ", "://a@", "\"", "TOKEN", "é:"] {
            let text = part.repeat(100_000 / part.len());
            assert_eq!(find_secret(&text), None, "{part}");
        }
    }
}
