//! What a live stream was when it was published first, and what it is transcoded to.

use std::path::Path;

use assay_encoder::Ladder;
use assay_protocol::profile::Profiles;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clip::ClipError;

/// The stream's format with the renditions that were made of it: its job.
pub(super) const JOB: &str = "job.json";
/// The ladder that they follow from.
const LADDER: &str = "ladder.json";

/// The job of before, unless the ladder has been changed since: then another one is needed.
pub(super) async fn remembered(folder: &Path, ladder: &Ladder) -> Option<Profiles> {
    let profiles = read(&folder.join(JOB)).await?;
    match read::<Ladder>(&folder.join(LADDER)).await {
        Some(before) if before != *ladder => {
            tracing::info!("the profile has been changed: another job is created");
            None
        }
        _ => Some(profiles),
    }
}

/// Keeps it for the next start.
///
/// # Errors
/// The disk.
pub(super) async fn remember(
    profiles: &Profiles,
    ladder: &Ladder,
    folder: &Path,
) -> Result<(), ClipError> {
    // At no moment is there a job with another ladder than its own.
    let _ = tokio::fs::remove_file(folder.join(JOB)).await;
    write(&folder.join(LADDER), ladder).await?;
    write(&folder.join(JOB), profiles).await
}

async fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = tokio::fs::read(path).await.ok()?;
    serde_json::from_slice(&text).ok()
}

async fn write(path: &Path, value: &impl Serialize) -> Result<(), ClipError> {
    let written = match serde_json::to_vec_pretty(value) {
        Ok(text) => tokio::fs::write(path, text).await,
        Err(e) => Err(e.into()),
    };
    written.map_err(|source| ClipError::Io {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::profile::SourceFormat;

    #[tokio::test]
    async fn another_ladder_is_another_job() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["360p", "480p"].map(|name| Ladder::preset(name).unwrap());
        let source = SourceFormat {
            width: 640,
            height: 360,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num: 30,
            fps_den: 1,
        };
        let profiles = one.profiles(source, (640, 360)).unwrap();
        assert_eq!(remembered(folder.path(), &one).await, None);
        remember(&profiles, &one, folder.path()).await.unwrap();
        assert_eq!(
            remembered(folder.path(), &one).await,
            Some(profiles.clone())
        );
        assert_eq!(remembered(folder.path(), &two).await, None);
        // A job from before ladders were kept.
        std::fs::remove_file(folder.path().join(LADDER)).unwrap();
        assert_eq!(remembered(folder.path(), &two).await, Some(profiles));
    }
}
