//! What a live stream was when it was published first: the job is for that.

use std::path::{Path, PathBuf};

use assay_encoder::live::LiveSegment;
use assay_encoder::probe::{Probe, probe};
use assay_encoder::{Ladder, Workers};
use assay_protocol::profile::{Profiles, SourceFormat};
use serde::{Deserialize, Serialize};

use crate::clip::ClipError;

/// File in the stream's folder.
const JOB: &str = "job.json";
/// Frame rates by custom. What a sender says in milliseconds is off by less than half a percent.
const RATES: [(u32, u32); 14] = [
    (10, 1),
    (12, 1),
    (15, 1),
    (20, 1),
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (120, 1),
];

/// A stream's job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamJob {
    /// What it is transcoded to.
    #[serde(flatten)]
    pub profiles: Profiles,
    /// Size at which its pictures are meant to be seen, which is not that of their samples where pixels are not square.
    /// `None` in files from before it was written down.
    #[serde(default)]
    pub shown: Option<(u32, u32)>,
    /// What its renditions follow from; `None` as above.
    #[serde(default)]
    pub ladder: Option<Ladder>,
}

impl StreamJob {
    /// The one that was written down in `folder`, unless the ladder has been changed since: then another one is needed.
    pub async fn remembered(folder: &Path, ladder: &Ladder) -> Option<Self> {
        let text = tokio::fs::read(Self::file(folder)).await.ok()?;
        let job: Self = serde_json::from_slice(&text).ok()?;
        if job.ladder.as_ref().is_some_and(|before| before != ladder) {
            tracing::info!("the profile has been changed: another job is created");
            return None;
        }
        Some(job)
    }

    /// Writes it down.
    pub async fn remember(&self, folder: &Path) -> Result<(), ClipError> {
        let path = Self::file(folder);
        let written = match serde_json::to_vec_pretty(self) {
            Ok(text) => tokio::fs::write(&path, text).await,
            Err(e) => Err(e.into()),
        };
        written.map_err(|source| ClipError::Io { path, source })
    }

    pub fn file(folder: &Path) -> PathBuf {
        folder.join(JOB)
    }

    /// Whether a stream of that format, seen at that size, is what it is for. The rate is a name only: every segment has its
    /// own times.
    pub fn fits(&self, found: &SourceFormat, shown: (u32, u32)) -> bool {
        let job = &self.profiles.source;
        let nominal = SourceFormat {
            fps_num: job.fps_num,
            fps_den: job.fps_den,
            ..*found
        };
        nominal == *job && self.shown.is_none_or(|job| job == shown)
    }

    /// The rate that it was created for and the found one, in frames a second, if they differ by more than a tenth.
    pub fn other_rate(&self, found: &SourceFormat) -> Option<(f64, f64)> {
        let rate = |format: &SourceFormat| f64::from(format.fps_num) / f64::from(format.fps_den);
        let (told, is) = (rate(&self.profiles.source), rate(found));
        ((is / told - 1.0).abs() > 0.1).then_some((told, is))
    }

    /// What it is for, in words.
    pub fn words(&self) -> String {
        words(&self.profiles.source, self.shown)
    }
}

/// A stream in words.
pub(super) fn words(format: &SourceFormat, shown: Option<(u32, u32)>) -> String {
    let size = (u32::from(format.width), u32::from(format.height));
    let shown = match shown {
        Some((width, height)) if (width, height) != size => format!(" shown as {width}x{height}"),
        _ => String::new(),
    };
    format!(
        "{}x{}{shown} of {} bit (colour {:?}, {} range)",
        format.width,
        format.height,
        format.bit_depth,
        format.colour,
        if format.full_range { "full" } else { "limited" }
    )
}

/// What a segment is.
pub(super) async fn look(
    segment: &LiveSegment,
    workers: &Workers,
    folder: &Path,
) -> Result<Probe, ClipError> {
    let path = folder.join("first.ts");
    tokio::fs::write(&path, &segment.bytes)
        .await
        .map_err(|source| ClipError::Io {
            path: path.clone(),
            source,
        })?;
    let mut probe = probe(&path, workers.command()).await?;
    probe.fps = rate(segment).unwrap_or(probe.fps);
    Ok(probe)
}

/// The frame rate that a segment's times come nearest to.
fn rate(segment: &LiveSegment) -> Option<(u32, u32)> {
    let seconds = segment.timing.duration.as_secs_f64();
    let found = f64::from(segment.frames) / seconds;
    let off = |&(n, d): &(u32, u32)| (f64::from(n) / f64::from(d) / found - 1.0).abs();
    let near = RATES.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)))?;
    let whole = (found.round().clamp(1.0, 240.0) as u32, 1);
    match seconds > 0.0 && segment.frames > 1 {
        true if off(&near) < 0.005 => Some(near),
        true => Some(whole),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use assay_encoder::package::Timing;

    #[test]
    fn rates_are_those_by_custom() {
        let found = |frames, millis| {
            rate(&LiveSegment {
                bytes: Vec::new(),
                frames,
                timing: Timing {
                    start: Duration::ZERO,
                    duration: Duration::from_millis(millis),
                    frames: Vec::new(),
                    discontinuity: false,
                    date: None,
                },
                sounds: Vec::new(),
            })
        };
        assert_eq!(found(60, 2000), Some((30, 1)));
        assert_eq!(found(60, 2002), Some((30_000, 1001)));
        assert_eq!(found(48, 2003), Some((24_000, 1001)));
        assert_eq!(found(14, 2001), Some((7, 1)));
        assert_eq!(found(1, 40), None);
    }

    fn job() -> StreamJob {
        let source = SourceFormat {
            width: 720,
            height: 576,
            bit_depth: 8,
            full_range: false,
            colour: [1; 3],
            fps_num: 25,
            fps_den: 1,
        };
        StreamJob {
            profiles: Profiles {
                chunk_frames: 50,
                source,
                renditions: Vec::new(),
            },
            shown: Some((1024, 576)),
            ladder: Some(ladder("360p")),
        }
    }

    fn ladder(name: &str) -> Ladder {
        Ladder::preset(name).unwrap()
    }

    #[test]
    fn pixels_of_another_shape_are_another_stream() {
        let mut job = job();
        let faster = SourceFormat {
            fps_num: 50,
            ..job.profiles.source
        };
        assert!(job.fits(&faster, (1024, 576)));
        assert!(!job.fits(&faster, (768, 576)));
        assert!(job.words().contains("720x576 shown as 1024x576"));
        job.shown = None;
        assert!(job.fits(&faster, (768, 576)));
    }

    #[tokio::test]
    async fn jobs_are_remembered_unless_the_ladder_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["360p", "480p"].map(ladder);
        assert_eq!(StreamJob::remembered(folder.path(), &one).await, None);
        let mut job = job();
        job.remember(folder.path()).await.unwrap();
        let remembered = StreamJob::remembered(folder.path(), &one).await;
        assert_eq!(remembered, Some(job.clone()));
        assert_eq!(StreamJob::remembered(folder.path(), &two).await, None);
        // From before shapes and ladders were written down: only the profiles.
        let old = serde_json::to_vec(&job.profiles).unwrap();
        std::fs::write(StreamJob::file(folder.path()), old).unwrap();
        (job.shown, job.ladder) = (None, None);
        assert_eq!(StreamJob::remembered(folder.path(), &two).await, Some(job));
    }
}
