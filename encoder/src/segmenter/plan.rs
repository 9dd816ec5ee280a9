//! Where to cut.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use assay_protocol::assignment::MAX_SOURCE;

use super::packets::{self, Micros, Packet, Scan, Untold};
use super::timing;
use crate::child::WorkerCommand;
use crate::ffmpeg;
use crate::input::InputError;
use crate::probe::Probe;

/// Length of an MPEG-TS packet, and its first byte.
const TS_PACKET: u64 = 188;
const TS_SYNC: u8 = 0x47;
/// How much shorter than its header says a file may be, in seconds and as a part: audio and video rarely end together.
const SHORT_BY: (f64, f64) = (1.0, 0.05);

/// A key frame this much earlier than what came before it is of another clock.
const SET_BACK: Micros = 1_000_000;

/// A last frame that is said to last longer than this is a muxer's mistake.
const LASTS: Micros = 3_600_000_000;
/// By how much a frame's duration may miss the next one: containers round both to milliseconds.
const ROUNDED: u64 = 2_000;

/// A key frame this part of the target early is taken: a nominal frame rate is rarely the real one.
const EARLY: i64 = 10;

/// What FFmpeg says of a packet that is incomplete; in a transport stream, of each that lost some of its parts on its way.
const CORRUPT: &str = "Packet corrupt";

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
    (CORRUPT, "the last packet is incomplete"),
    ("Truncating packet", "the last packet is incomplete"),
];

/// A segment to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Its first packet, counted from the first key frame.
    pub packet: u32,
    /// First frame of the file that it shows.
    pub first: u32,
    /// Frames that it shows.
    pub frames: u32,
    /// Packets at its start whose frames an edit list hides.
    pub hidden: u32,
    /// When its first frame is shown.
    pub start: Duration,
    /// From there to when its last frame is shown.
    pub span: Duration,
    /// Until the next group's.
    pub duration: Duration,
    /// Since `start`, where the file has no constant rate.
    pub times: Vec<Duration>,
}

/// Groups of pictures, joined to segments.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub groups: Vec<Group>,
    /// What the file's own clock says when anything of it is first shown or heard.
    pub zero: Micros,
    /// Packets to copy: all but hidden ones at the end.
    pub packets: u32,
    /// Packets of a transport stream were lost, so frames that do not decode say nothing about its end.
    pub holes: bool,
    /// Frames after the first key frame are shown before it, and may refer to what was before the file.
    pub leading: bool,
    /// The last frame is shown for longer than the others.
    pub lasts: bool,
    /// Frames at its beginning whose times were counted.
    pub untold: Option<Untold>,
    /// Packets of MPEG-4 that hold no picture: there is none, or it is packed into one before.
    pub empty: u32,
    last: Option<Packet>,
}

impl Plan {
    /// Where the file ends, in words.
    pub fn end(&self, probe: &Probe) -> String {
        let frames = self.groups.last().map_or(0, |g| g.first + g.frames);
        let mut place = format!(
            "at byte {}, frame {}",
            probe.bytes,
            frames.saturating_sub(1)
        );
        if let Some(time) = self.last.as_ref().and_then(|p| p.time) {
            place += &format!(", {:.2} s", packets::seconds(time));
        }
        if let Some(position) = self.last.as_ref().and_then(|p| p.position) {
            place += &format!(" (its last packet starts at byte {position})");
        }
        place
    }
}

/// Scans a file and joins its closed groups of pictures to segments of at least `target`.
pub(super) async fn plan(
    probe: &Probe,
    target: Duration,
    worker: &WorkerCommand,
) -> Result<Plan, InputError> {
    let Scan {
        packets,
        span,
        said,
    } = packets::scan(probe, worker).await?;
    let words = String::from_utf8_lossy(&said.words);
    let mut plan = arrange(probe, packets, span.0, target, worker).await?;
    plan.holes = probe.container == "mpegts" && words.contains(CORRUPT);
    let cut_off = |detail: &str| InputError::CutOff {
        path: probe.path.clone(),
        place: plan.end(probe),
        detail: detail.to_owned(),
    };
    let ends = |word: &&str| words.contains(*word) && !(plan.holes && *word == CORRUPT);
    if let Some((_, detail)) = CUT_OFF.iter().find(|(word, _)| ends(word)) {
        return Err(cut_off(detail));
    }
    if plan.groups.is_empty() {
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
        let found = packets::seconds(span.1 - plan.zero.clamp(0, span.1.max(0)));
        if promised - found > SHORT_BY.0.max(promised * SHORT_BY.1) {
            return Err(cut_off(&format!(
                "the header promises {promised:.2} s, {found:.2} s are there"
            )));
        }
    }
    Ok(plan)
}

/// Joins packets to groups.
async fn arrange(
    probe: &Probe,
    mut packets: Vec<Packet>,
    zero: Micros,
    target: Duration,
    worker: &WorkerCommand,
) -> Result<Plan, InputError> {
    // FFmpeg copies a stream from its first key frame on.
    let first_key = packets.iter().position(|p| p.key);
    let mut packets = packets.split_off(first_key.unwrap_or(packets.len()));
    let trailing = packets.iter().rev().take_while(|p| p.hidden).count();
    packets.truncate(packets.len() - trailing);
    let frame = timing::frame(probe.fps);
    let untold = packets::date(&mut packets, frame);
    if let Some((frame, before, after)) = set_back(&packets) {
        let at = packets::seconds;
        return Err(InputError::Unsupported {
            path: probe.path.clone(),
            what: "its clock",
            found: format!(
                "set back at frame {frame}, from {:.2} s to {:.2} s",
                at(before),
                at(after)
            ),
            expected: "one that only goes forward; of parts that were joined byte by byte publish each, or join them anew: \
                       ffmpeg -i FILE -c copy NEW.mkv"
                .into(),
        });
    }
    let key = packets.first().and_then(|packet| packet.time);
    let leading = key.is_some() && packets.iter().any(|p| p.time.is_some() && p.time < key);
    let length = Length::of(target, probe.fps);
    let mut starts = starts(&packets, length);
    if starts.len() > 1
        && let Some(fresh) = packets::fresh(probe, worker).await?
    {
        keep(&mut packets, &fresh);
        starts = self::starts(&packets, length);
    }
    let times = |packets: &[Packet]| -> Vec<Option<Micros>> {
        let shown = packets.iter().filter(|p| !p.hidden);
        shown.map(|p| p.time).collect()
    };
    let all = times(&packets);
    let constant = timing::constant(&all, probe.fps);
    let earliest = |times: &[Option<Micros>]| times.iter().flatten().min().copied();
    let zero = earliest(&all).map_or(zero, |first| first.min(zero));
    // By the number of frames where their times are unknown.
    let counted = |frames: u32| zero + (f64::from(frames) * frame) as Micros;
    let latest = all.iter().flatten().max();
    let lasts = lasting(&packets, frame as Micros);
    let even = lasts as f64 <= 1.5 * frame;
    let (mut groups, mut first) = (Vec::<Group>::new(), 0);
    for (index, &start) in starts.iter().enumerate() {
        let until = |index: usize| starts.get(index).copied().unwrap_or(packets.len());
        let own = &packets[start..until(index + 1)];
        let (shown, next) = (
            times(own),
            times(&packets[until(index + 1)..until(index + 2)]),
        );
        let (frames, hidden) = (shown.len() as u32, (own.len() - shown.len()) as u32);
        if frames == 0 || (hidden > 0 && index > 0) {
            return Err(InputError::Unsupported {
                path: probe.path.clone(),
                what: "its edit list",
                found: format!("one that hides {hidden} frames after frame {first}"),
                expected: "one that hides the beginning or the end; write the file anew without it"
                    .into(),
            });
        }
        let from = earliest(&shown).unwrap_or(counted(first));
        let end = latest.map_or(counted(first + frames), |last| last + lasts);
        let last = shown.iter().flatten().max().copied();
        let last = last.unwrap_or(counted(first + frames - 1));
        groups.push(Group {
            packet: start as u32,
            first,
            frames,
            hidden,
            start: packets::length(from - zero),
            span: packets::length(last - from),
            duration: packets::length(earliest(&next).unwrap_or(end) - from),
            times: if constant && (even || index + 1 < starts.len()) {
                Vec::new()
            } else {
                timing::since_first(&shown)
            },
        });
        first += frames;
    }
    Ok(Plan {
        groups,
        zero,
        packets: packets.len() as u32,
        holes: false,
        leading,
        lasts: !even,
        untold,
        empty: match probe.codec.as_str() {
            "mpeg4" => packets.iter().filter(|p| p.empty).count() as u32,
            _ => 0,
        },
        last: packets.last().cloned(),
    })
}

/// How long the last frame is shown: as long as the file says, and no less than at its rate.
///
/// It is believed where it says right how long each other frame is shown. Elsewhere a duration is that of decoding, one for
/// all, or FFmpeg's guess.
fn lasting(packets: &[Packet], frame: Micros) -> Micros {
    let mut shown: Vec<&Packet> = packets.iter().filter(|p| !p.hidden).collect();
    shown.sort_by_key(|p| p.time);
    let right = |pair: &[&Packet]| {
        let times = pair[0].time.zip(pair[1].time);
        let off = |((at, next), said): ((Micros, Micros), Micros)| (next - at).abs_diff(said);
        let off = times.zip(pair[0].duration).map(off);
        off.is_some_and(|off| off <= ROUNDED)
    };
    let said = shown.last().and_then(|p| p.time.and(p.duration));
    said.filter(|&said| said <= LASTS && shown.windows(2).all(right))
        .map_or(frame, |said| said.max(frame))
}

/// Length at which a segment may end: in time, or in frames where times are unknown; and in bytes of the file.
#[derive(Clone, Copy, Debug)]
struct Length {
    time: Micros,
    frames: u32,
    bytes: u64,
}

impl Length {
    fn of(target: Duration, fps: (u32, u32)) -> Self {
        let time = target.as_micros() as Micros;
        let frames = (time as f64 / timing::frame(fps)).round() as u32;
        Self {
            time: time - time / EARLY,
            frames: frames.max(1) - frames / EARLY as u32,
            // The next group has room in it.
            bytes: MAX_SOURCE / 2,
        }
    }
}

/// The first key frame at which time begins again: its number, the latest time before it, and its own.
fn set_back(packets: &[Packet]) -> Option<(usize, Micros, Micros)> {
    let mut latest = Micros::MIN;
    for (index, packet) in packets.iter().enumerate() {
        let Some(time) = packet.time else { continue };
        if packet.key && latest > time.saturating_add(SET_BACK) {
            return Some((index, latest, time));
        }
        latest = latest.max(time);
    }
    None
}

/// Takes from packets the mark of a key frame whose pictures do not begin anew there.
fn keep(packets: &mut [Packet], fresh: &HashSet<Micros>) {
    // Without times nothing is known of any of them.
    if !fresh.is_empty() {
        for packet in packets.iter_mut().skip(1) {
            packet.key &= packet.time.is_some_and(|time| fresh.contains(&time));
        }
    }
}

/// Key frames to cut at: the first about `length` on that no later frame precedes on the screen.
///
/// Such a leading frame may refer to the group before (an open GOP) and would not decode alone. Without timestamps
/// (raw streams) nothing is known, and nothing is cut.
fn starts(packets: &[Packet], length: Length) -> Vec<usize> {
    let mut starts = Vec::<usize>::new();
    for (index, packet) in packets.iter().enumerate() {
        if !packet.key {
            continue;
        }
        let far = starts
            .last()
            .is_none_or(|&start| match packets[start].time.zip(packet.time) {
                Some((from, to)) => to - from >= length.time,
                None => index - start >= length.frames as usize,
            });
        let large = starts.last().is_some_and(|&start| {
            let places = packets[start].position.zip(packet.position);
            places.is_some_and(|(from, to)| to.saturating_sub(from) >= length.bytes)
        });
        let group = packets[index + 1..].iter().take_while(|p| !p.key);
        let leads = |p: &Packet| p.time.zip(packet.time).is_some_and(|(p, key)| p < key);
        let closed = || packet.time.is_some() && !group.into_iter().any(leads);
        if (far || large) && (index == 0 || closed()) {
            starts.push(index);
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

/// The duration, where the container's header states it independently of what follows, and nothing else shows where the file ends.
///
/// Of Matroska the length in bytes is known. Neither says how long the last frame lasts.
fn promised(probe: &Probe) -> Option<f64> {
    probe.duration.filter(|_| probe.container == "flv")
}
