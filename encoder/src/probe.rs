//! What a file is.

mod boxes;
mod report;

use std::path::{Path, PathBuf};

use assay_protocol::profile::{MAX_FPS, Profiles, Rendition, SourceFormat, is_frame_rate};

use crate::child::WorkerCommand;
use crate::ffmpeg::{self, Reach};
use crate::input::InputError;
use crate::limits::Limits;
use crate::sandbox::Access;
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
    /// Index of the video stream among all streams.
    pub stream: u32,
    /// FFmpeg's name of the video codec.
    pub codec: String,
    /// Width of the decoded frames, upright.
    pub width: u32,
    /// Height of the decoded frames, upright.
    pub height: u32,
    /// Whether the decoder turns or mirrors the coded picture to make it upright.
    pub turned: bool,
    /// Width to height of an upright pixel; 1:1 where the file does not say, or says what cannot be.
    pub pixel_aspect: (u32, u32),
    /// Frame rate, numerator and denominator; the average where frames come at odd times.
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
    /// Its audio streams, in order; of several programmes those of the picture's.
    pub audio: Vec<Audio>,
    /// How far into it FFmpeg has to read to know all that.
    pub reach: Reach,
}

/// An audio stream, for pass-through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// Index among all streams.
    pub stream: u32,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples a second, as they are decoded.
    pub sample_rate: u32,
    /// FFmpeg's name of the codec's profile, such as `HE-AAC`.
    pub profile: String,
    /// Whether the file says that it is the one to be heard.
    pub is_default: bool,
    /// Whether it is a commentary.
    pub is_comment: bool,
}

impl Probe {
    /// The protocol's source format.
    ///
    /// # Errors
    /// A picture smaller than 16 or larger than 65,535 in one direction, or a frame rate that none can be.
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
        if !is_frame_rate(self.fps.0, self.fps.1) {
            return Err(InputError::Unsupported {
                path: self.path.clone(),
                what: "its frame rate",
                found: format!("{}/{}", self.fps.0, self.fps.1),
                expected: format!("1/{MAX_FPS} to {MAX_FPS} frames a second"),
            });
        }
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

    /// Bytes of a decoded frame, at most.
    pub(crate) fn frame_bytes(&self) -> u64 {
        let samples = u64::from(self.width) * u64::from(self.height);
        // 4:2:0, with room for odd sides.
        2 * samples * if self.bit_depth > 8 { 2 } else { 1 }
    }

    /// Size at which the picture is meant to be seen, in square pixels: the height of the decoded frames, and the width
    /// that goes with it.
    pub fn shown_size(&self) -> (u32, u32) {
        let (num, den) = (
            u64::from(self.pixel_aspect.0),
            u64::from(self.pixel_aspect.1),
        );
        if num == den {
            return (self.width, self.height);
        }
        (even(u64::from(self.width) * num, den), self.height)
    }

    /// A ladder of these heights (each at most the source's, made even, aspect ratio kept, pixels made square), with `like`'s
    /// other settings.
    pub fn profiles(
        &self,
        chunk_frames: u16,
        heights: &[u16],
        like: &Rendition,
    ) -> Result<Profiles, InputError> {
        let source = self.source_format()?;
        let (w, h) = self.shown_size();
        let rendition = |&height: &u16| {
            // Players like even sizes; the source's own stays as it is.
            let (width, height) = if height >= source.height {
                (w, source.height)
            } else {
                let height = (height & !1).max(16);
                // Scaled to the height, to the nearest even number.
                (even(u64::from(w) * u64::from(height), h.into()), height)
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

/// The even number nearest to a fraction.
fn even(num: u64, den: u64) -> u32 {
    let half = (num + den) / (2 * den).max(1);
    u32::try_from(half * 2).unwrap_or(u32::MAX)
}

/// Says what a file is, without decoding it, in a child process of `worker`.
///
/// # Errors
/// One line for each way in which a file is no video; files cut off are found by [`Segmenter`](crate::Segmenter).
pub async fn probe(path: &Path, worker: &WorkerCommand) -> Result<Probe, InputError> {
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
    let start = start(path).await.map_err(open)?;
    if let Some((header, aspect)) = y4m_header(path, &start)? {
        return within_caps(of_y4m(path, meta.len(), &header, aspect));
    }
    let found = match ask(path, meta.len(), Reach::Usual, worker).await {
        // Sound alone, for longer than FFmpeg waits for a picture.
        Err(InputError::NoFrames { .. }) => ask(path, meta.len(), Reach::Far, worker).await,
        found => found,
    };
    within_caps(found?)
}

/// Asks ffprobe.
async fn ask(
    path: &Path,
    bytes: u64,
    reach: Reach,
    worker: &WorkerCommand,
) -> Result<Probe, InputError> {
    let owned = path.to_owned();
    let open = |source| InputError::Open {
        path: owned.clone(),
        source,
    };
    let mut command = ffmpeg::prober(path, reach);
    command.args(["-print_format", "json", "-show_format", "-show_streams"]);
    command.arg("-show_programs");
    let access = Access {
        read: vec![owned.clone()],
        ..Access::default()
    };
    let said = tool::confined(worker, &command, access).await?;
    let words = || {
        let words = ffmpeg::last_words(&said.words);
        let named = format!("{}: ", path.display());
        words.strip_prefix(&named).unwrap_or(&words).to_owned()
    };
    let text = String::from_utf8_lossy(&said.words);
    let report: report::Report = match serde_json::from_slice(&said.output) {
        Ok(report) if said.success => report,
        _ if let Some(stream) = unopened(&text) => {
            return Err(InputError::Unsupported {
                path: owned.clone(),
                what: "a stream",
                found: format!("number {stream}, which FFmpeg cannot open"),
                expected: format!(
                    "a copy without it: ffmpeg -i FILE -map 0 -map -0:{stream} -c copy COPY"
                ),
            });
        }
        _ => {
            return Err(match boxes::missing(path).await.map_err(open)? {
                Some(detail) => InputError::CutOff {
                    path: owned.clone(),
                    place: format!("at byte {bytes}"),
                    detail,
                },
                None => InputError::NotVideo {
                    path: owned.clone(),
                    detail: words(),
                },
            });
        }
    };
    Ok(Probe {
        reach,
        ..report.into_probe(path, bytes, &text)?
    })
}

/// The stream whose decoder ffprobe could not open; it says nothing of the others then.
fn unopened(words: &str) -> Option<u32> {
    let (_, after) = words.split_once("Could not open codec for input stream ")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Refuses pictures larger than workers decode.
fn within_caps(probe: Probe) -> Result<Probe, InputError> {
    let max = Limits::default().max_pixels;
    if u64::from(probe.width) * u64::from(probe.height) <= max {
        return Ok(probe);
    }
    Err(InputError::Unsupported {
        path: probe.path,
        what: "the picture's size",
        found: format!("{}x{}", probe.width, probe.height),
        expected: format!("at most {max} pixels"),
    })
}

/// As many bytes as the longest header of Y4M has.
async fn start(path: &Path) -> std::io::Result<Vec<u8>> {
    use tokio::io::AsyncReadExt;
    let mut start = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(y4m::MAX_LINE).read_to_end(&mut start).await?;
    Ok(start)
}

/// A header and its pixels' aspect.
type FoundY4m = (y4m::Header, (u32, u32));

/// None where FFmpeg is to say what it is.
fn y4m_header(path: &Path, start: &[u8]) -> Result<Option<FoundY4m>, InputError> {
    let line = y4m::first_line(start).map_err(|error| InputError::NotVideo {
        path: path.to_owned(),
        detail: error.to_string(),
    })?;
    let Some(line) = line else {
        return Ok(None);
    };
    match y4m::Header::parse(line) {
        Ok(header) => Ok(Some((
            header,
            report::believable(y4m::Header::pixel_aspect(line)),
        ))),
        Err(error @ y4m::Y4mError::Size(_)) => Err(InputError::NotVideo {
            path: path.to_owned(),
            detail: error.to_string(),
        }),
        Err(_) => Ok(None),
    }
}

fn of_y4m(path: &Path, bytes: u64, header: &y4m::Header, pixel_aspect: (u32, u32)) -> Probe {
    Probe {
        path: path.to_owned(),
        bytes,
        container: "yuv4mpegpipe".into(),
        stream: 0,
        codec: "rawvideo".into(),
        width: header.width,
        height: header.height,
        turned: false,
        pixel_aspect,
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
        audio: Vec::new(),
        reach: Reach::default(),
    }
}
