//! Where to cut: reads every packet's header once, decodes nothing.

use std::path::Path;
use std::time::Duration;

use crate::ffmpeg;
use crate::input::InputError;
use crate::probe::Probe;
use crate::tool;

/// Length of an MPEG-TS packet, and its first byte.
const TS_PACKET: u64 = 188;
const TS_SYNC: u8 = 0x47;
/// How much shorter than its header says a file may be, in seconds and as a part: audio and video rarely end together.
const SHORT_BY: (f64, f64) = (1.0, 0.05);

/// A key frame this part of the target early is taken: a nominal frame rate is rarely the real one.
const EARLY: u32 = 10;

/// Complaints of FFmpeg's demuxers about a file that ends too early.
const CUT_OFF: [(&str, &str); 5] = [
    ("moov atom not found", "the MP4 index (moov) is missing"),
    (
        "partial file",
        "the index names frames past the end of the file",
    ),
    (
        "File ended prematurely",
        "the container promises more than is there",
    ),
    ("Packet corrupt", "the last packet is incomplete"),
    ("Truncating packet", "the last packet is incomplete"),
];

#[derive(Clone, Debug)]
struct Packet {
    time: Option<f64>,
    key: bool,
    position: Option<u64>,
}

/// Groups of pictures, joined to segments.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    starts: Vec<u32>,
    frames: u32,
    last: Option<Packet>,
    /// When each frame is shown, in the order of packets; since the file's beginning.
    shown: Vec<Option<f64>>,
}

impl Plan {
    /// When a group is shown, for how long, and its frames since then.
    pub fn times(
        &self,
        first: u32,
        frames: u32,
        fps: (u32, u32),
    ) -> (Duration, Duration, Vec<Duration>) {
        let each = f64::from(fps.1) / f64::from(fps.0.max(1));
        let at = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
        let group = |first: u32, frames: u32| {
            let range = first as usize..(first + frames) as usize;
            let times: Option<Vec<f64>> = self.shown.get(range)?.iter().copied().collect();
            let mut times = times.filter(|times| !times.is_empty())?;
            times.sort_by(f64::total_cmp);
            Some(times)
        };
        let Some(times) = group(first, frames) else {
            let (start, length) = (f64::from(first) * each, f64::from(frames) * each);
            return (at(start), at(length), Vec::new());
        };
        let (start, last) = (times[0], times[times.len() - 1]);
        let end = self
            .groups()
            .find(|(next, _)| *next == first + frames)
            .and_then(|(next, frames)| group(next, frames))
            .map_or(last + each, |next| next[0]);
        let times = times.iter().map(|time| at(time - start)).collect();
        (at(start), at(end - start), times)
    }

    /// First frame and number of frames of each segment; frames before the first key frame do not count.
    pub fn groups(&self) -> impl Iterator<Item = (u32, u32)> {
        let ends = self.starts.iter().skip(1).copied().chain([self.frames]);
        self.starts
            .iter()
            .zip(ends)
            .map(|(&start, end)| (start, end - start))
    }

    /// Where the file ends, in words.
    pub fn end(&self, probe: &Probe) -> String {
        let mut place = format!(
            "at byte {}, frame {}",
            probe.bytes,
            self.frames.saturating_sub(1)
        );
        if let Some(time) = self.last.as_ref().and_then(|p| p.time) {
            place += &format!(", {time:.2} s");
        }
        if let Some(position) = self.last.as_ref().and_then(|p| p.position) {
            place += &format!(" (its last packet starts at byte {position})");
        }
        place
    }
}

/// Scans a file and joins its closed groups of pictures to segments of at least `target` frames.
pub(super) async fn scan(probe: &Probe, target: u32) -> Result<Plan, InputError> {
    let mut command = ffmpeg::prober(&probe.path);
    command.args([
        "-fflags",
        "+genpts",
        "-show_entries",
        "packet=codec_type,pts_time,dts_time,pos,flags",
        "-of",
        "compact=p=0",
    ]);
    let said = tool::run(command).await?;
    let text = String::from_utf8_lossy(&said.output);
    let (mut packets, mut end) = (Vec::new(), 0f64);
    let mut begin = f64::INFINITY;
    for line in text.lines() {
        let (kind, packet) = packet(line);
        begin = begin.min(packet.time.unwrap_or(f64::INFINITY));
        end = end.max(packet.time.unwrap_or_default());
        if kind == "video" {
            packets.push(packet);
        }
    }
    let words = String::from_utf8_lossy(&said.words);
    let first_key = packets.iter().position(|p| p.key);
    // FFmpeg copies a stream from its first key frame on.
    let packets = packets.split_off(first_key.unwrap_or(packets.len()));
    let plan = Plan {
        starts: starts(&packets, target),
        frames: packets.len() as u32,
        last: packets.last().cloned(),
        shown: packets
            .iter()
            .map(|packet| packet.time.map(|time| time - begin))
            .collect(),
    };
    let cut_off = |detail: &str| InputError::CutOff {
        path: probe.path.clone(),
        place: plan.end(probe),
        detail: detail.to_owned(),
    };
    if let Some((_, detail)) = CUT_OFF.iter().find(|(word, _)| words.contains(word)) {
        return Err(cut_off(detail));
    }
    if packets.is_empty() {
        let detail = if said.success {
            "no key frame".into()
        } else {
            ffmpeg::last_words(&said.words)
        };
        return Err(InputError::NoFrames {
            path: probe.path.clone(),
            detail,
        });
    }
    if probe.container == "mpegts" && torn(&probe.path, probe.bytes).await {
        return Err(cut_off("the last transport packet is incomplete"));
    }
    if let Some(promised) = promised(probe) {
        let start = packets
            .iter()
            .filter_map(|p| p.time)
            .fold(f64::INFINITY, f64::min);
        let found = end - start.clamp(0.0, end);
        if promised - found > SHORT_BY.0.max(promised * SHORT_BY.1) {
            return Err(cut_off(&format!(
                "the header promises {promised:.2} s, {found:.2} s are there"
            )));
        }
    }
    Ok(plan)
}

fn packet(line: &str) -> (&str, Packet) {
    let (mut kind, mut pts, mut dts) = ("", None, None);
    let mut packet = Packet {
        time: None,
        key: false,
        position: None,
    };
    for (name, value) in line.split('|').filter_map(|field| field.split_once('=')) {
        match name {
            "codec_type" => kind = value,
            "pts_time" => pts = value.parse().ok(),
            "dts_time" => dts = value.parse().ok(),
            "pos" => packet.position = value.parse().ok(),
            "flags" => packet.key = value.starts_with('K'),
            _ => {}
        }
    }
    packet.time = pts.or(dts);
    (kind, packet)
}

/// Key frames to cut at: the first about `target` frames on that no later frame precedes on the screen.
///
/// Such a leading frame may refer to the group before (an open GOP) and would not decode alone. Without timestamps
/// (raw streams) nothing is known, and nothing is cut.
fn starts(packets: &[Packet], target: u32) -> Vec<u32> {
    let mut starts = Vec::new();
    let mut next = 0;
    for (index, packet) in packets.iter().enumerate() {
        if !packet.key || (index as u32) < next {
            continue;
        }
        let group = packets[index + 1..].iter().take_while(|p| !p.key);
        let leads = |p: &Packet| p.time.zip(packet.time).is_some_and(|(p, key)| p < key);
        if index == 0 || (packet.time.is_some() && !group.into_iter().any(leads)) {
            starts.push(index as u32);
            next = index as u32 + target - target / EARLY;
        }
    }
    starts
}

/// Whether a transport stream ends inside a packet.
async fn torn(path: &Path, bytes: u64) -> bool {
    use tokio::io::AsyncReadExt;
    let mut start = Vec::new();
    if let Ok(file) = tokio::fs::File::open(path).await {
        let _ = file.take(2 * TS_PACKET + 1).read_to_end(&mut start).await;
    }
    let plain = [0, TS_PACKET, 2 * TS_PACKET]
        .iter()
        .all(|&at| start.get(at as usize) == Some(&TS_SYNC));
    plain && !bytes.is_multiple_of(TS_PACKET)
}

/// The duration, where the container's header states it independently of what follows.
fn promised(probe: &Probe) -> Option<f64> {
    let stated = ["flv", "matroska,webm"].contains(&probe.container.as_str());
    probe.duration.filter(|_| stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(pattern: &[(f64, bool)]) -> Vec<Packet> {
        pattern
            .iter()
            .map(|&(time, key)| Packet {
                time: Some(time),
                key,
                position: None,
            })
            .collect()
    }

    #[test]
    fn cuts_only_where_no_later_frame_comes_first() {
        let open = packets(&[
            (0., true),
            (1., false),
            (2., false),
            (5., true),
            (3., false),
            (4., false),
            (6., true),
        ]);
        assert_eq!(starts(&open, 1), [0, 6]);
        let closed = packets(&[
            (0., true),
            (2., false),
            (1., false),
            (3., true),
            (5., false),
            (4., false),
        ]);
        assert_eq!(starts(&closed, 1), [0, 3]);
        assert_eq!(starts(&closed, 4), [0]);
    }

    #[test]
    fn reads_a_packet_line() {
        let (kind, p) = packet("codec_type=video|pts_time=1.5|dts_time=1.4|pos=N/A|flags=K_");
        assert_eq!(
            (kind, p.time, p.key, p.position),
            ("video", Some(1.5), true, None)
        );
        assert_eq!(
            packet("codec_type=audio|pts_time=N/A|dts_time=2|pos=7|flags=__")
                .1
                .time,
            Some(2.0)
        );
    }
}
