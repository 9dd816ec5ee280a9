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
use crate::tool;
use crate::transport::{CLOCK, Demuxer, Kind, PACKET, SoundClock, Untaken};

/// Audio is looked for this far behind a segment's end: a muxer interleaves by less.
const BEHIND: i64 = CLOCK as i64;
/// Where the file's clock begins in the extract, in seconds. Packets that an edit list hides lie before it, and a muxer moves all
/// of them where one would be negative.
const LEAD: u32 = 3600;
/// FFmpeg's names of what is passed on; everything else would have to be transcoded.
const CODECS: [&str; 3] = ["aac", "mp3", "opus"];

/// Whether an audio stream is passed on.
pub fn is_passed_on(audio: &Audio) -> bool {
    CODECS.contains(&audio.codec.as_str())
}

/// A file with nothing but the audio of another one.
#[derive(Clone, Debug)]
pub struct Soundtrack {
    path: PathBuf,
    /// What each track's frames do not say of themselves, and samples a second with it.
    extensions: Vec<Option<(Extension, u32)>>,
}

impl Soundtrack {
    /// Takes the audio out of a file, into `folder`, in a child process of `worker`. The file's own clock says `zero` microseconds
    /// where the one of its segments begins. `None` if there is none that can be passed on.
    ///
    /// # Errors
    /// A full disk, or no FFmpeg.
    pub async fn extract(
        probe: &Probe,
        zero: i64,
        folder: &Path,
        worker: &WorkerCommand,
    ) -> Result<Option<Self>, InputError> {
        if probe.audio.iter().all(|audio| !is_passed_on(audio)) {
            return Ok(None);
        }
        let tracks = probe.audio.iter().enumerate();
        let tracks = tracks
            .filter(|(_, audio)| is_passed_on(audio))
            .take(MAX_SOUNDS);
        let extension = |audio: &Audio| Some((Extension::of(&audio.profile)?, audio.sample_rate));
        let extensions = tracks.clone().map(|(_, audio)| extension(audio)).collect();
        let path = folder.join("audio.ts");
        let mut command = ffmpeg::reader(&probe.path, probe.reach);
        let offset = f64::from(LEAD) - zero as f64 / 1e6;
        command
            .args([
                "-y",
                "-copyts",
                "-output_ts_offset",
                &format!("{offset:.6}"),
            ])
            .args(tracks.flat_map(|(track, _)| ["-map".to_owned(), format!("0:a:{track}")]))
            .args(["-c", "copy"]);
        command.args(["-muxdelay", "0", "-muxpreload", "0", "-f", "mpegts"]);
        command.arg(ffmpeg::local(&path));
        let access = Access {
            read: vec![probe.path.clone()],
            write: vec![folder.into()],
            largest: tool::room(probe.bytes),
            ..Access::default()
        };
        let said = tool::confined(worker, &command, access).await?;
        if !said.success {
            return Err(InputError::Cut {
                path: probe.path.clone(),
                detail: format!(
                    "its audio cannot be taken out: {}",
                    ffmpeg::last_words(&said.words)
                ),
            });
        }
        Ok(Some(Self { path, extensions }))
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
