//! Whether what was delivered can be played.

use std::path::Path;

use assay_encoder::ffmpeg;
use assay_protocol::profile::Rendition;

/// What is wrong with a multivariant playlist and the ones it names, in words; each must list `delivered` segments that
/// are there, and end. Of `sounds` there must be a track; where nothing is heard it may have gaps.
pub(crate) fn faults(master: &Path, delivered: usize, sounds: bool) -> Vec<String> {
    let folder = master.parent().unwrap_or(Path::new(""));
    let text = match std::fs::read_to_string(master) {
        Ok(text) => text,
        Err(e) => return vec![format!("{}: {e}", master.display())],
    };
    let tracks: Vec<_> = text.lines().filter_map(track).collect();
    let variants = addresses(&text);
    let mut faults = Vec::new();
    if variants.is_empty() {
        faults.push(format!("{}: names no rendition", master.display()));
    }
    if sounds && tracks.is_empty() {
        faults.push(format!("{}: names no audio", master.display()));
    }
    let tracks = tracks.into_iter().map(|name| (name, true));
    let all = variants.into_iter().map(|name| (name, false)).chain(tracks);
    faults.extend(all.filter_map(|(name, gaps)| fault(&folder.join(name), delivered, gaps)));
    faults
}

/// What is wrong with the renditions that a multivariant playlist without [faults] names when they are decoded from start to
/// end; `frames` are those of each source segment. Blocks for as long as that takes.
pub(crate) fn undecoded(master: &Path, renditions: &[Rendition], frames: &[u32]) -> Vec<String> {
    let folder = master.parent().unwrap_or(Path::new(""));
    let text = std::fs::read_to_string(master).unwrap_or_default();
    let variants = addresses(&text);
    let named = (variants.len() != renditions.len()).then(|| {
        format!(
            "{}: names {}, expected {} renditions",
            master.display(),
            variants.len(),
            renditions.len()
        )
    });
    let told = variants
        .iter()
        .zip(renditions)
        .filter_map(|(name, rendition)| {
            let path = folder.join(name);
            let shown = frames.iter().map(|frames| rendition.frames(*frames));
            let expected: u64 = shown.map(u64::from).sum();
            let why = match decoded(&path) {
                Ok(found) if found == expected => return None,
                Ok(found) => format!("{found} of {expected} frames are decoded"),
                Err(why) => why,
            };
            Some(format!("{}: {why}", path.display()))
        });
    named.into_iter().chain(told).collect()
}

/// Frames that FFmpeg decodes of a media playlist.
fn decoded(path: &Path) -> Result<u64, String> {
    let output = ffmpeg::command("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .map_err(|e| format!("ffprobe: {e}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let count = said
        .lines()
        .next()
        .and_then(|line| line.trim().parse().ok());
    match count.filter(|_| output.status.success() && output.stderr.is_empty()) {
        Some(count) => Ok(count),
        None => Err(format!("ffprobe: {}", ffmpeg::last_words(&output.stderr))),
    }
}

fn fault(path: &Path, delivered: usize, gaps: bool) -> Option<String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let told = |what: String| Some(format!("{}: {what}", path.display()));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => return told(e.to_string()),
    };
    let segments = addresses(&text);
    // A track that is heard later than the first segment begins there.
    let silent = text
        .lines()
        .filter_map(first)
        .filter(|_| gaps)
        .sum::<usize>();
    if silent + segments.len() != delivered {
        return told(format!(
            "lists {} segments, {delivered} were delivered",
            segments.len()
        ));
    }
    let missing = |name: &&&str| !folder.join(name).is_file();
    if let Some(missing) = segments.iter().find(missing).filter(|_| !gaps) {
        return told(format!("{missing} is missing"));
    }
    if segments.iter().all(|name| missing(&name)) {
        return told("has nothing but gaps".into());
    }
    match text.contains("#EXT-X-ENDLIST") {
        true => None,
        false => told("does not end".into()),
    }
}

/// The addresses in a playlist.
fn addresses(text: &str) -> Vec<&str> {
    let address = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(address).collect()
}

/// The number of a playlist's first entry, if the line says that.
fn first(line: &str) -> Option<usize> {
    let number = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:")?;
    number.parse().ok()
}

/// The address of an audio track, if that is what the line is about.
fn track(line: &str) -> Option<&str> {
    let (_, address) = line.strip_prefix("#EXT-X-MEDIA:")?.split_once("URI=\"")?;
    Some(address.split_once('"')?.0)
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
        let told = |delivered| faults(&master, delivered, false).join("; ");
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
        let heard = || faults(&master, 1, true).join("; ");
        assert!(heard().contains("names no audio"));
        write(
            "master.m3u8",
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:A=1\n360p.m3u8\n",
        );
        write(
            "a.m3u8",
            "#EXTM3U\n#EXT-X-GAP\n#EXTINF:2,\n9.m4s\n#EXT-X-ENDLIST\n",
        );
        assert!(heard().contains("nothing but gaps"));
        write("9.m4s", "");
        assert_eq!(heard(), "");
        write(
            "a.m3u8",
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\n9.m4s\n#EXT-X-ENDLIST\n",
        );
        assert!(heard().contains("lists 1 segments"));
    }
}
