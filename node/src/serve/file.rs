//! Files of the packager's folder, whole or in part.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame};
use hyper::header::HeaderValue;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::answer::{Body, full, headed, plain};

/// Bytes read at a time.
const PIECE: u64 = 64 << 10;
/// Largest playlist that is rewritten for a token: a week of segments.
const MAX_PLAYLIST: u64 = 64 << 20;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Playlist,
    Init,
    Segment,
}

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            // RFC 8216, section 4.
            Self::Playlist => "application/vnd.apple.mpegurl",
            Self::Init => "video/mp4",
            Self::Segment => "video/iso.segment",
        }
    }

    /// A playlist changes; what it names does not, but an init segment may be another after a new beginning.
    fn cache(self) -> &'static str {
        match self {
            Self::Playlist => "no-cache",
            Self::Init => "max-age=60",
            Self::Segment => "max-age=3600",
        }
    }
}

/// The file that a path names, if it is one that may be served.
pub(super) fn locate(folder: &Path, path: &str) -> Option<(PathBuf, Kind)> {
    let parts: Vec<_> = path.strip_prefix('/')?.split('/').collect();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let good = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.len() < 64 && part.bytes().all(plain)
    };
    if parts.len() > 2 || !parts.iter().all(|part| good(part)) {
        return None;
    }
    let kind = match parts.last()?.rsplit_once('.')?.1 {
        "m3u8" => Kind::Playlist,
        "mp4" => Kind::Init,
        "m4s" => Kind::Segment,
        _ => return None,
    };
    Some((
        parts
            .iter()
            .fold(folder.to_owned(), |path, part| path.join(part)),
        kind,
    ))
}

/// Bytes from where to where, of so many; `Err` if there are none such.
fn range(wanted: Option<&str>, length: u64) -> Result<Option<(u64, u64)>, ()> {
    // Units other than bytes, and several ranges at once, may be ignored (RFC 9110, 14.2).
    let Some(wanted) = wanted.and_then(|range| range.strip_prefix("bytes=")) else {
        return Ok(None);
    };
    let Some((from, to)) = wanted.split_once('-').filter(|_| !wanted.contains(',')) else {
        return Ok(None);
    };
    let last = length.checked_sub(1).ok_or(())?;
    let (from, to) = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => (from, to.min(last)),
        (Ok(from), Err(_)) if to.is_empty() => (from, last),
        (Err(_), Ok(count)) if from.is_empty() && count > 0 => (length.saturating_sub(count), last),
        _ => return Ok(None),
    };
    match from <= to {
        true => Ok(Some((from, to))),
        false => Err(()),
    }
}

/// The answer with a file, or with a part of it.
pub(super) async fn send(
    path: &Path,
    kind: Kind,
    wanted: Option<&str>,
    token: Option<&str>,
    head: bool,
) -> Response<Body> {
    let missing = || plain(404, "there is no such file\n");
    let Ok(mut file) = File::open(path).await else {
        return missing();
    };
    let Ok(meta) = file.metadata().await else {
        return missing();
    };
    if !meta.is_file() {
        return missing();
    }
    let mut length = meta.len();
    let mut playlist = None;
    if let (Kind::Playlist, Some(token)) = (kind, token) {
        let mut text = String::new();
        let mut head = (&mut file).take(MAX_PLAYLIST);
        if head.read_to_string(&mut text).await.is_err() {
            return missing();
        }
        let text = with_token(&text, token);
        length = text.len() as u64;
        playlist = Some(Bytes::from(text));
    }
    let Ok(part) = range(wanted, length) else {
        let mut response = plain(416, "there are no such bytes\n");
        put(&mut response, "content-range", &format!("bytes */{length}"));
        return response;
    };
    let (status, from, count) = match part {
        None => (200, 0, length),
        Some((from, to)) => (206, from, to - from + 1),
    };
    let body = match (head, playlist) {
        (true, _) => full(Bytes::new()),
        (false, Some(text)) => full(text.slice(from as usize..(from + count) as usize)),
        (false, None) => {
            if from > 0 && file.seek(SeekFrom::Start(from)).await.is_err() {
                return missing();
            }
            pieces(file, count)
        }
    };
    let mut response = headed(status, kind.content_type(), count, body);
    put(&mut response, "cache-control", kind.cache());
    if status == 206 {
        let last = from + count - 1;
        let range = format!("bytes {from}-{last}/{length}");
        put(&mut response, "content-range", &range);
    }
    response
}

fn put(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// So many bytes of a file, read as they are sent.
fn pieces(file: File, count: u64) -> Body {
    let frames = stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let mut piece = vec![0; left.min(PIECE) as usize];
        file.read_exact(&mut piece).await?;
        let left = left - piece.len() as u64;
        Ok(Some((Frame::data(Bytes::from(piece)), (file, left))))
    });
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

/// A playlist whose addresses carry the token: players ask for them as they are.
fn with_token(playlist: &str, token: &str) -> String {
    let mut out = String::with_capacity(playlist.len() + playlist.len() / 2);
    for line in playlist.lines() {
        match line.split_once("URI=\"") {
            _ if line.is_empty() => {}
            None if line.starts_with('#') => out.push_str(line),
            None => out.extend([line, "?token=", token]),
            Some((before, rest)) => match rest.split_once('"') {
                Some((uri, after)) => {
                    out.extend([before, "URI=\"", uri, "?token=", token, "\"", after]);
                }
                None => out.push_str(line),
            },
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_packagers_files_have_a_name() {
        let folder = Path::new("/hls");
        let found = |path| locate(folder, path).map(|(path, _)| path);
        assert_eq!(found("/master.m3u8"), Some("/hls/master.m3u8".into()));
        assert_eq!(
            found("/0_360p/00001.m4s"),
            Some("/hls/0_360p/00001.m4s".into())
        );
        for bad in [
            "/",
            "",
            "/..",
            "/../keys.mp4",
            "/0/../keys.mp4",
            "//etc.mp4",
            "/%2e%2e/x.mp4",
            "/a/b/c.mp4",
            "/.hidden.mp4",
            "/a/.mp4",
            "/operator.json",
            "/master.m3u8/",
            "/x\0.mp4",
            "/master.part",
        ] {
            assert_eq!(found(bad), None, "{bad}");
        }
    }

    #[test]
    fn ranges() {
        assert_eq!(range(None, 10), Ok(None));
        assert_eq!(range(Some("bytes=0-3"), 10), Ok(Some((0, 3))));
        assert_eq!(range(Some("bytes=4-"), 10), Ok(Some((4, 9))));
        assert_eq!(range(Some("bytes=-3"), 10), Ok(Some((7, 9))));
        assert_eq!(range(Some("bytes=5-99"), 10), Ok(Some((5, 9))));
        assert_eq!(range(Some("bytes=-99"), 10), Ok(Some((0, 9))));
        assert_eq!(range(Some("bytes=10-"), 10), Err(()));
        assert_eq!(range(Some("bytes=3-2"), 10), Err(()));
        assert_eq!(range(Some("bytes=0-"), 0), Err(()));
        for ignored in [
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=a-b",
            "bytes=-",
            "bytes",
        ] {
            assert_eq!(range(Some(ignored), 10), Ok(None), "{ignored}");
        }
    }

    #[test]
    fn every_address_carries_the_token() {
        let playlist = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\n0.m4s\n";
        assert_eq!(
            with_token(playlist, "t"),
            "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4?token=t\"\n#EXTINF:2,\n0.m4s?token=t\n"
        );
    }
}
