//! What a file is.

mod boxes;
mod report;

use std::path::{Path, PathBuf};

use assay_protocol::profile::{Profiles, Rendition, SourceFormat};

use crate::ffmpeg;
use crate::input::InputError;
use crate::tool;
use crate::y4m;

/// Frame rate assumed when a file does not say: raw streams without timestamps.
const DEFAULT_FPS: (u32, u32) = (25, 1);

/// What a file is.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// FFmpeg's name of the container, `yuv4mpegpipe` for Y4M.
    pub container: String,
    /// FFmpeg's name of the video codec.
    pub codec: String,
    /// Width of the decoded frames, upright.
    pub width: u32,
    /// Height of the decoded frames, upright.
    pub height: u32,
    /// Degrees by which the decoder turns the coded picture to make it upright.
    pub rotation: i32,
    /// Frame rate, numerator and denominator.
    pub fps: (u32, u32),
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
    /// Bit depth to encode: 8 or 10.
    pub bit_depth: u8,
    /// Whether decoded samples use the full range.
    pub full_range: bool,
    /// CICP code points of primaries, transfer, matrix.
    pub colour: [u8; 3],
    /// What the container says, in seconds.
    pub duration: Option<f64>,
    /// The first audio stream.
    pub audio: Option<Audio>,
}

/// An audio stream, for pass-through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples a second.
    pub sample_rate: u32,
}

impl Probe {
    /// The protocol's source format.
    ///
    /// # Errors
    /// A picture smaller than 16 or larger than 65,535 in one direction.
    pub fn source_format(&self) -> Result<SourceFormat, InputError> {
        let side = |what, value: u32| match u16::try_from(value) {
            Ok(side) if side >= 16 => Ok(side),
            _ => Err(InputError::Unsupported {
                path: self.path.clone(),
                what,
                found: value.to_string(),
                expected: "16 to 65535".into(),
            }),
        };
        Ok(SourceFormat {
            width: side("width", self.width)?,
            height: side("height", self.height)?,
            bit_depth: self.bit_depth,
            full_range: self.full_range,
            colour: self.colour,
            fps_num: self.fps.0,
            fps_den: self.fps.1,
        })
    }

    /// A ladder of these heights (each at most the source's, made even, aspect ratio kept), with `like`'s other settings.
    pub fn profiles(
        &self,
        chunk_frames: u16,
        heights: &[u16],
        like: &Rendition,
    ) -> Result<Profiles, InputError> {
        let source = self.source_format()?;
        let rendition = |&height: &u16| {
            // Players like even sizes; the source's own stays as it is.
            let height = if height >= source.height {
                source.height
            } else {
                (height & !1).max(16)
            };
            let (w, h) = (u32::from(source.width), u32::from(source.height));
            // Scaled to the height, to the nearest even number; the full size stays as it is.
            let width = if height == source.height {
                w
            } else {
                ((w * u32::from(height) + h) / (2 * h)) * 2
            };
            Rendition {
                width: width.clamp(16, 65_534) as u16,
                height,
                ..*like
            }
        };
        Ok(Profiles {
            chunk_frames,
            source,
            renditions: heights.iter().map(rendition).collect(),
        })
    }
}

/// Says what a file is, without decoding it.
///
/// # Errors
/// One line for each way in which a file is no video; files cut off are found by [`Segmenter`](crate::Segmenter).
pub async fn probe(path: &Path) -> Result<Probe, InputError> {
    let owned = path.to_owned();
    let open = |source| InputError::Open {
        path: owned.clone(),
        source,
    };
    let meta = tokio::fs::metadata(path).await.map_err(open)?;
    if !meta.is_file() {
        return Err(InputError::NotAFile { path: owned });
    }
    if meta.len() == 0 {
        return Err(InputError::Empty { path: owned });
    }
    if let Some(header) = y4m_header(path).await.map_err(open)? {
        return Ok(of_y4m(path, meta.len(), &header));
    }
    let mut command = ffmpeg::prober(path);
    command.args(["-print_format", "json", "-show_format", "-show_streams"]);
    let said = tool::run(command).await?;
    let words = || {
        let words = ffmpeg::last_words(&said.words);
        let named = format!("{}: ", path.display());
        words.strip_prefix(&named).unwrap_or(&words).to_owned()
    };
    let text = String::from_utf8_lossy(&said.words);
    let report: report::Report = match serde_json::from_slice(&said.output) {
        Ok(report) if said.success => report,
        _ => {
            return Err(match boxes::missing(path).await.map_err(open)? {
                Some(detail) => InputError::CutOff {
                    path: owned.clone(),
                    place: format!("at byte {}", meta.len()),
                    detail,
                },
                None => InputError::NotVideo {
                    path: owned.clone(),
                    detail: words(),
                },
            });
        }
    };
    report.into_probe(path, meta.len(), &text)
}

async fn y4m_header(path: &Path) -> std::io::Result<Option<y4m::Header>> {
    use tokio::io::AsyncReadExt;
    let mut start = Vec::new();
    tokio::fs::File::open(path)
        .await?
        .take(1024)
        .read_to_end(&mut start)
        .await?;
    let line = start.split(|&b| b == b'\n').next().unwrap_or_default();
    Ok(if start.starts_with(y4m::MAGIC) {
        y4m::Header::parse(line).ok()
    } else {
        None
    })
}

fn of_y4m(path: &Path, bytes: u64, header: &y4m::Header) -> Probe {
    Probe {
        path: path.to_owned(),
        bytes,
        container: "yuv4mpegpipe".into(),
        codec: "rawvideo".into(),
        width: header.width,
        height: header.height,
        rotation: 0,
        fps: if header.fps.0 == 0 || header.fps.1 == 0 {
            DEFAULT_FPS
        } else {
            header.fps
        },
        pixel_format: if header.bit_depth > 8 {
            "yuv420p10le"
        } else {
            "yuv420p"
        }
        .into(),
        bit_depth: header.bit_depth,
        full_range: header.full_range,
        colour: [2; 3],
        duration: None,
        audio: None,
    }
}
