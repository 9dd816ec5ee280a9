//! ffprobe's report, read as meant.

use std::path::Path;

use serde::Deserialize;

use super::{Audio, DEFAULT_FPS, Probe};
use crate::ffmpeg::Reach;
use crate::input::InputError;

/// Nominal rates above this are time bases in disguise.
const MAX_NOMINAL: f64 = 240.0;
/// Averages from this on are of a time base of milliseconds.
const MAX_AVERAGE: f64 = 1000.0;
/// Pixels longer than this in one direction are a mistake: the longest in use are 2.4 times as wide as high.
const MAX_PIXEL_ASPECT: u32 = 4;
/// How far a container's average may be from the nominal rate that is then believed: millisecond timestamps.
const FPS_TOLERANCE: f64 = 0.02;

#[derive(Deserialize)]
pub(super) struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    programs: Vec<Program>,
    #[serde(default)]
    format: Format,
}

/// What belongs together in a transport stream of several.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Program {
    streams: Vec<Member>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Member {
    index: u32,
}

impl Program {
    fn has(&self, stream: u32) -> bool {
        self.streams.iter().any(|member| member.index == stream)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    format_name: String,
    duration: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: u32,
    codec_type: String,
    codec_name: String,
    width: u32,
    height: u32,
    pix_fmt: String,
    sample_aspect_ratio: String,
    color_range: String,
    color_space: String,
    color_transfer: String,
    color_primaries: String,
    r_frame_rate: String,
    avg_frame_rate: String,
    channels: u32,
    sample_rate: String,
    profile: String,
    disposition: Disposition,
    side_data_list: Vec<SideData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
    default: u8,
    comment: u8,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
    displaymatrix: String,
}

impl Report {
    pub(super) fn into_probe(
        self,
        path: &Path,
        bytes: u64,
        words: &str,
    ) -> Result<Probe, InputError> {
        let path = path.to_owned();
        let container = self.format.format_name;
        if container == "tty" || container == "image2" || container.ends_with("_pipe") {
            let detail = format!("FFmpeg takes it for {container}");
            return Err(InputError::NotVideo { path, detail });
        }
        let audio = |s: &Stream| Audio {
            stream: s.index,
            codec: s.codec_name.clone(),
            channels: s.channels,
            sample_rate: s.sample_rate.parse().unwrap_or_default(),
            profile: s.profile.clone(),
            is_default: s.disposition.default != 0,
            is_comment: s.disposition.comment != 0,
        };
        let sounds = self.streams.iter().filter(|s| s.codec_type == "audio");
        let mut audio: Vec<_> = sounds.map(audio).collect();
        let kind = |s: &Stream| match s.disposition.attached_pic {
            0 => s.codec_type.clone(),
            _ => "a cover picture".to_owned(),
        };
        let kinds: Vec<_> = self.streams.iter().map(kind).collect();
        let video = self
            .streams
            .into_iter()
            .find(|s| s.codec_type == "video" && s.disposition.attached_pic == 0);
        let Some(video) = video else {
            let found = if kinds.is_empty() {
                "nothing".into()
            } else {
                kinds.join(", ")
            };
            return Err(InputError::NoVideo { path, found });
        };
        // Of several programmes the picture's own is heard.
        let own: Vec<_> = self
            .programs
            .iter()
            .filter(|p| p.has(video.index))
            .collect();
        audio.retain(|audio| own.is_empty() || own.iter().any(|p| p.has(audio.stream)));
        if video.width == 0 || video.height == 0 || video.pix_fmt.is_empty() {
            if words.contains("File ended prematurely") {
                let place = format!("at byte {bytes}");
                return Err(InputError::CutOff {
                    path,
                    place,
                    detail: "before the first whole frame".into(),
                });
            }
            let detail = format!("the {} stream has no picture size", video.codec_name);
            return Err(InputError::NoFrames { path, detail });
        }
        let rotation = video
            .side_data_list
            .iter()
            .find_map(|s| s.rotation)
            .unwrap_or_default()
            .round() as i32;
        let turned = video
            .side_data_list
            .iter()
            .any(|data| !upright(&data.displaymatrix));
        let ratio = video.sample_aspect_ratio.replacen(':', "/", 1);
        let (num, den) = believable(self::ratio(&ratio).unwrap_or((1, 1)));
        let (width, height, pixel_aspect) = match rotation.rem_euclid(180) {
            0 => (video.width, video.height, (num, den)),
            90 => (video.height, video.width, (den, num)),
            _ => {
                return Err(InputError::Unsupported {
                    path,
                    what: "its rotation",
                    found: format!("{rotation} degrees"),
                    expected: "a quarter, a half or three quarters of a turn".into(),
                });
            }
        };
        Ok(Probe {
            bytes,
            container,
            stream: video.index,
            width,
            height,
            turned,
            pixel_aspect,
            fps: frame_rate(&video.r_frame_rate, &video.avg_frame_rate),
            bit_depth: if deep(&video.pix_fmt) { 10 } else { 8 },
            // Whatever is converted on its way to one of these is converted to limited range.
            full_range: video.color_range == "pc"
                && ["yuv420p", "yuv420p10le"].contains(&video.pix_fmt.as_str()),
            colour: colour(&video),
            duration: self.format.duration.and_then(|d| d.parse().ok()),
            pixel_format: video.pix_fmt,
            codec: video.codec_name,
            audio,
            reach: Reach::default(),
            path,
        })
    }
}

/// Whether a display matrix, as FFmpeg prints it, neither turns nor mirrors; what there is none of does not.
fn upright(matrix: &str) -> bool {
    let rows = matrix.lines().filter_map(|line| line.split_once(':'));
    let numbers = rows.flat_map(|(_, row)| row.split_whitespace());
    let numbers: Vec<i64> = numbers.filter_map(|n| n.parse().ok()).collect();
    match numbers[..] {
        [a, b, _, c, d, ..] => a > 0 && b == 0 && c == 0 && d > 0,
        _ => true,
    }
}

/// A pixel's aspect if it can be one; anything else is taken for square.
pub(super) fn believable((num, den): (u32, u32)) -> (u32, u32) {
    let most = |a: u32, b: u32| u64::from(a) <= u64::from(b) * u64::from(MAX_PIXEL_ASPECT);
    if most(num, den) && most(den, num) {
        (num, den)
    } else {
        (1, 1)
    }
}

/// Formats of more than 8 bits end in their byte order; so do those that pack a pixel into two bytes.
fn deep(pixel_format: &str) -> bool {
    let name = ["le", "be"]
        .iter()
        .find_map(|order| pixel_format.strip_suffix(order));
    name.is_some_and(|name| {
        !["444", "555", "565"]
            .iter()
            .any(|bits| name.ends_with(bits))
    })
}

/// Formats that hold red, green and blue, or an index to them.
fn rgb(pixel_format: &str) -> bool {
    ["gbr", "rgb", "bgr", "argb", "abgr", "0rgb", "0bgr", "pal8"]
        .iter()
        .any(|start| pixel_format.starts_with(start))
}

fn ratio(text: &str) -> Option<(u32, u32)> {
    let (num, den) = text.split_once('/')?;
    let (num, den) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0 && den > 0).then_some((num, den))
}

fn frame_rate(nominal: &str, average: &str) -> (u32, u32) {
    let value = |(num, den): (u32, u32)| f64::from(num) / f64::from(den);
    let nominal = ratio(nominal).filter(|&r| value(r) <= MAX_NOMINAL);
    let average = ratio(average).filter(|&r| value(r) < MAX_AVERAGE);
    let times = |n, a, times: f64| (value(n) * times / value(a) - 1.0).abs() <= FPS_TOLERANCE;
    match (nominal, average) {
        // Of AVI with B-frames in H.264 FFmpeg counts fields: no file has more frames than its nominal rate has places.
        (Some(n), Some(a)) if times(n, a, 1.0) || times(n, a, 2.0) => n,
        // To a thousandth: averages have long fractions that mean nothing.
        (_, Some(a)) => ((value(a) * 1000.0).round().max(1.0) as u32, 1000),
        (Some(n), None) => n,
        (None, None) => DEFAULT_FPS,
    }
}

/// CICP code points (ITU-T H.273) of FFmpeg's names; what is converted or unknown is unspecified.
fn colour(video: &Stream) -> [u8; 3] {
    let primaries = match video.color_primaries.as_str() {
        "bt709" => 1,
        "bt470m" => 4,
        "bt470bg" => 5,
        "smpte170m" => 6,
        "smpte240m" => 7,
        "film" => 8,
        "bt2020" => 9,
        "smpte428" => 10,
        "smpte431" => 11,
        "smpte432" => 12,
        "ebu3213" => 22,
        _ => 2,
    };
    let transfer = match video.color_transfer.as_str() {
        "bt709" => 1,
        "bt470m" => 4,
        "bt470bg" => 5,
        "smpte170m" => 6,
        "smpte240m" => 7,
        "linear" => 8,
        "log100" => 9,
        "log316" => 10,
        "iec61966-2-4" => 11,
        "bt1361e" => 12,
        "iec61966-2-1" => 13,
        "bt2020-10" => 14,
        "bt2020-12" => 15,
        "smpte2084" => 16,
        "smpte428" => 17,
        "arib-std-b67" => 18,
        _ => 2,
    };
    let matrix = match video.color_space.as_str() {
        "bt709" => 1,
        "fcc" => 4,
        "bt470bg" => 5,
        "smpte170m" => 6,
        "smpte240m" => 7,
        "ycgco" => 8,
        "bt2020nc" => 9,
        "bt2020c" => 10,
        "smpte2085" => 11,
        "chroma-derived-nc" => 12,
        "chroma-derived-c" => 13,
        "ictcp" => 14,
        // FFmpeg makes YUV of RGB by the matrix of standard definition unless told otherwise.
        _ if rgb(&video.pix_fmt) => 6,
        _ => 2,
    };
    [primaries, transfer, matrix]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrored_picture_is_not_upright() {
        let matrix = |a, d| {
            format!(
                "\n00000000:        {a}           0           0\n00000001:            0      {d}           0\n\
                 00000002:            0     5898240  1073741824\n"
            )
        };
        assert!(upright("") && upright(&matrix(65536, 65536)));
        assert!(!upright(&matrix(65536, -65536)) && !upright(&matrix(-65536, 65536)));
    }

    #[test]
    fn frame_rates_are_read_as_meant() {
        assert_eq!(frame_rate("30/1", "1000/33"), (30, 1));
        assert_eq!(frame_rate("30000/1001", "30000/1001"), (30000, 1001));
        assert_eq!(frame_rate("90000/1", "0/0"), DEFAULT_FPS);
        assert_eq!(frame_rate("90000/1", "2997/125"), (23976, 1000));
        assert_eq!(frame_rate("60/1", "13/1"), (13000, 1000));
        assert_eq!(frame_rate("25/1", "50/1"), (25, 1));
        assert_eq!(frame_rate("50/1", "25/1"), (25000, 1000));
        assert_eq!(frame_rate("30000/1001", "5000000/83417"), (30000, 1001));
        assert_eq!(frame_rate("25/1", "0/0"), (25, 1));
        assert_eq!(frame_rate("480/1", "480/1"), (480_000, 1000));
        assert_eq!(frame_rate("1000/1", "1000/1"), DEFAULT_FPS);
    }

    #[test]
    fn depths_are_read_from_names() {
        assert!(
            [
                "yuv420p10le",
                "yuv422p12be",
                "p010le",
                "gbrp10le",
                "gray10le",
                "rgb48le",
                "x2rgb10le"
            ]
            .iter()
            .all(|f| deep(f))
        );
        assert!(
            ![
                "yuv420p", "yuvj420p", "nv12", "rgb24", "yuv410p", "gray", "rgb565le", "bgr444be"
            ]
            .iter()
            .any(|f| deep(f))
        );
    }

    #[test]
    fn what_is_converted_is_not_of_full_range() {
        let full = |pixel_format: &str| {
            let stream = Stream {
                codec_type: "video".into(),
                width: 64,
                height: 64,
                pix_fmt: pixel_format.into(),
                color_range: "pc".into(),
                ..Stream::default()
            };
            let report = Report {
                programs: Vec::new(),
                streams: vec![stream],
                format: Format::default(),
            };
            report.into_probe(Path::new("a"), 1, "").unwrap().full_range
        };
        assert!(full("yuv420p") && full("yuv420p10le"));
        assert!(!full("yuv420p12le") && !full("yuv420p10be") && !full("gray10le"));
    }
}
