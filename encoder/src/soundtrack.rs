//! A file's audio, taken out once, and handed out as its segments are published.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::WorkerCommand;
use crate::ffmpeg;
use crate::input::InputError;
use crate::package::{Extension, MAX_SOUNDS, Sound};
use crate::probe::{Audio, Probe};
use crate::sandbox::Access;
use crate::tool::{self, Said};
use crate::transport::{CLOCK, Demuxer, Kind, PACKET, SoundClock, Untaken};

/// Audio is looked for this far behind a segment's end: a muxer interleaves by less.
const BEHIND: i64 = CLOCK as i64;
/// Where the file's clock begins in the extract, in seconds. Packets that an edit list hides lie before it, and a muxer moves all
/// of them where one would be negative.
const LEAD: u32 = 3600;
/// FFmpeg's names of what is passed on; everything else would have to be transcoded.
const CODECS: [&str; 3] = ["aac", "mp3", "opus"];

/// FFmpeg's names of AAC's profiles that the frames of a transport stream cannot carry.
const NO_ADTS: [&str; 3] = ["LD", "ELD", "xHE-AAC"];

/// Whether an audio stream is passed on.
pub fn is_passed_on(audio: &Audio) -> bool {
    let low_delay = audio.codec == "aac" && NO_ADTS.contains(&audio.profile.as_str());
    CODECS.contains(&audio.codec.as_str()) && !low_delay
}

/// A file with nothing but the audio of another one.
#[derive(Clone, Debug)]
pub struct Soundtrack {
    path: PathBuf,
    /// What each track's frames do not say of themselves, and samples a second with it.
    extensions: Vec<Option<(Extension, u32)>>,
    /// Streams that could not be taken out, by their indices among all.
    left_out: Vec<u32>,
}

impl Soundtrack {
    /// Takes the audio out of a file, into `folder`, in a child process of `worker`: what the file says is to be heard comes first, and
    /// commentaries last. The file's own clock says `zero` microseconds where the one of its segments begins. `None` if there is
    /// none that can be passed on.
    ///
    /// # Errors
    /// A full disk, no FFmpeg, or audio of which no track can be taken out.
    pub async fn extract(
        probe: &Probe,
        zero: i64,
        folder: &Path,
        worker: &WorkerCommand,
    ) -> Result<Option<Self>, InputError> {
        let passed = probe.audio.iter().filter(|audio| is_passed_on(audio));
        let mut tracks: Vec<&Audio> = passed.collect();
        if tracks.is_empty() {
            return Ok(None);
        }
        tracks.sort_by_key(|audio| (audio.is_comment, !audio.is_default));
        tracks.truncate(MAX_SOUNDS);
        let path = folder.join("audio.ts");
        let mut said = take_out(probe, zero, &tracks, &path, worker).await?;
        let mut left_out = Vec::new();
        if !said.success && tracks.len() > 1 {
            // One that cannot be taken out takes no other with it.
            let mut good = Vec::new();
            for track in std::mem::take(&mut tracks) {
                let alone = take_out(probe, zero, &[track], &path, worker).await?;
                match alone.success {
                    true => good.push(track),
                    false => left_out.push(track.stream),
                }
            }
            tracks = good;
            if !tracks.is_empty() {
                said = take_out(probe, zero, &tracks, &path, worker).await?;
            }
        }
        if !said.success {
            return Err(InputError::Sound {
                path: probe.path.clone(),
                detail: ffmpeg::last_words(&said.words),
            });
        }
        let extension = |audio: &&Audio| Some((Extension::of(&audio.profile)?, audio.sample_rate));
        Ok(Some(Self {
            path,
            extensions: tracks.iter().map(extension).collect(),
            left_out,
        }))
    }

    /// Streams that could not be taken out, by their indices among all.
    pub fn left_out(&self) -> &[u32] {
        &self.left_out
    }

    /// Begins to read it, for a stream that shows at `begun` the first picture, which the clock of the file's segments has at
    /// `origin`.
    ///
    /// # Errors
    /// The file is gone.
    pub fn open(&self, origin: Duration, begun: Duration) -> std::io::Result<SoundReader> {
        Ok(SoundReader {
            file: BufReader::with_capacity(256 << 10, std::fs::File::open(&self.path)?),
            demuxer: Demuxer::default(),
            origin: i64::from(LEAD) * CLOCK as i64 + ticks(origin) - ticks(begun),
            begun: ticks(begun),
            clocks: Vec::new(),
            extensions: self.extensions.clone(),
            untaken: Untaken::default(),
            read: i64::MIN,
        })
    }
}

/// Copies these streams of a file to `path`.
async fn take_out(
    probe: &Probe,
    zero: i64,
    tracks: &[&Audio],
    path: &Path,
    worker: &WorkerCommand,
) -> Result<Said, InputError> {
    let mut command = ffmpeg::reader(&probe.path, probe.reach);
    let offset = f64::from(LEAD) - zero as f64 / 1e6;
    let offset = format!("{offset:.6}");
    let maps = tracks.iter();
    let maps = maps.flat_map(|audio| ["-map".to_owned(), format!("0:{}", audio.stream)]);
    command
        .args(["-y", "-copyts", "-output_ts_offset", &offset])
        .args(maps)
        .args(["-c", "copy"]);
    command.args(["-muxdelay", "0", "-muxpreload", "0", "-f", "mpegts"]);
    command.arg(ffmpeg::local(path));
    let access = Access {
        read: vec![probe.path.clone()],
        write: path.parent().map(Path::to_owned).into_iter().collect(),
        largest: tool::room(probe.bytes),
        ..Access::default()
    };
    Ok(tool::confined(worker, &command, access).await?)
}

/// Reads audio from the beginning to the end.
pub struct SoundReader {
    file: BufReader<std::fs::File>,
    demuxer: Demuxer,
    /// The stream's beginning on the file's clock.
    origin: i64,
    begun: i64,
    clocks: Vec<SoundClock>,
    extensions: Vec<Option<(Extension, u32)>>,
    untaken: Untaken,
    /// Time of the last unit.
    read: i64,
}

impl SoundReader {
    /// The audio that begins before `end`, since the stream's beginning, and was not handed out yet; of each track.
    ///
    /// # Errors
    /// The disk.
    pub fn until(&mut self, end: Duration) -> std::io::Result<Vec<Option<Sound>>> {
        let end = ticks(end);
        let mut packet = [0; PACKET];
        while self.read < end.saturating_add(BEHIND) {
            let unit = match self.file.read_exact(&mut packet) {
                Ok(()) => self.demuxer.push(&packet).map_err(std::io::Error::other)?,
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    for unit in self.demuxer.finish() {
                        self.take(&unit);
                    }
                    break;
                }
                Err(e) => return Err(e),
            };
            if let Some(unit) = unit {
                self.take(&unit);
            }
        }
        let extensions = self
            .extensions
            .iter()
            .copied()
            .chain(std::iter::repeat(None));
        let taken = self.clocks.iter_mut().zip(extensions);
        let taken = taken.map(|(clock, extension)| {
            let mut sound = clock.take(end)?;
            if let Some((extension, rate)) = extension {
                sound.format = sound.format.extended(extension, rate);
            }
            Some(sound)
        });
        Ok(taken.collect())
    }

    /// What is not passed on, once each.
    pub fn untaken(&mut self) -> Vec<String> {
        self.untaken.tell(self.demuxer.streams())
    }

    fn take(&mut self, unit: &crate::transport::Unit) {
        let Kind::Sound(kind) = unit.kind else {
            return;
        };
        if unit.track >= MAX_SOUNDS {
            return;
        }
        while self.clocks.len() <= unit.track {
            let language = self.demuxer.sound_language(self.clocks.len());
            self.clocks.push(SoundClock::new(language));
        }
        let time = unit.time - self.origin;
        self.read = time;
        // Before the first picture; it may be another stream's time.
        if time < self.begun {
            return;
        }
        let heard = self.clocks[unit.track].push(kind, time, &unit.bytes);
        self.untaken.heard(unit.track, heard);
    }
}

fn ticks(time: Duration) -> i64 {
    let ticks = time.as_nanos() * u128::from(CLOCK) / 1_000_000_000;
    i64::try_from(ticks).unwrap_or(i64::MAX)
}
