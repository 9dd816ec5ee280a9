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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_keys_nor_addresses() {
        let words = b"[srt @ 0x5] Connection to 'srt://1.2.3.4?passphrase=hunter2hunter2' failed: hunter2hunter2\n";
        let shown = scrub(words, Some("hunter2hunter2"));
        assert_eq!(shown, "Connection to … failed: …");
    }
}
