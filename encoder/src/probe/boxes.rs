//! Where an MP4 file that FFmpeg cannot open breaks off: its outermost boxes (ISO/IEC 14496-12).

use std::path::Path;

use shiguredo_mp4::{BoxHeader, Decode};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Kinds of box that an MP4 or QuickTime file begins with.
const FIRST: [&[u8; 4]; 7] = [
    b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide",
];

/// What is missing, in words; nothing if the file is no MP4, or has all of its boxes and an index among them.
pub(super) async fn missing(path: &Path) -> std::io::Result<Option<String>> {
    let mut file = tokio::fs::File::open(path).await?;
    let end = file.metadata().await?.len();
    let mut indexed = false;
    let mut at = 0;
    while at < end {
        file.seek(std::io::SeekFrom::Start(at)).await?;
        let mut bytes = Vec::with_capacity(BoxHeader::MAX_SIZE);
        (&mut file)
            .take(BoxHeader::MAX_SIZE as u64)
            .read_to_end(&mut bytes)
            .await?;
        if at == 0 && !FIRST.iter().any(|kind| bytes.get(4..8) == Some(*kind)) {
            return Ok(None);
        }
        let Ok((header, _)) = BoxHeader::decode(&bytes) else {
            return Ok(Some(format!("half of a box's header is at byte {at}")));
        };
        let kind = String::from_utf8_lossy(header.box_type.as_bytes()).into_owned();
        let size = header.box_size.get();
        // A box without a size reaches to the end of the file.
        let next = if size == 0 {
            end
        } else {
            at.saturating_add(size)
        };
        if next > end {
            return Ok(Some(format!(
                "of the {size} bytes of the {kind} box at byte {at} only {} are there",
                end - at
            )));
        }
        indexed |= kind == "moov";
        at = next;
    }
    Ok((!indexed).then(|| "the MP4 index (moov) is missing".into()))
}
