//! Every packet's header of a file, read once; nothing is decoded but, where it must be, key frames.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use crate::child::WorkerCommand;
use crate::ffmpeg;
use crate::input::InputError;
use crate::probe::Probe;
use crate::sandbox::Access;
use crate::tool::{self, Said};

/// Most packets of a video: six days of 30 frames a second. All are kept until the file is cut, in less than 1 GiB.
const MAX_PACKETS: usize = 1 << 24;

/// A packet of MPEG-4 with so few bytes holds no picture: it says that there is none.
const NO_PICTURE: usize = 8;
/// So many packets may come between two whose pictures are shown one after the other (H.264 has 16 reference pictures).
const REORDERED: usize = 16;

/// Signed microseconds: FFmpeg prints times to that.
pub(super) type Micros = i64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Packet {
    /// When its frame is shown, or when it is decoded where only that is known.
    pub time: Option<Micros>,
    /// How long that is, where it is said.
    pub duration: Option<Micros>,
    pub key: bool,
    /// An edit list hides its frame: decoded, never shown.
    pub hidden: bool,
    /// It has so few bytes that in MPEG-4 it is none.
    pub empty: bool,
    /// Byte of the file at which it starts.
    pub position: Option<u64>,
}

/// Frames at a file's beginning whose times it does not say: Matroska has none below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untold {
    pub frames: u32,
    /// When the first frame after them is shown.
    pub until: Micros,
}

/// Gives packets at the beginning that have no time the ones that they have at the file's rate, in which a frame takes `frame`
/// microseconds: before all others.
pub(super) fn date(packets: &mut [Packet], frame: f64) -> Option<Untold> {
    let until = packets.iter().filter_map(|p| p.time).min()?;
    let (mut frames, mut told) = (0, 0);
    for packet in packets.iter() {
        told = if packet.time.is_some() { told + 1 } else { 0 };
        frames += u32::from(packet.time.is_none());
        if told > REORDERED {
            break;
        }
    }
    let untold = packets.iter_mut().filter(|p| p.time.is_none());
    for (packet, left) in untold.zip((1..=frames).rev()) {
        packet.time = Some(until - (f64::from(left) * frame) as Micros);
    }
    (frames > 0).then_some(Untold { frames, until })
}

/// What ffprobe says of a file's packets.
pub(super) struct Scan {
    /// Of the video, in the order of decoding.
    pub packets: Vec<Packet>,
    /// When the first and the last packet of any stream are shown; those that are hidden do not count.
    pub span: (Micros, Micros),
    /// FFmpeg's complaints.
    pub said: Said<()>,
}

/// Reads all packets' headers.
pub(super) async fn scan(probe: &Probe, worker: &WorkerCommand) -> Result<Scan, InputError> {
    let mut command = ffmpeg::prober(&probe.path, probe.reach);
    command.args(["-fflags", "+genpts"]);
    let entries = "packet=stream_index,pts_time,dts_time,duration_time,size,pos,flags";
    let (mut packets, mut count, mut span) = (Vec::new(), 0, None);
    let on_line = |line: &str| {
        let Some((stream, packet)) = packet(line) else {
            return;
        };
        if let Some(time) = packet.time.filter(|_| !packet.hidden) {
            let (first, last) = span.unwrap_or((time, time));
            span = Some((time.min(first), time.max(last)));
        }
        if stream == probe.stream {
            count += 1;
            // Of other streams, and past the bound, nothing is kept.
            if count <= MAX_PACKETS {
                packets.push(packet);
            }
        }
    };
    let said = list(&mut command, entries, probe, worker, on_line).await?;
    if count > MAX_PACKETS {
        return Err(InputError::Unsupported {
            path: probe.path.clone(),
            what: "the number of its video's packets",
            found: count.to_string(),
            expected: format!("at most {MAX_PACKETS}; split the file"),
        });
    }
    Ok(Scan {
        packets,
        span: span.unwrap_or_default(),
        said,
    })
}

/// Times of the pictures that really begin anew, where a key frame may be none: H.264 marks the start of a gradual
/// refresh like one.
pub(super) async fn fresh(
    probe: &Probe,
    worker: &WorkerCommand,
) -> Result<Option<HashSet<Micros>>, InputError> {
    if probe.codec != "h264" {
        return Ok(None);
    }
    let mut command = ffmpeg::prober(&probe.path, probe.reach);
    command.args(["-fflags", "+genpts", "-threads", "1"]);
    command.args(["-select_streams", "V:0", "-skip_frame", "nokey"]);
    let mut times = HashSet::new();
    let on_line = |line: &str| {
        let named = |name: &str| fields(line).find(|field| field.0 == name);
        if named("pict_type").is_some_and(|kind| kind.1 == "I") {
            times.extend(named("pts_time").and_then(|time| micros(time.1)));
        }
    };
    list(
        &mut command,
        "frame=pts_time,pict_type",
        probe,
        worker,
        on_line,
    )
    .await?;
    Ok(Some(times))
}

/// Hands on each line that ffprobe says: all of them are longer together than the file is, at times.
async fn list(
    command: &mut Command,
    entries: &str,
    probe: &Probe,
    worker: &WorkerCommand,
    on_line: impl FnMut(&str),
) -> Result<Said<()>, InputError> {
    command.args(["-show_entries", entries, "-of", "compact=p=0"]);
    let access = Access {
        read: vec![probe.path.clone()],
        ..Access::default()
    };
    Ok(tool::confined_lines(worker, command, access, on_line).await?)
}

fn fields(line: &str) -> impl Iterator<Item = (&str, &str)> + Clone {
    line.split('|').filter_map(|field| field.split_once('='))
}

fn micros(seconds: &str) -> Option<Micros> {
    let seconds: f64 = seconds.parse().ok()?;
    Some((seconds * 1e6).round() as Micros)
}

/// The stream's index and the packet; nothing if the line is about something else.
fn packet(line: &str) -> Option<(u32, Packet)> {
    let (mut stream, mut shown, mut decoded) = (None, None, None);
    let mut packet = Packet::default();
    for (name, value) in fields(line) {
        match name {
            "stream_index" => stream = value.parse().ok(),
            "pts_time" => shown = micros(value),
            "dts_time" => decoded = micros(value),
            "duration_time" => packet.duration = micros(value),
            "size" => packet.empty = value.parse().is_ok_and(|size: usize| size <= NO_PICTURE),
            "pos" => packet.position = value.parse().ok(),
            "flags" => {
                packet.key = value.starts_with('K');
                packet.hidden = value.contains('D');
            }
            _ => {}
        }
    }
    packet.time = shown.or(decoded);
    Some((stream?, packet))
}

/// A time as people read it.
pub(super) fn seconds(time: Micros) -> f64 {
    time as f64 / 1e6
}

/// As a length; nothing is shown for less than no time.
pub(super) fn length(time: Micros) -> Duration {
    Duration::from_micros(time.max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_packet_line() {
        let expected = Packet {
            time: Some(1_500_000),
            duration: Some(40_000),
            key: true,
            hidden: true,
            empty: false,
            position: None,
        };
        let line = "stream_index=2|pts_time=1.5|dts_time=1.4|duration_time=0.04|pos=N/A|flags=KD";
        assert_eq!(packet(line), Some((2, expected)));
        let expected = Packet {
            time: Some(2_000_000),
            empty: true,
            position: Some(7),
            ..Packet::default()
        };
        let line = "stream_index=0|pts_time=N/A|dts_time=2|duration_time=N/A|size=8|pos=7|flags=__";
        assert_eq!(packet(line), Some((0, expected)));
        assert_eq!(packet("side_data_type=x"), None);
    }

    #[test]
    fn packets_without_a_time_at_the_beginning_come_before_all_others() {
        let dated = |times: &[Option<Micros>]| {
            let packet = |&time| Packet {
                time,
                ..Packet::default()
            };
            let mut packets: Vec<_> = times.iter().map(packet).collect();
            let untold = date(&mut packets, 40.0);
            let times: Vec<_> = packets.iter().map(|p| p.time).collect();
            (untold.map(|u| (u.frames, u.until)), times)
        };
        // The second is shown after the third.
        let found = dated(&[None, Some(80), None, Some(40)]);
        let expected = [Some(-40), Some(80), Some(0), Some(40)];
        assert_eq!(found, (Some((2, 40)), expected.into()));
        assert_eq!(dated(&[None, None]), (None, vec![None, None]));
        // Later on nothing is known of them.
        let mut later: Vec<_> = (0..20).map(|i| Some(i * 40)).collect();
        later.push(None);
        assert_eq!(dated(&later), (None, later));
    }
}
