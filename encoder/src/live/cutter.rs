//! Cuts a transport stream at closed key frames as its packets arrive. No I/O; the wall clock is an argument.

use std::time::{Duration, SystemTime};

use assay_protocol::assignment::MAX_SOURCE;

use super::dates::Dates;
use super::flow::{Flow, JUMP, Next};
use super::repeats::Repeats;
use super::sets::ParameterSets;
use super::stale::Stale;
use crate::package::{MAX_SOUNDS, Sound, Timing};
use crate::transport::{
    CLOCK, Demuxer, Kind, PACKET, SoundClock, TransportError, Unit, Untaken, VideoKind, duration,
};

/// Frames that together take less time than this, a tenth of a millisecond each, are of no camera: the sender's clock stands
/// still. They would be gathered until a segment is too large, for none ends.
const STILL: (usize, i64) = (64, 64 * CLOCK as i64 / 10_000);

/// A segment of a live stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSegment {
    /// Its source: a transport stream of the video alone that starts with a closed key frame.
    pub bytes: Vec<u8>,
    /// Frames in it, counted by their headers.
    pub frames: u32,
    /// When it is shown.
    pub timing: Timing,
    /// What is heard, for each audio track of the source; `None` where nothing was heard yet.
    pub sounds: Vec<Option<Sound>>,
}

/// Why a stream cannot be cut.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CutError {
    /// Not what FFmpeg should write.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// There is no video that can be taken.
    #[error("no H.264 or H.265 video in the stream, only {found}")]
    NoVideo {
        /// What there is.
        found: String,
    },
    /// Closed key frames are too far apart.
    #[error(
        "no closed key frame for {seconds} s, at most {max} s may be between two; set the sender's key-frame interval to 2 s, without open groups of pictures"
    )]
    LongGop {
        /// Time since the last one.
        seconds: u64,
        /// The cap.
        max: u64,
    },
    /// Sound goes on without pictures.
    #[error("nothing but sound for {seconds} s, at most {max} s may be without a picture")]
    NoPicture {
        /// Time since the last picture.
        seconds: u64,
        /// The cap.
        max: u64,
    },
    /// Sound that cannot be heard with the pictures.
    #[error("sound is {seconds} s away from the pictures, by the sender's clocks; at most {} s", JUMP / CLOCK as i64)]
    Apart {
        /// How far.
        seconds: u64,
    },
    /// Frames whose times do not advance.
    #[error("the sender's clock stands still: {} frames in 6 ms; have it send times that grow", STILL.0)]
    Still,
    /// More bytes than a segment may have.
    #[error("a segment has more than {MAX_SOURCE} bytes; lower the sender's bitrate")]
    Large,
}

/// Video of a segment so far.
struct Open {
    packets: Vec<u8>,
    times: Vec<i64>,
    /// When its last frame is decoded.
    decoded: i64,
    /// When its first frame came.
    came: SystemTime,
}

impl Open {
    /// Whether the last frames came at one and the same time.
    fn is_still(&self) -> bool {
        let last = self.times.last_chunk::<{ STILL.0 }>();
        let range = last.and_then(|last| Some((last.iter().min()?, last.iter().max()?)));
        range.is_some_and(|(first, last)| last - first < STILL.1)
    }
}

/// Cuts one stream after the other into one sequence of segments.
pub struct Cutter {
    target: i64,
    longest: i64,
    demuxer: Demuxer,
    sounds: Vec<SoundClock>,
    open: Option<Open>,
    /// Ticks of the sender's clock that are the stream's time 0.
    origin: Option<i64>,
    /// Ticks of the stream's time before this sender's.
    before: i64,
    /// End of the last segment.
    end: i64,
    dates: Dates,
    repeats: Repeats,
    sets: ParameterSets,
    discontinuity: bool,
    flow: Flow,
    /// Ticks of the first picture that waits for a closed key frame.
    keyless: Option<i64>,
    /// Packets since the beginning, for a stream without video.
    seen: u32,
    stale: Stale,
    untaken: Untaken,
}

impl Cutter {
    /// Segments of `target` or up to the next closed key frame, at most `longest`.
    pub fn new(target: Duration, longest: Duration) -> Self {
        let ticks = |time: Duration| (time.as_millis() as i64) * (CLOCK as i64) / 1000;
        Self {
            target: ticks(target),
            longest: ticks(longest),
            demuxer: Demuxer::default(),
            sounds: Vec::new(),
            open: None,
            origin: None,
            before: 0,
            end: 0,
            dates: Dates::default(),
            repeats: Repeats::default(),
            sets: ParameterSets::default(),
            discontinuity: false,
            flow: Flow::new(ticks(longest)),
            keyless: None,
            seen: 0,
            stale: Stale::default(),
            untaken: Untaken::default(),
        }
    }

    /// Another sender, or the same one again: its time goes on where the last segment ended.
    pub fn restart(&mut self) {
        self.demuxer = Demuxer::default();
        self.seen = 0;
        self.dates.restart();
        (self.stale, self.untaken, self.sets) = Default::default();
        self.break_off();
    }

    /// After [`Self::restart`]: the stream may begin with what has come before, which is left out.
    pub fn expect_repeats(&mut self) {
        self.repeats.expect();
    }

    /// The same of a source that begins from its start each time, however long ago that was.
    pub fn expect_all(&mut self) {
        self.repeats.expect_all();
    }

    /// End of the last segment in the stream's time: whether anything new came.
    pub(super) fn reached(&self) -> i64 {
        self.end
    }

    /// The last picture by the sender's clock.
    pub(super) fn shown(&self) -> Option<i64> {
        self.flow.shown()
    }

    /// What comes next has another clock.
    fn break_off(&mut self) {
        self.discontinuity = self.end > 0;
        self.sounds.clear();
        self.open = None;
        self.origin = None;
        self.flow = Flow::new(self.longest);
        self.keyless = None;
    }

    /// Takes a packet; gives the segment that it shows to be complete.
    ///
    /// # Errors
    /// A stream that cannot be cut; the next packet must come after a [`Self::restart`].
    pub fn push(
        &mut self,
        packet: &[u8; PACKET],
        now: SystemTime,
    ) -> Result<Option<LiveSegment>, CutError> {
        let unit = self.demuxer.push(packet)?;
        self.seen = self.seen.saturating_add(1);
        self.check_video()?;
        match unit {
            Some(unit) => self.take(unit, now),
            None => Ok(None),
        }
    }

    /// The last segment, when a sender has gone.
    pub fn finish(&mut self, now: SystemTime) -> Option<LiveSegment> {
        let mut last = None;
        for unit in self.demuxer.finish() {
            last = self.take(unit, now).ok().flatten().or(last);
        }
        let rest = self.close(None);
        // The last unit may have ended a segment and begun one of a single frame, which is not worth a segment.
        last.or(rest)
    }

    /// Audio tracks of this sender that are not passed on, in words; each is told once.
    pub fn untaken(&mut self) -> Vec<String> {
        self.untaken.tell(self.demuxer.streams())
    }

    fn check_video(&self) -> Result<(), CutError> {
        // Tables come first; a stream of sound alone has none of video.
        const TABLES: u32 = 64;
        let video = |kind: &Kind| matches!(kind, Kind::Video(_));
        let streams = self.demuxer.streams();
        if self.seen != TABLES || streams.iter().any(|stream| video(&stream.kind)) {
            return Ok(());
        }
        let found: Vec<_> = streams
            .iter()
            .map(|stream| match stream.kind {
                Kind::Sound(_) => "audio".to_owned(),
                Kind::Other(number) => format!("a stream of type {number:#04x}"),
                Kind::Video(_) => "video".to_owned(),
            })
            .collect();
        let found = if found.is_empty() {
            "no stream".to_owned()
        } else {
            found.join(", ")
        };
        Err(CutError::NoVideo { found })
    }

    fn take(&mut self, unit: Unit, now: SystemTime) -> Result<Option<LiveSegment>, CutError> {
        match unit.kind {
            Kind::Video(kind) if unit.track == 0 => self.frame(kind, unit, now),
            Kind::Sound(kind) if unit.track < MAX_SOUNDS => {
                let pictured = self.flow.pictured().unwrap_or(unit.time);
                let over = self.stale.is_over(unit.track, unit.decoded, pictured);
                if over || !self.flow.sound(unit.time)? {
                    return Ok(None);
                }
                if let Some(origin) = self.origin {
                    while self.sounds.len() <= unit.track {
                        let language = self.demuxer.sound_language(self.sounds.len());
                        self.sounds.push(SoundClock::new(language));
                    }
                    let time = unit.time - origin;
                    // Before this sender's first picture is before its time.
                    if time >= 0 {
                        let clock = &mut self.sounds[unit.track];
                        let heard = clock.push(kind, self.before + time, &unit.bytes);
                        self.untaken.heard(unit.track, heard);
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn long_gop(&self, ticks: i64) -> CutError {
        CutError::LongGop {
            seconds: ticks as u64 / CLOCK,
            max: self.longest as u64 / CLOCK,
        }
    }

    fn frame(
        &mut self,
        kind: VideoKind,
        mut unit: Unit,
        now: SystemTime,
    ) -> Result<Option<LiveSegment>, CutError> {
        self.sets.take(kind, &unit.bytes);
        let closed = kind.is_closed(&unit.bytes);
        let mut done = None;
        if let Some(open) = &self.open {
            let first = open.times.first().copied().unwrap_or(unit.time);
            let last = open.times.last().copied().unwrap_or(unit.time);
            let set_back = unit.decoded < open.decoded;
            if set_back {
                self.stale.set_back(unit.time);
            }
            let too_long = unit.time - first > self.longest;
            let torn = self.flow.is_torn(Next {
                time: unit.time,
                step: unit.decoded - open.decoded,
                closed,
                too_long,
            });
            if set_back || torn || (unit.time - last).abs() > JUMP {
                done = self.close(None);
                self.break_off();
                if torn && !set_back {
                    self.dates.skip(duration(unit.time - last));
                }
            } else if closed && unit.time - first >= self.target - self.target / 10 {
                done = self.close(Some(unit.time));
            } else if too_long {
                return Err(self.long_gop(unit.time - first));
            }
        }
        self.flow.picture(unit.time);
        let known = closed && self.repeats.is_known(&unit.bytes);
        if self.open.is_none() {
            if known {
                self.keyless = None;
                return Ok(done);
            }
            // What refers to frames that never came is left out.
            if !closed {
                // From anew where the clock was set back.
                let since = self.keyless.unwrap_or(unit.time).min(unit.time);
                self.keyless = Some(since);
                return match unit.time - since > self.longest {
                    true => Err(self.long_gop(unit.time - since)),
                    false => Ok(done),
                };
            }
            if self.origin.is_none() {
                self.origin = Some(unit.time);
                self.before = self.end;
            }
            self.keyless = None;
            self.sets.complete(kind, &mut unit);
            self.open = Some(Open {
                packets: self.demuxer.video_tables(),
                times: Vec::new(),
                decoded: unit.decoded,
                came: now,
            });
        }
        if let Some(open) = &mut self.open {
            open.packets.extend_from_slice(&unit.packets);
            open.times.push(unit.time);
            open.decoded = unit.decoded;
            if open.is_still() {
                return Err(CutError::Still);
            }
            if open.packets.len() as u64 > MAX_SOURCE {
                self.open = None;
                return Err(CutError::Large);
            }
        }
        Ok(done)
    }

    /// Ends the open segment at the first frame of the next one, or where its last frame ends.
    fn close(&mut self, next: Option<i64>) -> Option<LiveSegment> {
        let Open {
            packets,
            mut times,
            came,
            ..
        } = self.open.take()?;
        let origin = self.origin?;
        times.sort_unstable();
        let (first, last) = (*times.first()?, *times.last()?);
        let count = times.len() as i64;
        let each = match count {
            1 => CLOCK as i64 / 25,
            _ => (last - first) / (count - 1),
        };
        let end = next.unwrap_or(last + each).max(last + 1);
        let stream = |time: i64| self.before + time - origin;
        self.end = stream(end);
        let whole = self.end;
        let sounds = self.sounds.iter_mut().map(|sound| sound.take(whole));
        let sounds = sounds.collect();
        let start = duration(stream(first));
        let length = duration(end - first);
        Some(LiveSegment {
            bytes: packets,
            frames: times.len() as u32,
            timing: Timing {
                start,
                duration: length,
                frames: times.iter().map(|&time| duration(time - first)).collect(),
                discontinuity: std::mem::take(&mut self.discontinuity),
                date: Some(self.dates.date(came, length)),
            },
            sounds,
        })
    }
}
