//! FFmpeg's words without what must not be logged.

/// The last line that says something, without addresses, and without `secret` wherever it may be.
pub(super) fn scrub(words: &[u8], secret: Option<&str>) -> String {
    let mut line = crate::ffmpeg::last_words(words);
    if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
        line = line.replace(secret, "…");
    }
    let shown = line.split_whitespace().map(|word| {
        // An address may hold a token in any of its parts; what ends it may be a mark of the sentence.
        match word.find("://") {
            Some(_) => "…",
            None => word,
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The same of the line that says why it ended. Where the source could not be opened that stands before the line that says so,
/// and what comes after it says the same again in other words.
pub(super) fn reason(words: &[u8], secret: Option<&str>) -> String {
    const VAIN: &[u8] = b"Impossible to open";
    let vain = words.windows(VAIN.len()).position(|at| at == VAIN);
    let before = vain.map(|at| &words[..at]).and_then(|before| {
        let end = before.iter().rposition(|&byte| byte == b'\n')?;
        Some(&before[..end])
    });
    match before {
        Some(before) if !before.trim_ascii().is_empty() => scrub(before, secret),
        _ => scrub(words, secret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_keys_nor_addresses() {
        let words = b"[srt @ 0x5] Connection to 'srt://1.2.3.4?passphrase=hunter2hunter2' failed: hunter2hunter2\n";
        let shown = scrub(words, Some("hunter2hunter2"));
        assert_eq!(shown, "Connection to … failed: …");
    }

    #[test]
    fn what_cannot_be_opened_is_said_with_its_reason() {
        let last = "[concat @ 0x5] Impossible to open 'http://a.example/x.m3u8'\n\
                    [in#0 @ 0x7] Error opening input: Invalid data found when processing input\n\
                    Error opening input file pipe:0.\n";
        let before =
            "[hls @ 0x5] URL http://a.example/i0.bin?x=1 is not in allowed_segment_extensions\n";
        let why = |words: &str| reason(words.as_bytes(), None);
        assert_eq!(
            why(&format!("{before}{last}")),
            "URL … is not in allowed_segment_extensions"
        );
        // Where it says no reason, and where something else was the end.
        assert_eq!(why(last), "Error opening input file pipe:0.");
        assert_eq!(
            why("a warning\npipe:0: Input/output error\n"),
            "pipe:0: Input/output error"
        );
    }
}
