//! The guard against credentials in entries.
//!
//! Objects are immutable and shared, so a secret that entered one could not be taken back. The
//! guard knows a few shapes that are almost never anything else; it looks for accidents, not for
//! somebody who hides one. Findings name the shape and never carry the text. It takes time in
//! proportion to the text, whatever the text is.

mod assignment;
mod placeholder;
mod token;

use assignment::has_assignment;
use placeholder::{Digits, is_placeholder};
use token::has_token;

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
    } else if has_private_key(text.as_bytes()) {
        Some(SecretKind::PrivateKey)
    } else if has_token(text) {
        Some(SecretKind::Token)
    } else if has_assignment(text) {
        Some(SecretKind::Assignment)
    } else {
        None
    }
}

/// Returns whether a PEM, OpenSSH or OpenPGP private-key block begins in `bytes`.
pub(crate) fn has_private_key(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const LONGEST_LABEL: usize = 64;
    let is_private = |after: &[u8]| {
        let label = after.split(|byte| *byte == b'-').next().unwrap_or_default();
        let label = &label[..label.len().min(LONGEST_LABEL)];
        label.windows(11).any(|it| it == b"PRIVATE KEY")
    };
    let starts = bytes.windows(BEGIN.len()).enumerate();
    let mut starts = starts.filter(|(_, it)| *it == BEGIN);
    starts.any(|(at, _)| {
        let after = &bytes[at + BEGIN.len()..];
        is_private(&after[..after.len().min(LONGEST_LABEL)])
    })
}

/// Whether the authority of any URL has a user with a password, or a user that is a token.
fn has_url_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, separator)| {
        let authority = &text[at + separator.len()..];
        let ends = |c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace();
        let authority = &authority[..authority.find(ends).unwrap_or(authority.len())];
        let Some((user_info, _host)) = without_digest(authority).rsplit_once('@') else {
            return false;
        };
        match user_info.split_once(':') {
            Some((_user, password)) => !is_placeholder(password, Digits::AreSecret),
            None => user_info.len() >= 32 && user_info.chars().all(|c| c.is_ascii_alphanumeric()),
        }
    })
}

/// An image reference may have a digest behind its last `@`, where a URL has its host.
fn without_digest(authority: &str) -> &str {
    match authority.rsplit_once('@') {
        Some((image, digest)) if ["sha256:", "sha512:"].iter().any(|a| digest.starts_with(a)) => {
            image
        }
        _ => authority,
    }
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
                "docker://me:hunter2@registry.example@sha256:0f0f",
            ],
        );
        let long = format!(
            "https://oauth2accesstoken:ya29.{}@git.example/x",
            RANDOM.repeat(30)
        );
        assert_found(SecretKind::UrlPassword, &[&long]);
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
                "HF_TOKEN=${A}hunter2",
                "HF_TOKEN=${A:-hunter2}",
                "HF_TOKEN=${A-hunter2}",
                "HF_TOKEN=$(hunter2",
                "HF_TOKEN=<hunter2",
                "HF_TOKEN=%hunter2",
                "HF_TOKEN={{hunter2",
                "HF_TOKEN=[x]hunter2",
                "AWS_SECRET_ACCESS_KEY=/a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T",
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
            "--per-token serve",
            "--eos-token=-1",
            "--pad-token=[PAD]",
            "--special-token=eos",
            "--max-token=32k",
            "--max-token=-1",
            "--api-key -v",
            "-DPASS=1",
            "SIG=9",
            "kill --sig=term",
            r#"{"token":null}"#,
            "f(token=none)",
            "docker://ubuntu:22.04@sha256:0f0f",
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
            "${HF_TOKEN:-none}",
            "${HF_TOKEN:?is not set}",
            "${A:-${B}}",
            "${A}${B}",
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
        for part in [
            "a=",
            "sk-",
            "https://",
            "x ",
            "://a@",
            "\"",
            "TOKEN",
            "é:",
            "TOKEN=$A,",
            "TOKEN=$(A) ",
        ] {
            let text = part.repeat(100_000 / part.len());
            assert_eq!(find_secret(&text), None, "{part}");
        }
    }
}
