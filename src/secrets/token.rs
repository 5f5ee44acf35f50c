//! Tokens of well-known services, recognised by their prefixes.

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
pub(super) fn has_token(text: &str) -> bool {
    TOKENS.iter().any(|token| token.is_in(text))
}

impl Token {
    fn is_in(&self, text: &str) -> bool {
        let mut from = 0;
        while let Some(found) = text[from..].find(self.prefix) {
            let at = from + found;
            let rest = &text[at + self.prefix.len()..];
            from = at + self.prefix.len();
            if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) {
                continue;
            }
            let ends = |c: char| !c.is_ascii_alphanumeric() && !self.also.contains(c);
            let rest = &rest[..rest.find(ends).unwrap_or(rest.len())];
            if rest.len() >= self.least && (!self.mixed || is_mixed(rest)) {
                return true;
            }
            // What is too short, or too plain, has no better part.
            from += rest.len();
        }
        false
    }
}

/// Whether small and capital letters and digits are among the characters of `text`.
pub(super) fn is_mixed(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}
