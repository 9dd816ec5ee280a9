//! Whether what was delivered can be played.

use std::path::Path;

/// What is wrong with a multivariant playlist and the ones it names, in words; each must list `delivered` segments that
/// are there, and end.
pub(crate) fn faults(master: &Path, delivered: usize) -> Vec<String> {
    let folder = master.parent().unwrap_or(Path::new(""));
    let variants = match lines(master) {
        Ok(lines) if !lines.is_empty() => lines,
        Ok(_) => return vec![format!("{}: names no rendition", master.display())],
        Err(e) => return vec![format!("{}: {e}", master.display())],
    };
    variants
        .iter()
        .filter_map(|name| fault(&folder.join(name), delivered))
        .collect()
}

fn fault(path: &Path, delivered: usize) -> Option<String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let told = |what: String| Some(format!("{}: {what}", path.display()));
    let segments = match lines(path) {
        Ok(segments) => segments,
        Err(e) => return told(e.to_string()),
    };
    if segments.len() != delivered {
        return told(format!(
            "lists {} segments, {delivered} were delivered",
            segments.len()
        ));
    }
    if let Some(missing) = segments.iter().find(|name| !folder.join(name).is_file()) {
        return told(format!("{missing} is missing"));
    }
    match std::fs::read_to_string(path) {
        Ok(text) if text.contains("#EXT-X-ENDLIST") => None,
        Ok(_) => told("does not end".into()),
        Err(e) => told(e.to_string()),
    }
}

/// The addresses in a playlist.
fn lines(path: &Path) -> std::io::Result<Vec<String>> {
    let text = std::fs::read_to_string(path)?;
    let address = |line: &&str| !line.is_empty() && !line.starts_with('#');
    Ok(text.lines().filter(address).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_is_whole_or_its_fault_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
        let master = dir.path().join("master.m3u8");
        let told = |delivered| faults(&master, delivered).join("; ");
        assert!(told(0).contains("master.m3u8"));
        write("master.m3u8", "#EXTM3U\n");
        assert!(told(0).contains("names no rendition"));
        write(
            "master.m3u8",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n360p.m3u8\n",
        );
        assert!(told(1).contains("360p.m3u8"));
        write("360p.m3u8", "#EXTM3U\n#EXTINF:2,\n0.m4s\n");
        assert!(told(2).contains("lists 1 segments, 2 were delivered"));
        assert!(told(1).contains("0.m4s is missing"));
        write("0.m4s", "");
        assert!(told(1).contains("does not end"));
        write("360p.m3u8", "#EXTM3U\n#EXTINF:2,\n0.m4s\n#EXT-X-ENDLIST\n");
        assert_eq!(told(1), "");
    }
}
