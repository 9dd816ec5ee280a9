//! The video that a network publishes, looked at as its broadcaster will.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use assay_protocol::profile::Profiles;

use super::{LauncherError, Plan};
use crate::clip::CutVideo;

pub(super) struct Video {
    pub path: PathBuf,
    /// What it is transcoded to.
    pub profiles: Profiles,
    /// Frames of its longest segment.
    pub longest: u32,
    /// How long it took to cut it.
    pub took: Duration,
}

impl Video {
    /// Probes and cuts it, and forgets the pieces: a broadcaster's log is no place to learn that it is cut off.
    ///
    /// # Errors
    /// A file that is no video, has no place on the ladder, or cannot be cut.
    pub async fn look(path: PathBuf, plan: &Plan) -> Result<Self, LauncherError> {
        let temporary = tempfile::tempdir().map_err(|source| LauncherError::Io {
            path: std::env::temp_dir(),
            source,
        })?;
        let begun = Instant::now();
        let video = CutVideo::open(&path, temporary.path(), &plan.worker, &plan.ladder).await?;
        let longest = video.segments.iter().map(|segment| segment.frames).max();
        Ok(Self {
            path,
            profiles: video.profiles,
            longest: longest.unwrap_or_default(),
            took: begun.elapsed(),
        })
    }
}
